"""Webhooks that arrive together: one transaction for all, and none of them suffers for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from atendeai.kit.db import UnknownClinicError
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.ingest import Arrival, _Table
from atendeai.whatsapp.payload import Inbound
from atendeai.whatsapp.people import Identity, Known
from tests.whatsapp.test_webhook import post, secret
from tests.whatsapp.world import World, message, webhook

pytestmark = pytest.mark.integration


def number(index: int) -> str:
    return f"55119{index:08d}"


async def write(world: World, clinic: TestClinic, value: dict[str, Any]) -> int:
    return await post(world, webhook(clinic.phone_number_id, value), secret(clinic), clinic.host)


async def rows(clinics: Sequence[TestClinic], columns: str = "*") -> list[asyncpg.Record]:
    return await clinics[0].fetch(
        f"SELECT {columns} FROM atendeai.whatsapp_inbound WHERE clinic_id = ANY($1)", [one.id for one in clinics]
    )


@asynccontextmanager
async def held(clinic: TestClinic, sender: str) -> AsyncIterator[None]:
    """Hold a person's row, so that a group with a message of theirs waits."""
    connection = await asyncpg.connect(clinic.stack.postgres.admin_dsn)
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT 1 FROM atendeai.whatsapp_contact WHERE clinic_id = $1 AND wa_id = $2 FOR UPDATE",
                clinic.id,
                sender,
            )
            yield
    finally:
        await connection.close()


async def waits_for_a_row(clinic: TestClinic) -> bool:
    return bool(
        await clinic.fetch(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'atendeai-whatsapp'"
        )
    )


async def test_what_arrives_together_shares_a_transaction_across_clinics(pool: World) -> None:
    clinics = [await pool.clinic() for _ in range(3)]
    for clinic in clinics:  # known to the process: the first webhook of a clinic reads its configuration
        assert await write(pool, clinic, message("wamid.first")) == 200
    wanted = [(clinic, index) for index in range(20) for clinic in clinics]
    for part in (wanted[:30], wanted[30:]):  # people who are new, then the same ones
        answers = await asyncio.gather(
            *(
                write(pool, clinic, message(f"wamid.{index}", f"oi {index}", number(index % 7)))
                for clinic, index in part
            )
        )
        assert answers == [200] * 30
    stored = await rows(clinics, "clinic_id, wamid, received_at")
    assert {(row["clinic_id"], row["wamid"]) for row in stored} >= {(c.id, f"wamid.{i}") for c, i in wanted}
    assert len(stored) == 63
    transactions: dict[object, set[object]] = {}  # one moment for each
    for row in stored:
        transactions.setdefault(row["received_at"], set()).add(row["clinic_id"])
    assert len(transactions) < 20
    assert max(len(clinics_of_one) for clinics_of_one in transactions.values()) >= 2  # of three, two share a lane
    for clinic in clinics:
        assert await pool.count(clinic, "whatsapp_contact") == 8
    taken = await pool.conversation.until(63)
    assert len({item["message_id"] for item in taken}) == 63


async def test_one_that_cannot_be_stored_fails_alone(pool: World) -> None:
    clinic, other = await pool.clinic(), await pool.clinic()
    for one in (clinic, other):
        assert await write(pool, one, message("wamid.first")) == 200
    partition = f"whatsapp_inbound_{clinic.id.hex}"
    await clinic.fetch(
        f"CREATE FUNCTION public.refuse_{clinic.id.hex}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
    )
    await clinic.fetch(
        f"CREATE TRIGGER refuse BEFORE INSERT ON atendeai.{partition} FOR EACH ROW WHEN (NEW.wamid = 'wamid.bad')"
        f" EXECUTE FUNCTION public.refuse_{clinic.id.hex}()"
    )
    writes = [write(pool, clinic, message(f"wamid.{index}", sender=number(index))) for index in range(6)]
    writes.insert(3, write(pool, clinic, message("wamid.bad", sender=number(99))))
    writes.append(write(pool, other, message("wamid.theirs", sender=number(1))))
    answers = await asyncio.gather(*writes)
    assert answers == [200, 200, 200, 500, 200, 200, 200, 200]
    assert {row["wamid"] for row in await rows([clinic])} == {"wamid.first", *(f"wamid.{index}" for index in range(6))}
    assert await pool.count(other, "whatsapp_inbound") == 2


async def test_a_request_that_is_cancelled_leaves_its_group_alone(pool: World) -> None:
    clinic = await pool.clinic()
    assert await write(pool, clinic, message("wamid.first", sender=number(0))) == 200
    async with held(clinic, number(0)):
        tasks = [
            asyncio.create_task(write(pool, clinic, message(f"wamid.{index}", sender=number(0)))) for index in range(8)
        ]
        await eventually(lambda: waits_for_a_row(clinic), seconds=20)
        tasks[2].cancel()
        tasks[7].cancel()
        await asyncio.wait([tasks[2], tasks[7]])
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [answer for index, answer in enumerate(answers) if index not in (2, 7)] == [200] * 6
    assert {row["wamid"] for row in await rows([clinic])} >= {f"wamid.{index}" for index in (0, 1, 3, 4, 5, 6)}


async def test_a_person_whose_row_is_held_keeps_nobody_else_waiting(pool: World) -> None:
    clinic, other = await pool.clinic(), await pool.clinic()
    for one in (clinic, other):
        assert await write(pool, one, message("wamid.first", sender=number(0))) == 200
    async with held(clinic, number(0)):
        stuck = asyncio.create_task(write(pool, clinic, message("wamid.stuck", sender=number(0))))
        writes = [
            write(pool, one, message(f"wamid.{index}", sender=number(index)))
            for index in range(1, 21)  # so many that both lanes have some of them
            for one in (clinic, other)
        ]
        assert await asyncio.wait_for(asyncio.gather(*writes), 30) == [200] * 40
        assert not stuck.done()
    assert await stuck == 200
    assert "wamid.stuck" in {row["wamid"] for row in await rows([clinic])}


async def test_repeated_in_a_group_and_after_it_is_stored_once(pool: World) -> None:
    clinic = await pool.clinic()
    values = [message(f"wamid.{index % 5}", sender=number(index % 5)) for index in range(25)]
    for _ in range(2):
        assert await asyncio.gather(*(write(pool, clinic, value) for value in values)) == [200] * 25
    assert sorted(row["wamid"] for row in await rows([clinic])) == [f"wamid.{index}" for index in range(5)]
    assert await pool.count(clinic, "whatsapp_contact") == 5


async def test_one_person_under_two_names_is_one_contact(pool: World) -> None:
    """The number, the user id, and both: in one group, in any order."""
    clinic = await pool.clinic()
    by_number, by_user, by_both = (message(f"wamid.{index}", sender=number(5)) for index in range(3))
    by_user["messages"][0].pop("from")
    by_user["contacts"] = []
    for value in (by_user, by_both):
        value["messages"][0]["from_user_id"] = "BR.55"
    assert (
        await asyncio.gather(*(write(pool, clinic, value) for value in (by_number, by_both, by_user, by_number)))
        == [200] * 4
    )
    assert await write(pool, clinic, {**by_both, "messages": [{**by_both["messages"][0], "id": "wamid.9"}]}) == 200
    contacts = await clinic.fetch(
        "SELECT id, wa_id, user_id, name FROM atendeai.whatsapp_contact WHERE clinic_id = $1 AND merged_into IS NULL",
        clinic.id,
    )
    assert [(row["wa_id"], row["user_id"], row["name"]) for row in contacts] == [(number(5), "BR.55", "Maria")]
    assert {row["contact_id"] for row in await rows([clinic], "contact_id")} == {contacts[0]["id"]}


async def test_the_window_opens_with_the_latest_of_the_group(pool: World) -> None:
    clinic = await pool.clinic()
    for round_ in range(2):
        times = [1_790_000_000 + round_ * 100 + offset for offset in (30, 10, 20)]
        values = [message(f"wamid.{at}", sender=number(1), at=at) for at in times]
        assert await asyncio.gather(*(write(pool, clinic, value) for value in values)) == [200] * 3
        found = await clinic.fetch(
            "SELECT extract(epoch FROM last_inbound_at)::bigint FROM atendeai.whatsapp_contact WHERE clinic_id = $1",
            clinic.id,
        )
        assert [row[0] for row in found] == [1_790_000_030 + round_ * 100]


async def test_while_postgresql_is_away_everyone_is_told_to_come_again(world: World) -> None:
    clinic = await world.clinic()
    async with proxied(world.stack.postgres.port) as proxy:
        url = SecretStr(f"postgresql://atendeai_pool:pool@127.0.0.1:{proxy.port}/atendeai")
        await world.start(world.stack.settings("whatsapp", database_url=url))
        assert await write(world, clinic, message("wamid.first")) == 200
        proxy.cut()
        values = [message(f"wamid.{index}", sender=number(index)) for index in range(10)]
        assert await asyncio.gather(*(write(world, clinic, value) for value in values)) == [503] * 10
        proxy.mend()
        assert await asyncio.gather(*(write(world, clinic, value) for value in values)) == [200] * 10
    assert await world.count(clinic, "whatsapp_inbound") == 11


async def test_a_shared_transaction_sees_one_clinic_at_a_time(pool: World) -> None:
    """Under B's role the statement that stores for A meets row security, whatever ids it is given."""
    a, b = await pool.clinic(), await pool.clinic()
    database = pool.service.kit.database
    async with database.across(a.id) as across:
        for clinic in (a, b, a):
            connection = await across.enter(clinic.id)
            role = await connection.exec_driver_sql("SELECT current_user::text")
            assert role.scalar_one() == clinic.role
    dedicated = await pool.clinic(isolation="Dedicated")
    await pool.start(dedicated.service_settings("whatsapp"))
    with pytest.raises(UnknownClinicError):
        async with pool.service.kit.database.across(dedicated.id) as across:
            await across.enter(a.id)


def test_a_number_that_somebody_gave_up_in_the_same_group_is_not_theirs_any_more() -> None:
    old, new = "5511987654321", "5511912345678"
    known = Known(uuid4(), Identity(old, None).key, "BR.1")

    def wrote(wamid: str, sender: Identity) -> Inbound:
        return Inbound(wamid, sender, "text", "oi", datetime.now(UTC), None, None, "{}")

    messages = (wrote("wamid.1", Identity(new, "BR.1")), wrote("wamid.2", Identity(old, "BR.2")))
    seats = _Table([known]).seat(Arrival(uuid4(), None, tuple(enumerate(messages))))
    assert seats is not None
    assert seats[0].person.id == known.id
    assert seats[1].person.id != known.id, "a stranger's words are not another patient's"
