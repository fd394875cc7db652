"""The Google fake with one service account and its calendars, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from fakes.google import create_google

ACCOUNT = "agenda@clinica.test"
BASE_URL = "http://google.test"
TOKEN_URL = f"{BASE_URL}/token"


@dataclass
class GoogleWorld:
    """Steers the fake through its control routes."""

    app: FastAPI = field(default_factory=create_google)
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

    async def start(self, calendars: Sequence[str], role: str = "writer") -> None:
        """Make the account and its calendars."""
        account = await self.control(
            "POST", "/service-accounts", json={"client_email": ACCOUNT, "token_uri": TOKEN_URL}
        )
        self.service_account = orjson.dumps(account).decode()
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
