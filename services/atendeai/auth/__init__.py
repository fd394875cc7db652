"""auth (3001): who is asking. Owns `credential`, `session` and `refresh_token`; asks user for roles and status."""
