"""One partition per clinic and tenant table: made, kept right, and taken away, while the others work on.

The locks decide everything here. Creating a table beside its parent and ATTACHing it lets the other clinics run
(SHARE UPDATE EXCLUSIVE on the parent); DETACH ... CONCURRENTLY does too, where a plain DETACH or DROP would stop every
clinic. All of it runs in short transactions under a short lock_timeout, tried again when somebody is in the way.

What a partition needs beyond its parent (exclusion constraints, foreign keys from partition to partition) is written
by the migrations into `atendeai.partition_template`. Which of those statements a partition already has is kept in the
partition's comment, in the same transaction, so that a template added by a later version reaches old clinics too.
"""

import hashlib
import json
import random
import re
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.tenancy import names

AFTER_ATTACH = 100
"""Templates from this position on refer to other partitions and run when all of the clinic's are attached."""

ATTEMPTS = 8
"""How often a lock is tried for before the reconcile is put off; with lock_timeout 2 s that is about 20 s."""

_PLACEHOLDER = re.compile(r"\{(?:(hex)|partition(?::([a-z_][a-z0-9_]*))?)\}")


@dataclass(frozen=True)
class Template:
    """One statement that each partition of `table` needs."""

    table: str
    position: int
    statement: str

    @property
    def mark(self) -> str:
        """What the partition's comment remembers it by."""
        return hashlib.sha256(self.statement.encode()).hexdigest()[:16]

    def render(self, clinic_id: UUID) -> str:
        """Return the statement for one clinic; other braces (JSON, arrays) stay as they are."""

        def fill(match: re.Match[str]) -> str:
            if match.group(1):
                return clinic_id.hex
            return names.qualified(names.partition(match.group(2) or self.table, clinic_id))

        return _PLACEHOLDER.sub(fill, self.statement)


@dataclass(frozen=True)
class Partition:
    """What is there of a clinic's partition of `table`."""

    table: str
    exists: bool
    attached: bool
    pending: bool
    guarded: bool
    applied: frozenset[str]


async def ensure_partitions(connection: Any, clinic_id: UUID) -> bool:
    """Give the clinic a partition of every tenant table, with all that its templates ask. Returns whether it wrote.

    Raises Waiting before the migrations and while a table stays locked.
    """
    templates = await _templates(connection)
    written = False
    present = await _partitions(connection, clinic_id)
    for found in present:
        own = [t for t in templates if t.table == found.table and t.position < AFTER_ATTACH]
        if not _holds(found, own):
            await _patiently(partial(_complete, connection, clinic_id, found.table, own))
            written = True
    for found in await _partitions(connection, clinic_id) if written else present:
        late = [t for t in templates if t.table == found.table and t.position >= AFTER_ATTACH]
        if not _holds(found, late):
            await _patiently(partial(_complete, connection, clinic_id, found.table, late))
            written = True
    return written


async def drop_partitions(connection: Any, clinic_id: UUID) -> None:
    """Detach and drop the clinic's partitions, without stopping anybody else.

    Raises Waiting when a table stays in use; what was done so far is found done the next time.
    """
    present = [found for found in await _partitions(connection, clinic_id) if found.exists]
    for found in present:
        if found.attached:
            await _patiently(partial(_detach, connection, clinic_id, found.table))
    if present:
        tables = ", ".join(names.qualified(names.partition(found.table, clinic_id)) for found in present)
        # All at once: their foreign keys point at each other. No parent is involved any more.
        await _patiently(partial(connection.execute, f"DROP TABLE {tables}"))


async def count_partitions(connection: Any, clinic_id: UUID) -> int:
    """Return how many partitions of the clinic exist."""
    return sum(found.exists for found in await _partitions(connection, clinic_id))


async def _templates(connection: Any) -> list[Template]:
    rows = await connection.fetch(
        "SELECT table_name, position, statement FROM atendeai.partition_template ORDER BY position, table_name"
    )
    return [Template(row["table_name"], row["position"], row["statement"]) for row in rows]


async def _partitions(connection: Any, clinic_id: UUID) -> list[Partition]:
    rows = await connection.fetch(
        "SELECT p.relname::text AS parent, c.oid IS NOT NULL AS present, i.inhrelid IS NOT NULL AS attached, "
        "coalesce(i.inhdetachpending, false) AS pending, "
        "coalesce(c.relrowsecurity AND c.relforcerowsecurity, false) AS guarded, "
        "obj_description(c.oid, 'pg_class') AS comment "
        "FROM pg_catalog.pg_class AS p "
        "LEFT JOIN pg_catalog.pg_class AS c "
        "ON c.relnamespace = p.relnamespace AND c.relname::text = p.relname::text || '_' || $2 AND c.relkind = 'r' "
        "LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid AND i.inhparent = p.oid "
        "WHERE p.relnamespace = to_regnamespace($1) AND p.relkind = 'p' AND NOT p.relispartition ORDER BY parent",
        names.SCHEMA,
        clinic_id.hex,
    )
    return [
        Partition(
            row["parent"], row["present"], row["attached"], row["pending"], row["guarded"], _applied(row["comment"])
        )
        for row in rows
    ]


def _applied(comment: str | None) -> frozenset[str]:
    try:
        return frozenset(json.loads(comment or "{}").get("templates", ()))
    except (ValueError, AttributeError):
        return frozenset()


def _holds(found: Partition, templates: Iterable[Template]) -> bool:
    return (
        found.exists
        and found.attached
        and not found.pending
        and found.guarded
        and all(template.mark in found.applied for template in templates)
    )


async def _complete(connection: Any, clinic_id: UUID, table: str, templates: list[Template]) -> None:
    """Bring one partition to what it must be, in one transaction (after finishing a detach that was interrupted)."""
    parent = names.qualified(table)
    partition = names.qualified(names.partition(table, clinic_id))
    await _finish_pending(connection, table)
    found = next(found for found in await _partitions(connection, clinic_id) if found.table == table)
    missing = [template for template in templates if template.mark not in found.applied]
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {names.OWNER}")
        if not found.exists:
            await connection.execute(f"CREATE TABLE {partition} (LIKE {parent} INCLUDING ALL)")
            await connection.execute(f"REVOKE ALL ON {partition} FROM PUBLIC, {names.CLINICS}, {names.POOL}")
        if not found.guarded:
            await connection.execute(f"ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for template in missing:
            await connection.execute(template.render(clinic_id))
        if missing:
            marks = sorted(found.applied | {template.mark for template in missing})
            comment = names.literal(json.dumps({"templates": marks}))
            await connection.execute(f"COMMENT ON TABLE {partition} IS {comment}")
        if not found.attached:
            await connection.execute(
                f"ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES IN ({names.literal(str(clinic_id))})"
            )


async def _detach(connection: Any, clinic_id: UUID, table: str) -> None:
    parent = names.qualified(table)
    await _finish_pending(connection, table)
    present = {found.table: found for found in await _partitions(connection, clinic_id)}
    if present[table].attached:
        partition = names.qualified(names.partition(table, clinic_id))
        await connection.execute(f"ALTER TABLE {parent} DETACH PARTITION {partition} CONCURRENTLY")


async def _finish_pending(connection: Any, table: str) -> None:
    """Finish a detach that was interrupted, whosever it is: a parent bears only one at a time."""
    pending = await connection.fetchval(
        "SELECT c.relname::text FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass($1) AND i.inhdetachpending",
        names.qualified(table),
    )
    if pending is not None:
        await connection.execute(
            f"ALTER TABLE {names.qualified(table)} DETACH PARTITION {names.qualified(pending)} FINALIZE"
        )


async def _patiently(attempt: Callable[[], Awaitable[Any]]) -> None:
    """Run `attempt`, again with jitter while a lock is refused; raise Waiting when it stays refused."""
    for remaining in range(ATTEMPTS - 1, -1, -1):
        try:
            await attempt()
        except (
            asyncpg.LockNotAvailableError,
            asyncpg.DeadlockDetectedError,
            asyncpg.ObjectNotInPrerequisiteStateError,
        ) as error:
            if not remaining:
                raise Waiting(
                    "A table of the database is in use by a long transaction; it is tried again.", retry_in=10
                ) from error
            await sleep(random.uniform(0.05, 0.5))  # noqa: S311 - jitter
        else:
            return
