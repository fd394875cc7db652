"""A query parameter that a route does not read is refused by name, but where somebody outside adds their own."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from atendeai.kit.parameters import is_strict
from atendeai.kit.settings import SERVICE_PORTS, Settings
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import ClientFactory
from tests.kit.toy import CreateApp

OUTSIDE = {
    "GET /webhook/whatsapp": "Meta verifies the address",
    "POST /webhook/whatsapp": "Meta delivers",
    "GET /api/v1/calendar/oauth/callback": "Google leads back, with parameters of its own",
    "POST /api/v1/calendar/push": "Google tells of changes",
    "GET /api/v1/appointments/feeds/{secret}.ics": "whatever program reads calendars",
    "GET /health": "probes, proxies, and whoever watches",
    "GET /health/live": "the same",
    "GET /health/ready": "the same",
    "GET /metrics": "a Prometheus, as it is configured",
}
"""Routes that take any query, and whose doing it is."""


@pytest.mark.integration
async def test_a_parameter_that_is_not_known_is_refused_by_name(
    clinic: TestClinic, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    client = await client_for(toy_app, clinic.service_settings("auth"))
    for path, field, takes in (
        ("/api/v1/things/7?name=a&nmae=b", "nmae", "name, phone"),
        ("/api/v1/open?" + "x" * 300, "x" * 100, "none"),
        ("/api/v1/open?=1", '""', "none"),
    ):
        refused = await client.get(path, headers=clinic.headers())
        assert refused.status_code == 422, refused.text
        [error] = refused.json()["errors"]
        assert (error["field"], error["code"]) == (field, "extra_forbidden")
        assert error["reason"].endswith(f"it takes {takes}")
    internal = await client.post("/internal/v1/echo?x=1", json={}, headers=clinic.service_headers("user"))
    assert internal.status_code == 422
    for path in ("/api/v1/things/7?nmae=b", "/internal/v1/echo?x=1"):
        method = "POST" if path.startswith("/internal/") else "GET"
        nobody = {"Host": clinic.host, "X-Clinic-ID": str(clinic.id)}
        assert (await client.request(method, path, headers=nobody)).status_code == 401, path
    for path in ("/health", "/health/ready", "/metrics", "/openapi.json"):
        assert (await client.get(f"{path}?x=1")).status_code == 200, path


def test_only_what_is_called_from_outside_takes_any_query() -> None:
    found = set()
    for service, port in SERVICE_PORTS.items():
        settings = Settings(
            service=service,
            stack_key=SecretStr("x"),
            port=port,
            database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"),
            redis_url=SecretStr("redis://127.0.0.1:1/0"),
        )
        app: Any = importlib.import_module(f"atendeai.{service}.app").create_app(settings)
        found |= {
            f"{method} {route.path_format}"
            for route in iter_route_contexts(app.routes)
            if getattr(route, "include_in_schema", False) and not is_strict(route)
            for method in route.methods or ()
        }
    assert found == set(OUTSIDE)
