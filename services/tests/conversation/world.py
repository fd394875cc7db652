"""One clinic with its conversation and appointment services, and a stand-in WhatsApp that remembers what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from atendeai.conversation.app import create_app
from atendeai.conversation.repository import Unhandled
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.waiting import eventually

EVERY_DAY = {day: [{"opens": "07:00", "closes": "21:00"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
OPEN_ALWAYS = {**PROFILE, "businessHours": EVERY_DAY, "holidays": []}


def unhandled(at: datetime, journal: dict[str, Any] | None = None) -> Unhandled:
    """Return a text that waits to be handled since this moment."""
    return Unhandled(
        uuid4(), uuid4(), None, {}, 0, None, None, False, uuid4(), "text", "", None, None, at, journal, None
    )


class WhatsApp:
    """Takes replies like the whatsapp service; can be told to fail, and to lose its answers."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.fail_with: list[int] = []
        self.opted_out: dict[str, bool] = {}
        self.staff_wrote_at: datetime | None = None
        self.app = FastAPI()

        @self.app.put("/internal/v1/contacts/{contact}/preferences")
        async def preferences(contact: str, request: Request) -> dict[str, Any]:
            self.opted_out[contact] = (await request.json())["opted_out"]
            return {"contact_id": contact, "opted_out": self.opted_out[contact]}

        @self.app.get("/internal/v1/contacts/{contact}")
        async def known(contact: str) -> dict[str, Any]:
            return {"id": contact, "staff_wrote_at": self.staff_wrote_at}

        @self.app.post("/internal/v1/outbound")
        async def outbound(request: Request) -> Response:
            self.calls += 1
            if self.fail_with:
                status = self.fail_with.pop(0)
                return JSONResponse({"type": "urn:atendeai:problem:told-to", "status": status}, status)
            key = request.headers["Idempotency-Key"]
            self.sent.setdefault(key, {**await request.json(), "outbound_id": str(uuid4())})
            return JSONResponse({"outbound_id": self.sent[key]["outbound_id"]}, 202)

    def texts(self, contact: UUID) -> list[str]:
        return [one["text"] for one in self.sent.values() if one["contact_id"] == str(contact)]


async def _nowhere(_: Any) -> None:
    """Where lost answers go."""


class FlakyAppointment:
    """Stands before the appointment service and can swallow answers after the work was done."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.lose: list[str] = []
        self.down = False
        self.hang: str | None = None
        self.hung = False
        self.hold_back: str | None = None
        self.held_back = False
        self.go_on = asyncio.Event()
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.seen.append(path)
        if self.down:
            await JSONResponse({"type": "about:blank", "status": 503}, 503)(scope, receive, send)
            return
        if self.hang is not None and self.hang in path:
            self.hang = None
            await self.app(scope, receive, _nowhere)
            self.hung = True
            await asyncio.Event().wait()
        if self.hold_back is not None and self.hold_back in path:
            self.hold_back = None
            self.held_back = True
            await self.go_on.wait()
        lost = next((part for part in self.lose if part in path), None)
        if lost is None:
            await self.app(scope, receive, send)
            return
        self.lose.remove(lost)
        await self.app(scope, receive, _nowhere)
        await JSONResponse({"type": "about:blank", "status": 500}, 500)(scope, receive, send)


class World:
    """One clinic with its conversation and appointment services running."""

    def __init__(
        self, clinic: TestClinic, client: httpx.AsyncClient, whatsapp: WhatsApp, appointment: FlakyAppointment
    ) -> None:
        self.clinic = clinic
        self.client = client
        self.whatsapp = whatsapp
        self.appointment = appointment

    def beside(self, clinic: TestClinic) -> World:
        """Another clinic of the same processes."""
        return World(clinic, self.client, self.whatsapp, self.appointment)

    def message(self, contact: UUID, text: str, name: str | None = "Maria Souza", **more: Any) -> dict[str, Any]:
        return {
            "message_id": str(uuid4()),
            "wamid": f"wamid.{uuid4().hex}",
            "contact_id": str(contact),
            "contact": {"wa_id": "5511987654321", **({"name": name} if name else {})},
            "kind": "text",
            "text": text,
            "sent_at": clock.now().isoformat(),
            **more,
        }

    async def post(self, message: dict[str, Any]) -> httpx.Response:
        return await self.client.post(
            "/internal/v1/messages",
            json=message,
            headers=self.clinic.service_headers("whatsapp", message["message_id"]),
        )

    async def say(self, contact: UUID, text: str, **more: Any) -> str:
        """One message, and the attendant's answer to it."""
        before = len(self.whatsapp.texts(contact))
        assert (await self.post(self.message(contact, text, **more))).status_code == 202
        await eventually(lambda: len(self.whatsapp.texts(contact)) > before, seconds=20)
        return self.whatsapp.texts(contact)[-1]

    async def appointments(self, contact: UUID) -> list[Any]:
        return await self.clinic.fetch(
            "SELECT * FROM atendeai.appointment WHERE clinic_id = $1 AND contact_id = $2 ORDER BY created_at",
            self.clinic.id,
            contact,
        )


MakeWorld = Callable[..., Awaitable[World]]


@asynccontextmanager
async def conversation_of(
    clinic: TestClinic, peers: Peers, quiet: float = 0, model: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """One process of the conversation service, from start to stop."""
    settings = clinic.service_settings("conversation", reply_quiet_seconds=quiet, reply_wait_seconds=max(8.0, quiet))
    app = create_app(settings, kit=Kit(settings, peers=peers), model_transport=model)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client,
    ):
        yield client
