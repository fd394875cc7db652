"""Each service with a clinic of its own, as schemathesis asks it: sync, for it runs the app in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from atendeai.appointment.app import create_app as create_appointment
from atendeai.auth.app import create_app as create_auth
from atendeai.calendar.app import create_app as create_calendar
from atendeai.clinic.app import create_app as create_clinic
from atendeai.conversation.app import create_app as create_conversation
from atendeai.health.app import create_app as create_health
from atendeai.health.settings import HealthSettings
from atendeai.kit.resources import Kit
from atendeai.kit.settings import SERVICE_PORTS, Settings
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.peers import Peers
from atendeai.user.app import create_app as create_user
from atendeai.whatsapp.app import create_app as create_whatsapp
from atendeai.whatsapp.graph import GraphClient
from tests.auth.pair import CHEAP
from tests.calendar.google_world import BASE_URL, TOKEN_URL, Way, google_world
from tests.contracts.seeds import GOOGLE_CALENDAR, GOOGLE_CLIENT, SEEDS, Desk, Example
from tests.health.parts import Parts
from tests.whatsapp.world import Conversation

SERVICES = tuple(SERVICE_PORTS)
_UNLIMITED = {"minute": 1_000_000, "hour": 1_000_000}
# Whom a service asks before it answers.
_PEERS = {"auth": ("user",), "user": ("auth",), "appointment": ("whatsapp",)}
# Who calls a service's internal routes; a route that is for somebody else is named below.
_CALLER = {"conversation": "whatsapp", "user": "auth", "auth": "user"}
CALLERS = {
    ("appointment", "/internal/v1/calendar-changes"): "calendar",
    ("appointment", "/internal/v1/contacts/join"): "whatsapp",
    ("appointment", "/internal/v1/undelivered"): "whatsapp",
    ("conversation", "/internal/v1/model"): "health",
}
_LENIENT = HealthSettings(latency_seconds=60, queue_age_seconds=1e9)
"""For a busy machine, and for work that other clinics of the pool left behind."""


def _meta_refuses(request: httpx.Request) -> httpx.Response:
    """Answer as the Graph API does to an access token that it does not know."""
    error = {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}
    return httpx.Response(401, json={"error": error}, request=request)


def _builders(peers: Peers, google: Way) -> dict[str, Callable[[Settings], FastAPI]]:
    def with_kit(create: Callable[..., FastAPI]) -> Callable[[Settings], FastAPI]:
        return lambda settings: create(settings, kit=Kit(settings, peers=peers))

    def whatsapp(settings: Settings) -> FastAPI:
        graph = GraphClient(httpx.MockTransport(_meta_refuses))
        return create_whatsapp(settings, kit=Kit(settings, peers=peers), graph=graph)

    return {
        "auth": with_kit(partial(create_auth, cost=CHEAP)),
        "user": with_kit(create_user),
        "clinic": create_clinic,
        "health": lambda settings: create_health(settings, health=_LENIENT, peers=Parts()),
        "conversation": with_kit(create_conversation),
        "appointment": with_kit(create_appointment),
        "whatsapp": whatsapp,
        "calendar": with_kit(partial(create_calendar, google=google)),
    }


@dataclass
class House:
    """One service of the shared pool; `clinic` is asked for its own, `other` is a clinic of the same pool."""

    service: str
    clinic: TestClinic
    other: TestClinic
    owner: str
    """The account that tokens speak for, unless an operation's example names another."""

    examples: dict[str, Example] = field(default_factory=dict)
    """By operation: what it answers with success. Found when an app begins that was told to."""

    def app(self, *, seeded: bool) -> FastAPI:
        """Build the service, and what it asks: anew, for an app that was closed does not open again.

        `seeded`: as it begins, put in what can be asked about, and keep in `examples` how.
        """
        apps: dict[str, Any] = {}
        if "whatsapp" in (self.service, *_PEERS.get(self.service, ())):
            # Told what will not arrive, and who was written to: else each such word would be tried again and again.
            apps |= {"conversation": Conversation().app, "appointment": Conversation().app}
        google = Way()
        builders = _builders(Peers(apps), google)
        for service in (self.service, *_PEERS.get(self.service, ())):
            apps[service] = builders[service](self.clinic.service_settings(service))
        app: FastAPI = apps[self.service]
        own = app.router.lifespan_context

        @asynccontextmanager
        async def together(served: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as opened:
                for peer in apps.values():
                    if peer is not app:
                        await opened.enter_async_context(peer.router.lifespan_context(peer))
                world = None
                if self.service == "calendar":
                    world = await opened.enter_async_context(google_world([GOOGLE_CALENDAR]))
                    google.end = world.transport
                await opened.enter_async_context(own(served))
                if seeded:
                    self.examples = await SEEDS[self.service](Desk(self.clinic, self.owner, apps, world))
                yield

        app.router.lifespan_context = together
        return app

    def anonymous(self) -> dict[str, str]:
        """Return the headers of a call by nobody."""
        return {"X-Clinic-ID": str(self.clinic.id), "Host": self.clinic.host}

    def authorization(self, path: str, operation: str, *, of: TestClinic) -> str:
        """Return how whoever may call an operation proves themselves; with a token of that clinic.

        Each call of a person is a session of its own: some operations end the one that they are called in.
        """
        if path.startswith("/internal/"):
            caller = CALLERS.get((self.service, path)) or _CALLER.get(self.service, "conversation")
            return of.service_headers(caller)["Authorization"]
        example = self.examples.get(operation)
        return f"Bearer {of.token('owner', subject=(example and example.subject) or self.owner)}"


def build(service: str, stack: Stack) -> House:
    """Make two clinics and the service."""
    settings: dict[str, Any] = {"security": {"rateLimits": {"auth": _UNLIMITED, "api": _UNLIMITED}}}
    credentials: dict[str, Any] = {}
    if service == "calendar":
        settings["calendar"] = {
            "provider": "Google",
            "calendarId": GOOGLE_CALENDAR,
            "baseURL": BASE_URL,
            "tokenURL": TOKEN_URL,
        }
        credentials["calendar"] = GOOGLE_CLIENT

    async def made() -> House:
        clinic, other = [await make_clinic(stack, settings=settings, credentials=credentials) for _ in range(2)]
        owner = uuid4()
        await clinic.fetch(
            "INSERT INTO atendeai.user_account (clinic_id, id, email, name, roles, status, created_at, updated_at)"
            " VALUES ($1, $2, 'dona@sol.example', 'Dona Rosa', ARRAY['owner'], 'active', now(), now())",
            clinic.id,
            owner,
        )
        return House(service, clinic, other, str(owner))

    return asyncio.run(made())
