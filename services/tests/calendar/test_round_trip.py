"""From Google's side to the appointment and back, with the appointment service itself behind the calendar service."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from atendeai.appointment.app import create_app as create_appointment
from atendeai.calendar.app import create_app as create_calendar
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import PROFILE
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.calendar.google_world import BASE_URL, TOKEN_URL, GoogleWorld
from tests.calendar.sync_world import ANA, DAY, HOUR

pytestmark = pytest.mark.integration

ALWAYS = {day: [{"opens": "00:00", "closes": "23:30"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


async def test_staff_see_in_the_appointment_what_was_done_in_google(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    professional = {"code": "ana", "name": "Ana", "services": ["consulta"], "calendarId": ANA}
    clinic = await clinic_factory(
        isolation="Dedicated",
        settings={
            "calendar": {"provider": "Google", "baseURL": BASE_URL, "tokenURL": TOKEN_URL},
            # The test asks again and again until it sees what it waits for.
            "security": {"rateLimits": {"api": {"minute": 5000, "hour": 5000}}},
        },
        profile=PROFILE | {"businessHours": ALWAYS, "professionals": [professional]},
        credentials={"calendar": google.credentials},
    )
    apps: dict[str, Any] = {}
    peers = Peers(apps)

    def calendar(settings: Settings) -> FastAPI:
        apps["calendar"] = create_calendar(settings, kit=Kit(settings, peers=peers), google=google.transport)
        google.deliver_to(apps["calendar"])
        return apps["calendar"]  # type: ignore[no-any-return]

    def appointment(settings: Settings) -> FastAPI:
        apps["appointment"] = create_appointment(settings, kit=Kit(settings, peers=peers))
        return apps["appointment"]  # type: ignore[no-any-return]

    await client_for(calendar, clinic.service_settings("calendar"))
    client = await client_for(appointment, clinic.service_settings("appointment"))
    headers = clinic.headers("receptionist")

    async def booked(start: datetime) -> str:
        body = {
            "service_code": "consulta",
            "professional_code": "ana",
            "start": start.isoformat(),
            "patient_name": "Maria Silva",
        }
        answer = await client.post("/api/v1/appointments", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def seen(appointment_id: str) -> dict[str, Any]:
        answer = await client.get(f"/api/v1/appointments/{appointment_id}", headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    async def written(count: int) -> list[dict[str, Any]]:
        async def there() -> list[dict[str, Any]]:
            events = [event for event in await google.events(ANA) if event.get("extendedProperties")]
            return events if len(events) == count else []

        found: list[dict[str, Any]] = await eventually(there, what="events in the calendar")
        return found

    first = await booked(DAY)
    [event] = await written(1)
    await google.move(ANA, event["id"], DAY + 2 * HOUR, DAY + 2 * HOUR + timedelta(minutes=30))

    async def moved() -> bool:
        return datetime.fromisoformat((await seen(first))["start"]) == DAY + 2 * HOUR

    await eventually(moved, what="the appointment follows its event")

    await google.by_hand(
        ANA,
        {
            "id": "particular",
            "summary": "dentista",
            "start": {"dateTime": (DAY + 2 * HOUR).isoformat()},
            "end": {"dateTime": (DAY + 3 * HOUR).isoformat()},
        },
    )

    async def conflict() -> Any:
        return (await seen(first)).get("conflict")

    shown = await eventually(conflict, what="a conflict is shown")
    assert shown["kind"] == "overlapped"
    assert "dentista" not in str(shown)
    await google.delete(ANA, "particular")

    async def cleared() -> bool:
        return await conflict() is None

    await eventually(cleared, what="the conflict is gone")

    second = await booked(DAY + 4 * HOUR)
    [name] = [
        event["id"]
        for event in await written(2)
        if datetime.fromisoformat(event["start"]["dateTime"]) == DAY + 4 * HOUR
    ]

    async def conflict_of_second() -> Any:
        return (await seen(second)).get("conflict")

    # Over the first one: it stays where it was agreed, and somebody has to look.
    await google.move(ANA, name, DAY + 2 * HOUR, DAY + 2 * HOUR + timedelta(minutes=30))
    shown = await eventually(conflict_of_second, what="a move to a time that is taken is a conflict")
    assert shown["kind"] == "moved"
    assert datetime.fromisoformat((await seen(second))["start"]) == DAY + 4 * HOUR
    await google.move(ANA, name, DAY + 4 * HOUR, DAY + 4 * HOUR + timedelta(minutes=30))

    async def put_back() -> bool:
        return await conflict_of_second() is None

    await eventually(put_back, what="the conflict goes when the event is put back")
    await google.delete(ANA, name)

    async def cancelled() -> bool:
        return bool((await seen(second))["status"] == "cancelled")

    await eventually(cancelled, what="the appointment is cancelled")
    assert (await seen(first))["status"] == "booked"
