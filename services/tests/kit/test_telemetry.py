"""One trace from the webhook to the sent reply, and nothing in it that a patient said or is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest

from atendeai.kit import said, telemetry
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.collector import Collector, Seen, collecting
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import Worker, enqueue
from tests.kit.toy import Calls, create_app
from tests.kit.whole import whole

pytestmark = pytest.mark.integration

NAME, NUMBER, WORDS = "Zenóbia Quaresma", "5511944443333", "quero marcar uma consulta amanhã às 14h, xilofone"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_OUTSIDE = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=a:1,other=b"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with collecting() as made:
        yield made


async def found(collector: Collector, name: str, count: int = 1) -> list[Seen]:
    async def look() -> list[Seen]:
        spans = collector.named(name)
        return spans if len(spans) >= count else []

    spans: list[Seen] = await eventually(look, seconds=20, what=f"{count} spans {name!r}")
    return spans


async def test_one_trace_from_the_webhook_to_the_sent_reply(
    clinic_factory: ClinicFactory, collector: Collector
) -> None:
    async with whole(clinic_factory, otlp_endpoint=collector.endpoint) as world:
        await world.say(WORDS, NUMBER, NAME)
        answers = await world.answers(1)
    # Closed with the services: what they had recorded has been sent.
    assert answers[0]["to"] == NUMBER
    sent = next(call for call in collector.named("POST") if "process whatsapp.outbound" in collector.way(call)[-2])
    assert collector.way(sent) == [
        "whatsapp server POST /webhook/whatsapp",
        "whatsapp consumer process whatsapp.inbound",
        "whatsapp client POST /internal/v1/messages",
        "conversation server POST /internal/v1/messages",
        "conversation consumer process conversation",
        "conversation consumer process reply",
        "conversation client POST /internal/v1/outbound",
        "whatsapp server POST /internal/v1/outbound",
        "whatsapp consumer process whatsapp.outbound",
        "whatsapp client POST",
    ]
    asked = collector.named("POST /internal/v1/slots/search", "appointment")[0]
    assert collector.way(asked)[-3:] == [
        "conversation consumer process conversation",
        "conversation client POST /internal/v1/slots/search",
        "appointment server POST /internal/v1/slots/search",
    ]
    assert asked.trace == sent.trace
    webhook = collector.named("POST /webhook/whatsapp")[0]
    assert webhook.parent == ""
    assert webhook.attributes == {
        "http.request.method": "POST",
        "http.route": "/webhook/whatsapp",
        "url.path": "/webhook/whatsapp",
        "http.response.status_code": 200,
        "atendeai.clinic.id": str(world.clinic.id),
    }
    assert sent.attributes["server.address"] == "graph.invalid"
    assert sent.attributes["http.response.status_code"] == 200
    _says_nothing_of_patients(collector, world.clinic)


def _says_nothing_of_patients(collector: Collector, clinic: TestClinic) -> None:
    assert collector.raw
    for secret in (NAME, NAME[:7], NUMBER, NUMBER[4:], "xilofone", "consulta amanhã", clinic.phone_number_id):
        assert secret.encode() not in collector.raw


async def test_a_request_goes_on_in_the_trace_it_names_and_hands_it_on(
    clinic: TestClinic, collector: Collector, client_for: ClientFactory, queue: str, worker: Callable[..., Worker]
) -> None:
    heard: list[httpx.Request] = []

    def peer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, json={})

    settings = clinic.service_settings("auth", otlp_endpoint=collector.endpoint)
    client = await client_for(lambda s: create_app(s, peers=httpx.MockTransport(peer)), settings)
    with client.kit.telemetry.serving("GET", "/x", FROM_OUTSIDE):
        await client.kit.services.call(
            clinic.tenant, "user", "GET", f"/internal/v1/users/{clinic.id}/{NUMBER}?q={NAME}"
        )
    version, trace, span, flags = heard[0].headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != SPAN
    assert heard[0].headers["tracestate"] == FROM_OUTSIDE["tracestate"]
    call = (await found(collector, "GET /internal/v1/users/{id}/REDACTED"))[0]
    assert call.id == span
    assert call.attributes["url.full"] == f"http://user:3002/internal/v1/users/{clinic.id}/REDACTED"
    assert NUMBER.encode() not in collector.raw


async def test_paths_queries_and_what_an_error_said_are_not_in_a_span(
    clinic: TestClinic, collector: Collector, client_for: ClientFactory
) -> None:
    client = await client_for(create_app, clinic.service_settings("auth", otlp_endpoint=collector.endpoint))
    headers = {**clinic.headers(), **FROM_OUTSIDE, "User-Agent": f"Agent {NUMBER}", "X-Real-IP": "203.0.113.77"}
    assert (await client.get(f"/api/v1/things/7?name={NAME}&phone={NUMBER}", headers=headers)).status_code == 200
    assert (await client.get(f"/api/v1/nothing/{NUMBER}", headers=headers)).status_code == 404
    assert (await client.get("/api/v1/broken", headers=headers)).status_code == 500
    assert (await client.get("/health/live", headers=headers)).status_code == 200
    known, unknown, broken = [
        (await found(collector, f"GET {route}"))[0]
        for route in ("/api/v1/things/{thing}", "unmatched", "/api/v1/broken")
    ]
    assert {span.trace for span in (known, unknown, broken)} == {TRACE}
    assert {span.parent for span in (known, unknown, broken)} == {SPAN}
    assert known.state == FROM_OUTSIDE["tracestate"]
    assert known.attributes["url.path"] == "/api/v1/things/{thing}"
    assert (broken.failed, broken.attributes["error.type"]) == (True, "500")
    assert (unknown.failed, unknown.attributes["http.response.status_code"]) == (False, 404)
    for secret in (NAME, NUMBER, "João", "203.0.113.77", "health", clinic.host):
        assert secret.encode() not in collector.raw


async def test_work_that_several_asked_for_goes_on_in_the_last_trace_and_names_the_others(
    clinic_factory: ClinicFactory,
    collector: Collector,
    client_for: ClientFactory,
    calls: Calls,
    queue: str,
    worker: Callable[..., Worker],
) -> None:
    clinic = await clinic_factory(isolation="Dedicated")
    settings = clinic.service_settings("auth", otlp_endpoint=collector.endpoint)
    writer = Kit(settings)
    traces = [f"{number:032x}" for number in range(1, 11)]
    for trace in traces:
        await _enqueue(writer, clinic, queue, f"00-{trace}-{SPAN}-01")
    await writer.close()
    inside: list[tuple[str, str] | None] = []

    async def behaviour(*_: Any) -> None:
        await asyncio.sleep(0)
        inside.append(telemetry.identifiers())

    calls.behaviour = behaviour
    await client_for(lambda s: create_app(s, workers=[worker()]), settings)
    span = (await found(collector, f"process {queue}"))[0]
    assert span.trace == traces[-1]
    assert span.links == tuple(traces[2:-1])  # eight are kept
    assert span.attributes["messaging.destination.name"] == queue
    assert inside == [(span.trace, span.id)]


async def _enqueue(kit: Kit, clinic: TestClinic, queue: str, parent: str) -> None:
    with kit.telemetry.serving("POST", "/x", {"traceparent": parent}):
        async with kit.database.transaction(clinic.tenant) as connection:
            await enqueue(connection, clinic.id, queue, "k")


async def test_failed_work_is_marked_by_the_errors_type_alone(
    clinic_factory: ClinicFactory,
    collector: Collector,
    client_for: ClientFactory,
    calls: Calls,
    queue: str,
    worker: Callable[..., Worker],
) -> None:
    clinic = await clinic_factory(isolation="Dedicated")

    async def behaviour(*_: Any) -> None:
        raise ValueError(f"{NAME} disse {WORDS}")

    calls.behaviour = behaviour
    settings = clinic.service_settings("auth", otlp_endpoint=collector.endpoint)
    client = await client_for(lambda s: create_app(s, workers=[worker()]), settings)
    await _enqueue(client.kit, clinic, queue, FROM_OUTSIDE["traceparent"])
    span = (await found(collector, f"process {queue}"))[0]
    assert (span.failed, span.attributes["error.type"]) == (True, "ValueError")
    assert b"xilofone" not in collector.raw


async def test_without_a_collector_a_trace_is_handed_on_and_nothing_recorded(
    clinic: TestClinic, stack: Stack, client_for: ClientFactory, queue: str, worker: Callable[..., Worker], calls: Calls
) -> None:
    heard: list[httpx.Request] = []

    def peer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, json={})

    inside: list[tuple[str, str] | None] = []

    async def behaviour(*_: Any) -> None:
        inside.append(telemetry.identifiers())

    calls.behaviour = behaviour
    settings = clinic.service_settings("auth")
    client = await client_for(lambda s: create_app(s, workers=[worker()], peers=httpx.MockTransport(peer)), settings)
    assert not client.kit.telemetry.recording
    with client.kit.telemetry.serving("GET", "/x", FROM_OUTSIDE):
        await client.kit.services.call(clinic.tenant, "user", "GET", "/internal/v1/x")
    assert {name: heard[0].headers[name] for name in FROM_OUTSIDE} == FROM_OUTSIDE
    await client.kit.services.call(clinic.tenant, "user", "GET", "/internal/v1/x")
    assert "traceparent" not in heard[1].headers
    await _enqueue(client.kit, clinic, queue, FROM_OUTSIDE["traceparent"])
    await eventually(lambda: inside)
    assert inside == [(TRACE, SPAN)]


def _so_many(heard: list[str], count: int) -> bool:
    return len(heard) == count


async def _settled(clinic: TestClinic, queue: str) -> bool:
    return not await clinic.fetch("SELECT FROM atendeai.work WHERE clinic_id = $1 AND queue = $2", clinic.id, queue)


async def test_a_requests_id_goes_on_through_the_queue_with_and_without_a_trace(
    clinic: TestClinic, client_for: ClientFactory, queue: str, worker: Callable[..., Worker], calls: Calls
) -> None:
    heard: list[str] = []

    def peer(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers["x-request-id"])
        return httpx.Response(200, json={})

    async def behaviour(*_: Any) -> None:
        await client.kit.services.call(clinic.tenant, "user", "GET", "/internal/v1/x")

    calls.behaviour = behaviour
    client = await client_for(
        lambda s: create_app(s, workers=[worker()], peers=httpx.MockTransport(peer)), clinic.service_settings("auth")
    )
    for number, parent in enumerate((FROM_OUTSIDE["traceparent"], "")):
        said.begin(request_id=f"of-a-request-{number}")
        await _enqueue(client.kit, clinic, queue, parent)
        said.begin()
        await eventually(partial(_so_many, heard, number + 1))
        # Asked for again before it is settled, it would go on in the request before.
        await eventually(partial(_settled, clinic, queue))
    assert heard == ["of-a-request-0", "of-a-request-1"]
    await _enqueue(client.kit, clinic, queue, "")  # as a timer does: no request asked for it
    await eventually(lambda: len(heard) == 3)
    assert UUID(heard[2])


@pytest.mark.parametrize(
    "header", ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}", "x" * 5000]
)
async def test_a_header_that_is_no_trace_context_begins_a_trace_anew(
    header: str, clinic: TestClinic, collector: Collector, client_for: ClientFactory
) -> None:
    client: AppClient = await client_for(create_app, clinic.service_settings("auth", otlp_endpoint=collector.endpoint))
    answer = await client.get("/api/v1/open", headers={"Host": clinic.host, "traceparent": header})
    assert answer.status_code == 200
    span = (await found(collector, "GET /api/v1/open"))[0]
    assert span.parent == ""
    assert span.trace != TRACE


async def test_a_collector_that_is_away_holds_nothing_back(
    clinic: TestClinic, client_for: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_EXPORT_SECONDS", 0.2)
    client = await client_for(create_app, clinic.service_settings("auth", otlp_endpoint="http://127.0.0.1:9"))
    assert (await client.get("/api/v1/open", headers={"Host": clinic.host})).status_code == 200
    await asyncio.wait_for(client.kit.telemetry.close(), 10)


def test_without_an_endpoint_what_records_is_not_even_imported() -> None:
    code = (
        "import sys, atendeai.auth.app\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
