"""The whatsapp service as the appointment service meets it: queues once per key, refuses whom it must."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, Request

from atendeai.domain.templates import BY_NAME
from atendeai.kit.responses import JSON, ProblemJSON


@dataclass
class WhatsAppSide:
    """Keeps what was queued; `away` answers 503, `opted_out` and `unknown` are contacts it refuses."""

    queued: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0
    away: bool = False
    opted_out: set[UUID] = field(default_factory=set)
    unknown: set[UUID] = field(default_factory=set)
    withdrawn: list[str] = field(default_factory=list)
    """Keys of what was taken back."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was queued, oldest first."""
        return list(self.queued.values())

    def to(self, contact: UUID, purpose: str | None = None) -> list[dict[str, Any]]:
        """Return what was queued for one contact."""
        return [
            one
            for one in self.queued.values()
            if one["contact_id"] == str(contact) and purpose in {None, one["purpose"]}
        ]

    def app(self) -> FastAPI:
        """Build the app that stands for the service."""
        app = FastAPI()

        @app.get("/internal/v1/contacts/{contact_id}")
        async def contact(contact_id: UUID) -> JSON:
            if self.away:
                return problem(503, "unavailable")
            return problem(404, "not-found") if contact_id in self.unknown else JSON({"id": str(contact_id)})

        @app.post("/internal/v1/outbound")
        async def outbound(request: Request) -> JSON:
            self.calls += 1
            key, body = request.headers["idempotency-key"], await request.json()
            if self.away:
                return problem(503, "unavailable")
            if UUID(body["contact_id"]) in self.unknown:
                return problem(404, "not-found")
            if UUID(body["contact_id"]) in self.opted_out:
                return problem(409, "opted-out")
            if self.queued.setdefault(key, body) != body:
                return problem(422, "idempotency-key-reused")
            check(body)
            return JSON({"outbound_id": str(uuid4())}, 202)

        @app.post("/internal/v1/outbound/withdraw")
        async def withdraw(request: Request) -> JSON:
            keys = (await request.json())["keys"]
            self.withdrawn += keys
            return JSON({"withdrawn": sum(key in self.queued for key in keys)})

        return app


def check(body: dict[str, Any]) -> None:
    """Hold a message to what Meta and the whatsapp service demand of it."""
    template = BY_NAME[body["template"]["name"]]
    assert template.filled(body["template"]["parameters"])
    assert len(body["template"]["payloads"]) == len(template.buttons)
    assert all("\n" not in one and one for one in body["template"]["parameters"])
    buttons = body.get("buttons", [])
    assert (body["kind"] == "buttons") == bool(buttons)
    assert all(len(one["title"]) <= 20 for one in buttons)
    assert len(body["text"]) <= 1024
    for word in ("Consulta", "consulta", "Dra.", "Souza", "Bruno"):
        assert word not in str(body), "a message names no specialty and no professional"


def problem(status: int, slug: str) -> JSON:
    """Answer a problem document."""
    return ProblemJSON({"type": f"urn:atendeai:problem:{slug}", "status": status}, status)
