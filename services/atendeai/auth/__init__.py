"""auth (3001): who is asking. Asks user for roles and status.

Owns `credential`, `session`, `refresh_token`, `password_reset`, and of second factors `totp_factor`,
`recovery_code` and `login_challenge`.
"""
