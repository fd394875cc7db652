"""The same POST twice has one effect and one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import asyncpg
import httpx
import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClinicFactory

pytestmark = pytest.mark.integration

EVENTS = "SELECT count(*) FROM atendeai.audit_event WHERE clinic_id = $1"


def post(
    client: AppClient, clinic: TestClinic, key: str | None, name: str = "chair", size: int = 1
) -> Awaitable[httpx.Response]:
    headers = clinic.headers() if key is None else {**clinic.headers(), "Idempotency-Key": key}
    return client.post("/api/v1/things", json={"name": name, "size": size}, headers=headers)


async def events(clinic: TestClinic) -> int:
    return int((await clinic.fetch(EVENTS, clinic.id))[0][0])


async def test_the_second_gets_the_firsts_answer(client: AppClient, clinic: TestClinic) -> None:
    first, second = await post(client, clinic, "key-1"), await post(client, clinic, "key-1")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await events(clinic) == 1


async def test_ten_at_once_have_one_effect(client: AppClient, clinic: TestClinic) -> None:
    answers = await asyncio.gather(*(post(client, clinic, "key-2") for _ in range(10)))
    early = [answer for answer in answers if answer.status_code == 409]
    for answer in early:
        assert answer.json()["type"] == "urn:atendeai:problem:idempotency-key-in-flight"
        assert answer.headers["retry-after"] == "1"
    # Whoever was refused as too early gets the first one's answer now, like all that were not.
    later = [await post(client, clinic, "key-2") for _ in early]
    done = [answer for answer in answers if answer not in early] + later
    assert {answer.status_code for answer in done} == {201}
    assert len({answer.json()["id"] for answer in done}) == 1
    assert await events(clinic) == 1


async def test_a_key_in_flight_is_refused_at_once(client: AppClient, clinic: TestClinic) -> None:
    connection = await asyncpg.connect(clinic.stack.postgres.admin_dsn)
    try:
        # Stands for a first request whose transaction has not ended.
        await connection.execute(
            "SELECT pg_advisory_lock(hashtextextended($1, 0))", f"idempotency:{clinic.id}:things.create:key-6"
        )
        refused = await post(client, clinic, "key-6")
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    finally:
        await connection.close()
    assert (await post(client, clinic, "key-6")).status_code == 201
    assert await events(clinic) == 1


async def test_another_request_under_the_same_key_is_422(client: AppClient, clinic: TestClinic) -> None:
    await post(client, clinic, "key-3")
    refused = await post(client, clinic, "key-3", size=2)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_without_a_key_each_counts(client: AppClient, clinic: TestClinic) -> None:
    await post(client, clinic, None)
    await post(client, clinic, None)
    assert await events(clinic) == 2


async def test_a_refusal_leaves_nothing_and_can_be_repeated(client: AppClient, clinic: TestClinic) -> None:
    for _ in range(2):
        refused = await post(client, clinic, "key-4", name="refused")
        assert refused.status_code == 409
    assert await events(clinic) == 0
    assert (await clinic.fetch("SELECT 1 FROM atendeai.idempotency_key WHERE clinic_id = $1", clinic.id)) == []


async def test_keys_belong_to_a_clinic(client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory) -> None:
    other = await clinic_factory()
    first, second = await post(client, clinic, "key-5"), await post(client, other, "key-5")
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 201, "has space"])
async def test_a_key_must_be_one(client: AppClient, clinic: TestClinic, key: str | None) -> None:
    refused = await post(client, clinic, key)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_two_keys_are_none(client: AppClient, clinic: TestClinic) -> None:
    headers = [*clinic.headers().items(), ("Idempotency-Key", "key-a"), ("Idempotency-Key", "key-b")]
    refused = await client.post("/api/v1/things", headers=headers, json={"name": "chair", "size": 1})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
