"""The health service: what the clinic's parts report, in one answer.

It asks the eight services, PostgreSQL, Redis and the gateway, all at once and briefly; it changes nothing.
"""
