"""A small world around the service: real PostgreSQL and Redis, the Graph fake, and somebody in conversation's place."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.app import create_app
from atendeai.whatsapp.graph import GraphClient
from atendeai.whatsapp.transcription import Transcriber
from fakes.transcription import create_transcription

SECONDS = 20
PATIENT = "5511987654321"


class Conversation:
    """Stands for the conversation service: takes messages, or refuses them as told."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        """What it was offered, whatever it answered."""
        self.hold: asyncio.Event | None = None
        """Nothing is answered before this."""
        self.keys: list[str] = []
        self.refuse: list[int] = []
        self.answers = False
        """Whether it says that it is about to answer."""
        self.setbacks: list[dict[str, Any]] = []
        """What it was told of replies and notices that will not arrive."""
        self.takeovers: list[dict[str, Any]] = []
        """Whom it was told that staff wrote to."""
        self.joins: list[tuple[str, str]] = []
        """Which contact it was told is which other one, and what it had taken by then."""
        self.app = FastAPI()

        @self.app.post("/internal/v1/contacts/join")
        async def join(request: Request) -> JSONResponse:
            if self.refuse:
                return JSONResponse({"type": "urn:atendeai:problem:test"}, self.refuse.pop(0))
            body = await request.json()
            self.joins.append((body["contact_id"], body["into"]))
            return JSONResponse({"conversation_id": None, "moved": 0})

        @self.app.post("/internal/v1/takeovers")
        async def take_over(request: Request) -> JSONResponse:
            self.takeovers.append(await request.json())
            return JSONResponse({"taken_over": True})

        @self.app.post("/internal/v1/undelivered-notices")
        @self.app.post("/internal/v1/undelivered")
        async def undelivered(request: Request) -> JSONResponse:
            if self.refuse:
                return JSONResponse({"type": "urn:atendeai:problem:test"}, self.refuse.pop(0))
            self.setbacks.append(await request.json())
            return JSONResponse({"shown": True})

        @self.app.post("/internal/v1/messages")
        async def messages(request: Request) -> JSONResponse:
            body = await request.json()
            self.asked.append(body)
            if self.hold is not None:
                await self.hold.wait()
            if self.answers:
                self.keys.append(request.headers["idempotency-key"])
                self.taken.append(body)
                return JSONResponse({"typing": True}, 202)
            self.keys.append(request.headers["idempotency-key"])
            if self.refuse:
                return JSONResponse({"type": "urn:atendeai:problem:test"}, self.refuse.pop(0))
            if body["message_id"] not in [known["message_id"] for known in self.taken]:
                self.taken.append(body)
            return JSONResponse({}, 202)

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many messages were taken."""

        async def look() -> bool:
            return len(self.taken) >= count

        await eventually(look, seconds=SECONDS, what=f"{count} messages at conversation")
        return self.taken


@dataclass
class World:
    """What the tests talk to."""

    stack: Any
    graph: FastAPI
    fake: httpx.AsyncClient
    conversation: Conversation
    callbacks: dict[str, FastAPI]
    """Whom the fake's webhooks reach, by host: the service under test, which is made after the fake."""
    client_for: ClientFactory
    clinic_factory: ClinicFactory
    voices: FastAPI = field(default_factory=create_transcription)
    """The endpoint that writes voices down, at http://voices/v1."""
    appointment: Conversation = field(default_factory=Conversation)
    """In appointment's place: it is told of joined contacts as well, and of nothing else."""
    service: AppClient = field(init=False)

    async def clinic(self, account: dict[str, Any] | None = None, **values: Any) -> TestClinic:
        """Make a clinic and register its account at the Graph fake."""
        clinic = await self.clinic_factory(**values)
        await self.register(clinic, **(account or {}))
        return clinic

    async def register(self, clinic: TestClinic, **account: Any) -> None:
        """Tell the fake about a clinic's account."""
        answer = await self.fake.post(
            "/_fake/accounts",
            json={
                "phone_number_id": clinic.phone_number_id,
                "access_token": clinic.credentials["whatsapp"]["access-token"],
                "app_secret": clinic.credentials["whatsapp"]["app-secret"],
                "callback_url": "http://service/webhook/whatsapp",
                "host": clinic.host,
                "business_account_id": clinic.settings["whatsapp"]["businessAccountId"],
                "status_delay_seconds": 0,
                "redeliveries": 0,
                **account,
            },
        )
        answer.raise_for_status()

    async def start(self, settings: Settings) -> httpx.AsyncClient:
        """Start the service."""
        peers = Peers({"conversation": self.conversation.app, "appointment": self.appointment.app})
        graph = GraphClient(httpx.ASGITransport(app=self.graph))
        kit = Kit(settings, peers=peers)
        heard = Transcriber(httpx.ASGITransport(app=self.voices))
        self.service = await self.client_for(
            lambda given: create_app(given, kit=kit, graph=graph, transcriber=heard), settings
        )
        self.callbacks["service"] = self.service.app
        return self.service

    async def inbound(self, clinic: TestClinic, text: str = "Olá", sender: str | None = PATIENT, **more: Any) -> Any:
        """Let a person write, through the fake's signed webhook."""
        body = {"phone_number_id": clinic.phone_number_id, "text": text, "from": sender, **more}
        if body.get("message") or body.get("button") or body.get("list_row"):
            del body["text"]
        answer = await self.fake.post("/_fake/inbound", json=body)
        answer.raise_for_status()
        return answer.json()

    async def file(self, clinic: TestClinic, content: bytes, mime_type: str, **more: Any) -> str:
        """Let Meta hold a file that a person is about to send; its id."""
        params = {"phone_number_id": clinic.phone_number_id, "mime_type": mime_type, **more}
        answer = await self.fake.post("/_fake/media", params=params, content=content)
        return str(answer.raise_for_status().json()["id"])

    async def media(self, clinic: TestClinic, state: str, count: int = 1) -> list[Any]:
        """Wait until so many files of the clinic are in a state, and return their rows, oldest first."""

        async def look() -> Any:
            rows = await clinic.fetch(
                "SELECT * FROM atendeai.whatsapp_media WHERE clinic_id = $1 AND state = $2 ORDER BY created_at",
                clinic.id,
                state,
            )
            return rows if len(rows) >= count else None

        found: list[Any] = await eventually(look, seconds=SECONDS, what=f"{count} files in state {state}")
        return found

    async def contact(self, clinic: TestClinic, sender: str = PATIENT) -> UUID:
        """Let a person write and return the contact this made."""
        before = len(self.conversation.taken)
        await self.inbound(clinic, sender=sender)
        taken = await self.conversation.until(before + 1)
        return UUID(taken[before]["contact_id"])

    async def send(
        self,
        clinic: TestClinic,
        contact: UUID,
        text: str = "Temos 14h.",
        key: UUID | None = None,
        author: str = "conversation",
        **more: Any,
    ) -> httpx.Response:
        """Ask for a message as conversation does, or another service."""
        body = {"contact_id": str(contact), "kind": "text", "text": text, "purpose": "reply", **more}
        headers = clinic.service_headers(author, key or uuid4())
        return await self.service.post("/internal/v1/outbound", json=body, headers=headers)

    async def fault(self, **fault: Any) -> None:
        """Let the Graph API fail."""
        (await self.fake.post("/_fake/faults", json=fault)).raise_for_status()

    async def received(self, clinic: TestClinic, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the Graph API holds so many messages of this clinic."""

        async def look() -> list[dict[str, Any]]:
            answer = await self.fake.get("/_fake/messages", params={"phone_number_id": clinic.phone_number_id})
            items: list[dict[str, Any]] = answer.json()["items"]
            return items if len(items) >= count else []

        found: list[dict[str, Any]] = await eventually(look, seconds=SECONDS, what=f"{count} messages at the Graph API")
        return found

    async def outbound(self, clinic: TestClinic, message: str, state: str) -> Any:
        """Wait until an outbound message is in a state, and return its row."""

        async def look() -> Any:
            rows = await clinic.fetch(
                "SELECT * FROM atendeai.whatsapp_outbound WHERE clinic_id = $1 AND id = $2", clinic.id, UUID(message)
            )
            return rows[0] if rows and rows[0]["state"] == state else None

        return await eventually(look, seconds=SECONDS, what=f"message in state {state}")

    async def count(self, clinic: TestClinic, table: str) -> int:
        """Count a clinic's rows."""
        rows = await clinic.fetch(f"SELECT count(*) FROM atendeai.{table} WHERE clinic_id = $1", clinic.id)
        return int(rows[0][0])


def webhook(phone_number_id: str, *values: dict[str, Any]) -> bytes:
    """Build a webhook's raw body: one change for each value."""
    changes = [
        {"field": "messages", "value": {"metadata": {"phone_number_id": phone_number_id}, **value}} for value in values
    ]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


def signature(body: bytes, secret: str) -> dict[str, str]:
    """Return the signature's header."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


def message(wamid: str, text: str = "Olá", sender: str = PATIENT, at: int = 1_790_000_000) -> dict[str, Any]:
    """Build the value of a text message."""
    return {
        "contacts": [{"profile": {"name": "Maria"}, "wa_id": sender}],
        "messages": [{"from": sender, "id": wamid, "timestamp": str(at), "type": "text", "text": {"body": text}}],
    }
