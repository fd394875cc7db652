"""Which clinic a request belongs to, and how fast a change of its configuration is seen."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(stack: Stack, client_for: ClientFactory, toy_app: CreateApp) -> AppClient:
    return await client_for(toy_app, stack.settings("auth"))


async def display(client: AppClient, host: str) -> str | int | None:
    response = await client.get("/api/v1/open", headers={"Host": host})
    return response.json().get("persona") if response.status_code == 200 else response.status_code


async def test_the_pool_finds_the_clinic_by_host(pool: AppClient, clinic_factory: ClinicFactory) -> None:
    first = await clinic_factory(settings={"ai": {"persona": {"name": "Bia"}}})
    second = await clinic_factory(settings={"ai": {"persona": {"name": "Caio"}}})
    assert await display(pool, first.host) == "Bia"
    assert await display(pool, second.host) == "Caio"
    assert await display(pool, f"{first.host.upper()}:8443") == "Bia"


@pytest.mark.parametrize("host", ["nobody.example.com", "", "a" * 300, "[::1]:80", "' OR 1=1 --"])
async def test_an_unknown_host_is_404(pool: AppClient, host: str) -> None:
    response = await pool.get("/api/v1/open", headers={"Host": host})
    assert response.status_code == 404
    assert response.json()["type"] == "urn:atendeai:problem:unknown-host"


async def test_the_pool_serves_no_dedicated_clinic_and_no_sleeping_one(
    pool: AppClient, clinic_factory: ClinicFactory
) -> None:
    dedicated = await clinic_factory(isolation="Dedicated")
    assert await display(pool, dedicated.host) == 404
    asleep = await clinic_factory(suspended=True)
    response = await pool.get("/api/v1/open", headers={"Host": asleep.host})
    assert response.status_code == 503
    assert response.json()["type"] == "urn:atendeai:problem:clinic-suspended"
    assert response.headers["retry-after"]


async def test_a_webhook_finds_clinics_whatever_their_state(pool: AppClient, clinic_factory: ClinicFactory) -> None:
    asleep = await clinic_factory(isolation="Dedicated", suspended=True)
    found = await pool.post(
        "/webhook/raw", params={"phone": asleep.phone_number_id}, headers={"Host": asleep.host}, content=b"abc"
    )
    assert found.json() == {"bytes": 3, "host": str(asleep.id), "phone": str(asleep.id)}
    nobody = await pool.post("/webhook/raw", params={"phone": "1"}, headers={"Host": "stack.example.com"})
    assert nobody.json() == {"bytes": 0, "host": None, "phone": None}


async def test_a_dedicated_process_serves_its_clinic_under_any_host(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory(isolation="Dedicated", settings={"ai": {"persona": {"name": "Davi"}}})
    client = await client_for(toy_app, clinic.service_settings("auth"))
    assert await display(client, clinic.host) == "Davi"
    assert await display(client, "10.0.0.7:3001") == "Davi"


@pytest.mark.parametrize("isolation", ["Shared", "Dedicated"])
async def test_a_change_is_seen_without_a_restart(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp, isolation: str
) -> None:
    clinic = await clinic_factory(isolation=isolation)
    client = await client_for(toy_app, clinic.service_settings("auth"))
    assert await display(client, clinic.host) == "Sofia"
    clinic.settings["ai"]["persona"]["name"] = "Helena"
    clinic.generation += 1
    await clinic.write()

    async def seen() -> bool:
        return await display(client, clinic.host) == "Helena"

    await eventually(seen, seconds=5)


async def test_a_host_that_was_just_asked_for_in_vain_is_found_when_claimed(
    pool: AppClient, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()
    late = f"late-{uuid4().hex[:8]}.example.com"
    assert await display(pool, late) == 404
    clinic.settings["hosts"].append(late)
    await clinic.write()

    async def seen() -> bool:
        return await display(pool, late) == "Sofia"

    await eventually(seen, seconds=5)
    clinic.settings["hosts"].remove(late)
    await clinic.write()

    async def gone() -> bool:
        return await display(pool, late) == 404

    await eventually(gone, seconds=5)


async def test_a_change_is_seen_after_the_connection_that_listens_was_lost(
    stack: Stack, clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.postgres.port) as proxy:
        url = f"postgresql://atendeai_pool:pool@127.0.0.1:{proxy.port}/atendeai"
        client = await client_for(toy_app, stack.settings("auth", database_url=SecretStr(url)))
        assert await display(client, clinic.host) == "Sofia"
        listener = client.kit.tenants.listener
        await eventually(lambda: listener.connected)
        assert await display(client, clinic.host) == "Sofia"  # known from here on: connecting forgot what was before
        proxy.cut()
        await eventually(lambda: not listener.connected)
        # What is known is still answered while the database is away.
        assert await display(client, clinic.host) == "Sofia"
        clinic.settings["ai"]["persona"]["name"] = "Irene"
        await clinic.write()
        proxy.mend()

        async def seen() -> bool:
            return await display(client, clinic.host) == "Irene"

        await eventually(seen, seconds=5)
        await eventually(lambda: listener.connected)

        # A connection that is silent rather than closed is noticed too.
        proxy.stall()
        await eventually(lambda: not listener.connected, seconds=10)
        proxy.mend()
        await eventually(lambda: listener.connected, seconds=10)


async def test_a_row_of_another_key_is_no_clinic_but_an_outage(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    strange = SecretStr(Fernet.generate_key().decode())
    client = await client_for(toy_app, clinic.service_settings("auth", stack_key=strange))
    assert await display(client, clinic.host) == 503


async def test_many_at_once_load_a_clinic_once(pool: AppClient, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    answers = await asyncio.gather(*(display(pool, clinic.host) for _ in range(40)))
    assert set(answers) == {"Sofia"}


async def test_the_data_of_a_deleted_clinic_is_not_served(pool: AppClient, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    assert await display(pool, clinic.host) == "Sofia"
    await clinic.fetch("DELETE FROM atendeai.claim WHERE clinic_id = $1", clinic.id)
    await clinic.fetch("DELETE FROM atendeai.clinic_config WHERE clinic_id = $1", clinic.id)

    async def gone() -> bool:
        return await display(pool, clinic.host) == 404

    await eventually(gone, seconds=5)
