"""What is degraded, which thresholds make it so, and the history of changes; with the real queues and tables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import redis.asyncio as aioredis
from pydantic import SecretStr

from atendeai.health import service
from atendeai.health.app import create_app
from atendeai.health.picture import State
from atendeai.health.repository import MOST_KEPT, ChangeRepository
from atendeai.health.settings import HealthSettings
from atendeai.kit import clock
from atendeai.kit.errors import Unavailable
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import enqueue
from tests.health.parts import ANSWERS, Parts, refuse

pytestmark = pytest.mark.integration

QUICK: dict[str, Any] = {"watch_seconds": 0.05, "channel_seconds": 0.05, "latency_seconds": 60.0}
"""And lenient, for a busy machine."""


def in_days(days: float) -> str:
    return (clock.now() + timedelta(days=days)).isoformat()


Start = Callable[..., Awaitable[AppClient]]


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory(
        isolation="Dedicated", settings={"calendar": {"provider": "Google"}, "ai": {"provider": "OpenAI"}}
    )


@pytest.fixture
def start(clinic: TestClinic, client_for: ClientFactory, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return how to start the clinic's own health service, with thresholds of the test's."""
    monkeypatch.setattr(service, "KEPT_SECONDS", 0)

    async def started(**values: Any) -> AppClient:
        health = HealthSettings(**{**QUICK, **values})
        return await client_for(
            lambda settings: create_app(settings, health=health, peers=parts), clinic.service_settings("health")
        )

    return started


async def component(client: AppClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/health")).json()["components"][name]
    return found


async def changes(client: AppClient, clinic: TestClinic, **params: Any) -> list[tuple[Any, ...]]:
    response = await client.get("/health/history", params=params, headers=clinic.headers())
    assert response.status_code == 200, response.text
    return [(one["component"], one["was"], one["became"], one["reason"]) for one in response.json()["items"]]


async def test_work_that_waits_too_long_degrades_and_does_not_take_down(
    clinic: TestClinic, start: Start, clinic_factory: ClinicFactory
) -> None:
    other = await clinic_factory()
    client = await start(queue_age_seconds=60)
    async with client.kit.database.transaction(clinic.id) as connection:
        await enqueue(connection, clinic.id, "conversation", "a", clock.now() - timedelta(seconds=45))
    assert (await component(client, "work"))["status"] == "up"
    async with client.kit.database.transaction(clinic.id) as connection:
        await enqueue(connection, clinic.id, "outbound", "b", clock.now() - timedelta(seconds=90))
    await other.fetch(
        "INSERT INTO atendeai.work (clinic_id, queue, key, due_at, due_since)"
        " VALUES ($1, 'outbound', 'c', now(), now() - interval '2 days')",
        other.id,
    )
    response = await client.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    work = response.json()["components"]["work"]
    assert work["status"] == "degraded"
    assert "more than 60 s" in work["reason"]
    assert "172" not in work["reason"], "another clinic's work is not this one's"
    metrics = (await client.get("/metrics")).text
    assert 'atendeai_health_threshold{signal="queue_age_seconds"} 60.0' in metrics
    assert 'atendeai_health_component_status{component="work"} 1.0' in metrics


async def test_a_slow_part_is_degraded_by_the_threshold_that_was_set(start: Start) -> None:
    client = await start(latency_seconds=0.000001)
    response = await client.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert "more than 1e-06 s" in response.json()["components"]["auth"]["reason"]


async def test_a_redis_that_takes_no_writes_is_degraded_with_the_reason(start: Start, stack: Stack) -> None:
    client = await start()
    admin = aioredis.Redis.from_url(stack.redis.admin_url)
    await admin.config_set("min-replicas-to-write", 1)
    try:
        response = await client.get("/health")
        assert (await client.get("/health/ready")).status_code == 200, "nobody is better off without the service"
    finally:
        await admin.config_set("min-replicas-to-write", 0)
        await admin.aclose()
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    redis = response.json()["components"]["redis"]
    assert (redis["status"], redis["reason"]) == (
        "degraded",
        "takes no writes: too few replicas follow it (NOREPLICAS)",
    )


@pytest.mark.parametrize(
    ("path", "said", "channel", "status", "reason"),
    [
        ("channel", {"state": "broken", "token": {"valid": False}, "error": {"code": 190}}, "whatsapp", "down", "190"),
        ("channel", {"state": "unknown"}, "whatsapp", "degraded", "Meta has not said"),
        ("channel", {"token": {"valid": True, "expires_at": in_days(2)}}, "whatsapp", "degraded", "ends in 48 h"),
        ("channel", {"token": {"valid": True, "expires_at": in_days(8)}}, "whatsapp", "up", None),
        ("channel", {"state": "unconfigured"}, "whatsapp", "down", "no access token"),
        ("channel", {"recently_sent": 8, "recently_failed": 2}, "whatsapp", "degraded", "20% of its messages fail"),
        ("channel", {"recently_sent": 0, "recently_failed": 1}, "whatsapp", "up", None),
        ("status", {"ready": False, "reason": "credentials"}, "calendar", "down", "credentials"),
        ("model", {"state": "failing", "reason": "rate-limited"}, "model", "degraded", "rate-limited"),
        ("model", {"state": "unconfigured"}, "model", "degraded", "has no key"),
        ("model", {"state": "unused"}, "model", "up", None),
        (
            "status",
            {"calendars": [{"sync_error": "rate-limited"}, {"sync_error": None}]},
            "calendar",
            "degraded",
            "1 calendar(s)",
        ),
    ],
)
async def test_a_channel_that_does_not_work_degrades_the_whole(
    start: Start, parts: Parts, path: str, said: dict[str, Any], channel: str, status: str, reason: str | None
) -> None:
    full = f"/internal/v1/{path}"
    parts.behaviour["conversation" if channel == "model" else channel] = lambda request: httpx.Response(
        200, json=ANSWERS[full] | said if request.url.path == full else {"status": "healthy"}
    )
    client = await start()
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json()["status"] == ("healthy" if status == "up" else "degraded")
    found = response.json()["components"][f"channel:{channel}"]
    assert found["status"] == status
    assert (reason or "") in found.get("reason", "")
    shown = f'atendeai_health_clinics{{channel="channel:{channel}",status="{status}"}} 1.0'
    assert shown in (await client.get("/metrics")).text


async def test_the_answer_follows_what_is_accepted(start: Start) -> None:
    client = await start()
    table = await client.get("/health", headers={"Accept": "text/csv"})
    assert table.text.startswith("component,status,reason,latency_ms,version\r\nhealth,up")
    refused = await client.get("/health", headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert refused.json()["type"] == "urn:atendeai:problem:not-acceptable"
    assert "text/csv" in refused.json()["available"]


async def test_what_changes_is_written_down_once_with_reason_and_return(
    clinic: TestClinic, start: Start, parts: Parts
) -> None:
    client, twin = await start(), await start()
    assert await changes(client, clinic) == []
    parts.behaviour["auth"] = refuse

    async def written(count: int) -> bool:
        return len(await changes(client, clinic)) == count

    await eventually(lambda: written(1))
    parts.behaviour.clear()
    await eventually(lambda: written(2))
    assert await changes(twin, clinic) == [
        ("auth", "down", "up", None),
        ("auth", None, "down", "does not answer"),
    ]
    page = await client.get("/health/history", params={"page_size": 1}, headers=clinic.headers("auditor"))
    token = page.json()["next_page_token"]
    assert [one["became"] for one in page.json()["items"]] == ["up"]
    assert await changes(client, clinic, page_size=1, page_token=token) == [("auth", None, "down", "does not answer")]
    assert await changes(client, clinic, component="user") == []


async def test_an_outage_of_the_database_and_what_changes_during_it_are_in_the_history(
    clinic: TestClinic, client_for: ClientFactory, parts: Parts, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KEPT_SECONDS", 0)
    health = HealthSettings(**QUICK)
    async with proxied(stack.postgres.port) as proxy:
        direct = clinic.service_settings("health")
        url = direct.database_url.get_secret_value().replace(f":{stack.postgres.port}/", f":{proxy.port}/")
        client = await client_for(
            lambda settings: create_app(settings, health=health, peers=parts),
            clinic.service_settings("health", database_url=SecretStr(url)),
        )

        async def stands(name: str, state: str) -> bool:
            seen = service_of(client)._before.get(clinic.id, {})
            return name in seen and seen[name][0] == state

        await eventually(lambda: stands("postgresql", "up"))
        began = clock.now()
        proxy.cut()
        parts.behaviour["auth"] = refuse
        await eventually(lambda: stands("postgresql", "down"))
        await eventually(lambda: len(service_of(client)._unwritten.get(clinic.id, ())) > 0)
        await eventually(lambda: stands("auth", "down"))
        parts.behaviour.clear()
        await eventually(lambda: stands("auth", "up"))
        mended = clock.now()
        proxy.mend()

        async def all_told() -> bool:
            told = [one[:3:2] for one in await changes(client, clinic)]
            return set(told) >= {(name, how) for name in ("postgresql", "auth") for how in ("down", "up")}

        await eventually(all_told)
        page = await client.get("/health/history", headers=clinic.headers())
        [down] = [one for one in page.json()["items"] if (one["component"], one["became"]) == ("postgresql", "down")]
        assert began <= datetime.fromisoformat(down["at"]) <= mended


async def test_one_look_alone_is_no_change(clinic: TestClinic, start: Start, parts: Parts) -> None:
    client = await start(watch_seconds=3600)
    aggregate = service_of(client)
    parts.behaviour["auth"] = refuse
    await aggregate.look()
    parts.behaviour.clear()
    await aggregate.look()
    assert await changes(client, clinic) == []
    parts.behaviour["auth"] = refuse
    await aggregate.look()
    await aggregate.look()
    assert [one[2] for one in await changes(client, clinic)] == ["down"]


def service_of(client: AppClient) -> service.Aggregate:
    return client.app.state.aggregate  # type: ignore[no-any-return]  # Starlette's state carries no types


async def test_the_history_is_the_staffs_and_bounded(
    clinic: TestClinic, start: Start, clinic_factory: ClinicFactory
) -> None:
    client = await start(watch_seconds=3600)
    assert (await client.get("/health/history")).status_code == 401
    await clinic.fetch(
        "INSERT INTO atendeai.health_change (clinic_id, id, at, component, was, became)"
        " SELECT $1, gen_random_uuid(), now() - n * interval '1 minute', 'auth', 'up', 'down'"
        f" FROM generate_series(1, {MOST_KEPT + 50}) AS n",
        clinic.id,
    )
    await clinic.fetch(
        "INSERT INTO atendeai.health_change (clinic_id, id, at, component, was, became)"
        " VALUES ($1, gen_random_uuid(), now() - interval '90 days', 'redis', 'up', 'degraded'),"
        " ($1, gen_random_uuid(), now() - interval '91 days', 'redis', 'degraded', 'up')",
        clinic.id,
    )
    async with client.kit.database.transaction(clinic.id) as connection:
        rows = ChangeRepository(connection, clinic.id)
        made = await rows.record({"auth": (State.UP, None), "redis": (State.DEGRADED, "x")}, clock.now(), 30)
    assert [(one.component, one.was, one.became) for one in made] == [("auth", State.DOWN, State.UP)]
    kept = await clinic.fetch(
        "SELECT component, count(*) FROM atendeai.health_change WHERE clinic_id = $1 GROUP BY 1 ORDER BY 1", clinic.id
    )
    assert [tuple(row) for row in kept] == [("auth", MOST_KEPT), ("redis", 1)]


async def test_a_clinic_that_cannot_be_read_does_not_keep_the_others_from_being_looked_at(
    stack: Stack, clinic_factory: ClinicFactory, client_for: ClientFactory, parts: Parts
) -> None:
    broken, fine = await clinic_factory(), await clinic_factory()
    answered: set[UUID] = set()

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/internal/v1/channel":
            await asyncio.sleep(0.2)  # longer than it takes to find that the other cannot be read
            answered.add(UUID(request.headers["x-clinic-id"]))
        return httpx.Response(200, json=ANSWERS["/internal/v1/channel"])

    parts.behaviour = {"whatsapp": slowly}
    health = HealthSettings(watch_seconds=3600)
    client = await client_for(
        lambda settings: create_app(settings, health=health, peers=parts), stack.settings("health")
    )
    await broken.fetch("UPDATE atendeai.clinic_config SET wrapped_key = '' WHERE clinic_id = $1", broken.id)
    with pytest.raises(Unavailable):
        await service_of(client).look()
    assert fine.id in answered
    await broken.fetch("DELETE FROM atendeai.clinic_config WHERE clinic_id = $1", broken.id)


async def test_the_pool_tells_each_clinic_its_channels_and_all_of_them_its_parts(
    stack: Stack,
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "KEPT_SECONDS", 0)
    broken, fine = await clinic_factory(), await clinic_factory()

    def channel(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/internal/v1/channel":
            return httpx.Response(200, json={"status": "healthy"})
        ill = UUID(request.headers["x-clinic-id"]) == broken.id
        return httpx.Response(200, json=ANSWERS["/internal/v1/channel"] | ({"state": "broken"} if ill else {}))

    parts.behaviour = {"whatsapp": channel}
    health = HealthSettings(watch_seconds=0.05, channel_seconds=0.05)
    client = await client_for(
        lambda settings: create_app(settings, health=health, peers=parts), stack.settings("health")
    )
    nobody = await client.get("/health", headers={"Host": f"{uuid4().hex}.example.com"})
    assert not [name for name in nobody.json()["components"] if name.startswith("channel:")]
    of_broken = (await client.get("/health", headers={"Host": broken.host})).json()
    of_fine = (await client.get("/health", headers={"Host": fine.host})).json()
    assert of_broken["components"]["channel:whatsapp"]["status"] == "down"
    assert of_fine["components"]["channel:whatsapp"]["status"] == "up"
    parts.behaviour["calendar"] = refuse

    async def told(clinic: TestClinic, name: str) -> bool:
        return name in {one[0] for one in await changes(client, clinic)}

    await eventually(lambda: told(fine, "calendar"), seconds=20)
    await eventually(lambda: told(broken, "channel:whatsapp"), seconds=20)
    assert not await told(fine, "channel:whatsapp")
