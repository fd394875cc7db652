"""The only place of the health service with SQL: the queues' ages, and the history of changes.

A Dedicated clinic's parts are its own, their history too. The pool's parts are no clinic's: their history has a table
of its own, which every clinic served by the pool sees beside its channels'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.health.picture import State
from atendeai.kit.paging import Field, Sorting, Window

CHANGES = Sorting(Field("at", "at", datetime), default="-at", tie=Field("id", "id", UUID))
MOST_KEPT = 2000
"""Changes kept of one clinic, or of the pool, however many there are in the days that are kept."""

_BACKLOGS = text("SELECT queue, oldest_seconds FROM atendeai.work_backlogs() ORDER BY queue")
_CLINICS = text("SELECT atendeai.shared_clinics()")


@dataclass(frozen=True, slots=True)
class Change:
    """One part became something else."""

    id: UUID
    at: datetime
    component: str
    was: State | None
    became: State
    reason: str | None


async def backlogs(connection: AsyncConnection) -> dict[str, float]:
    """Return for how long the oldest due work of each queue has been due, in seconds; in a system transaction."""
    return {row.queue: float(row.oldest_seconds) for row in await connection.execute(_BACKLOGS)}


async def shared_clinics(connection: AsyncConnection) -> list[UUID]:
    """Return the clinics that the pool serves; in a system transaction."""
    return list((await connection.execute(_CLINICS)).scalars())


class ChangeRepository:
    """The changes of one clinic, or of the pool (`clinic_id` None; then in a system transaction)."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID | None) -> None:
        self._connection = connection
        self._names: dict[str, Any] = {} if clinic_id is None else {"clinic_id": clinic_id}
        self._table = "atendeai.pool_health_change" if clinic_id is None else "atendeai.health_change"
        self._mine = "TRUE" if clinic_id is None else "clinic_id = :clinic_id"

    async def record(
        self, states: Mapping[str, tuple[State, str | None]], at: datetime, kept_days: int
    ) -> list[Change]:
        """Write down which of these parts are not what they were last written down as, and forget what is old.

        However many processes look, a change is written once: they take turns.
        """
        lock = f"atendeai.health:{self._names.get('clinic_id', 'pool')}"
        await self._run("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))", lock=lock)
        rows = await self._run(
            f"SELECT DISTINCT ON (component) component, became FROM {self._table} WHERE {self._mine}"
            " ORDER BY component, at DESC, id DESC"
        )
        known = {row.component: State(row.became) for row in rows}
        # A part that was never anything else needs no line saying that it is well.
        changes = [
            Change(uuid4(), at, component, known.get(component), state, reason)
            for component, (state, reason) in states.items()
            if known.get(component, State.UP) is not state
        ]
        for change in changes:
            await self._insert(change)
        if changes:
            await self._forget(kept_days)
        return changes

    async def _insert(self, change: Change) -> None:
        column, value = ("clinic_id, ", ":clinic_id, ") if self._names else ("", "")
        await self._run(
            f"INSERT INTO {self._table} ({column}id, at, component, was, became, reason)"
            f" VALUES ({value}:id, :at, :component, :was, :became, :reason)",
            id=change.id,
            at=change.at,
            component=change.component,
            was=change.was,
            became=change.became,
            reason=change.reason,
        )

    async def _forget(self, kept_days: int) -> None:
        """Delete what is old, but each part's last change: it says how the part is known to be."""
        await self._run(
            f"DELETE FROM {self._table} WHERE {self._mine} AND id IN (SELECT id FROM (SELECT id, at,"
            " row_number() OVER (ORDER BY at DESC, id DESC) AS place,"
            " row_number() OVER (PARTITION BY component ORDER BY at DESC, id DESC) AS of_component"
            f" FROM {self._table} WHERE {self._mine}) AS kept WHERE of_component > 1"
            " AND (place > :most OR at < now() - make_interval(days => CAST(:days AS integer))))",
            most=MOST_KEPT,
            days=kept_days,
        )

    async def _run(self, statement: str, **values: Any) -> Any:
        return await self._connection.execute(text(statement), {**self._names, **values})


async def page(
    connection: AsyncConnection, clinic_id: UUID, window: Window, *, component: str | None, shared: bool
) -> Sequence[Any]:
    """Return a page of a clinic's changes, and one more when there is one; with the pool's where that serves it."""
    condition, values = window.condition()
    statement = (
        "SELECT id, at, component, was, became, reason FROM ("
        " SELECT id, at, component, was, became, reason FROM atendeai.health_change WHERE clinic_id = :clinic_id"
        " UNION ALL SELECT id, at, component, was, became, reason FROM atendeai.pool_health_change WHERE :shared"
        ") AS change WHERE (CAST(:component AS text) IS NULL OR component = :component)"
        f" AND {condition} ORDER BY {window.order_by()} LIMIT :limit"
    )
    names = {"clinic_id": clinic_id, "shared": shared, "component": component, "limit": window.limit}
    return (await connection.execute(text(statement), {**names, **values})).all()
