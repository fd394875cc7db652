"""The operator's questions against a local server that answers as the gateway and the services do."""

from __future__ import annotations

import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import jwt
import pytest
from aiohttp import web

from atendeai_operator.api.conditions import Reason
from atendeai_operator.gateway.model import SUSPENDED, UNKNOWN_HOST
from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.ports import Door, Report, Verdict
from atendeai_operator.probing.client import ACTIVE_PATHS, HttpProbing, addresses

CLINIC = UUID("6f9d2a2e-3a0f-4f44-9f0e-0c2ad4e7c001")
KEY = bytes(range(32))

Start = Callable[..., Awaitable[int]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start servers on addresses of the loopback; they end with the test."""
    runners = []

    async def started(handler: Any, address: str = "127.0.0.1", port: int = 0) -> int:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, address, port)
        await site.start()
        return int(runner.addresses[0][1])

    yield started
    for runner in runners:
        await runner.cleanup()


def _gateway(*hosts: str, suspended: tuple[str, ...] = ()) -> Any:
    async def answer(request: web.Request) -> web.Response:
        assert request.path in ACTIVE_PATHS
        if request.host in hosts:
            return web.json_response({"status": "alive"}, headers={"X-Service": "health"})
        said = SUSPENDED if request.host in suspended else UNKNOWN_HOST
        return web.json_response({"detail": said.detail}, status=said.status)

    return answer


async def _serves(port: int, host: str, *, suspended: bool = False, pods: tuple[str, ...] = ("127.0.0.1",)) -> bool:
    async def resolve(name: str, asked: int) -> list[str]:
        assert (name, asked) == ("dev-gateway-pods.ns.svc", port)
        return list(pods)

    probing = HttpProbing(resolve=resolve, gateway_port=port)
    try:
        return await probing.serves("dev-gateway-pods.ns.svc", host, suspended=suspended)
    finally:
        await probing.close()


async def test_a_gateway_is_asked_with_the_clinics_host(start: Start) -> None:
    port = await start(_gateway("sol.example.com", suspended=("sono.example.com",)))
    assert await _serves(port, "sol.example.com")
    assert not await _serves(port, "lua.example.com")
    assert await _serves(port, "sono.example.com", suspended=True)
    assert not await _serves(port, "sono.example.com"), "woken, but the gateway does not know it yet"
    assert not await _serves(port, "sol.example.com", suspended=True), "suspended, but still served as before"


async def test_what_the_gateway_says_by_itself_is_not_the_clinic(start: Start) -> None:
    async def no_upstream(_request: web.Request) -> web.Response:
        return web.json_response({"detail": "no healthy upstream"}, status=503)

    assert not await _serves(await start(no_upstream), "sol.example.com")


async def test_every_pod_of_the_gateway_must_serve(start: Start) -> None:
    port = await start(_gateway("sol.example.com"))
    await start(_gateway(), "127.0.0.2", port)
    await start(_gateway("sol.example.com"), "127.0.0.3", port)
    assert await _serves(port, "sol.example.com", pods=("127.0.0.1", "127.0.0.3"))
    assert not await _serves(port, "sol.example.com", pods=("127.0.0.1", "127.0.0.2"))


async def test_a_gateway_that_cannot_be_asked_is_waited_for(start: Start) -> None:
    with pytest.raises(Waiting, match=r"127\.0\.0\.1"):
        await _serves(_closed_port(), "sol.example.com")
    with pytest.raises(Waiting, match="No pod"):
        await _serves(_closed_port(), "sol.example.com", pods=())


async def test_names_are_resolved() -> None:
    assert await addresses("127.0.0.1", 80) == ["127.0.0.1"]
    assert await addresses("nobody.invalid", 80) == []


class Service:
    """A service of a clinic that checks who asks, as the services' kit does."""

    def __init__(self, path: str, said: Any, status: int = 200) -> None:
        self._path, self._said, self._status = path, said, status
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        assert request.path == self._path
        assert request.headers["X-Clinic-ID"] == str(CLINIC)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "kid": "kid-1"}
        claims = jwt.decode(
            token,
            KEY,
            algorithms=["HS256"],
            audience="atendeai-internal",
            issuer=f"atendeai:{CLINIC}",
            options={
                "require": ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "clinic_id", "roles"],
                "strict_aud": True,
            },
        )
        assert (claims["sub"], claims["roles"], claims["clinic_id"]) == ("operator", ["service"], str(CLINIC))
        if isinstance(self._said, str):
            return web.Response(text=self._said, status=self._status)
        return web.json_response(self._said, status=self._status)


def _door(port: int) -> Door:
    key = base64.urlsafe_b64encode(KEY).decode().rstrip("=")
    return Door(f"http://127.0.0.1:{port}", CLINIC, "kid-1", key)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _channel(start: Start, said: Any, status: int = 200) -> Report:
    service = Service("/internal/v1/channel", said, status)
    probing = HttpProbing()
    try:
        found = await probing.channel(_door(await start(service.answer)))
    finally:
        await probing.close()
    assert service.asked == 1
    return found


async def _calendar(start: Start, said: Any) -> Report:
    service = Service("/internal/v1/status", said)
    probing = HttpProbing()
    try:
        return await probing.calendar(_door(await start(service.answer)))
    finally:
        await probing.close()


async def test_a_channel_that_works(start: Start) -> None:
    found = await _channel(start, {"state": "ok", "token": {"valid": True, "problem": None}, "error": None})
    assert found.verdict is Verdict.WORKING


async def test_templates_that_meta_does_not_have_are_named_with_the_remedy(start: Start) -> None:
    templates = {"usable": ["atendeai_lembrete"], "pending": ["atendeai_vaga"], "refused": [], "synced_at": None}
    said = {"state": "ok", "token": {"valid": True}, "error": None}
    missing = templates | {"missing": ["atendeai_lembrete_confirmado", "atendeai_mudanca"]}
    unread = await _channel(start, said | {"templates": missing})
    assert (unread.verdict, unread.short) == (Verdict.WORKING, None), "nobody has looked at Meta's list yet"
    read = {"synced_at": "2026-01-01T00:00:00Z"}
    found = await _channel(start, said | {"templates": missing | read})
    assert (found.verdict, found.short) == (Verdict.WORKING, Reason.TEMPLATES_MISSING)
    assert "atendeai_lembrete_confirmado, atendeai_mudanca:" in found.text
    reviewed = await _channel(start, said | {"templates": templates | {"missing": []} | read})
    assert reviewed.short is None, "Meta reviews what is there"


async def test_refused_templates_are_all_named(start: Start) -> None:
    error = {"code": 132001, "title": "Template atendeai_lembrete is REJECTED", "details": None}
    templates = {"refused": ["atendeai_lembrete", "atendeai_vaga"], "missing": [], "synced_at": "2026-01-01T00:00:00Z"}
    said = {"state": "broken", "token": {"valid": True}, "error": error, "templates": templates}
    found = await _channel(start, said)
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, False)
    assert found.text.startswith("Meta refuses to send: Template atendeai_lembrete is REJECTED (error 132001).")
    assert "atendeai_lembrete, atendeai_vaga." in found.text


async def test_a_refused_token_is_told_in_metas_words(start: Start) -> None:
    token = {"valid": False, "problem": "Error validating access token: Session has expired."}
    found = await _channel(start, {"state": "broken", "token": token, "error": None})
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, True)
    assert "Session has expired" in found.text


@pytest.mark.parametrize(
    ("number", "words", "suspected"),
    [
        ("555000000000005", "Object with ID '555000000000005' does not exist, or cannot be loaded", True),
        ("5", "Object with ID '555000000000005' does not exist, or cannot be loaded", False),
        ("555000000000005", "The session has expired", False),
        (None, "Object with ID '555000000000005' does not exist", False),
        ("", "Object with ID '' does not exist", False),
    ],
)
async def test_the_phone_number_id_is_suspected_where_metas_words_name_it(
    start: Start, number: str | None, words: str, suspected: bool
) -> None:
    said = {"state": "broken", "phone_number_id": number, "token": {"valid": False, "problem": words}, "error": None}
    found = await _channel(start, said)
    assert (found.verdict, found.number) == (Verdict.REFUSED, suspected)
    assert found.text.startswith("Meta refuses the phone number id" if suspected else "Meta refuses the access token:")
    assert words in found.text


async def test_a_refused_account_is_told_with_its_code(start: Start) -> None:
    error = {"code": 131031, "title": "Account has been locked", "details": "…", "at": "2026-01-01T00:00:00Z"}
    found = await _channel(start, {"state": "broken", "token": {"valid": True, "problem": None}, "error": error})
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, False)
    assert found.text == "Meta refuses to send: Account has been locked (error 131031)."


@pytest.mark.parametrize(
    ("said", "status", "word"),
    [
        ({"state": "unknown", "token": {"valid": None, "problem": "Service temporarily unavailable"}}, 200, "Service"),
        ({"state": "unconfigured", "token": {"valid": None}}, 200, "credentials"),
        ({"title": "Unauthenticated"}, 401, "401"),
        ("<html>", 200, "cannot read"),
        ([], 200, "cannot read"),
    ],
)
async def test_what_cannot_be_said_is_unknown(start: Start, said: Any, status: int, word: str) -> None:
    found = await _channel(start, said, status)
    assert found.verdict is Verdict.UNKNOWN
    assert word in found.text


async def test_a_service_that_is_away_is_unknown() -> None:
    probing = HttpProbing()
    found = await probing.calendar(_door(_closed_port()))
    await probing.close()
    assert found.verdict is Verdict.UNKNOWN
    assert "calendar service" in found.text


async def test_calendars(start: Start) -> None:
    calendars = [
        {"professional_code": "ana", "readable": True, "reason": None},
        {"professional_code": "rui", "readable": False, "reason": "forbidden"},
    ]
    works = await _calendar(start, {"provider": "Google", "ready": True, "calendars": calendars[:1]})
    assert works.verdict is Verdict.WORKING
    refused = await _calendar(
        start,
        {"ready": False, "reason": "forbidden", "remedy": "Share the calendar.", "calendars": calendars},
    )
    assert (refused.verdict, refused.credentials) == (Verdict.REFUSED, False)
    assert refused.text == "Share the calendar. Not readable: rui."
    key = await _calendar(start, {"ready": False, "reason": "credentials", "remedy": "Put in valid ones."})
    assert (key.verdict, key.credentials) == (Verdict.REFUSED, True)
    passing = await _calendar(start, {"ready": False, "reason": "unavailable", "remedy": "It may pass by itself."})
    assert passing.verdict is Verdict.UNKNOWN
