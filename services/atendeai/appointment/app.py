"""Builds the appointment service."""

from __future__ import annotations

from fastapi import FastAPI

from atendeai.appointment import calendar_changes, feed_routes, internal, joining, public, undelivered, waitlist_routes
from atendeai.appointment.availability import Availability
from atendeai.appointment.calendars import Calendars
from atendeai.appointment.fast_diary import FastDiary
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.operations import Operations
from atendeai.appointment.waitlist import WaitingList
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
    waiting_list = WaitingList(kit.database, availability, messenger)
    app = create_service(
        "appointment",
        settings,
        # What has a word of its own at this place goes before the routes that take an appointment's id there.
        routers=[
            waitlist_routes.router,
            feed_routes.router,
            public.router,
            calendar_changes.router,
            joining.router,
            undelivered.router,
            internal.router,
        ],
        workers=workers(kit.database, calendars, messenger, waiting_list),
        kit=kit,
        fast=FastDiary(kit).routes,
    )
    app.state.operations = Operations(kit.database, availability, messenger)
    app.state.waiting_list = waiting_list
    return app
