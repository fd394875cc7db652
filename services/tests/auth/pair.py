"""auth and user side by side, each calling the other as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from atendeai.auth.app import create_app as create_auth
from atendeai.auth.passwords import Cost
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.waiting import eventually
from atendeai.user.app import create_app as create_user

PASSWORD = "correct horse battery"
CHEAP = Cost(passes=1, memory=64, lanes=1)
"""Hashes that cost next to nothing; `test_hashing` has real ones."""


@dataclass
class Identity:
    """Both services of a clinic, reached under its host, each request from an address of its own unless told."""

    clinic: TestClinic
    auth: httpx.AsyncClient
    user: httpx.AsyncClient
    invitation: str
    apps: dict[str, Any]

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        """POST to auth from a fresh address, so that only tests about limits meet them."""
        fresh = {"X-Real-IP": f"192.0.2.{token_urlsafe(3)}"}
        return await self.auth.post(f"/api/v1/auth/{path}", json=body, headers={**fresh, **headers})

    async def owner(self) -> dict[str, Any]:
        """Register the owner and return the tokens."""
        body = {"invitation": self.invitation, "name": "Dona Rosa", "password": PASSWORD}
        answer = await self.post("register", body)
        assert answer.status_code == 201, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def client(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
        """A client of another replica."""
        return httpx.AsyncClient(transport=transport, base_url="http://service")

    async def get(self, path: str, tokens: dict[str, Any]) -> httpx.Response:
        """GET from auth as whoever holds the tokens."""
        return await self.auth.get(f"/api/v1/auth/{path}", headers=bearer(tokens))

    async def login(self, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
        """Try to sign in."""
        return await self.post("login", {"email": email, "password": password}, **headers)

    async def colleague(self, owner: dict[str, Any], *roles: str, email: str = "bia@sol.example") -> Colleague:
        """Invite somebody as the owner and have them register."""
        new = {"email": email, "name": "Bia", "roles": list(roles) or ["receptionist"]}
        invited = await self.user.post("/api/v1/users", json=new, headers=bearer(owner))
        assert invited.status_code == 201, invited.text
        body = {"invitation": invited.json()["invitation"]["token"], "name": "Bia", "password": PASSWORD}
        registered = await self.post("register", body)
        assert registered.status_code == 201, registered.text
        return Colleague(invited.json()["id"], email, registered.json())

    async def audit(self) -> list[asyncpg.Record]:
        """The audit log, the oldest first."""
        table = f"atendeai.audit_event_{self.clinic.id.hex}"
        return await self.clinic.fetch(f"SELECT actor, action, target, reason, details::text FROM {table} ORDER BY at")

    async def refused_everywhere(self, tokens: dict[str, Any]) -> None:
        """Wait until both services refuse the access token: within five seconds, as is promised."""

        async def both() -> bool:
            return (await self.get("me", tokens)).status_code == 401 and (
                await self.user.get("/api/v1/users", headers=bearer(tokens))
            ).status_code == 401

        await eventually(both, seconds=5, every=0.05, what="the access token refused")


@dataclass(frozen=True)
class Colleague:
    """Somebody who was invited and has registered."""

    id: str
    email: str
    tokens: dict[str, Any]


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def _start(stack: AsyncExitStack, app: FastAPI, host: str) -> httpx.AsyncClient:
    await stack.enter_async_context(app.router.lifespan_context(app))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://service", headers={"Host": host})
    return await stack.enter_async_context(client)


@asynccontextmanager
async def running(stack: Stack, isolation: str, **clinic: Any) -> AsyncIterator[Identity]:
    """Both services for a new clinic with an owner's invitation."""
    token = token_urlsafe(24)
    owner = {"email": "Dona@Sol.example", "tokenSha256": sha256(token.encode()).hexdigest()}
    made = await make_clinic(stack, isolation=isolation, credentials={"owner": owner}, **clinic)  # type: ignore[arg-type]
    apps: dict[str, Any] = {}
    peers = Peers(apps)
    auth_settings, user_settings = made.service_settings("auth"), made.service_settings("user")
    apps["auth"] = create_auth(auth_settings, kit=Kit(auth_settings, peers=peers), cost=CHEAP)
    apps["user"] = create_user(user_settings, kit=Kit(user_settings, peers=peers))
    async with AsyncExitStack() as opened:
        auth = await _start(opened, apps["auth"], made.host)
        user = await _start(opened, apps["user"], made.host)
        yield Identity(made, auth, user, token, apps)
    stack.give_back(made)


@pytest.fixture(params=["Dedicated", "Shared"])
async def identity(request: pytest.FixtureRequest, stack: Stack) -> AsyncIterator[Identity]:
    """Both services for a new clinic, of either isolation."""
    async with running(stack, request.param) as made:
        yield made


@pytest.fixture
async def desk(stack: Stack) -> AsyncIterator[Identity]:
    """Both services for a Dedicated clinic whose limits nobody meets: for tests of what comes after them."""
    roomy = {"minute": 1000, "hour": 10000}
    limits = {"security": {"rateLimits": {"auth": roomy, "api": roomy}}}
    async with running(stack, "Dedicated", settings=limits) as made:
        yield made


async def replaced_meanwhile(
    identity: Identity, email: str, what: Callable[[], Coroutine[Any, Any, httpx.Response]] | None = None
) -> httpx.Response:
    """Sign in (or do `what`) while another transaction replaces the password.

    It commits when the old one has been found right.
    """
    return await overtaken(identity, email, "credential", "password_hash = 'another'", what)


async def overtaken(
    identity: Identity,
    email: str,
    table: str,
    change: str,
    what: Callable[[], Coroutine[Any, Any, httpx.Response]] | None = None,
) -> httpx.Response:
    """Sign in (or do `what`) while another transaction makes a change to the row of this address.

    It commits when auth, which has seen the row as it was before, waits for it.
    """
    statement = f"UPDATE atendeai.{table} SET {change} WHERE clinic_id = $1 AND email = $2"
    return await beside(identity, table, statement, email, what or (lambda: identity.login(email)))


async def beside(
    identity: Identity, table: str, statement: str, value: Any, what: Callable[[], Coroutine[Any, Any, httpx.Response]]
) -> httpx.Response:
    """Do something while another transaction runs this statement on a row of the table ($1 the clinic, $2 a value).

    It commits when auth, which has seen the row as it was before, waits for it.
    """
    clinic = identity.clinic
    connection = await asyncpg.connect(clinic.stack.postgres.admin_dsn)
    try:
        async with connection.transaction():
            assert (await connection.execute(statement, clinic.id, value)).endswith(" 1")
            doing = asyncio.create_task(what())
            waits = (
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'atendeai-auth'"
                f" AND query LIKE '%{table}%'"
            )
            await eventually(lambda: clinic.fetch(waits), what="the request, which has seen the old row, waiting")
        return await doing
    finally:
        await connection.close()
