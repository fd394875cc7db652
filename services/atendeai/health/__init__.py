"""The health service: what the clinic's parts report, in one answer, and how that changed.

It asks the eight services, PostgreSQL, Redis, the gateway and the clinic's channels, all at once and briefly. It owns
`health_change` and `pool_health_change`, and changes nothing else.
"""
