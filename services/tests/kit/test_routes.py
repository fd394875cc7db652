"""Every route names what it asks of whom: a permission of the table, or nothing on purpose."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from atendeai.kit.identity import PERMISSION_MARK
from atendeai.kit.permissions import PERMISSIONS, Role
from atendeai.kit.settings import SERVICE_PORTS, Settings

OPEN = {
    "POST /api/v1/auth/register": "an invitation",
    "POST /api/v1/auth/login": "a password",
    "POST /api/v1/auth/login/verify": "a challenge and a code",
    "POST /api/v1/auth/refresh": "a refresh token",
    "POST /api/v1/auth/reset": "a reset token",
    "GET /api/v1/appointments/feeds/{secret}.ics": "a secret address",
    "GET /api/v1/calendar/oauth/callback": "the state of a consent",
    "POST /api/v1/calendar/push": "the token of a watch channel",
}
"""What is asked without a token, and what is checked instead."""


def _marks(dependant: Dependant | None) -> Iterator[str]:
    for one in dependant.dependencies if dependant else ():
        mark = getattr(one.call, PERMISSION_MARK, None)
        if mark is not None:
            yield str(mark)
        yield from _marks(one)


def _routes(service: str) -> dict[str, set[str]]:
    """The public routes of a service, with the permissions that each asks for."""
    settings = Settings(
        service=service,
        stack_key=SecretStr("x"),
        port=SERVICE_PORTS[service],
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
    )
    app: Any = importlib.import_module(f"atendeai.{service}.app").create_app(settings)
    return {
        f"{method} {route.path_format}": set(_marks(route.dependant))
        for route in iter_route_contexts(app.routes)
        if (route.path_format or "").startswith("/api/")
        for method in route.methods or ()
    }


@pytest.mark.parametrize("service", SERVICE_PORTS)
def test_a_route_asks_for_a_permission_or_is_open_on_purpose(service: str) -> None:
    for route, asked in _routes(service).items():
        assert bool(asked) != (route in OPEN), f"{route} asks for {asked or 'nothing'}"


def test_an_auditor_gets_to_nothing_that_changes_something_of_others() -> None:
    for service in SERVICE_PORTS:
        for route, asked in _routes(service).items():
            if route.startswith("GET ") or route in OPEN:
                continue
            for permission in asked - {"account.self"}:
                assert Role.AUDITOR not in PERMISSIONS[permission].roles, f"{route} asks for {permission}"


def test_every_permission_is_asked_for_by_some_route() -> None:
    asked = {one for service in SERVICE_PORTS for permissions in _routes(service).values() for one in permissions}
    assert asked == set(PERMISSIONS)
