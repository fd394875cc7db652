"""Names inside the database and the cache (pure).

A clinic is known there by its id alone: names and hosts of a Clinic may change, its id never does. The sixteen bytes
of the id in hexadecimal appear in every name, so no text that a user wrote ever becomes part of a statement.
"""

from uuid import UUID

SCHEMA = "atendeai"

OWNER = "atendeai_owner"
MIGRATOR = "atendeai_migrator"
FINDER = "atendeai_finder"
CLINICS = "atendeai_clinic"
POOL = "atendeai_pool"
EXPORTER = "atendeai_exporter"

MAX_IDENTIFIER = 63
"""Bytes of a PostgreSQL identifier (NAMEDATALEN - 1); longer ones are silently cut."""


def role(clinic_id: UUID) -> str:
    """Return the database role of a clinic: the row security policies read the id back out of this name."""
    return f"clinic_{clinic_id.hex}"


def partition(table: str, clinic_id: UUID) -> str:
    """Return the name of a clinic's partition of `table`.

    Raises ValueError when PostgreSQL would cut the name (two clinics could then meet in one partition).
    """
    name = f"{table}_{clinic_id.hex}"
    if len(name.encode()) > MAX_IDENTIFIER:
        raise ValueError(f"table name {table!r} is too long to carry a clinic id: at most {MAX_IDENTIFIER - 33} bytes")
    return name


def quoted(identifier: str) -> str:
    """Quote an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """Return a table of the schema, qualified and quoted."""
    return f"{quoted(SCHEMA)}.{quoted(table)}"


def literal(text: str) -> str:
    """Quote a string literal for the statements that take no parameters (ALTER ROLE, ATTACH PARTITION, ...)."""
    if "\0" in text or "\\" in text:
        raise ValueError("a literal holds neither NUL nor backslash")
    return "'" + text.replace("'", "''") + "'"


def redis_user(clinic_id: UUID) -> str:
    """Return the Redis user of a Dedicated clinic."""
    return f"clinic-{clinic_id.hex}"


def redis_prefix(clinic_id: UUID) -> str:
    """Return the prefix of all keys and channels of a clinic."""
    return f"clinic:{clinic_id}:"
