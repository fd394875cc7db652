"""user (3002): a clinic's staff accounts, roles and invitations.

Owns `user_account` and `invitation`. Of the first, conversation and appointment read names, to show who did something.
"""
