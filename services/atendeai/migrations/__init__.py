"""The schema, in one linear chain of Alembic revisions, one file for each service area.

Run by the migration Job as `atendeai_migrator`, before any service of that version starts. Roles, extensions and the
schema itself are the operator's (it has the superuser's connection); tables, policies, grants and functions are here.
"""
