"""`/metrics` stays small and quick, whatever is asked for how long."""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
import re
import string
import time
from collections.abc import Iterator, MutableMapping
from typing import Any
from uuid import uuid4

import pytest
import structlog
from prometheus_client import REGISTRY

from atendeai.kit.metrics import Few
from atendeai.kit.settings import SERVICE_PORTS
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from tests.kit.toy import CreateApp

REQUESTS = 8_000
ROUND = 2_000
LABELS = {
    *(
        "service",
        "version",
        "method",
        "route",
        "status",
        "peer",
        "dependency",
        "limit",
        "queue",
        "outcome",
        "direction",
    ),
    *("intent", "reason", "model", "kind", "applied", "action", "rating", "component", "signal", "channel", "state"),
}
"""Whose values are few: the code's own words, or kept few by `Few`."""


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


async def ask(app: Any, method: str, path: str, headers: dict[str, str]) -> int:
    """One request without a body, as the server hands it over, and its status."""
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await app(scope_of(method, path, headers), receive, send)
    return status


def scope_of(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    raw_path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("203.0.113.9", 1),
        "server": ("127.0.0.1", 80),
    }


class Churn:
    """Requests of every kind, no two alike."""

    def __init__(self, known: dict[str, str]) -> None:
        self._random = random.Random(20261128)  # noqa: S311 - the same in every run
        self._known = known

    def word(self) -> str:
        return "".join(self._random.choices(string.ascii_lowercase + string.digits, k=12))

    def one(self, number: int) -> tuple[str, str, dict[str, str]]:
        word, host = self.word(), {"Host": f"{self.word()}.example.com", "X-Request-ID": self.word()}
        signed = {**self._known, "User-Agent": word}
        cheap = (
            ("GET", f"/{word}/{word}?{word}=1", host),
            ("GET", f"/api/v1/{word}", host),
            ("POST", f"/internal/v1/{word}", {"X-Clinic-ID": str(uuid4())}),
            (word.upper(), "/webhook/raw", host),
            ("BREW", f"/{word}", host),
            ("HEAD", f"/health/{word}", host),
            ("GET", "/health/live", host),
        )
        trace = {"traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01"}
        preflight = {"Origin": f"https://{word}.example", "Access-Control-Request-Method": "GET"}
        dear = (
            ("DELETE", "/api/v1/open", signed),
            ("GET", f"/api/v1/things/{number}", {**signed, **trace}),
            ("GET", f"/api/v1/things/{word}", signed),
            ("OPTIONS", "/api/v1/open", {**self._known, **preflight}),
            ("GET", "/api/v1/open", host),
        )
        turn, rest = divmod(number, 20)
        return cheap[number % len(cheap)] if rest else dear[turn % len(dear)]


def series(exposition: str) -> set[str]:
    """What is exposed, without the values."""
    return {line.rpartition(" ")[0] for line in exposition.splitlines() if not line.startswith("#")}


async def exposed(client: AppClient) -> str:
    return (await client.get("/metrics")).text


@pytest.mark.integration
async def test_thousands_of_varied_requests_leave_the_exposition_as_small_as_the_first_did(
    clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp, quiet_logs: None
) -> None:
    for collector in list(REGISTRY._collector_to_names):
        if getattr(collector, "_labelnames", ()):
            collector.clear()  # type: ignore[attr-defined]  # what other tests of this process asked of all the services
    limits = {"security": {"rateLimits": {"api": {"minute": 1_000_000, "hour": 1_000_000}}}}
    clinics = [await clinic_factory(settings=limits) for _ in range(2)]
    client = await client_for(toy_app, clinics[0].stack.settings("auth"))
    churns = [Churn(clinic.headers(seconds=3600)) for clinic in clinics]
    await exposed(client)
    statuses: dict[int, int] = {}
    first: set[str] = set()
    for number in range(REQUESTS):
        if number == ROUND:
            first = series(await exposed(client))
        status = await ask(client.app, *churns[number >= ROUND].one(number))
        statuses[status] = statuses.get(status, 0) + 1
    assert set(statuses) == {200, 403, 404, 405, 422}, statuses

    text = await exposed(client)
    assert series(text) == first
    assert len(text) < 300_000
    for clinic in clinics:
        assert clinic.id.hex not in text.replace("-", "")
    assert 'method="BREW"' not in text
    assert 'method="OTHER",route="unmatched"' in text

    took = []
    for _ in range(20):
        started = time.perf_counter()
        await exposed(client)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05, took  # the limit that the services promise


def test_no_metric_of_any_service_has_a_label_that_grows_with_use() -> None:
    for service in SERVICE_PORTS:
        importlib.import_module(f"atendeai.{service}.app")
    found = {
        (name, label)
        for collector, names in REGISTRY._collector_to_names.items()
        for name in names
        for label in getattr(collector, "_labelnames", ())
        if name.startswith(("atendeai_", "http_")) and not name.startswith("atendeai_operator_")
    }
    assert ("http_server_request_duration_seconds", "route") in found
    assert {label for _, label in found} <= LABELS, [item for item in found if item[1] not in LABELS]


def test_a_label_that_others_choose_stays_few() -> None:
    few = Few(3)
    assert [few(value) for value in ("a", "b", "a", "c", "d", "b", "e")] == ["a", "b", "a", "c", "other", "b", "other"]


def test_a_series_is_told_from_its_value() -> None:
    assert series('# HELP x y\nx{a="b c"} 1.0\nz 2.0') == {'x{a="b c"}', "z"}
    assert re.fullmatch(r"[a-z0-9]{12}", Churn({}).word())


@pytest.mark.integration
async def test_a_request_that_its_caller_broke_off_is_no_failure_of_the_service(
    client_for: ClientFactory, toy_app: CreateApp, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()
    client = await client_for(toy_app, clinic.stack.settings("auth"))
    waits = asyncio.Event()

    async def receive() -> dict[str, Any]:
        waits.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(_: MutableMapping[str, Any]) -> None:
        raise AssertionError("nobody is answered")

    headers = {**clinic.headers(), "Content-Type": "application/json"}
    asked = asyncio.create_task(client.app(scope_of("POST", "/webhook/raw", headers), receive, send))
    await waits.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert 'route="/webhook/raw",service="auth",status="499"' in await exposed(client)
