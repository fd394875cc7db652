"""The users the operator makes in a real Redis, and what they may not do."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from atendeai_operator.pipeline.errors import TenancyError, Waiting
from atendeai_operator.pipeline.ports import RedisAccess
from atendeai_operator.tenancy import acl, names
from atendeai_operator.tenancy.redis import StackRedis

pytestmark = pytest.mark.integration


async def calls(client: Any, command: str) -> int:
    """Count how often the server ran a command."""
    async with client("operator", "admin-password") as admin:
        stats = await admin.info("commandstats")
        return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def listen(subscription: Any) -> None:
    """Listen until the connection ends."""
    while True:
        await subscription.get_message(timeout=1)


async def test_a_clinic_reaches_its_own_keys_and_channels(redis: StackRedis, client: Any, clinic_id: UUID) -> None:
    await redis.ensure_user(clinic_id, "secret")
    prefix = names.redis_prefix(clinic_id)

    async with client(names.redis_user(clinic_id), "secret") as own:
        await own.set(f"{prefix}greeting", "oi", ex=60)
        assert await own.get(f"{prefix}greeting") == "oi"
        assert await own.publish(f"{prefix}wake:inbound", "1") == 0
        assert await own.eval("return redis.call('get', KEYS[1])", 1, f"{prefix}greeting") == "oi"
        async with own.pipeline(transaction=True) as transaction:
            transaction.incr(f"{prefix}count")
            transaction.expire(f"{prefix}count", 60)
            assert await transaction.execute() == [1, True]


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "{other}x"),
        ("SET", "{other}x", "1"),
        ("GET", "unprefixed"),
        ("EVAL", "return redis.call('get', KEYS[1])", "1", "{other}x"),
        ("EVAL", "return redis.call('get', '{other}x')", "0"),
        ("EVAL", "return redis.call('scan', 0)", "0"),
        ("PUBLISH", "{other}wake", "1"),
        ("RENAME", "{own}a", "{other}a"),
        ("SCAN", "0"),
        ("RANDOMKEY",),
        ("DBSIZE",),
        ("KEYS", "{own}*"),
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("CONFIG", "GET", "*"),
        ("CLIENT", "LIST"),
        ("CLIENT", "TRACKING", "ON", "BCAST"),
        ("ACL", "LIST"),
        ("ACL", "WHOAMI"),
        ("MONITOR",),
        ("INFO",),
        ("FUNCTION", "LIST"),
        ("SCRIPT", "FLUSH"),
        ("SLOWLOG", "GET"),
        ("LOLWUT",),
        ("SWAPDB", "0", "1"),
    ],
)
async def test_a_clinic_is_refused_all_else(
    redis: StackRedis, client: Any, clinic_id: UUID, command: tuple[str, ...]
) -> None:
    other = uuid4()
    await redis.ensure_user(clinic_id, "secret")
    async with client("operator", "admin-password") as admin:
        await admin.set(f"{names.redis_prefix(other)}x", "another clinic's")
    filled = [
        part.replace("{own}", names.redis_prefix(clinic_id)).replace("{other}", names.redis_prefix(other))
        for part in command
    ]

    async with client(names.redis_user(clinic_id), "secret") as own:
        with pytest.raises((NoPermissionError, ResponseError), match=r"permission|NOPERM|can't"):
            await own.execute_command(*filled)


async def test_a_clinic_cannot_listen_to_others(redis: StackRedis, client: Any, clinic_id: UUID) -> None:
    await redis.ensure_user(clinic_id, "secret")

    async with client(names.redis_user(clinic_id), "secret") as own:
        for pattern in ("*", "clinic:*", f"{names.redis_prefix(uuid4())}*"):
            subscription = own.pubsub()
            await subscription.psubscribe(pattern)
            with pytest.raises(NoPermissionError):
                await subscription.get_message(timeout=5)
            await subscription.aclose()


async def test_the_pool_reaches_clinics_and_nothing_else(redis: StackRedis, client: Any, clinic_id: UUID) -> None:
    await redis.ensure_base()

    async with client(acl.POOL, "pool-password") as pool:
        await pool.set(f"{names.redis_prefix(clinic_id)}x", "1")
        with pytest.raises(NoPermissionError):
            await pool.get("operator:x")
        with pytest.raises(NoPermissionError):
            await pool.execute_command("SCAN", "0")
    async with client(acl.EXPORTER, "exporter-password") as exporter:
        assert (await exporter.info())["redis_version"].startswith("7.")
        with pytest.raises(NoPermissionError):
            await exporter.get(f"{names.redis_prefix(clinic_id)}x")
        with pytest.raises(NoPermissionError):
            await exporter.slowlog_get()


async def test_what_holds_costs_no_write_even_for_a_new_operator(
    redis: StackRedis, redis_access: RedisAccess, client: Any, clinic_id: UUID
) -> None:
    await redis.ensure_base()
    await redis.ensure_user(clinic_id, "secret")
    before = [await calls(client, "acl|setuser"), await calls(client, "acl|save")]
    assert min(before) > 0

    restarted = StackRedis(redis_access)
    await restarted.ensure_base()
    await restarted.ensure_user(clinic_id, "secret")
    await restarted.close()

    assert [await calls(client, "acl|setuser"), await calls(client, "acl|save")] == before


async def test_drift_and_loss_are_put_right_and_saved(
    redis: StackRedis, client: Any, clinic_id: UUID, tmp_path: Path
) -> None:
    user = names.redis_user(clinic_id)
    await redis.ensure_user(clinic_id, "secret")
    async with client("operator", "admin-password") as admin:
        for drift in (["+@all"], ["~*"], ["&*"], ["off"], ["nopass"], [">another"], ["(+@all ~*)"]):
            await admin.execute_command("ACL SETUSER", user, *drift)
            drifted = await admin.acl_getuser(user)
            await redis.ensure_user(clinic_id, "secret")
            assert await admin.acl_getuser(user) != drifted, drift
        restored = await admin.acl_getuser(user)
        # Back from the volume: what was not saved is lost here. Everybody is disconnected.
        await admin.acl_load()
    async with client("operator", "admin-password") as admin:
        assert await admin.acl_getuser(user) == restored
        await admin.acl_deluser(user)
    await redis.ensure_user(clinic_id, "secret")
    async with client(user, "secret") as own:
        assert await own.ping()


async def test_a_default_user_left_open_is_closed(redis: StackRedis, client: Any) -> None:
    async with client("operator", "admin-password") as admin:
        await admin.execute_command("ACL SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    await redis.ensure_base()

    async with client("default", "") as anybody:
        with pytest.raises((AuthenticationError, NoPermissionError, ResponseError)):
            await anybody.get("x")


async def test_a_changed_password_ends_old_connections(redis: StackRedis, client: Any, clinic_id: UUID) -> None:
    user = names.redis_user(clinic_id)
    await redis.ensure_user(clinic_id, "old")
    async with client(user, "old") as own:
        subscription = own.pubsub()
        await subscription.subscribe(f"{names.redis_prefix(clinic_id)}news")

        await redis.ensure_user(clinic_id, "new")

        with pytest.raises((RedisConnectionError, AuthenticationError)):
            await asyncio.wait_for(listen(subscription), 10)
        with suppress(RedisError):
            await subscription.aclose()
    async with client(user, "old") as late:
        with pytest.raises(AuthenticationError):
            await late.ping()
    async with client(user, "new") as own:
        assert await own.ping()


async def test_removing_a_clinic_takes_its_user_and_its_keys_alone(redis: StackRedis, client: Any) -> None:
    leaving, staying = uuid4(), uuid4()
    await redis.ensure_user(leaving, "secret")
    await redis.ensure_user(staying, "secret")
    async with client("operator", "admin-password") as admin:
        await admin.mset({f"{names.redis_prefix(leaving)}{number}": "x" for number in range(2500)})
        await admin.set(f"{names.redis_prefix(staying)}x", "stays")

        await redis.remove_user(leaving)
        await redis.drop_keys(leaving)
        await redis.remove_user(leaving)

        assert await admin.acl_getuser(names.redis_user(leaving)) is None
        assert await admin.keys(f"{names.redis_prefix(leaving)}*") == []
        assert await admin.get(f"{names.redis_prefix(staying)}x") == "stays"
        assert await admin.acl_getuser(names.redis_user(staying)) is not None


async def test_a_server_that_is_away_is_waited_for(redis_access: RedisAccess, clinic_id: UUID) -> None:
    nobody = StackRedis(replace(redis_access, port=1))
    with pytest.raises(Waiting, match="Redis at"):
        await nobody.ensure_user(clinic_id, "secret")
    await nobody.close()


async def test_a_wrong_password_is_named_without_being_told(redis_access: RedisAccess, clinic_id: UUID) -> None:
    stranger = StackRedis(replace(redis_access, admin_password="not-this-one"))
    with pytest.raises(TenancyError, match="password") as refused:
        await stranger.ensure_user(clinic_id, "secret")
    assert "not-this-one" not in str(refused.value)
    await stranger.close()
