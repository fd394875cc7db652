"""Runs a service's workers: claims due keys, keeps their leases, backs off after failures, stops gracefully.

It is woken by this process's own commits, by a Redis message when somebody else had no room, and by a poll each
second at the latest; so Redis may be away and nothing waits longer than that. One claim asks for all queues that were
woken, or at the poll for all that have room: what a process costs the database at rest does not grow with its queues.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import orjson
import structlog
from opentelemetry.trace import Span
from sqlalchemy import TextClause, text

from atendeai.kit import metrics, said, telemetry
from atendeai.kit.db import UnknownClinicError
from atendeai.kit.errors import Unavailable
from atendeai.kit.work import Worker, add_waker

if TYPE_CHECKING:
    from atendeai.kit.resources import Kit

_CLAIM = text(
    "SELECT q.queue, w.clinic_id, w.key, w.token, w.attempts, w.traces"
    # Text, because the driver asks the server's catalog about the type of an array of intervals.
    " FROM json_to_recordset(CAST(CAST(:wanted AS text) AS json)) q(queue text, room integer, lease double precision),"
    " LATERAL atendeai.claim_work(q.queue, q.room, make_interval(secs => q.lease)) w"
)
_BACKLOG = text(
    "SELECT q.queue, b.oldest_seconds, b.pending"
    " FROM unnest(CAST(:queues AS text[])) q(queue), LATERAL atendeai.work_backlog(q.queue) b"
)
_MINE = "clinic_id = :clinic_id AND queue = :queue AND key = :key AND lease_token = :token"
_RENEW = text(f"UPDATE atendeai.work SET leased_until = now() + :lease WHERE {_MINE}")
# Done: gone, unless something was enqueued meanwhile; then due at once (its due_at is what that enqueue asked for).
_DONE = text(f"DELETE FROM atendeai.work WHERE {_MINE} AND changes = lease_changes")
_AGAIN = text(
    "UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL, attempts = 0,"
    " due_at = least(due_at, :due_at), due_since = least(due_at, :due_at)"
    f" WHERE {_MINE}"
)
# What was asked for meanwhile is not made to wait for the end of a long pause, nor tried without any.
_RETRY = text(
    "UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL,"
    f" due_at = greatest(now() + least(:pause, interval '1 second'), least(due_at, now() + :pause)) WHERE {_MINE}"
)
# As if it had never been taken: that this process ends is no failure of the work.
_GIVE_BACK = text(
    "UPDATE atendeai.work SET leased_until = NULL, lease_token = NULL, due_at = now(),"
    f" attempts = greatest(attempts - 1, 0) WHERE {_MINE}"
)
_SAMPLE_SECONDS = 10.0
_TROUBLE_SECONDS = 5.0
_GIVE_BACK_SECONDS = 5.0
_LAST_CLAIM_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Claim:
    clinic_id: UUID
    key: str
    token: UUID
    attempts: int
    traces: list[str]


class Lane:
    """One queue of this process: what runs of it, and what becomes of that."""

    def __init__(self, kit: Kit, worker: Worker, wake: Callable[[], None]) -> None:
        self._kit = kit
        self.worker = worker
        self.wake = wake
        """Has the queue claimed from as soon as may be."""
        self._service = kit.settings.service
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def room(self) -> int:
        """How many more keys it could take now."""
        if self._stopping or self._kit.draining:
            return 0
        return max(0, self.worker.concurrency - len(self._running))

    def take(self, claim: _Claim) -> None:
        """Handle a claimed key, in the background."""
        task = asyncio.create_task(self._handle(claim), name=f"work:{self.worker.queue}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def stop(self, grace: float) -> None:
        """Take nothing more; let what runs end within `grace` seconds, then cancel it and give it back."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=_GIVE_BACK_SECONDS)
            if left:
                log.warning("work_left_running", queue=self.worker.queue, keys=len(left))

    def _ended(self, task: asyncio.Task[None]) -> None:
        full = len(self._running) >= self.worker.concurrency
        self._running.discard(task)
        if full:
            self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work_loop_failed", queue=self.worker.queue, exc_info=error)

    async def _handle(self, claim: _Claim) -> None:
        with self._kit.telemetry.handling(self.worker.queue, claim.clinic_id, claim.traces) as span:
            await self._handle_traced(claim, span)

    async def _handle_traced(self, claim: _Claim, span: Span) -> None:
        said.begin(
            clinic_id=str(claim.clinic_id),
            queue=self.worker.queue,
            request_id=telemetry.request_of(claim.traces) or str(uuid4()),  # what it calls gets it too
        )
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
                await self._kit.cache.for_tenant(claim.clinic_id).publish(f"wake:{self.worker.queue}", b"1")
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
            metrics.WORK.labels(self._service, self.worker.queue, outcome).inc()
            metrics.WORK_SECONDS.labels(self._service, self.worker.queue).observe(time.perf_counter() - started)

    async def _guarded(self, claim: _Claim) -> datetime | None:
        """Run the handler with its lease renewed; cancel it when the lease is lost or the time is over."""
        tenant = await self._kit.tenants.get(claim.clinic_id)
        async with asyncio.timeout(self.worker.timeout.total_seconds()) as limit:
            renewal = asyncio.create_task(self._renew(claim, limit))
            try:
                return await self.worker.handler(tenant, claim.key)
            finally:
                renewal.cancel()
                with suppress(asyncio.CancelledError):
                    await renewal

    async def _renew(self, claim: _Claim, limit: asyncio.Timeout) -> None:
        every = self.worker.lease.total_seconds() / 3
        held_until = time.monotonic() + self.worker.lease.total_seconds()
        while True:
            await asyncio.sleep(every)
            try:
                held = await self._update(claim, _RENEW, lease=self.worker.lease)
            except Exception:  # noqa: BLE001 - the database may come back before the lease ends
                held = -1
            if held > 0:
                held_until = time.monotonic() + self.worker.lease.total_seconds()
            elif held == 0 or time.monotonic() + every > held_until:
                log.warning("work_lease_lost")
                limit.reschedule(asyncio.get_running_loop().time())
                return

    async def _settle(self, claim: _Claim, due: datetime | None) -> None:
        """Write the outcome; while the database is away keep trying for as long as the lease is ours."""
        deadline = time.monotonic() + self.worker.lease.total_seconds()
        while True:
            try:
                if due is None and await self._update(claim, _DONE):
                    return
                if await self._update(claim, _AGAIN, due_at=due):
                    self.wake()
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _back_off(self, claim: _Claim) -> None:
        ceiling = self.worker.max_pause.total_seconds()
        pause = min(ceiling, 2.0 ** min(claim.attempts - 1, 16)) * (0.75 + 0.5 * random.random())  # noqa: S311 - jitter
        with suppress(Unavailable, UnknownClinicError):  # then the lease ends by itself
            await self._update(claim, _RETRY, pause=timedelta(seconds=pause))

    async def _update(self, claim: _Claim, statement: TextClause, **values: object) -> int:
        names = {"clinic_id": claim.clinic_id, "queue": self.worker.queue, "key": claim.key, "token": claim.token}
        async with self._kit.database.transaction(claim.clinic_id) as connection:
            return (await connection.execute(statement, {**names, **values})).rowcount


class WorkLoops:
    """All workers of this process and what wakes them."""

    def __init__(self, kit: Kit, workers: Sequence[Worker]) -> None:
        self._kit = kit
        self._service = kit.settings.service
        self._lanes = {worker.queue: Lane(kit, worker, partial(self._wake, worker.queue)) for worker in workers}
        self._poll = min((worker.poll.total_seconds() for worker in workers), default=0.0)
        self._next_poll = -math.inf
        self._sampled = -math.inf
        self._woken: set[str] = set()
        self._waking = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._publishing: set[asyncio.Task[None]] = set()
        self._remove_waker: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to work, in the background."""
        self._remove_waker = add_waker(self._on_commit)
        if self._lanes:
            self._tasks = [
                asyncio.create_task(self._run(), name="work"),
                asyncio.create_task(self._follow_redis(), name="wakes"),
            ]

    async def stop(self, grace: float) -> None:
        """Stop gracefully, see `Lane.stop`: within `grace` seconds, less what a drain has used of them."""
        end = time.monotonic() + min(grace, self._kit.seconds_left)
        self._stopping = True
        self._waking.set()
        self._remove_waker()
        if self._tasks:  # a claim under way is let through: what it took and nobody heard of waits for its lease's end
            await asyncio.wait(self._tasks[:1], timeout=min(_LAST_CLAIM_SECONDS, max(0.0, end - time.monotonic())))
        for task in self._tasks:  # before the lanes stop: none is given anything after that
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = max(0.0, end - time.monotonic())
        await asyncio.gather(*(lane.stop(left) for lane in self._lanes.values()))
        for task in self._publishing:
            task.cancel()
        await asyncio.gather(*self._publishing, return_exceptions=True)

    @property
    def _ending(self) -> bool:
        return self._stopping or self._kit.draining

    def _wake(self, queue: str) -> None:
        self._woken.add(queue)
        self._waking.set()

    async def _run(self) -> None:
        """Claim for whoever was woken, and at each poll for all; after trouble at a growing distance."""
        trouble = 0
        while not self._ending:
            self._waking.clear()
            woken, self._woken = self._woken, set()
            now = time.monotonic()
            if now >= self._next_poll:
                woken = set(self._lanes)
                self._next_poll = now + self._poll * (0.8 + 0.2 * random.random())  # noqa: S311 - jitter
            try:
                await self._claim(woken)
            except Exception as error:
                trouble += 1
                pause = min(_TROUBLE_SECONDS, self._poll * 2 ** min(trouble, 4))
                self._next_poll = time.monotonic() + pause  # which asks for all, so for whoever was woken
                if not isinstance(error, Unavailable):
                    log.error("work_claim_failed", queues=sorted(woken), exc_info=error)  # noqa: TRY400 - said like every other
            else:
                if trouble:
                    trouble, self._next_poll = 0, -math.inf
                    continue
                await self._sample()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waking.wait(), max(0.0, self._next_poll - time.monotonic()))

    async def _claim(self, queues: AbstractSet[str]) -> None:
        """Take what is due in these queues, as much as they have room for."""
        lanes = [lane for queue, lane in self._lanes.items() if queue in queues and lane.room]
        if not lanes:
            return
        rooms = {lane.worker.queue: lane.room for lane in lanes}
        wanted = [
            {"queue": lane.worker.queue, "room": lane.room, "lease": lane.worker.lease.total_seconds()}
            for lane in lanes
        ]
        async with self._kit.database.system() as connection:
            rows = (await connection.execute(_CLAIM, {"wanted": orjson.dumps(wanted).decode()})).all()
        taken: Counter[str] = Counter()
        for queue, *claim in rows:
            taken[queue] += 1
            self._lanes[queue].take(_Claim(*claim))
        for queue, count in taken.items():
            if count == rooms[queue]:  # there may be more, as soon as there is room
                self._wake(queue)

    async def _sample(self) -> None:
        if time.monotonic() - self._sampled < _SAMPLE_SECONDS:
            return
        self._sampled = time.monotonic()
        try:
            async with self._kit.database.system() as connection:
                rows = (await connection.execute(_BACKLOG, {"queues": list(self._lanes)})).all()
        except Unavailable:
            return  # the next claim meets it too
        except Exception as error:
            log.error("work_sample_failed", exc_info=error)  # noqa: TRY400 - said like every other
            return
        for row in rows:
            metrics.WORK_OLDEST.labels(self._service, row.queue).set(float(row.oldest_seconds))
            metrics.WORK_PENDING.labels(self._service, row.queue).set(row.pending)

    def _on_commit(self, clinic_id: UUID, queue: str) -> None:
        lane = self._lanes.get(queue)
        if lane is not None and lane.room:
            lane.wake()
            return
        task = asyncio.create_task(self._publish(clinic_id, queue))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, clinic_id: UUID, queue: str) -> None:
        with suppress(Unavailable):
            await self._kit.cache.for_tenant(clinic_id).publish(f"wake:{queue}", b"1")

    async def _serves(self, clinic_id: UUID) -> bool:
        """Whether this process works for a clinic: the pool hears of all and would claim in vain for some."""
        if not self._kit.settings.shared:
            return True
        try:
            return (await self._kit.tenants.get(clinic_id)).config.isolation == "Shared"
        except (UnknownClinicError, Unavailable):
            return True  # the claim knows

    async def _follow_redis(self) -> None:
        while True:
            try:
                async for clinic_id, queue in self._kit.cache.wakes(tuple(self._lanes)):
                    if await self._serves(clinic_id):
                        self._lanes[queue].wake()
            except Exception as error:  # noqa: BLE001 - without Redis the poll still finds all work
                log.debug("wakes_lost", error=type(error).__name__)
            await asyncio.sleep(1.0)
