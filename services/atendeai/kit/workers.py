"""Runs a service's workers: claims due keys, keeps their leases, backs off after failures, stops gracefully.

It is woken by this process's own commits, by a Redis message when somebody else had no room, and by a poll each
second at the latest; so Redis may be away and nothing waits longer than that.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from opentelemetry.trace import Span
from sqlalchemy import TextClause, text

from atendeai.kit import metrics, telemetry
from atendeai.kit.db import UnknownClinicError
from atendeai.kit.errors import Unavailable
from atendeai.kit.work import Worker, add_waker

if TYPE_CHECKING:
    from atendeai.kit.resources import Kit

_CLAIM = text("SELECT clinic_id, key, token, attempts, traces FROM atendeai.claim_work(:queue, :max, :lease)")
_BACKLOG = text("SELECT oldest_seconds, pending FROM atendeai.work_backlog(:queue)")
_MINE = "clinic_id = :clinic_id AND queue = :queue AND key = :key AND lease_token = :token"
_RENEW = text(f"UPDATE atendeai.work SET leased_until = now() + :lease WHERE {_MINE}")
# Done: gone, unless something was enqueued meanwhile; then due at once (its due_at is what that enqueue asked for).
_DONE = text(f"DELETE FROM atendeai.work WHERE {_MINE} AND changes = lease_changes")
_AGAIN = text(
    "UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL, attempts = 0,"
    " due_at = least(due_at, :due_at), due_since = least(due_at, :due_at)"
    f" WHERE {_MINE}"
)
_RETRY = text(
    f"UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL, due_at = now() + :pause WHERE {_MINE}"
)
# As if it had never been taken: that this process ends is no failure of the work.
_GIVE_BACK = text(
    "UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL, due_at = now(),"
    f" attempts = greatest(attempts - 1, 0) WHERE {_MINE}"
)
_SAMPLE_SECONDS = 10.0
_TROUBLE_SECONDS = 5.0
_GIVE_BACK_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Claim:
    clinic_id: UUID
    key: str
    token: UUID
    attempts: int
    traces: list[str]


class WorkLoop:
    """One worker of this process."""

    def __init__(self, kit: Kit, worker: Worker) -> None:
        self._kit = kit
        self._worker = worker
        self._service = kit.settings.service
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._sampled = 0.0

    @property
    def has_room(self) -> bool:
        """Whether it could take another key now."""
        return len(self._running) < self._worker.concurrency and not self._ending

    @property
    def _ending(self) -> bool:
        return self._stopping or self._kit.draining

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    async def run(self) -> None:
        """Work until `stop`."""
        trouble = 0
        while not self._ending:
            self._woken.clear()
            try:
                found = await self._claim()
                await self._sample()
                trouble = 0
            except Unavailable:
                trouble += 1
                found = False
            except Exception as error:
                trouble += 1
                found = False
                log.error("work_claim_failed", queue=self._worker.queue, exc_info=error)  # noqa: TRY400 - said like every other
            if not (found and self.has_room):
                await self._rest(trouble)

    async def stop(self, grace: float) -> None:
        """Take nothing more; let what runs end within `grace` seconds, then cancel it and give it back."""
        self._stopping = True
        self._woken.set()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=_GIVE_BACK_SECONDS)
            if left:
                log.warning("work_left_running", queue=self._worker.queue, keys=len(left))

    async def _rest(self, trouble: int) -> None:
        """Wait for a wake, for a free place when there was none, or for the next poll."""
        seconds = self._worker.poll.total_seconds() * (0.8 + 0.2 * random.random())  # noqa: S311 - jitter
        if trouble:
            seconds = min(_TROUBLE_SECONDS, seconds * 2 ** min(trouble, 4))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _claim(self) -> bool:
        room = self._worker.concurrency - len(self._running)
        if room <= 0:
            return False
        async with self._kit.database.system() as connection:
            rows = (
                await connection.execute(
                    _CLAIM, {"queue": self._worker.queue, "max": room, "lease": self._worker.lease}
                )
            ).all()
        for row in rows:
            task = asyncio.create_task(self._handle(_Claim(*row)), name=f"work:{self._worker.queue}")
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(rows) == room

    def _ended(self, task: asyncio.Task[None]) -> None:
        full = len(self._running) >= self._worker.concurrency
        self._running.discard(task)
        if full:
            self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work_loop_failed", queue=self._worker.queue, exc_info=error)

    async def _handle(self, claim: _Claim) -> None:
        with self._kit.telemetry.handling(self._worker.queue, claim.clinic_id, claim.traces) as span:
            await self._handle_traced(claim, span)

    async def _handle_traced(self, claim: _Claim, span: Span) -> None:
        structlog.contextvars.bind_contextvars(clinic_id=str(claim.clinic_id), queue=self._worker.queue)
        started = time.perf_counter()
        outcome = "done"
        try:
            due = await self._guarded(claim)
            await self._settle(claim, due)
            outcome = "done" if due is None else "again"
        except asyncio.CancelledError:
            outcome = "given_back"
            try:
                await asyncio.wait_for(self._update(claim, _GIVE_BACK), _GIVE_BACK_SECONDS)
                await self._kit.cache.for_tenant(claim.clinic_id).publish(f"wake:{self._worker.queue}", b"1")
            except Exception as error:  # noqa: BLE001 - then its lease ends by itself
                log.warning("work_not_given_back", error=type(error).__name__)
            raise
        except UnknownClinicError:
            outcome = "clinic_gone"  # its rows go with it
        except Exception as error:
            outcome = "failed"
            telemetry.failed(span, error)
            log.warning("work_failed", attempts=claim.attempts, exc_info=error)
            await self._back_off(claim)
        finally:
            metrics.WORK.labels(self._service, self._worker.queue, outcome).inc()
            metrics.WORK_SECONDS.labels(self._service, self._worker.queue).observe(time.perf_counter() - started)

    async def _guarded(self, claim: _Claim) -> datetime | None:
        """Run the handler with its lease renewed; cancel it when the lease is lost or the time is over."""
        tenant = await self._kit.tenants.get(claim.clinic_id)
        async with asyncio.timeout(self._worker.timeout.total_seconds()) as limit:
            renewal = asyncio.create_task(self._renew(claim, limit))
            try:
                return await self._worker.handler(tenant, claim.key)
            finally:
                renewal.cancel()
                with suppress(asyncio.CancelledError):
                    await renewal

    async def _renew(self, claim: _Claim, limit: asyncio.Timeout) -> None:
        every = self._worker.lease.total_seconds() / 3
        held_until = time.monotonic() + self._worker.lease.total_seconds()
        while True:
            await asyncio.sleep(every)
            try:
                held = await self._update(claim, _RENEW, lease=self._worker.lease)
            except Exception:  # noqa: BLE001 - the database may come back before the lease ends
                held = -1
            if held > 0:
                held_until = time.monotonic() + self._worker.lease.total_seconds()
            elif held == 0 or time.monotonic() + every > held_until:
                log.warning("work_lease_lost")
                limit.reschedule(asyncio.get_running_loop().time())
                return

    async def _settle(self, claim: _Claim, due: datetime | None) -> None:
        """Write the outcome; while the database is away keep trying for as long as the lease is ours."""
        deadline = time.monotonic() + self._worker.lease.total_seconds()
        while True:
            try:
                if due is None and await self._update(claim, _DONE):
                    return
                if await self._update(claim, _AGAIN, due_at=due):
                    self._woken.set()
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _back_off(self, claim: _Claim) -> None:
        ceiling = self._worker.max_pause.total_seconds()
        pause = min(ceiling, 2.0 ** min(claim.attempts - 1, 16)) * (0.75 + 0.5 * random.random())  # noqa: S311 - jitter
        with suppress(Unavailable, UnknownClinicError):  # then the lease ends by itself
            await self._update(claim, _RETRY, pause=timedelta(seconds=pause))

    async def _update(self, claim: _Claim, statement: TextClause, **values: object) -> int:
        names = {"clinic_id": claim.clinic_id, "queue": self._worker.queue, "key": claim.key, "token": claim.token}
        async with self._kit.database.transaction(claim.clinic_id) as connection:
            return (await connection.execute(statement, {**names, **values})).rowcount

    async def _sample(self) -> None:
        if time.monotonic() - self._sampled < _SAMPLE_SECONDS:
            return
        self._sampled = time.monotonic()
        async with self._kit.database.system() as connection:
            row = (await connection.execute(_BACKLOG, {"queue": self._worker.queue})).one()
        metrics.WORK_OLDEST.labels(self._service, self._worker.queue).set(float(row.oldest_seconds))
        metrics.WORK_PENDING.labels(self._service, self._worker.queue).set(row.pending)


class WorkLoops:
    """All workers of this process and what wakes them."""

    def __init__(self, kit: Kit, workers: Sequence[Worker]) -> None:
        self._kit = kit
        self._loops = {worker.queue: WorkLoop(kit, worker) for worker in workers}
        self._tasks: list[asyncio.Task[None]] = []
        self._publishing: set[asyncio.Task[None]] = set()
        self._remove_waker: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to work, in the background."""
        self._remove_waker = add_waker(self._on_commit)
        self._tasks = [asyncio.create_task(loop.run(), name=f"worker:{queue}") for queue, loop in self._loops.items()]
        if self._loops:
            self._tasks.append(asyncio.create_task(self._follow_redis(), name="wakes"))

    async def stop(self, grace: float) -> None:
        """Stop gracefully, see `WorkLoop.stop`: within `grace` seconds, less what a drain has used of them."""
        grace = min(grace, self._kit.seconds_left)
        self._remove_waker()
        await asyncio.gather(*(loop.stop(grace) for loop in self._loops.values()))
        for task in (*self._tasks, *self._publishing):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._publishing, return_exceptions=True)

    def _on_commit(self, clinic_id: UUID, queue: str) -> None:
        loop = self._loops.get(queue)
        if loop is not None and loop.has_room:
            loop.wake()
            return
        task = asyncio.create_task(self._publish(clinic_id, queue))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, clinic_id: UUID, queue: str) -> None:
        with suppress(Unavailable):
            await self._kit.cache.for_tenant(clinic_id).publish(f"wake:{queue}", b"1")

    async def _follow_redis(self) -> None:
        while True:
            try:
                async for queue in self._kit.cache.wakes(tuple(self._loops)):
                    self._loops[queue].wake()
            except Exception as error:  # noqa: BLE001 - without Redis the poll still finds all work
                log.debug("wakes_lost", error=type(error).__name__)
            await asyncio.sleep(1.0)
