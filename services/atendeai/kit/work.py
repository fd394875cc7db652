"""Durable work: rows that say "look at this key of this clinic", written in the transaction that made it necessary.

A row carries ids only. A key is handed to one handler at a time, so work on one key keeps its order; what is enqueued
while a key is being handled makes it due again afterwards. Handlers run at least once and must be able to run again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.db import on_commit
from atendeai.kit.telemetry import origin
from atendeai.kit.tenancy import Tenant

Handler = Callable[[Tenant, str], Awaitable[datetime | None]]
"""Handles a key. None: done. A moment: look again then. An exception: again after a growing pause."""


@dataclass(frozen=True)
class Worker:
    """One queue of this service and who handles it.

    `lease`: how long a key stays with a process that died. `timeout`: when a handler is cancelled and counted as
    failed. `max_pause`: the longest pause after failures, which begin at one second and double. `poll`: how often due
    keys are looked for that nobody woke it for; the shortest of a process counts for all of its queues.
    """

    queue: str
    handler: Handler
    concurrency: int = 8
    lease: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=120)
    max_pause: timedelta = timedelta(minutes=5)
    poll: timedelta = field(default=timedelta(seconds=1))


_TRACES = 8
"""So many traces and requests that asked for a key are kept, the latest; it goes on in the last of them."""

INTO_WORK = "INSERT INTO atendeai.work AS w (clinic_id, queue, key, due_at, due_since, traces)"
ALREADY_WORK = (
    " ON CONFLICT (clinic_id, queue, key) DO UPDATE SET changes = w.changes + 1,"
    " due_at = least(w.due_at, excluded.due_at),"
    " due_since = CASE WHEN w.lease_token IS NULL THEN least(w.due_since, excluded.due_since) ELSE w.due_since END,"
    " traces = CASE WHEN excluded.traces <@ w.traces THEN w.traces WHEN w.lease_token IS NOT NULL THEN excluded.traces"
    f" ELSE (w.traces || excluded.traces)[greatest(1, cardinality(w.traces || excluded.traces) - {_TRACES - 1}):] END"
)
"""Both ends of the statement that enqueues, for a repository that enqueues within a statement of its own."""

_ENQUEUE = text(
    f"{INTO_WORK} SELECT :clinic_id, :queue, :key, d.due, d.due, CAST(:traces AS text[])"  # noqa: S608 - constants
    f" FROM (SELECT coalesce(CAST(:due_at AS timestamptz), now()) AS due) d{ALREADY_WORK}"
)

_wakers: list[Callable[[UUID, str], None]] = []


def add_waker(waker: Callable[[UUID, str], None]) -> Callable[[], None]:
    """Have `waker(clinic_id, queue)` called after each commit that enqueued due work; return how to stop that."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker)


async def enqueue(
    connection: AsyncConnection, clinic_id: UUID, queue: str, key: str, due_at: datetime | None = None
) -> None:
    """Make a key due, now or at a moment; it is durable with this transaction's commit.

    A key that is already waiting keeps the earlier of both moments.
    """
    trace = origin()
    names = {"clinic_id": clinic_id, "queue": queue, "key": key, "due_at": due_at, "traces": [trace] if trace else []}
    await connection.execute(_ENQUEUE, names)
    if due_at is None or due_at <= clock.now():
        wake_on_commit(connection, clinic_id, queue)


def wake_on_commit(connection: AsyncConnection, clinic_id: UUID, queue: str) -> None:
    """Have the queue looked at as soon as this transaction has committed."""
    on_commit(connection, lambda: _wake(clinic_id, queue))


def _wake(clinic_id: UUID, queue: str) -> None:
    for waker in _wakers:
        waker(clinic_id, queue)
