"""Counting in sliding windows: never more than the quota, never a wait that is too long, and one way for many."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import redis.asyncio as aioredis
from pydantic import SecretStr

from atendeai.kit import clock
from atendeai.kit.cache import Cache
from atendeai.kit.errors import Unavailable
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.windows import Full, Passed, Window, Windows

pytestmark = pytest.mark.integration
START = 1_795_860_000.0  # a whole hour
MINUTE, HOUR = Window(60, 5), Window(3600, 40)
CLINIC = uuid4()


@pytest.fixture
async def cache(stack: Stack) -> AsyncIterator[Cache]:
    made = Cache(stack.settings("auth"))
    yield made
    await made.close()


async def hit(windows: Windows, name: str, at: float, *limits: Window) -> Passed | Full:
    with clock.override(datetime.fromtimestamp(at, UTC)):
        return await windows.hit(CLINIC, name, limits or (MINUTE, HOUR))


async def test_no_period_has_more_than_the_quota_and_whoever_waits_as_told_passes(cache: Cache) -> None:
    windows = Windows(cache)
    dice = random.Random(20261128)  # noqa: S311 - the same in every run
    at, passed, refusals = START, Counter[int](), 0
    for _ in range(600):
        at += dice.expovariate(1 / 6)
        full = set[Window]()
        while isinstance(counted := await hit(windows, "random", at), Full):
            refusals += 1
            assert counted.window not in full, "it was told how long to wait"
            full.add(counted.window)
            if counted.wait > 2:
                early = await hit(windows, "random", at + counted.wait - 2)
                assert isinstance(early, Full), "and no longer than it must"
            at += counted.wait
        passed[int(at // 60)] += 1
        assert passed[int(at // 60)] <= MINUTE.quota
    assert refusals > 50


async def test_what_was_lately_counts_as_far_as_it_lies_within_the_window(cache: Cache) -> None:
    windows = Windows(cache)
    for second in range(5):
        assert await hit(windows, "lately", START + second, MINUTE) == Passed(4 - second, 60 - second)
    assert await hit(windows, "lately", START + 5, MINUTE) == Full(MINUTE, 67), "one fifth of a minute into the next"
    assert isinstance(await hit(windows, "lately", START + 60, MINUTE), Full)
    assert await hit(windows, "lately", START + 72, MINUTE) == Passed(0, 48)
    assert isinstance(await hit(windows, "lately", START + 73, MINUTE), Full)
    assert await hit(windows, "lately", START + 180, MINUTE) == Passed(4, 60), "what is long past does not count"


async def test_a_request_that_the_hour_refuses_is_not_counted_in_the_minute(cache: Cache) -> None:
    windows, narrow = Windows(cache), (Window(60, 5), Window(3600, 2))
    counted = [await hit(windows, "hour", START, *narrow) for _ in range(6)]
    assert counted[:2] == [Passed(4, 60), Passed(3, 60)]
    assert {one.window.seconds for one in counted[2:] if isinstance(one, Full)} == {3600}
    assert len(counted[2:]) == 4
    assert await hit(windows, "hour", START + 1, Window(60, 5), Window(3600, 3)) == Passed(2, 59)


async def test_a_replica_whose_clock_is_behind_counts_with_the_others(cache: Cache) -> None:
    windows = Windows(cache)
    for _ in range(5):
        assert isinstance(await hit(windows, "clocks", START + 120.1, MINUTE), Passed)
    assert isinstance(await hit(windows, "clocks", START + 119.9, MINUTE), Full)


async def test_many_at_once_are_counted_one_by_one(cache: Cache) -> None:
    windows = Windows(cache)
    with clock.override(datetime.fromtimestamp(START, UTC)):
        counted = await asyncio.gather(
            *(windows.hit(CLINIC, f"many:{number % 3}", (Window(60, 50),)) for number in range(300))
        )
    assert sum(isinstance(one, Passed) for one in counted) == 150
    left = sorted(one.remaining for one in counted if isinstance(one, Passed))
    assert left == sorted([*range(50)] * 3)


async def test_it_says_when_redis_is_away_and_goes_on_after_a_restart_without_scripts(stack: Stack) -> None:
    async with proxied(stack.redis.port) as proxy:
        url = SecretStr(f"redis://pool:pool@127.0.0.1:{proxy.port}/0")
        cache = Cache(stack.settings("auth", redis_url=url))
        windows = Windows(cache)
        assert isinstance(await hit(windows, "away", START), Passed)
        proxy.cut()
        with pytest.raises(Unavailable):
            await hit(windows, "away", START)
        proxy.mend()
        admin = aioredis.Redis.from_url(stack.redis.admin_url, protocol=2)
        await admin.script_flush()
        await admin.aclose()
        assert isinstance(await hit(windows, "away", START), Passed)
        await cache.close()
