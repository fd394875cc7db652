"""The queue between events and reconciles: keyed, coalescing, with backoff and jitter.

However often a key is woken, at most one reconcile of it runs, and at most one more waits. kopf's workers only put
keys in; the limit on what runs at once is this queue's own, because a limit on kopf's workers can deadlock its start.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

log = logging.getLogger(__name__)

FIRST_BACKOFF, LAST_BACKOFF = 1.0, 120.0
"""Seconds between tries of a key that fails: doubled each time, between these."""

RECONCILES = Counter("atendeai_operator_reconciles", "Reconciles that ended", ["kind", "result"])
DURATION = Histogram(
    "atendeai_operator_reconcile_duration_seconds",
    "Duration of a reconcile",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DEPTH = Gauge("atendeai_operator_queue_depth", "Keys that wait for a reconcile")
RUNNING = Gauge("atendeai_operator_reconciles_running", "Reconciles that run")

K = TypeVar("K", bound=Hashable)


@dataclass
class _Entry:
    due: float | None = None
    running: bool = False
    again: float | None = None
    failures: int = 0
    ticket: int = -1


@dataclass(order=True)
class _Item(Generic[K]):
    due: float
    ticket: int
    key: K = field(compare=False)


class WakeQueue(Generic[K]):
    """Runs `work(key)` for every key that was woken. `work` returns seconds until it wants to run again, or None."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        *,
        limit: int = 8,
        jitter: Callable[[], float] = random.random,
        kind: Callable[[K], str] = lambda _: "resource",
    ) -> None:
        self._work = work
        self._kind = kind
        self._jitter = jitter
        self._slots = asyncio.Semaphore(limit)
        self._entries: dict[K, _Entry] = {}
        self._heap: list[_Item[K]] = []
        self._tickets = itertools.count()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self, key: K, after: float = 0.0) -> None:
        """Have `key` reconciled in `after` seconds at the latest."""
        due = asyncio.get_running_loop().time() + after
        entry = self._entries.setdefault(key, _Entry())
        if entry.running:
            entry.again = due if entry.again is None else min(entry.again, due)
            return
        if entry.due is not None and entry.due <= due:
            return
        self._schedule(key, entry, due)

    def _schedule(self, key: K, entry: _Entry, due: float) -> None:
        entry.due, entry.ticket = due, next(self._tickets)
        heapq.heappush(self._heap, _Item(due, entry.ticket, key))
        self._news.set()

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is due now."""
        now = asyncio.get_running_loop().time()
        return not any(e.running or (e.due is not None and e.due <= now) for e in self._entries.values())

    async def run(self) -> None:
        """Serve until cancelled; what runs then is cancelled too, and awaited."""
        try:
            while True:
                await self._slots.acquire()
                try:
                    key = await self._next()
                except BaseException:
                    self._slots.release()
                    raise
                task = asyncio.create_task(self._serve(key), name=f"reconcile {key}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _next(self) -> K:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            while self._heap:
                head = self._heap[0]
                entry = self._entries.get(head.key)
                if entry is None or entry.ticket != head.ticket or entry.due is None:
                    heapq.heappop(self._heap)
                    continue
                break
            DEPTH.set(len(self._heap))
            wait = self._heap[0].due - loop.time() if self._heap else None
            if wait is not None and wait <= 0:
                key = heapq.heappop(self._heap).key
                entry = self._entries[key]
                entry.due, entry.running = None, True
                return key
            try:
                await asyncio.wait_for(self._news.wait(), wait)
            except TimeoutError:
                continue

    async def _serve(self, key: K) -> None:
        entry = self._entries[key]
        RUNNING.inc()
        result = "success"
        try:
            with DURATION.labels(self._kind(key)).time():
                again = await self._work(key)
            entry.failures = 0
        except asyncio.CancelledError:
            raise
        except Exception:
            entry.failures += 1
            again = self._backoff(entry.failures)
            result = "failure"
            log.exception("reconcile failed", extra={"key": str(key), "retry_in": round(again, 1)})
        finally:
            RUNNING.dec()
            self._slots.release()
        RECONCILES.labels(self._kind(key), result).inc()
        self._finish(key, entry, again)

    def _finish(self, key: K, entry: _Entry, again: float | None) -> None:
        now = asyncio.get_running_loop().time()
        wanted = [entry.again] if entry.again is not None else []
        if again is not None:
            wanted.append(now + again)
        entry.running, entry.again = False, None
        if wanted:
            self._schedule(key, entry, min(wanted))
        elif not entry.failures:
            del self._entries[key]

    def _backoff(self, failures: int) -> float:
        delay = min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 16), LAST_BACKOFF)
        return delay * (0.5 + self._jitter() / 2)
