"""Tenancy: what a stack and its clinics are inside PostgreSQL and Redis.

This is the only room of the operator that opens a connection to a database or a cache. It knows no Kubernetes object:
it is told addresses, passwords and clinic ids, and puts roles, partitions, rows and access rules right. Every
statement here is idempotent, and what already holds costs reads alone.
"""
