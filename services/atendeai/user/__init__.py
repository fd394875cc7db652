"""user (3002): a clinic's staff accounts, roles and invitations. Owns `user_account` and `invitation`."""
