"""Redis: one clinic's keys only, and never somebody else's reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
import redis.asyncio as aioredis
from pydantic import SecretStr
from redis.exceptions import NoPermissionError

from atendeai.kit.cache import Cache
from atendeai.kit.errors import Unavailable
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.proxy import proxied

pytestmark = pytest.mark.integration

CacheOf = Callable[[Settings], Cache]


@pytest.fixture
async def cache_of() -> AsyncIterator[CacheOf]:
    made: list[Cache] = []

    def make(settings: Settings) -> Cache:
        made.append(Cache(settings))
        return made[-1]

    yield make
    for cache in made:
        await cache.close()


@pytest.mark.parametrize("isolation", ["Shared", "Dedicated"])
async def test_what_a_service_needs_is_allowed(
    clinic_factory: ClinicFactory, cache_of: CacheOf, isolation: str
) -> None:
    clinic = await clinic_factory(isolation=isolation)
    cache = cache_of(clinic.service_settings("auth"))
    redis = cache.for_tenant(clinic.tenant)
    await cache.ping()
    assert await redis.set("a", "1", seconds=60)
    assert not await redis.set("a", "2", only_if_absent=True)
    assert await redis.get("a") == b"1"
    assert await redis.exists("a")
    assert await redis.expire("a", 5)
    assert [await redis.increment("n", seconds=9) for _ in range(3)] == [1, 2, 3]
    await redis.hash_set("h", {"x": "1"})
    assert await redis.hash_get_all("h") == {b"x": b"1"}
    assert await redis.delete("a", "n") == 2
    assert await redis.publish("wake:q", b"1") == 0


async def test_keys_carry_the_clinic(stack: Stack, clinic_factory: ClinicFactory, cache_of: CacheOf) -> None:
    first, second = await clinic_factory(), await clinic_factory()
    cache = cache_of(stack.settings("auth"))
    await cache.for_tenant(first.tenant).set("secret", "of the first")
    assert await cache.for_tenant(second.tenant).get("secret") is None
    admin = aioredis.Redis.from_url(stack.redis.admin_url, protocol=2)
    assert await admin.get(f"clinic:{first.id}:secret") == b"of the first"
    await admin.aclose()


async def test_a_dedicated_clinics_user_reaches_no_other_key(clinic_factory: ClinicFactory, cache_of: CacheOf) -> None:
    clinic, other = await clinic_factory(isolation="Dedicated"), await clinic_factory()
    redis = cache_of(clinic.service_settings("auth")).for_tenant(other.tenant)
    with pytest.raises(NoPermissionError):
        await redis.get("secret")
    with pytest.raises(NoPermissionError):
        await redis.publish("wake:q", b"1")


async def test_a_cancelled_command_leaves_no_reply_behind(
    stack: Stack, clinic_factory: ClinicFactory, cache_of: CacheOf
) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.redis.port) as proxy:
        url = f"redis://pool:pool@127.0.0.1:{proxy.port}/0"
        cache = cache_of(stack.settings("auth", redis_url=SecretStr(url), redis_pool_size=2))
        redis = cache.for_tenant(clinic.tenant)
        for number in range(20):
            await redis.set(f"k{number}", str(number))
        for round_ in range(15):
            # Cancelled while the reply is on its way, and at every step before that.
            steps = round_ % 5
            if steps == 4:
                proxy.stall()
            reads = [asyncio.create_task(redis.get(f"k{number}")) for number in range(2)]
            for _ in range(steps):
                await asyncio.sleep(0)
            if steps == 4:
                await asyncio.sleep(0.05)
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)
            proxy.mend()
            values = await asyncio.gather(*(redis.get(f"k{number}") for number in range(20)))
            assert values == [str(number).encode() for number in range(20)]


async def test_an_outage_is_unavailable_and_passes(
    stack: Stack, clinic_factory: ClinicFactory, cache_of: CacheOf
) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.redis.port) as proxy:
        url = f"redis://pool:pool@127.0.0.1:{proxy.port}/0"
        cache = cache_of(stack.settings("auth", redis_url=SecretStr(url)))
        redis = cache.for_tenant(clinic.tenant)
        await redis.set("a", "1")
        proxy.cut()
        with pytest.raises(Unavailable):
            await redis.get("a")
        with pytest.raises(Unavailable):
            await cache.ping()
        proxy.mend()
        assert await redis.get("a") == b"1"


@pytest.mark.parametrize(("setting", "code"), [("maxmemory", "OOM"), ("min-replicas-to-write", "NOREPLICAS")])
async def test_a_redis_that_takes_no_writes_is_an_outage_in_true_words(
    stack: Stack, clinic_factory: ClinicFactory, cache_of: CacheOf, setting: str, code: str
) -> None:
    clinic = await clinic_factory()
    cache = cache_of(clinic.service_settings("auth"))
    redis = cache.for_tenant(clinic.tenant)
    await cache.prove_writes()
    admin = aioredis.Redis.from_url(stack.redis.admin_url, protocol=2)
    await admin.config_set(setting, 1)
    try:
        for write in (partial(redis.set, "a", "1"), partial(redis.increment, "n"), cache.prove_writes):
            with pytest.raises(Unavailable) as caught:
                await write()
            assert f"Redis {caught.value.how} at the moment" in str(caught.value.detail)
            assert caught.value.how.startswith("takes no writes: ")
            assert code in caught.value.how
        await cache.ping()
    finally:
        await admin.config_set(setting, 0)
        await admin.aclose()
    await cache.prove_writes()


async def test_a_command_that_is_cancelled_is_cancelled_at_whatever_step(
    clinic_factory: ClinicFactory, cache_of: CacheOf
) -> None:
    clinic = await clinic_factory()
    redis = cache_of(clinic.service_settings("user")).for_tenant(clinic.id)
    await redis.get("warm")
    ended = []
    for steps in range(12):
        command = asyncio.create_task(redis.get("key"))
        for _ in range(steps):
            await asyncio.sleep(0)
        if command.done():
            break
        command.cancel()
        await asyncio.wait([command])
        ended.append(command.cancelled())
    assert ended
    assert all(ended), ended
