"""The aggregate: every part named, quick when one hangs, silent about addresses and secrets."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from atendeai.health import service
from atendeai.health.app import create_app
from atendeai.health.settings import HealthSettings
from atendeai.kit.settings import SERVICE_PORTS
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.health.parts import Parts, hang, refuse

pytestmark = pytest.mark.integration

LENIENT = HealthSettings(latency_seconds=60, queue_age_seconds=1e9)
"""For a busy machine, and for work that other tests of the pool left behind."""


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def client(stack: Stack, client_for: ClientFactory, parts: Parts) -> AppClient:
    settings = stack.settings("health", gateway_health_url="http://gateway:8100/ready")
    return await client_for(lambda s: create_app(s, health=LENIENT, peers=parts), settings)


async def test_all_parts_are_named(client: AppClient, parts: Parts) -> None:
    response = await client.get("/health")
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["status"] == "healthy"
    assert body["components"].keys() == {*SERVICE_PORTS, "postgresql", "redis", "gateway", "work"}
    assert all(part["status"] == "up" for part in body["components"].values())
    assert body["components"]["whatsapp"]["version"] == "1.2.3"
    assert "http://whatsapp:3007/health" in parts.asked
    assert "http://gateway:8100/ready" in parts.asked


async def test_every_way_of_being_down_is_told_and_nothing_else(
    client: AppClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KEPT_SECONDS", 0)
    sick = {"status": "unhealthy", "components": {"redis": {"status": "down"}, "postgresql": {"status": "up"}}}
    parts.behaviour = {
        "whatsapp": refuse,
        "calendar": hang,
        "auth": lambda _: httpx.Response(503, json=sick),
        "user": lambda _: httpx.Response(500, content=b"<html>10.1.2.3</html>"),
    }
    response = await client.get("/health")
    assert response.status_code == 503
    components = response.json()["components"]
    assert components["whatsapp"] == {"status": "down", "reason": "does not answer"}
    assert components["calendar"] == {"status": "down", "reason": "timed out"}
    assert components["auth"]["reason"] == "its redis does not answer"
    assert components["user"]["reason"] == "reports that it is not healthy"
    assert components["appointment"]["status"] == "up"
    assert "10.1.2.3" not in response.text


async def test_however_many_ask_the_parts_are_asked_once(client: AppClient, parts: Parts) -> None:
    answers = await asyncio.gather(*(client.get("/health") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert parts.asked.count("http://whatsapp:3007/health") == 1


async def test_it_notices_recovery(client: AppClient, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "KEPT_SECONDS", 0)
    parts.behaviour = {"whatsapp": refuse}
    assert (await client.get("/health")).status_code == 503
    parts.behaviour = {}

    async def well() -> bool:
        return (await client.get("/health")).status_code == 200

    await eventually(well)


async def test_liveness_and_readiness_are_the_processes_own(client: AppClient, parts: Parts) -> None:
    parts.behaviour = dict.fromkeys(SERVICE_PORTS, refuse)
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_dedicated_clinic_asks_its_own_parts(
    clinic_factory: ClinicFactory, client_for: ClientFactory, parts: Parts
) -> None:
    clinic = await clinic_factory(isolation="Dedicated")
    client = await client_for(lambda s: create_app(s, health=LENIENT, peers=parts), clinic.service_settings("health"))
    response = await client.get("/health", headers={"Host": clinic.host})
    assert response.status_code == 200
    assert response.headers["x-clinic-id"] == str(clinic.id)
    assert "gateway" not in response.json()["components"]
    assert response.json()["components"]["channel:whatsapp"] == {"status": "up"}
