"""Each service with a clinic of its own, as schemathesis asks it: sync, for it runs the app in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from atendeai.appointment.app import create_app as create_appointment
from atendeai.auth.app import create_app as create_auth
from atendeai.calendar.app import create_app as create_calendar
from atendeai.clinic.app import create_app as create_clinic
from atendeai.conversation.app import create_app as create_conversation
from atendeai.health.app import create_app as create_health
from atendeai.kit.resources import Kit
from atendeai.kit.settings import SERVICE_PORTS, Settings
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.peers import Peers
from atendeai.user.app import create_app as create_user
from atendeai.whatsapp.app import create_app as create_whatsapp
from atendeai.whatsapp.graph import GraphClient
from tests.auth.pair import CHEAP

SERVICES = tuple(SERVICE_PORTS)
_UNLIMITED = {"minute": 1_000_000, "hour": 1_000_000}
# Whom a service asks before it answers.
_PEERS = {"auth": ("user",), "user": ("auth",), "appointment": ("whatsapp",)}
# Who calls a service's internal routes; a route that is for somebody else is named below.
_CALLER = {"conversation": "whatsapp", "user": "auth", "auth": "user"}
CALLERS = {"/internal/v1/calendar-changes": "calendar"}


def _meta_refuses(request: httpx.Request) -> httpx.Response:
    """Answer as the Graph API does to an access token that it does not know."""
    error = {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}
    return httpx.Response(401, json={"error": error}, request=request)


def _builders(peers: Peers) -> dict[str, Callable[[Settings], FastAPI]]:
    def with_kit(create: Callable[..., FastAPI]) -> Callable[[Settings], FastAPI]:
        return lambda settings: create(settings, kit=Kit(settings, peers=peers))

    def whatsapp(settings: Settings) -> FastAPI:
        graph = GraphClient(httpx.MockTransport(_meta_refuses))
        return create_whatsapp(settings, kit=Kit(settings, peers=peers), graph=graph)

    return {
        "auth": with_kit(partial(create_auth, cost=CHEAP)),
        "user": with_kit(create_user),
        "clinic": create_clinic,
        "health": lambda settings: create_health(settings, peers=peers),
        "conversation": with_kit(create_conversation),
        "appointment": with_kit(create_appointment),
        "whatsapp": whatsapp,
        "calendar": with_kit(create_calendar),
    }


@dataclass
class House:
    """One service of the shared pool; `clinic` is asked for its own, `other` is a clinic of the same pool."""

    service: str
    clinic: TestClinic
    other: TestClinic

    def app(self) -> FastAPI:
        """Build the service, and what it asks: anew, for an app that was closed does not open again."""
        apps: dict[str, Any] = {}
        builders = _builders(Peers(apps))
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
                await opened.enter_async_context(own(served))
                yield

        app.router.lifespan_context = together
        return app

    def headers(self, *, of: TestClinic | None = None) -> dict[str, str]:
        """Return a person's headers in a call to this clinic; with the token of another clinic, when told."""
        return (of or self.clinic).headers() | {"Host": self.clinic.host}

    def internal_headers(self, path: str = "", *, of: TestClinic | None = None) -> dict[str, str]:
        """Return the headers of whoever calls an internal route of this service."""
        caller = CALLERS.get(path) or _CALLER.get(self.service, "conversation")
        return (of or self.clinic).service_headers(caller) | {"X-Clinic-ID": str(self.clinic.id)}

    def anonymous(self) -> dict[str, str]:
        """Return the headers of a call by nobody."""
        return {"X-Clinic-ID": str(self.clinic.id), "Host": self.clinic.host}


def build(service: str, stack: Stack) -> House:
    """Make two clinics and the service."""

    async def clinics() -> list[TestClinic]:
        settings: dict[str, Any] = {"security": {"rateLimits": {"auth": _UNLIMITED, "api": _UNLIMITED}}}
        return [await make_clinic(stack, settings=settings) for _ in range(2)]

    return House(service, *asyncio.run(clinics()))
