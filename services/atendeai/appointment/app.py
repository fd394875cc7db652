"""Builds the appointment service."""

from __future__ import annotations

from fastapi import FastAPI

from atendeai.appointment.availability import Availability
from atendeai.appointment.calendars import Calendars
from atendeai.appointment.internal import internal_router
from atendeai.appointment.operations import Operations
from atendeai.appointment.public import public_router
from atendeai.appointment.work import workers
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """Build the app; a test hands in a kit whose calls to other services end in the test."""
    kit = kit or Kit(settings)
    calendars = Calendars(kit.services)
    operations = Operations(kit.database, Availability(kit.database, calendars))
    return create_service(
        "appointment",
        settings,
        routers=[public_router(operations), internal_router(operations)],
        workers=workers(kit.database, calendars),
        kit=kit,
    )
