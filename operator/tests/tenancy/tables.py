"""Two tenant tables of the tests' own, made as a migration makes them: templates, foreign keys, an exclusion."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from atendeai_operator.tenancy import names

ROOM = "probe_room"
VISIT = "probe_visit"

_CREATE = f"""
CREATE TABLE atendeai.{ROOM} (
    clinic_id uuid NOT NULL, id uuid NOT NULL DEFAULT gen_random_uuid(), name text NOT NULL,
    PRIMARY KEY (clinic_id, id)) PARTITION BY LIST (clinic_id);
CREATE TABLE atendeai.{VISIT} (
    clinic_id uuid NOT NULL, id uuid NOT NULL DEFAULT gen_random_uuid(), room_id uuid NOT NULL,
    during tstzrange NOT NULL, note text NOT NULL DEFAULT '' CHECK (length(note) < 100),
    PRIMARY KEY (clinic_id, id)) PARTITION BY LIST (clinic_id);
CREATE INDEX ON atendeai.{VISIT} (clinic_id, room_id);
"""

_GUARD = """
ALTER TABLE atendeai.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON atendeai.{table} USING (clinic_id = atendeai.current_clinic());
GRANT SELECT, INSERT, UPDATE, DELETE ON atendeai.{table} TO atendeai_clinic;
"""

TEMPLATES = (
    (
        VISIT,
        10,
        "ALTER TABLE {partition} ADD CONSTRAINT overlap_{hex} EXCLUDE USING gist (room_id WITH =, during WITH &&)",
    ),
    (VISIT, 100, "ALTER TABLE {partition} ADD FOREIGN KEY (clinic_id, room_id) REFERENCES {partition:probe_room}"),
)


@asynccontextmanager
async def tenant_tables(superuser: Any) -> AsyncIterator[None]:
    """Make the tables for the time of a test."""
    async with superuser() as connection:
        await connection.execute(f"SET ROLE {names.OWNER}")
        await connection.execute(_CREATE + "".join(_GUARD.format(table=table) for table in (ROOM, VISIT)))
        await add_templates(connection)
    try:
        yield
    finally:
        async with superuser() as connection:
            await connection.execute("DELETE FROM atendeai.partition_template WHERE table_name LIKE 'probe%'")
            await connection.execute(f"DROP TABLE atendeai.{VISIT}, atendeai.{ROOM} CASCADE")


async def add_templates(connection: Any, templates: tuple[tuple[str, int, str], ...] = TEMPLATES) -> None:
    """Register statements for every partition, present and future."""
    for table, position, statement in templates:
        await connection.execute(
            "INSERT INTO atendeai.partition_template (table_name, position, statement) VALUES ($1, $2, $3)",
            table,
            position,
            statement,
        )


async def constraints(connection: Any, table: str, clinic_id: UUID) -> dict[str, str]:
    """Return kind and definition of the constraints of one partition, by name."""
    rows = await connection.fetch(
        "SELECT conname::text, contype::text || ' ' || pg_get_constraintdef(oid) AS definition "
        "FROM pg_constraint WHERE conrelid = to_regclass($1)",
        f"{names.SCHEMA}.{names.partition(table, clinic_id)}",
    )
    return {row["conname"]: row["definition"] for row in rows}


async def next_transaction(connection: Any) -> int:
    """Return the number the next writing transaction will get: unchanged means that nobody has written."""
    number: int = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    return number
