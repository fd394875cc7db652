"""Builds the calendar service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from atendeai.calendar.routes import internal_router, public_router
from atendeai.calendar.service import CalendarService
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings

__all__ = ["create_app"]

_TIMEOUT = httpx.Timeout(5.0, connect=2.0)
"""Of one call to Google, in seconds: a patient waits for the slots. Repetitions are bounded besides."""


def create_app(
    settings: Settings, *, kit: Kit | None = None, google: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Build the app; `google` replaces the way to Google in tests."""
    kit = kit or Kit(settings)
    http = httpx.AsyncClient(
        transport=google,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        headers={"User-Agent": f"AtendeAI/{settings.version}"},
    )
    calendar = CalendarService(kit.database, http)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    return create_service(
        "calendar",
        settings,
        routers=[public_router(calendar), internal_router(calendar)],
        kit=kit,
        lifespan=lifespan,
    )
