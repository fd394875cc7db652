"""Durable work: at least once, one handler a key, nothing lost, whatever happens to the process or to the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import text

from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import Worker, enqueue
from atendeai.kit.workers import WorkLoops
from tests.kit.toy import Calls, create_app

pytestmark = pytest.mark.integration

MakeWorker = Callable[..., Worker]
SLOW_POLL = timedelta(seconds=60)


async def put(kit: Kit, clinic: TestClinic, queue: str, key: str, due_at: datetime | None = None) -> None:
    async with kit.database.transaction(clinic.id) as connection:
        await enqueue(connection, clinic.id, queue, key, due_at)


async def left(clinic: TestClinic, queue: str) -> list[Any]:
    return await clinic.fetch("SELECT * FROM atendeai.work WHERE clinic_id = $1 AND queue = $2", clinic.id, queue)


def nothing_left(clinic: TestClinic, queue: str) -> Callable[[], Any]:
    async def check() -> bool:
        return not await left(clinic, queue)

    return check


@pytest.mark.parametrize("isolation", ["Shared", "Dedicated"])
async def test_work_is_done_once_and_gone(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    queue: str,
    calls: Calls,
    worker: MakeWorker,
    isolation: str,
) -> None:
    clinic = await clinic_factory(isolation=isolation)
    # The poll is a minute away: what is seen here is the wake of the commit.
    running = worker(poll=SLOW_POLL)
    client = await client_for(lambda s: create_app(s, workers=[running]), clinic.service_settings("auth"))
    for number in range(20):
        await put(client.kit, clinic, queue, f"k{number}")
    await eventually(nothing_left(clinic, queue))
    assert sorted(calls.keys(clinic.id)) == sorted(f"k{number}" for number in range(20))


async def test_a_rolled_back_enqueue_is_nothing(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    client = await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))

    async def fail() -> None:
        async with client.kit.database.transaction(clinic.id) as connection:
            await enqueue(connection, clinic.id, queue, "lost")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    await put(client.kit, clinic, queue, "kept")
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["kept"]


async def test_one_key_is_handled_by_one_at_a_time_and_what_comes_meanwhile_is_not_lost(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    running, release = asyncio.Event(), asyncio.Event()

    async def wait(_: UUID, __: str) -> None:
        running.set()
        await release.wait()

    calls.behaviour = wait
    apps = [
        await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth")) for _ in range(2)
    ]
    await put(apps[0].kit, clinic, queue, "patient")
    await asyncio.wait_for(running.wait(), 10)
    await put(apps[1].kit, clinic, queue, "patient")
    await put(apps[0].kit, clinic, queue, "patient")
    row = (await left(clinic, queue))[0]
    assert row["changes"] == 2
    assert calls.keys(clinic.id) == ["patient"]
    release.set()
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["patient", "patient"]
    assert calls.most == 1


async def test_work_for_later_waits_and_an_earlier_call_wins(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    client = await client_for(
        lambda s: create_app(s, workers=[worker(poll=timedelta(seconds=0.1))]), clinic.service_settings("auth")
    )
    await put(client.kit, clinic, queue, "later", clock.now() + timedelta(hours=1))
    await put(client.kit, clinic, queue, "probe")
    await eventually(lambda: calls.keys(clinic.id) == ["probe"])

    async def only_later_left() -> bool:
        return [row["key"] for row in await left(clinic, queue)] == ["later"]

    await eventually(only_later_left)
    await put(client.kit, clinic, queue, "later", clock.now() + timedelta(seconds=0.2))
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["probe", "later"]


async def test_what_was_enqueued_for_later_during_the_handling_keeps_its_moment(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    client = await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    later = clock.now() + timedelta(hours=1)

    async def add(_: UUID, key: str) -> None:
        if key == "first":
            await put(client.kit, clinic, queue, key, later)

    calls.behaviour = add
    await put(client.kit, clinic, queue, "first")

    async def given_up() -> bool:
        rows = await left(clinic, queue)
        return bool(rows) and rows[0]["changes"] == 1 and rows[0]["leased_until"] is None

    await eventually(given_up)
    assert (await left(clinic, queue))[0]["due_at"] == later
    assert calls.keys(clinic.id) == ["first"]


async def test_a_handler_may_ask_to_look_again(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()

    async def twice(clinic_id: UUID, _: str) -> datetime | None:
        return clock.now() if len(calls.keys(clinic_id)) < 3 else None

    calls.behaviour = twice
    client = await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    await put(client.kit, clinic, queue, "again")
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["again"] * 3


async def test_a_failure_backs_off_and_hurts_no_other_key(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()

    async def fail(clinic_id: UUID, key: str) -> None:
        if key == "bad" and calls.keys(clinic_id).count("bad") < 3:
            raise ValueError("what a patient wrote")

    calls.behaviour = fail
    client = await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    await put(client.kit, clinic, queue, "bad")
    await put(client.kit, clinic, queue, "good")
    await eventually(lambda: "good" in calls.keys(clinic.id))

    async def waiting() -> bool:
        rows = await left(clinic, queue)
        return len(rows) == 1 and rows[0]["leased_until"] is None and rows[0]["due_at"] > rows[0]["due_since"]

    await eventually(waiting)
    await eventually(nothing_left(clinic, queue), seconds=20)
    assert calls.keys(clinic.id).count("bad") == 3


async def test_what_is_asked_for_while_a_handler_fails_does_not_wait_for_the_end_of_a_long_pause(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()

    async def ask_and_fail(clinic_id: UUID, key: str) -> None:
        if len(calls.keys(clinic_id)) == 1:
            await put(client.kit, clinic, queue, key)
            raise ValueError

    calls.behaviour = ask_and_fail
    client = await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    async with client.kit.database.transaction(clinic.id) as connection:
        await enqueue(connection, clinic.id, queue, "k")
        await connection.execute(text("UPDATE atendeai.work SET attempts = 9"))  # a pause of minutes follows
    began = clock.now()
    await eventually(nothing_left(clinic, queue))
    assert clock.now() - began < timedelta(seconds=15)
    assert calls.keys(clinic.id) == ["k", "k"]


async def test_a_dead_processes_work_is_taken_over_and_its_late_end_changes_nothing(
    clinic_factory: ClinicFactory, client_for: ClientFactory, stack: Stack, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    kit = Kit(stack.settings("auth"))
    await put(kit, clinic, queue, "orphan")
    taken = await clinic.fetch(
        "UPDATE atendeai.work SET leased_until = now() + interval '1 second', due_at = 'infinity',"
        " lease_token = gen_random_uuid(), attempts = 1 WHERE clinic_id = $1 AND queue = $2 RETURNING lease_token",
        clinic.id,
        queue,
    )
    assert len(taken) == 1
    await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["orphan"]
    await kit.close()


async def test_a_long_handling_keeps_its_lease(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    release = asyncio.Event()

    async def wait(_: UUID, __: str) -> None:
        await release.wait()

    calls.behaviour = wait
    short = worker(lease=timedelta(seconds=1))
    clients = [
        await client_for(lambda s: create_app(s, workers=[short]), clinic.service_settings("auth")) for _ in range(2)
    ]
    await put(clients[0].kit, clinic, queue, "long")
    await eventually(lambda: calls.running == 1)
    first = (await left(clinic, queue))[0]["leased_until"]

    async def renewed() -> bool:
        return bool((await left(clinic, queue))[0]["leased_until"] > first + timedelta(seconds=2))

    await eventually(renewed)
    release.set()
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["long"]


async def test_a_handler_that_hangs_is_cut_off_and_comes_back(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()

    async def hang(clinic_id: UUID, _: str) -> None:
        if len(calls.keys(clinic_id)) == 1:
            await asyncio.Event().wait()

    calls.behaviour = hang
    cut = worker(timeout=timedelta(seconds=0.3))
    client = await client_for(lambda s: create_app(s, workers=[cut]), clinic.service_settings("auth"))
    await put(client.kit, clinic, queue, "hangs")
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["hangs", "hangs"]


async def test_a_stopping_process_gives_its_work_back(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()

    async def hang(clinic_id: UUID, _: str) -> None:
        if len(calls.keys(clinic_id)) == 1:
            await asyncio.Event().wait()

    calls.behaviour = hang
    app = create_app(clinic.service_settings("auth", grace_seconds=0.1), workers=[worker()])
    async with app.router.lifespan_context(app):
        await put(app.state.kit, clinic, queue, "unfinished")
        await eventually(lambda: calls.running == 1)
    row = (await left(clinic, queue))[0]
    assert row["leased_until"] is None
    await client_for(lambda s: create_app(s, workers=[worker()]), clinic.service_settings("auth"))
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["unfinished", "unfinished"]


async def test_the_pool_leaves_sleeping_and_dedicated_clinics_alone_until_they_wake(
    clinic_factory: ClinicFactory, client_for: ClientFactory, stack: Stack, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    asleep, dedicated = await clinic_factory(suspended=True), await clinic_factory(isolation="Dedicated")
    awake = await clinic_factory()
    pool = await client_for(lambda s: create_app(s, workers=[worker()]), stack.settings("auth"))
    for clinic in (asleep, dedicated, awake):
        await put(pool.kit, clinic, queue, "x")
    await eventually(nothing_left(awake, queue))
    assert calls.keys(asleep.id) == calls.keys(dedicated.id) == []
    await client_for(lambda s: create_app(s, workers=[worker()]), dedicated.service_settings("auth"))
    await eventually(nothing_left(dedicated, queue))
    assert len(await left(asleep, queue)) == 1
    asleep.suspended = False
    await asleep.write()
    await eventually(nothing_left(asleep, queue))
    assert calls.keys(asleep.id) == ["x"]


async def test_an_outage_of_the_database_delays_work_and_loses_none(
    clinic_factory: ClinicFactory, client_for: ClientFactory, stack: Stack, queue: str, calls: Calls, worker: MakeWorker
) -> None:
    clinic = await clinic_factory()
    other = Kit(stack.settings("auth"))
    async with proxied(stack.postgres.port) as proxy:
        url = SecretStr(f"postgresql://atendeai_pool:pool@127.0.0.1:{proxy.port}/atendeai")
        release = asyncio.Event()

        async def wait(_: UUID, __: str) -> None:
            await release.wait()

        calls.behaviour = wait
        await client_for(lambda s: create_app(s, workers=[worker()]), stack.settings("auth", database_url=url))
        await put(other, clinic, queue, "during")
        await eventually(lambda: calls.running == 1)
        proxy.cut()
        release.set()
        await eventually(lambda: calls.running == 0)
        await put(other, clinic, queue, "after")
        proxy.mend()
        await eventually(nothing_left(clinic, queue), seconds=30)
        assert set(calls.keys(clinic.id)) == {"during", "after"}
    await other.close()


@pytest.mark.parametrize("isolation", ["Shared", "Dedicated"])
async def test_a_message_of_redis_wakes_a_process_long_before_its_poll(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    queue: str,
    calls: Calls,
    worker: MakeWorker,
    isolation: str,
) -> None:
    clinic = await clinic_factory(isolation=isolation)
    client = await client_for(
        lambda s: create_app(s, workers=[worker(poll=SLOW_POLL)]), clinic.service_settings("auth")
    )
    # Not through `enqueue`, whose commit would wake this very process.
    await clinic.fetch(
        "INSERT INTO atendeai.work (clinic_id, queue, key, due_at, due_since) VALUES ($1, $2, 'x', now(), now())",
        clinic.id,
        queue,
    )

    async def heard() -> bool:
        return await client.kit.cache.for_tenant(clinic.id).publish(f"wake:{queue}", b"1") > 0

    await eventually(heard)
    await eventually(nothing_left(clinic, queue))
    assert calls.keys(clinic.id) == ["x"]


async def test_the_pool_claims_nothing_for_the_wake_of_a_clinic_that_has_pods(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    stack: Stack,
    queue: str,
    worker: MakeWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dedicated, shared = await clinic_factory(isolation="Dedicated"), await clinic_factory()
    claims: list[frozenset[str]] = []
    claim = WorkLoops._claim

    async def counted(self: WorkLoops, queues: AbstractSet[str]) -> None:
        claims.append(frozenset(queues))
        await claim(self, queues)

    monkeypatch.setattr(WorkLoops, "_claim", counted)
    other = replace(worker(poll=SLOW_POLL), queue=f"{queue}x")
    pool = await client_for(lambda s: create_app(s, workers=[worker(poll=SLOW_POLL), other]), stack.settings("auth"))
    ears = pool.kit.cache.for_tenant(shared.id)

    async def heard() -> bool:
        return await ears.publish("listening", b"1") > 0

    await eventually(heard)
    await eventually(lambda: claims)  # the poll of its start
    before = len(claims)
    await pool.kit.cache.for_tenant(dedicated.id).publish(f"wake:{queue}", b"1")
    await ears.publish(f"wake:{other.queue}", b"1")
    await eventually(lambda: len(claims) > before)
    assert claims[before:] == [{other.queue}]


async def test_what_this_process_has_no_room_for_is_published(
    clinic_factory: ClinicFactory, client_for: ClientFactory, stack: Stack, queue: str
) -> None:
    clinic = await clinic_factory()
    writer = await client_for(create_app, clinic.service_settings("auth"))
    redis = Redis.from_url(stack.redis.admin_url, protocol=2)
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(f"clinic:{clinic.id}:wake:{queue}")
        await pubsub.get_message(timeout=5)
        await put(writer.kit, clinic, queue, "elsewhere")

        async def heard() -> object:
            return await pubsub.get_message(timeout=1)

        await eventually(heard)
    await redis.aclose()


async def test_the_backlog_is_counted(clinic_factory: ClinicFactory, stack: Stack, queue: str) -> None:
    clinic = await clinic_factory()
    kit = Kit(stack.settings("auth"))
    await put(kit, clinic, queue, "old", clock.now() - timedelta(minutes=5))
    await put(kit, clinic, queue, "future", clock.now() + timedelta(minutes=5))
    async with kit.database.system() as connection:
        row = (await connection.execute(text("SELECT * FROM atendeai.work_backlog(:queue)"), {"queue": queue})).one()
    assert row.pending == 1
    assert row.oldest_seconds > 290
    await kit.close()


async def test_a_queue_without_room_keeps_no_other_waiting_and_goes_on_when_there_is_room(
    clinic_factory: ClinicFactory, client_for: ClientFactory, queue: str, calls: Calls
) -> None:
    clinic = await clinic_factory()
    release = asyncio.Event()

    async def wait(_: UUID, key: str) -> None:
        if key.startswith("slow"):
            await release.wait()

    calls.behaviour = wait
    other = f"{queue}b"
    workers = [Worker(queue, calls, concurrency=1, poll=SLOW_POLL), Worker(other, calls, poll=SLOW_POLL)]
    client = await client_for(lambda s: create_app(s, workers=workers), clinic.service_settings("auth"))
    for key in ("slow1", "slow2"):
        await put(client.kit, clinic, queue, key)
    await eventually(lambda: calls.running == 1)
    await put(client.kit, clinic, other, "quick")
    await eventually(nothing_left(clinic, other))
    assert len(await left(clinic, queue)) == 2
    release.set()
    await eventually(nothing_left(clinic, queue))
    assert sorted(calls.keys(clinic.id)) == ["quick", "slow1", "slow2"]


async def test_after_a_claim_that_failed_all_is_looked_for_again(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    queue: str,
    calls: Calls,
    worker: MakeWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clinic = await clinic_factory()
    client = await client_for(
        lambda s: create_app(s, workers=[worker(poll=timedelta(seconds=0.2))]), clinic.service_settings("auth")
    )
    failed: list[int] = []
    system = client.kit.database.system

    def broken() -> Any:
        if len(failed) < 2:
            failed.append(1)
            raise RuntimeError("nothing is claimed")
        return system()

    monkeypatch.setattr(client.kit.database, "system", broken)
    await put(client.kit, clinic, queue, "k")
    await eventually(nothing_left(clinic, queue))
    assert len(failed) == 2
    assert calls.keys(clinic.id) == ["k"]


async def test_a_claim_that_hangs_while_the_process_ends_takes_nothing_along(
    clinic_factory: ClinicFactory,
    queue: str,
    calls: Calls,
    worker: MakeWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clinic = await clinic_factory()
    app = create_app(clinic.service_settings("auth", grace_seconds=0.5), workers=[worker(poll=SLOW_POLL)])
    hanging = asyncio.Event()
    async with app.router.lifespan_context(app):
        kit: Kit = app.state.kit
        system = kit.database.system

        @asynccontextmanager
        async def slow() -> AsyncIterator[Any]:
            async with system() as connection:
                yield connection
                hanging.set()
                await asyncio.Event().wait()

        monkeypatch.setattr(kit.database, "system", slow)
        await put(kit, clinic, queue, "k")
        await asyncio.wait_for(hanging.wait(), 10)
    (row,) = await left(clinic, queue)
    assert (row["leased_until"], row["attempts"]) == (None, 0)
    assert calls.keys(clinic.id) == []
