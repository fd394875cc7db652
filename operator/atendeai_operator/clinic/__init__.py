"""One Clinic: gather, mint, validate, build, status, teardown."""
