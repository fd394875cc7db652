"""The Google fake with one service account and its calendars, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from tests.outside import google_fake

ACCOUNT = "agenda@clinica.test"
BASE_URL = "http://google.test"
TOKEN_URL = f"{BASE_URL}/token"
_made: list[tuple[str, str]] = []


class Way(httpx.AsyncBaseTransport):
    """What the fake's notifications travel by; it may end somewhere else at any time."""

    end: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand one on."""
        if self.end is None:
            raise httpx.ConnectError("nobody is there", request=request)
        return await self.end.handle_async_request(request)


@asynccontextmanager
async def google_world(calendars: Sequence[str]) -> AsyncIterator[GoogleWorld]:
    """A Google with one account and these calendars."""
    async with google_fake() as app:
        world = GoogleWorld(app)
        await world.start(calendars)
        yield world


@dataclass
class GoogleWorld:
    """Steers the fake through its control routes."""

    app: FastAPI
    way: Way = field(default_factory=Way)
    service_account: str = ""

    @property
    def transport(self) -> httpx.ASGITransport:
        """The way to the fake."""
        return httpx.ASGITransport(app=self.app)

    @property
    def credentials(self) -> dict[str, str]:
        """What the clinic's secret holds."""
        return {"service-account.json": self.service_account}

    async def control(self, method: str, path: str, **options: Any) -> Any:
        """Call a control route."""
        async with httpx.AsyncClient(transport=self.transport, base_url=BASE_URL) as client:
            answer = (await client.request(method, f"/_fake{path}", **options)).raise_for_status()
            return answer.json() if answer.content else None

    def deliver_to(self, app: FastAPI) -> None:
        """Let the fake's notifications reach a service of this process."""
        self.way.end = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    def deliver_nothing(self) -> None:
        """Let the fake's notifications reach nobody; so it is until a service is named."""
        self.way.end = None

    async def start(self, calendars: Sequence[str], role: str = "writer") -> None:
        """Make the account and its calendars."""
        self.app.state.pusher.transport = self.way
        # A key takes long to make: the first one serves all.
        body = {"client_email": ACCOUNT, "token_uri": TOKEN_URL}
        if not _made:
            account = await self.control("POST", "/service-accounts", json=body)
            _made.append((orjson.dumps(account).decode(), self.app.state.google.tokens.keys[ACCOUNT]))
        self.service_account, public_key = _made[0]
        await self.control("POST", "/service-accounts", json=body | {"public_key": public_key})
        for name in calendars:
            await self.calendar(name, role)

    async def calendar(self, name: str, role: str = "writer") -> None:
        """Make a calendar that the account may use in this role."""
        await self.control("POST", "/calendars", json={"calendar_id": name, "acl": {ACCOUNT: role}})

    async def busy(self, name: str, start: datetime, end: datetime) -> None:
        """Make a stretch busy."""
        body = {"calendar_id": name, "start": start.isoformat(), "end": end.isoformat()}
        await self.control("POST", "/busy", json=body)

    async def by_hand(self, name: str, event: dict[str, Any]) -> None:
        """Put an event into a calendar as a person would."""
        await self.control("POST", "/events", json={"calendar_id": name, "event": event})

    async def move(self, name: str, event_id: str, start: datetime, end: datetime) -> None:
        """Move an event as a person would."""
        times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        await self.by_hand(name, {"id": event_id} | times)

    async def delete(self, name: str, event_id: str) -> None:
        """Delete an event as a person would."""
        await self.control("DELETE", f"/events/{event_id}", params={"calendar_id": name})

    async def channels(self) -> list[dict[str, Any]]:
        """Return the watch channels that are open."""
        found: list[dict[str, Any]] = await self.control("GET", "/channels")
        return found

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events that stand in a calendar."""
        answer = await self.control("GET", "/events", params={"calendar_id": name})
        found: list[dict[str, Any]] = answer["items"]
        return found

    async def calls(self, operation: str) -> list[dict[str, Any]]:
        """Return what was asked of one operation."""
        answer = await self.control("GET", "/calls", params={"operation": operation})
        found: list[dict[str, Any]] = answer["items"]
        return found

    async def fault(self, operation: str, **fault: Any) -> None:
        """Have an operation fail."""
        await self.control("POST", "/faults", json={"operation": operation, **fault})
