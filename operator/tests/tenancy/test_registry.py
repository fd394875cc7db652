"""Claims and configuration rows in a real PostgreSQL."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from atendeai_operator.pipeline.ports import Claim, ConfigRow
from atendeai_operator.tenancy import names
from atendeai_operator.tenancy.postgres import StackPostgres
from tests.tenancy.tables import next_transaction

pytestmark = pytest.mark.integration

STACK_KEY = Fernet.generate_key()


def host(name: str = "") -> Claim:
    """Return a host name that no other test claims."""
    return Claim("host", f"{name or uuid4().hex}.example.com")


def row(clinic_id: UUID) -> ConfigRow:
    """Return a configuration."""
    return ConfigRow(
        clinic_id=clinic_id,
        name="sol",
        namespace="clinics",
        display_name="Clínica Sol",
        generation=3,
        isolation="Dedicated",
        suspended=False,
        settings={"timezone": "America/Sao_Paulo", "hosts": ["sol.example.com"]},
        profile={"businessHours": {"mon": [{"opens": "08:00", "closes": "18:00"}]}, "services": ()},
        credentials={"whatsapp": {"access-token": "EAAB-secret"}},
        data_key=Fernet.generate_key(),
        stack_key=STACK_KEY,
    )


async def test_who_came_first_keeps_it(postgres: StackPostgres) -> None:
    first, second = uuid4(), uuid4()
    shared, own = host(), host()
    phone = Claim("phone", uuid4().hex)
    assert (await postgres.claim(first, [shared, phone])).held == {shared, phone}

    result = await postgres.claim(second, [shared, own])
    assert result.held == {own}
    assert result.lost == {shared}

    # Whatever the first edits later, and also when it asks again after the second did.
    again = await postgres.claim(first, [phone, shared])
    assert again.held == {shared, phone}
    assert not again.lost


async def test_a_released_value_is_free(postgres: StackPostgres) -> None:
    first, second = uuid4(), uuid4()
    kept, dropped = host(), host()
    await postgres.claim(first, [kept, dropped])
    # No longer asking for it is not yet letting go: the edge still serves it.
    assert (await postgres.claim(first, [kept])).held == {kept, dropped}
    assert (await postgres.claim(second, [dropped])).lost == {dropped}

    assert await postgres.release(first, keep=[kept]) == {dropped}
    assert not await postgres.release(first, keep=[kept])

    assert (await postgres.claim(second, [kept, dropped])).held == {dropped}
    await postgres.release(first)
    assert (await postgres.claim(second, [kept, dropped])).held == {kept, dropped}


async def test_two_that_let_go_can_exchange_what_they_hold(postgres: StackPostgres) -> None:
    first, second = uuid4(), uuid4()
    mine, other = host(), Claim("phone", uuid4().hex)
    await postgres.claim(first, [mine])
    await postgres.claim(second, [other])

    assert (await postgres.claim(first, [other])).lost == {other}
    assert await postgres.release(first, keep=[other]) == {mine}
    assert (await postgres.claim(second, [mine])).held == {mine, other}
    assert await postgres.release(second, keep=[mine]) == {other}
    assert (await postgres.claim(first, [other])).held == {other}


async def test_of_many_at_once_one_gets_it(postgres: StackPostgres) -> None:
    wanted = [host(), host(), Claim("phone", uuid4().hex)]
    clinics = [uuid4() for _ in range(8)]

    results = await asyncio.gather(*(postgres.claim(clinic, wanted) for clinic in clinics))

    for value in wanted:
        assert sum(value in result.held for result in results) == 1
        assert sum(value in result.lost for result in results) == len(clinics) - 1


async def test_a_claim_that_holds_costs_no_write(postgres: StackPostgres, superuser: Any, clinic_id: UUID) -> None:
    wanted = [host(), host()]
    await postgres.claim(clinic_id, wanted)
    async with superuser() as connection:
        before = await next_transaction(connection)
        await postgres.claim(clinic_id, wanted)
        await postgres.release(clinic_id, keep=wanted)
        assert await next_transaction(connection) == before


async def test_a_configuration_is_written_once_and_sealed(
    postgres: StackPostgres, superuser: Any, clinic_id: UUID
) -> None:
    wanted = row(clinic_id)
    assert await postgres.write_config(wanted)
    async with superuser() as connection:
        before = await next_transaction(connection)
        assert not await postgres.write_config(wanted)
        assert await next_transaction(connection) == before
        stored = await connection.fetchrow("SELECT * FROM atendeai.clinic_config WHERE clinic_id = $1", clinic_id)
    assert "EAAB-secret" not in str(stored)
    data_key = Fernet(STACK_KEY).decrypt(stored["wrapped_key"])
    assert json.loads(Fernet(data_key).decrypt(stored["credentials"])) == wanted.credentials
    assert json.loads(stored["settings"]) == wanted.settings


@pytest.mark.parametrize(
    "change",
    [
        {"display_name": "Clínica Lua"},
        {"generation": 4},
        {"suspended": True},
        {"settings": {"timezone": "America/Manaus"}},
        {"credentials": {"whatsapp": {"access-token": "rotated"}}},
        {"data_key": Fernet.generate_key()},
        {"stack_key": Fernet.generate_key()},
    ],
)
async def test_each_change_is_written_and_told(
    postgres: StackPostgres, superuser: Any, clinic_id: UUID, change: dict[str, Any]
) -> None:
    wanted = row(clinic_id)
    await postgres.write_config(wanted)
    async with superuser() as connection:
        told: asyncio.Queue[str] = asyncio.Queue()
        await connection.add_listener("atendeai_config", lambda *message: told.put_nowait(message[3]))

        assert await postgres.write_config(replace(wanted, **change))

        assert await asyncio.wait_for(told.get(), 5) == str(clinic_id)
    assert not await postgres.write_config(replace(wanted, **change))


async def test_a_clinic_reads_its_own_configuration_alone(postgres: StackPostgres, connect: Any) -> None:
    first, second = uuid4(), uuid4()
    for clinic in (first, second):
        await postgres.ensure_clinic(clinic, login=True, password="secret")
        await postgres.write_config(row(clinic))

    async with connect(names.role(first), "secret") as own:
        assert [found["clinic_id"] for found in await own.fetch("SELECT clinic_id FROM atendeai.clinic_config")] == [
            first
        ]


async def test_deleting_takes_every_row_of_the_clinic_alone(postgres: StackPostgres, superuser: Any) -> None:
    leaving, staying = uuid4(), uuid4()
    for clinic in (leaving, staying):
        await postgres.ensure_clinic(clinic, login=True, password="secret")
        await postgres.claim(clinic, [host()])
        await postgres.write_config(row(clinic))
    retained = await postgres.retained(staying)
    assert retained is not None
    assert retained.name == "sol"

    await postgres.drop_clinic(leaving)

    async with superuser() as connection:
        tables = await connection.fetch(
            "SELECT table_name::text AS name FROM information_schema.columns "
            "WHERE table_schema = 'atendeai' AND column_name = 'clinic_id'"
        )
        for table in tables:
            count = f"SELECT count(*) FROM {names.qualified(table['name'])} WHERE clinic_id = $1"
            assert await connection.fetchval(count, leaving) == 0, table["name"]
        assert await connection.fetchval("SELECT count(*) FROM atendeai.claim WHERE clinic_id = $1", staying) == 1
        assert not await connection.fetch("SELECT FROM pg_class WHERE relname LIKE '%' || $1 || '%'", leaving.hex)
