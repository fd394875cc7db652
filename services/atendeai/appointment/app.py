"""Builds the appointment service."""

from __future__ import annotations

from fastapi import FastAPI

from atendeai.appointment.availability import Availability
from atendeai.appointment.calendar_changes import calendar_changes_router
from atendeai.appointment.calendars import Calendars
from atendeai.appointment.fast_diary import FastDiary
from atendeai.appointment.feed_routes import feed_router
from atendeai.appointment.internal import internal_router
from atendeai.appointment.joining import joining_router
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.operations import Operations
from atendeai.appointment.public import public_router
from atendeai.appointment.waitlist import WaitingList
from atendeai.appointment.waitlist_routes import waitlist_router
from atendeai.appointment.work import workers
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """Build the app; a test hands in a kit whose calls to other services end in the test."""
    kit = kit or Kit(settings)
    calendars = Calendars(kit.services)
    availability = Availability(kit.database, calendars)
    messenger = Messenger(kit.services)
    operations = Operations(kit.database, availability, messenger)
    waiting_list = WaitingList(kit.database, availability, messenger)
    return create_service(
        "appointment",
        settings,
        routers=[
            waitlist_router(waiting_list),
            feed_router(kit.database),
            public_router(operations),
            calendar_changes_router(kit.database),
            joining_router(kit.database),
            internal_router(operations),
        ],
        workers=workers(kit.database, calendars, messenger, waiting_list),
        kit=kit,
        fast=FastDiary(kit).routes,
    )
