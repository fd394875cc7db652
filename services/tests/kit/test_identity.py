"""Tokens: what is accepted, and everything that must not be."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import APIRouter, Depends

from atendeai.kit import clock
from atendeai.kit.app import create_service
from atendeai.kit.identity import issue_service_token, person, revoke_sessions, signing_key
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration

PATH = "/api/v1/things/1"


def claims(clinic: TestClinic, **changes: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    base = {
        "iss": f"atendeai:{clinic.id}",
        "aud": "atendeai",
        "sub": str(uuid4()),
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid4()),
        "sid": str(uuid4()),
        "clinic_id": str(clinic.id),
        "roles": ["owner"],
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def forge(
    clinic: TestClinic,
    body: dict[str, Any],
    *,
    key: bytes | None = None,
    algorithm: str = "HS256",
    kid: str | None = None,
) -> str:
    own_kid, own_key = signing_key(clinic.tenant)
    return jwt.encode(body, own_key if key is None else key, algorithm=algorithm, headers={"kid": kid or own_kid})


async def get(client: AppClient, clinic: TestClinic, token: str) -> httpx.Response:
    return await client.get(PATH, headers={"Host": clinic.host, "Authorization": f"Bearer {token}"})


async def test_a_good_token_is_accepted(client: AppClient, clinic: TestClinic) -> None:
    subject = str(uuid4())
    response = await get(client, clinic, clinic.token("owner", subject=subject))
    assert response.status_code == 200
    assert response.json()["who"] == subject
    assert response.json()["role"] == clinic.role


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"aud": "atendeai-internal"},
        {"aud": ["atendeai"]},
        {"aud": None},
        {"iss": "atendeai:other"},
        {"clinic_id": str(uuid4())},
        {"sid": None},
        {"sid": "1"},
        {"sub": "ana"},
        {"jti": None},
        {"exp": None},
        {"roles": None},
        {"roles": "owner"},
        {"iat": 99999999999},
        {"iat": "now"},
        {"iat": [1]},
    ],
)
async def test_wrong_claims_are_refused(client: AppClient, clinic: TestClinic, changes: dict[str, Any]) -> None:
    response = await get(client, clinic, forge(clinic, claims(clinic, **changes)))
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_clock_that_is_a_little_ahead_signs_tokens_that_count(client: AppClient, clinic: TestClinic) -> None:
    now = int(clock.now().timestamp())
    assert (await get(client, clinic, forge(clinic, claims(clinic, iat=now + 3)))).status_code == 200
    assert (await get(client, clinic, forge(clinic, claims(clinic, iat=now + 60)))).status_code == 401


async def test_wrong_keys_and_algorithms_are_refused(
    client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory
) -> None:
    other = await clinic_factory()
    body = claims(clinic)
    refused = [
        forge(clinic, body, key=b"x" * 32),
        forge(clinic, body, kid="unknown"),
        forge(clinic, body, algorithm="HS512"),
        forge(clinic, body, key=signing_key(other.tenant)[1]),
        other.token("owner"),
        "not.a.token",
        "…",
    ]

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    kid = signing_key(clinic.tenant)[0]
    refused.append(f"{part({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{part(body)}.")
    for token in refused:
        response = await client.get(
            PATH, headers=[(b"Host", clinic.host.encode()), (b"Authorization", f"Bearer {token}".encode())]
        )
        assert response.status_code == 401, token


async def test_nothing_and_basic_are_refused_with_a_hint(client: AppClient, clinic: TestClinic) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        response = await client.get(PATH, headers={"Host": clinic.host, **headers})
        assert response.status_code == 401
        assert "Authorization: Bearer" in response.json()["detail"]


async def test_another_role_is_403_and_says_which(client: AppClient, clinic: TestClinic) -> None:
    response = await get(client, clinic, clinic.token("receptionist"))
    assert response.status_code == 403
    assert "owner" in response.json()["detail"]


async def test_an_auditor_reads_where_no_role_is_named_and_changes_nothing(
    clinic_factory: ClinicFactory, client_for: ClientFactory
) -> None:
    router = APIRouter(dependencies=[Depends(person())])

    @router.api_route("/api/v1/desk", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def desk() -> dict[str, str]:
        return {}

    clinic = await clinic_factory()
    client = await client_for(
        lambda settings: create_service("auth", settings, routers=[router]), clinic.service_settings("auth")
    )
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = await client.request(method, "/api/v1/desk", headers=clinic.headers("auditor"))
        assert answer.status_code == (200 if method == "GET" else 403), method
        both = await client.request(method, "/api/v1/desk", headers=clinic.headers("auditor", "receptionist"))
        assert both.status_code == 200


async def test_a_service_token_is_no_person_and_the_other_way_round(client: AppClient, clinic: TestClinic) -> None:
    service_token = issue_service_token(clinic.tenant, "whatsapp")
    assert (await get(client, clinic, service_token)).status_code == 401
    headers = {"X-Clinic-ID": str(clinic.id), "Authorization": f"Bearer {clinic.token()}"}
    assert (await client.post("/internal/v1/echo", json={}, headers=headers)).status_code == 401


async def test_internal_calls_need_the_token_of_the_clinic_they_name(
    client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory
) -> None:
    other = await clinic_factory()
    good = await client.post("/internal/v1/echo", json={"a": 1}, headers=clinic.service_headers("whatsapp"))
    assert good.json() == {"from": "whatsapp", "clinic": str(clinic.id), "body": {"a": 1}}
    crossed = {**clinic.service_headers("whatsapp"), "X-Clinic-ID": str(other.id)}
    assert (await client.post("/internal/v1/echo", json={}, headers=crossed)).status_code == 401
    for named in (str(uuid4()), "nonsense", ""):
        headers = {**clinic.service_headers("whatsapp"), "X-Clinic-ID": named}
        assert (await client.post("/internal/v1/echo", json={}, headers=headers)).status_code == 404
    by_host = {"Host": clinic.host, "Authorization": clinic.service_headers("whatsapp")["Authorization"]}
    assert (await client.post("/internal/v1/echo", json={}, headers=by_host)).status_code == 404
    assert (await client.get("/internal/v1/echo")).status_code in (404, 405)


async def test_service_tokens_are_reused(clinic: TestClinic) -> None:
    tenant = clinic.tenant
    assert issue_service_token(tenant, "whatsapp") == issue_service_token(tenant, "whatsapp")
    assert issue_service_token(tenant, "whatsapp") != issue_service_token(tenant, "calendar")


@pytest.mark.parametrize("isolation", ["Shared", "Dedicated"])
async def test_an_ended_session_is_refused_by_every_process(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp, isolation: str
) -> None:
    clinic = await clinic_factory(isolation=isolation)
    first = await client_for(toy_app, clinic.service_settings("auth"))
    second = await client_for(toy_app, clinic.service_settings("auth"))
    token = clinic.token(sid=(session := str(uuid4())))
    for client in (first, second):
        assert (await get(client, clinic, token)).status_code == 200
    async with first.kit.database.transaction(clinic.id) as connection:
        await revoke_sessions(connection, clinic.id, [session], clock.now() + timedelta(minutes=15))
    for client in (first, second):
        await eventually(partial(refused, client, clinic, token), seconds=5)
        assert (await get(client, clinic, clinic.token())).status_code == 200
    third = await client_for(toy_app, clinic.service_settings("auth"))
    assert (await get(third, clinic, token)).status_code == 401


async def refused(client: AppClient, clinic: TestClinic, token: str) -> bool:
    return (await get(client, clinic, token)).status_code == 401


async def test_a_session_ended_while_nobody_listened_is_refused_too(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    clinic = await clinic_factory()
    client = await client_for(toy_app, clinic.service_settings("auth"))
    token = clinic.token(sid=(quiet := str(uuid4())))
    assert (await get(client, clinic, token)).status_code == 200
    await client.kit.tenants.listener.stop()
    async with client.kit.database.transaction(clinic.id) as connection:
        await revoke_sessions(connection, clinic.id, [quiet], clock.now() + timedelta(minutes=15))
    await eventually(partial(refused, client, clinic, token), seconds=8)
