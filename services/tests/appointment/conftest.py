"""A diary of a clinic without a calendar, and one whose calendar is the Google fake behind the calendar service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from atendeai.appointment.app import create_app
from atendeai.calendar.app import create_app as create_calendar
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import PROFILE
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from tests.appointment.diary import Diary, Hands, Ward
from tests.appointment.whatsapp_side import WhatsAppSide
from tests.calendar.google_world import BASE_URL, TOKEN_URL, GoogleWorld, google_world


@pytest.fixture
async def diary(clinic_factory: ClinicFactory, client_for: ClientFactory) -> Diary:
    """Give a clinic without a calendar provider."""
    clinic = await clinic_factory()
    return Diary(await client_for(create_app, clinic.service_settings("appointment")), clinic)


@pytest.fixture
async def ward(clinic_factory: ClinicFactory, client_for: ClientFactory) -> AsyncIterator[Ward]:
    """Give a clinic that can write to its patients, on a Monday at ten by a clock that the test moves."""
    # Dedicated: its workers take no work that other tests' clinics left behind.
    clinic = await clinic_factory(
        isolation="Dedicated", settings={"security": {"rateLimits": {"api": {"minute": 5000, "hour": 5000}}}}
    )
    whatsapp, hands = WhatsAppSide(), Hands()

    def appointment(settings: Settings) -> FastAPI:
        return create_app(settings, kit=Kit(settings, peers=Peers({"whatsapp": whatsapp.app()})))

    ward = Ward(await client_for(appointment, clinic.service_settings("appointment")), clinic, whatsapp, hands)
    ward.prime()
    with clock.override(lambda: hands.now):
        yield ward


@pytest.fixture
async def google() -> AsyncIterator[GoogleWorld]:
    """Give a Google fake with Ana's and the clinic's calendar."""
    async with google_world(["ana@cal.test", "clinica@cal.test"]) as world:
        yield world


@pytest.fixture
async def google_diary(clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld) -> Diary:
    """Give a clinic whose professionals' time is in Google Calendar too."""
    ana, bruno = PROFILE["professionals"]
    clinic = await clinic_factory(
        settings={
            "calendar": {
                "provider": "Google",
                "calendarId": "clinica@cal.test",
                "baseURL": BASE_URL,
                "tokenURL": TOKEN_URL,
            }
        },
        profile=PROFILE | {"professionals": [ana | {"calendarId": "ana@cal.test"}, bruno]},
        credentials={"calendar": google.credentials},
    )

    def calendar(settings: Settings) -> FastAPI:
        return create_calendar(settings, google=google.transport)

    peer = await client_for(calendar, clinic.service_settings("calendar"))

    def appointment(settings: Settings) -> FastAPI:
        return create_app(settings, kit=Kit(settings, peers=Peers({"calendar": peer.app})))

    return Diary(await client_for(appointment, clinic.service_settings("appointment")), clinic)
