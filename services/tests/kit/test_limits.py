"""Rate limits: exact for each clinic, the same across replicas, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration


def login(client: AppClient, clinic: TestClinic, email: str, address: str = "203.0.113.9") -> Awaitable[httpx.Response]:
    headers = {"Host": clinic.host, "X-Real-IP": address}
    return client.post("/api/v1/login", json={"email": email}, headers=headers)


async def test_the_sixth_sign_in_of_a_minute_is_429_on_any_replica(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    replicas = [await client_for(toy_app, clinic.service_settings("auth")) for _ in range(2)]
    answers = [await login(replicas[number % 2], clinic, f"p{number}@example.com") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"minute";q=5;w=60, "hour";q=100;w=3600'
    assert re.fullmatch(r'"minute";r=4;t=([1-9]|[1-5]\d|60)', answers[0].headers["ratelimit"])
    refused = answers[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["type"] == "urn:atendeai:problem:rate-limited"
    assert "5 requests a minute" in refused.json()["detail"]
    elsewhere = await login(replicas[0], clinic, "other@example.com", address="203.0.113.10")
    assert elsewhere.status_code == 200


async def test_an_account_is_counted_whatever_the_address(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    client = await client_for(toy_app, clinic.service_settings("auth"))
    spellings = ["Ana@Example.com", "ana@example.com", " ana@example.com", "ANA@example.com", "ana@Example.com"]
    for number, email in enumerate(spellings):
        assert (await login(client, clinic, email, address=f"198.51.100.{number}")).status_code == 200
    assert (await login(client, clinic, "ana@example.com", address="198.51.100.99")).status_code == 429


async def test_concurrent_sign_ins_pass_no_more_than_five(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    client = await client_for(toy_app, clinic.service_settings("auth"))
    answers = await asyncio.gather(*(login(client, clinic, f"c{number}@example.com") for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 15


async def test_the_api_is_counted_by_subject_and_by_address(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    limits = {"security": {"rateLimits": {"api": {"minute": 3, "hour": 1000}}}}
    clinic = await clinic_factory(settings=limits)
    client = await client_for(toy_app, clinic.service_settings("auth"))
    someone, other = clinic.headers(subject=str(uuid4())), clinic.headers(subject=str(uuid4()))
    assert [(await client.get("/api/v1/open", headers=someone)).status_code for _ in range(4)] == [200] * 3 + [429]
    assert (await client.get("/api/v1/open", headers=other)).status_code == 200
    anonymous = {"Host": clinic.host, "X-Real-IP": "192.0.2.1"}
    assert [(await client.get("/api/v1/open", headers=anonymous)).status_code for _ in range(4)] == [200] * 3 + [429]
    # A token that is not valid does not buy a fresh count.
    spoiled = {**anonymous, "Authorization": "Bearer nonsense"}
    assert (await client.get("/api/v1/open", headers=spoiled)).status_code == 429


async def test_the_hour_holds_too(clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp) -> None:
    clinic = await clinic_factory(settings={"security": {"rateLimits": {"api": {"minute": 100, "hour": 4}}}})
    client = await client_for(toy_app, clinic.service_settings("auth"))
    answers = [await client.get("/api/v1/open", headers={"Host": clinic.host}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert int(answers[-1].headers["retry-after"]) > 60


async def test_clinics_do_not_share_a_count(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    first, second = await clinic_factory(), await clinic_factory()
    client = await client_for(toy_app, first.service_settings("auth"))
    for number in range(6):
        await login(client, first, f"s{number}@example.com")
    assert (await login(client, second, "s@example.com")).status_code == 200


async def test_a_dedicated_clinics_own_user_may_count(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory(isolation="Dedicated")
    client = await client_for(toy_app, clinic.service_settings("auth"))
    answers = [await login(client, clinic, f"d{number}@example.com") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert (await client.get("/api/v1/open", headers={"Host": clinic.host})).status_code == 200


async def test_webhooks_and_internal_calls_are_exempt(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory(settings={"security": {"rateLimits": {"api": {"minute": 1, "hour": 1}}}})
    client = await client_for(toy_app, clinic.service_settings("auth"))
    for _ in range(3):
        assert (await client.post("/webhook/raw", headers={"Host": clinic.host})).status_code == 200
        internal = await client.post("/internal/v1/echo", json={}, headers=clinic.service_headers("user"))
        assert internal.status_code == 200
        assert (await client.get("/health/live")).status_code == 200


async def test_without_redis_the_api_goes_on_and_sign_in_does_not(
    stack: Stack, clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.redis.port) as proxy:
        url = f"redis://pool:pool@127.0.0.1:{proxy.port}/0"
        client = await client_for(toy_app, stack.settings("auth", redis_url=SecretStr(url)))
        assert (await client.get("/health/ready")).status_code == 200
        proxy.cut()
        assert (await client.get("/api/v1/things/1", headers=clinic.headers())).status_code == 200
        refused = await login(client, clinic, "x@example.com")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        cached = await client.get("/api/v1/cached", headers=clinic.headers())
        assert cached.status_code == 503
        assert cached.json()["detail"].startswith("Redis")
        proxy.mend()

        async def let_in() -> bool:
            return (await login(client, clinic, "x@example.com")).status_code == 200

        await eventually(let_in, every=0.1)
