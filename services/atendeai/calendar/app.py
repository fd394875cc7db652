"""Builds the calendar service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from atendeai.calendar import consent_routes, routes
from atendeai.calendar.access import Access
from atendeai.calendar.channels import Channels
from atendeai.calendar.consent import Consents
from atendeai.calendar.rounds import Rounds
from atendeai.calendar.service import CalendarService
from atendeai.calendar.status import StatusReport
from atendeai.calendar.sync import Sync
from atendeai.calendar.sync_repository import SYNC_QUEUE
from atendeai.kit.app import create_service
from atendeai.kit.http import OutsideClient
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.work import Worker

__all__ = ["create_app"]

_TIMEOUT = httpx.Timeout(5.0, connect=2.0)
"""Of one call to Google, in seconds: a patient waits for the slots. Repetitions are bounded besides."""


def create_app(
    settings: Settings, *, kit: Kit | None = None, google: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Build the app; `google` replaces the way to Google in tests."""
    kit = kit or Kit(settings)
    http = OutsideClient(
        transport=google,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        headers={"User-Agent": f"AtendeAI/{settings.version}"},
    )
    access = Access(kit.database, http)
    channels = Channels(kit.database)
    calendar = CalendarService(access)
    sync = Sync(access, channels, kit.services)
    rounds = Rounds(kit)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, rounds.going():
            yield

    app = create_service(
        "calendar",
        settings,
        routers=[consent_routes.router, routes.public, routes.internal],
        workers=[Worker(SYNC_QUEUE, sync.handle, concurrency=16 if settings.shared else 4)],
        kit=kit,
        lifespan=lifespan,
    )
    app.state.channels = channels
    app.state.consents = Consents(access, channels, kit.tenants)
    app.state.calendar = calendar
    app.state.report = StatusReport(access, calendar)
    return app
