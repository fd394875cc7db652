"""One AtendeAIStack: gather, mint, validate, build, status, teardown."""
