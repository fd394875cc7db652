"""The calendar service on real PostgreSQL, with the Google fake behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from atendeai.calendar.app import create_app
from atendeai.calendar.repository import event_id
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from tests.calendar.google_world import BASE_URL, TOKEN_URL, GoogleWorld

pytestmark = pytest.mark.integration

DAY = datetime(2030, 11, 26, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANA, CLINIC = "ana@cal.test", "clinica@cal.test"


class Service:
    """The service under test, as another service of the clinic calls it."""

    def __init__(self, client: httpx.AsyncClient, clinic: TestClinic, google: GoogleWorld) -> None:
        self.client, self.clinic, self.google = client, clinic, google

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = self.clinic.service_headers("appointment")
        return await self.client.request(method, f"/internal/v1{path}", headers=headers, **options)

    async def busy(self, *codes: str, start: datetime = DAY, hours: int = 6) -> dict[str, Any]:
        body = {
            "professional_codes": list(codes),
            "time_min": start.isoformat(),
            "time_max": (start + hours * HOUR).isoformat(),
        }
        answer = await self.call("POST", "/freebusy", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def put(
        self, appointment: UUID, start: datetime = DAY, *, version: int = 1, professional: str = "ana"
    ) -> httpx.Response:
        body = {
            "professional_code": professional,
            "start": start.isoformat(),
            "end": (start + HOUR).isoformat(),
            "summary": "Consulta – Maria",
            "version": version,
        }
        return await self.call("PUT", f"/events/{appointment}", json=body)

    async def stored(self, appointment: UUID) -> dict[str, Any]:
        rows = await self.clinic.fetch("SELECT * FROM atendeai.calendar_event WHERE id = $1", appointment)
        return dict(rows[0])


async def made(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    google: GoogleWorld,
    isolation: str = "Dedicated",
    **changes: Any,
) -> Service:
    profile = PROFILE | {
        "professionals": [
            {"code": "ana", "name": "Ana", "services": ["consulta"], "calendarId": ANA},
            {"code": "bruno", "name": "Bruno", "services": ["consulta"]},
            {"code": "carla", "name": "Carla", "services": ["consulta"]},
        ]
    }
    calendar = {"provider": "Google", "calendarId": CLINIC, "baseURL": BASE_URL, "tokenURL": TOKEN_URL}
    clinic = await clinic_factory(
        isolation=isolation,
        settings={"calendar": calendar | changes},
        profile=profile,
        credentials={"calendar": google.credentials},
    )

    def app(settings: Settings) -> FastAPI:
        return create_app(settings, google=google.transport)

    return Service(await client_for(app, clinic.service_settings("calendar")), clinic, google)


@pytest.fixture
async def service(clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld) -> Service:
    return await made(clinic_factory, client_for, google)


async def test_free_busy_by_professional_falls_back_to_the_clinics_calendar(service: Service) -> None:
    await service.google.busy(ANA, DAY, DAY + HOUR)
    await service.google.busy(CLINIC, DAY + 2 * HOUR, DAY + 3 * HOUR)
    found = await service.busy("ana", "bruno")
    assert found["busy"] == {
        "ana": [{"start": "2030-11-26T09:00:00-03:00", "end": "2030-11-26T10:00:00-03:00"}],
        "bruno": [{"start": "2030-11-26T11:00:00-03:00", "end": "2030-11-26T12:00:00-03:00"}],
    }
    assert found["unavailable"] == []


async def test_what_cannot_be_read_is_said_and_hides_no_other(service: Service) -> None:
    await service.google.control("DELETE", f"/calendars/{ANA}")
    found = await service.busy("ana", "bruno")
    assert found == {
        "busy": {"bruno": []},
        "unavailable": [{"professional_code": "ana", "reason": "not-found"}],
    }
    await service.google.fault("freebusy", reason="forbidden", count=0)
    found = await service.busy("ana", "bruno")
    assert found["busy"] == {}
    assert {one["reason"] for one in found["unavailable"]} == {"forbidden"}


async def test_an_event_is_made_moved_and_deleted(service: Service) -> None:
    appointment = uuid4()
    assert (await service.put(appointment)).status_code == 200
    [event] = await service.google.events(ANA)
    assert event["id"] == event_id(appointment, 0)
    assert event["summary"] == "Consulta – Maria"
    assert event["extendedProperties"]["private"]["atendeaiAppointment"] == str(appointment)

    assert (await service.put(appointment, DAY + 2 * HOUR, version=2)).status_code == 200
    [event] = await service.google.events(ANA)
    assert event["id"] == event_id(appointment, 0)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == DAY + 2 * HOUR

    assert (await service.call("DELETE", f"/events/{appointment}?version=3")).status_code == 204
    assert await service.google.events(ANA) == []
    assert (await service.call("DELETE", f"/events/{appointment}?version=3")).status_code == 204


async def test_an_id_stays_taken_after_deletion_so_the_next_event_has_another(service: Service) -> None:
    appointment = uuid4()
    await service.put(appointment)
    await service.call("DELETE", f"/events/{appointment}?version=2")
    assert (await service.put(appointment, version=3)).status_code == 200
    [event] = await service.google.events(ANA)
    assert event["id"] == event_id(appointment, 1)


async def test_an_event_deleted_by_hand_comes_back_when_its_appointment_is_moved(service: Service) -> None:
    appointment = uuid4()
    await service.put(appointment)
    await service.google.delete(ANA, event_id(appointment, 0))
    assert (await service.put(appointment, DAY + 2 * HOUR, version=2)).status_code == 200
    [event] = await service.google.events(ANA)
    assert event["id"] == event_id(appointment, 1)


async def test_another_professional_means_another_calendar(service: Service) -> None:
    appointment = uuid4()
    await service.put(appointment)
    await service.put(appointment, version=2, professional="bruno")
    assert await service.google.events(ANA) == []
    assert len(await service.google.events(CLINIC)) == 1
    await service.put(appointment, version=3)
    assert len(await service.google.events(ANA)) == 1
    assert await service.google.events(CLINIC) == []


async def test_a_lost_answer_leaves_one_event(service: Service) -> None:
    appointment = uuid4()
    await service.google.fault("events.insert", http_status=500, after=True)
    first = await service.put(appointment)
    assert (first.status_code, first.json()["type"]) == (503, "urn:atendeai:problem:calendar-unavailable")
    assert (await service.stored(appointment))["state"] == "writing"
    assert (await service.put(appointment)).status_code == 200
    assert [event["id"] for event in await service.google.events(ANA)] == [event_id(appointment, 0)]


async def test_an_event_made_before_a_lost_answer_can_be_deleted(service: Service) -> None:
    appointment = uuid4()
    await service.google.fault("events.insert", http_status=500, after=True)
    await service.put(appointment)
    assert len(await service.google.events(ANA)) == 1
    assert (await service.call("DELETE", f"/events/{appointment}?version=2")).status_code == 204
    assert await service.google.events(ANA) == []


async def test_a_taken_id_of_somebody_else_is_left_alone(service: Service) -> None:
    appointment = uuid4()
    foreign = {
        "id": event_id(appointment, 0),
        "summary": "outro",
        "start": {"dateTime": DAY.isoformat()},
        "end": {"dateTime": (DAY + HOUR).isoformat()},
    }
    await service.google.by_hand(ANA, foreign)
    assert (await service.put(appointment)).status_code == 200
    events = {event["id"]: event["summary"] for event in await service.google.events(ANA)}
    assert events == {event_id(appointment, 0): "outro", event_id(appointment, 1): "Consulta – Maria"}


async def test_a_slow_google_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atendeai.calendar.service.READ_SECONDS", 0.3)
    monkeypatch.setattr("atendeai.calendar.service.WRITE_SECONDS", 0.3)
    for operation in ("freebusy", "events.insert"):
        await service.google.fault(operation, delay_seconds=30, count=0)
    found = await service.busy("ana")
    assert found["unavailable"] == [{"professional_code": "ana", "reason": "unavailable"}]
    assert (await service.put(uuid4())).status_code == 503


async def test_an_old_version_changes_nothing(service: Service) -> None:
    appointment = uuid4()
    await service.put(appointment, DAY + 2 * HOUR, version=5)
    assert (await service.put(appointment, DAY, version=4)).status_code == 200
    assert (await service.call("DELETE", f"/events/{appointment}?version=4")).status_code == 204
    [event] = await service.google.events(ANA)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == DAY + 2 * HOUR


async def test_a_refusal_names_the_remedy(service: Service) -> None:
    await service.google.calendar(ANA, role="reader")
    answer = await service.put(uuid4())
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (424, "forbidden")
    assert "share the calendar" in problem["detail"]


async def test_in_a_shared_calendar_only_what_is_not_ours_makes_everybody_busy(service: Service) -> None:
    await service.put(uuid4(), DAY, professional="bruno")
    found = await service.busy("bruno", "carla")
    assert found["busy"] == {"bruno": [], "carla": []}
    block = {"id": "block", "start": {"dateTime": DAY.isoformat()}, "end": {"dateTime": (DAY + 2 * HOUR).isoformat()}}
    await service.google.by_hand(CLINIC, block)
    found = await service.busy("carla")
    assert found["busy"]["carla"] == [{"start": "2030-11-26T09:00:00-03:00", "end": "2030-11-26T11:00:00-03:00"}]


async def test_without_a_provider_everything_is_free_and_nothing_is_written(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    service = await made(clinic_factory, client_for, google, provider="None")
    assert await service.busy("ana") == {"busy": {"ana": []}, "unavailable": []}
    assert (await service.put(uuid4())).status_code == 204
    assert (await service.call("DELETE", f"/events/{uuid4()}")).status_code == 204
    assert (await service.call("GET", "/status")).json() == {"provider": "None", "ready": True, "calendars": []}


async def test_status_says_which_calendar_and_what_to_do(service: Service) -> None:
    headers = service.clinic.headers("receptionist")
    ready = (await service.client.get("/api/v1/calendar/status", headers=headers)).json()
    assert (ready["ready"], len(ready["calendars"])) == (True, 3)
    await service.google.control("DELETE", f"/calendars/{ANA}")
    broken = (await service.client.get("/api/v1/calendar/status", headers=headers)).json()
    assert (broken["ready"], broken["reason"]) == (False, "not-found")
    assert "calendarId" in broken["remedy"]
    assert [one["readable"] for one in broken["calendars"]] == [False, True, True]


async def test_staff_see_times_of_their_own_clinic_only(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    service = await made(clinic_factory, client_for, google, isolation="Shared")
    appointment = uuid4()
    await service.put(appointment)
    query = {"date_from": "2030-11-26"}
    seen = await service.client.get("/api/v1/calendar/events", params=query, headers=service.clinic.headers())
    assert [item["appointment_id"] for item in seen.json()["items"]] == [str(appointment)]
    other = await clinic_factory()
    seen = await service.client.get("/api/v1/calendar/events", params=query, headers=other.headers())
    assert seen.json() == {"items": [], "next_page_token": None}
    period = {"time_min": DAY.isoformat(), "time_max": (DAY + HOUR).isoformat()}
    free = await service.client.get("/api/v1/calendar/freebusy", params=period, headers=service.clinic.headers())
    assert free.json()["busy"]["ana"] == [{"start": "2030-11-26T09:00:00-03:00", "end": "2030-11-26T10:00:00-03:00"}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_max": DAY.isoformat()}, ""),
        ({"time_max": "2030-11-26T18:00:00"}, "time_max"),
        ({"time_max": (DAY + timedelta(days=400)).isoformat()}, "time_max"),
        ({"calendar_ids": ["x"]}, ""),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_bad_requests_name_their_field(service: Service, change: dict[str, Any], field: str) -> None:
    body = {"professional_codes": ["ana"], "time_min": DAY.isoformat(), "time_max": (DAY + HOUR).isoformat()} | change
    answer = await service.call("POST", "/freebusy", json=body)
    assert answer.status_code == 422
    assert field in str(answer.json()["errors"])


async def test_people_do_not_reach_internal_routes(service: Service) -> None:
    answer = await service.client.get("/internal/v1/status", headers=service.clinic.headers())
    assert answer.status_code in {401, 404}
    assert (
        await service.client.get("/api/v1/calendar/status", headers={"Host": service.clinic.host})
    ).status_code == 401
