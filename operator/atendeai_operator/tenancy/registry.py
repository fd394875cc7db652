"""The rows that the operator alone writes: what each clinic claims, and each clinic's configuration.

`atendeai.claim` decides who a host or a phone number id belongs to, by its primary key and not by who asks last.
`atendeai.clinic_config` is how a clinic's settings and credentials reach its services; a trigger of the migrations
tells them of each change, so an equal row must not be written again.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from atendeai_operator.pipeline.ports import Claim, ClaimResult, ConfigRow
from atendeai_operator.tenancy import names
from atendeai_operator.tenancy.sealing import Sealed, holds, seal

_PLAIN_COLUMNS = (
    "name",
    "namespace",
    "display_name",
    "generation",
    "isolation",
    "suspended",
    "settings",
    "profile",
)
_JSON_COLUMNS = ("settings", "profile")


async def claim(connection: Any, clinic_id: UUID, wanted: Sequence[Claim]) -> ClaimResult:
    """Claim what of `wanted` is free, and report what the clinic holds and what somebody else does.

    Whoever came first keeps a value; the others of `wanted` are claimed even when one is refused.
    """
    held = await _held(connection, clinic_id)
    lost = await _foreign(connection, clinic_id, wanted)
    missing = [one for one in wanted if one not in held and one not in lost]
    if not missing:
        return ClaimResult(held, lost)
    # In one order always: two clinics that want the same two values must not wait for each other.
    await connection.execute(
        "INSERT INTO atendeai.claim (kind, value, clinic_id, claimed_at) "
        "SELECT kind, value, $1, now() FROM unnest($2::text[], $3::text[]) AS wanted (kind, value) "
        "ORDER BY kind, value ON CONFLICT DO NOTHING",
        clinic_id,
        *_columns(missing),
    )
    return ClaimResult(await _held(connection, clinic_id), await _foreign(connection, clinic_id, wanted))


async def release(connection: Any, clinic_id: UUID, keep: Iterable[Claim] = ()) -> frozenset[Claim]:
    """Let go of all that the clinic claims but `keep`; return what that was."""
    surplus = await _held(connection, clinic_id) - set(keep)
    if surplus:
        await connection.execute(
            "DELETE FROM atendeai.claim "
            "WHERE clinic_id = $1 AND (kind, value) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
            clinic_id,
            *_columns(surplus),
        )
    return surplus


async def _held(connection: Any, clinic_id: UUID) -> frozenset[Claim]:
    rows = await connection.fetch("SELECT kind, value FROM atendeai.claim WHERE clinic_id = $1", clinic_id)
    return frozenset(Claim(row["kind"], row["value"]) for row in rows)


async def _foreign(connection: Any, clinic_id: UUID, wanted: Iterable[Claim]) -> frozenset[Claim]:
    rows = await connection.fetch(
        "SELECT kind, value FROM atendeai.claim "
        "WHERE clinic_id <> $1 AND (kind, value) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
        clinic_id,
        *_columns(wanted),
    )
    return frozenset(Claim(row["kind"], row["value"]) for row in rows)


def _columns(claims: Iterable[Claim]) -> tuple[list[str], list[str]]:
    pairs = list(claims)
    return [one.kind for one in pairs], [one.value for one in pairs]


async def write_config(connection: Any, row: ConfigRow) -> bool:
    """Write the clinic's configuration, unless the row already says the same. Returns whether it was written."""
    found = await connection.fetchrow(
        "SELECT name, namespace, display_name, generation, isolation, suspended, settings::text, profile::text, "
        "wrapped_key, credentials FROM atendeai.clinic_config WHERE clinic_id = $1",
        row.clinic_id,
    )
    if found is not None and _equal(found, row):
        return False
    sealed = seal(row.stack_key, row.data_key, row.credentials)
    columns = {
        **{column: _encoded(column, getattr(row, column)) for column in _PLAIN_COLUMNS},
        "wrapped_key": sealed.wrapped_key,
        "credentials": sealed.credentials,
    }
    listed = ", ".join(columns)
    values = ", ".join(f"${number}" for number in range(2, len(columns) + 2))
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns)
    await connection.execute(
        f"INSERT INTO atendeai.clinic_config (clinic_id, {listed}) VALUES ($1, {values}) "  # noqa: S608 - fixed columns
        f"ON CONFLICT (clinic_id) DO UPDATE SET {updates}, updated_at = now()",
        row.clinic_id,
        *columns.values(),
    )
    return True


def _equal(found: Any, row: ConfigRow) -> bool:
    sealed = Sealed(found["wrapped_key"], found["credentials"])
    return all(_same(column, found[column], getattr(row, column)) for column in _PLAIN_COLUMNS) and holds(
        row.stack_key, row.data_key, row.credentials, sealed
    )


def _same(column: str, stored: Any, wanted: Any) -> bool:
    if column in _JSON_COLUMNS:
        return bool(json.loads(stored) == json.loads(json.dumps(wanted)))
    return bool(stored == wanted)


def _encoded(column: str, value: Any) -> Any:
    return json.dumps(value) if column in _JSON_COLUMNS else value


async def config_name(connection: Any, clinic_id: UUID) -> str | None:
    """Return the name under which the clinic was last configured; None when it has no configuration."""
    name: str | None = await connection.fetchval(
        "SELECT name FROM atendeai.clinic_config WHERE clinic_id = $1", clinic_id
    )
    return name


async def delete_rows(connection: Any, clinic_id: UUID) -> None:
    """Delete the clinic's rows from every table that is not partitioned, in one transaction.

    The tables are found in the catalogue by their column `clinic_id`, so that none is forgotten when one is added.
    """
    tables = await connection.fetch(
        "SELECT c.relname::text AS name FROM pg_catalog.pg_class AS c "
        "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'clinic_id' AND NOT a.attisdropped "
        "WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' AND NOT c.relispartition "
        # A detached partition on its way out is no table of everybody's.
        "AND right(c.relname::text, 32) !~ '^[0-9a-f]{32}$' ORDER BY name",
        names.SCHEMA,
    )
    async with connection.transaction():
        for table in tables:
            statement = f"DELETE FROM {names.qualified(table['name'])} WHERE clinic_id = $1"  # noqa: S608 - a quoted name
            await connection.execute(statement, clinic_id)


async def delete_config(connection: Any, clinic_id: UUID) -> None:
    """Delete the clinic's configuration and with it its credentials."""
    await connection.execute("DELETE FROM atendeai.clinic_config WHERE clinic_id = $1", clinic_id)
