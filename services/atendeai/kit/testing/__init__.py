"""What a service's tests stand on: real servers, real migrations, clinics made the way the operator makes them.

A conftest imports the fixtures of `atendeai.kit.testing.plugin`: `postgres`, `redis_server`, `stack`,
`clinic_factory`, `client_for` and `plain_logs`.
"""
