"""auth and user side by side, each calling the other as in production."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from atendeai.auth.app import create_app as create_auth
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.peers import Peers
from atendeai.user.app import create_app as create_user

PASSWORD = "correct horse battery"


@dataclass
class Identity:
    """Both services of a clinic, reached under its host, each request from an address of its own unless told."""

    clinic: TestClinic
    auth: httpx.AsyncClient
    user: httpx.AsyncClient
    invitation: str

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


async def _start(stack: AsyncExitStack, app: FastAPI, host: str) -> httpx.AsyncClient:
    await stack.enter_async_context(app.router.lifespan_context(app))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://service", headers={"Host": host})
    return await stack.enter_async_context(client)


@pytest.fixture(params=["Dedicated", "Shared"])
async def identity(request: pytest.FixtureRequest, stack: Stack) -> AsyncIterator[Identity]:
    """Both services for a new clinic with an owner's invitation."""
    token = token_urlsafe(24)
    owner = {"email": "Dona@Sol.example", "tokenSha256": sha256(token.encode()).hexdigest()}
    clinic = await make_clinic(stack, isolation=request.param, credentials={"owner": owner})
    apps: dict[str, Any] = {}
    peers = Peers(apps)
    auth_settings, user_settings = clinic.service_settings("auth"), clinic.service_settings("user")
    apps["auth"] = create_auth(auth_settings, kit=Kit(auth_settings, peers=peers))
    apps["user"] = create_user(user_settings, kit=Kit(user_settings, peers=peers))
    async with AsyncExitStack() as opened:
        auth = await _start(opened, apps["auth"], clinic.host)
        user = await _start(opened, apps["user"], clinic.host)
        yield Identity(clinic, auth, user, token)
