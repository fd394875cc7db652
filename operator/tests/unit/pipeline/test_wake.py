"""The queue: coalescing, order, backoff."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from atendeai_operator.pipeline.wake import FIRST_BACKOFF, LAST_BACKOFF, WakeQueue

Work = Callable[[str], Awaitable[float | None]]


@asynccontextmanager
async def _running(work: Work, *, limit: int = 4) -> AsyncIterator[WakeQueue[str]]:
    queue: WakeQueue[str] = WakeQueue(work, limit=limit, jitter=lambda: 1.0)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.005)


async def test_many_wakes_are_one_pass() -> None:
    done: list[str] = []

    async def work(key: str) -> None:
        done.append(key)

    async with _running(work) as queue:
        for _ in range(50):
            queue.wake("a")
        await _until(lambda: queue.idle and bool(done))
    assert done == ["a"]


async def test_a_wake_during_a_pass_is_one_more() -> None:
    started, release = asyncio.Event(), asyncio.Event()
    passes = 0

    async def work(_: str) -> None:
        nonlocal passes
        passes += 1
        started.set()
        await release.wait()

    async with _running(work) as queue:
        queue.wake("a")
        await started.wait()
        for _ in range(10):
            queue.wake("a")
        assert passes == 1
        release.set()
        await _until(lambda: passes == 2 and queue.idle)
    assert passes == 2


async def test_one_key_never_runs_twice_at_once_and_others_go_on() -> None:
    running: set[str] = set()
    most, done = 0, 0

    async def work(key: str) -> None:
        nonlocal most, done
        assert key not in running
        running.add(key)
        most = max(most, len(running))
        await asyncio.sleep(0.01)
        running.discard(key)
        done += 1

    async with _running(work, limit=3) as queue:
        for number in range(12):
            queue.wake(f"key-{number % 6}")
        await _until(lambda: done >= 6 and queue.idle)
    assert most == 3


async def test_an_earlier_wake_overtakes_a_later_one() -> None:
    done: list[str] = []

    async def work(key: str) -> None:
        done.append(key)

    async with _running(work) as queue:
        queue.wake("late", after=60)
        queue.wake("late", after=0)
        queue.wake("never", after=60)
        await _until(lambda: done == ["late"])


async def test_failures_back_off_and_are_forgiven() -> None:
    passes = 0

    async def work(_: str) -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            raise RuntimeError("once")

    async with _running(work) as queue:
        queue.wake("a")
        await _until(lambda: passes == 1 and queue._entries["a"].failures == 1)
        queue.wake("a")  # an event does not wait for the backoff
        await _until(lambda: passes == 2 and "a" not in queue._entries)


def test_the_backoff_doubles_up_to_its_limit() -> None:
    async def work(_: str) -> None:
        return None

    queue: WakeQueue[str] = WakeQueue(work, jitter=lambda: 1.0)
    assert [queue._backoff(n) for n in (1, 2, 3)] == [FIRST_BACKOFF, 2 * FIRST_BACKOFF, 4 * FIRST_BACKOFF]
    assert queue._backoff(500) == LAST_BACKOFF


async def test_a_pass_may_ask_for_the_next() -> None:
    passes = 0

    async def work(_: str) -> float | None:
        nonlocal passes
        passes += 1
        return 0.0 if passes < 3 else None

    async with _running(work) as queue:
        queue.wake("a")
        await _until(lambda: passes == 3 and queue.idle)
