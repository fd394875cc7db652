"""Appointments and Google Calendar: what is busy there is not offered, what is booked here appears there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.appointment.diary import Diary, at, until
from tests.calendar.google_world import GoogleWorld

pytestmark = pytest.mark.integration

ANA, CLINIC = "ana@cal.test", "clinica@cal.test"


async def state_of(diary: Diary, appointment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await diary.internal("GET", f"/appointments/{appointment['id']}")).json()["calendar"]
    return found


async def synced(diary: Diary, appointment: dict[str, Any]) -> None:
    await until(lambda: state_of(diary, appointment), lambda seen: seen["state"] == "synced")


async def make_due(diary: Diary) -> None:
    """Spare the test the pause after a failure."""
    await diary.make_due("calendar-sync")


async def test_a_booking_becomes_an_event_moves_with_it_and_goes_with_it(
    google_diary: Diary, google: GoogleWorld
) -> None:
    booked = await google_diary.booked(at("09:00"))
    await synced(google_diary, booked)
    [event] = await google.events(ANA)
    assert event["summary"] == "Consulta – Maria da Silva"
    assert datetime.fromisoformat(event["start"]["dateTime"]) == at("09:00")

    path = f"/appointments/{booked['id']}"
    body = {"start": at("15:00").isoformat(), "professional_code": "bruno"}
    assert (await google_diary.internal("POST", f"{path}/reschedule", json=body)).status_code == 200
    [event] = await until(lambda: google.events(CLINIC), lambda events: len(events) == 1)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == at("15:00")
    assert await google.events(ANA) == []

    await google_diary.internal("POST", f"{path}/cancel", json={"reason": ""})
    await until(lambda: google.events(CLINIC), lambda events: events == [])


async def test_a_hold_leaves_no_trace_in_the_calendar(google_diary: Diary, google: GoogleWorld) -> None:
    held = (await google_diary.hold(at("09:00"))).json()
    await google_diary.internal("POST", f"/appointments/{held['id']}/cancel", json={"reason": ""})
    booked = await google_diary.booked(at("10:00"))
    await synced(google_diary, booked)
    assert len(await google.events(ANA)) == 1


async def test_what_is_busy_in_the_calendar_is_neither_offered_nor_held(
    google_diary: Diary, google: GoogleWorld
) -> None:
    await google.busy(ANA, at("09:00"), at("10:00"))
    offered = await google_diary.starts(time_to="11:00")
    assert offered == ["08:00", "08:30", "10:00", "10:30"]
    refused = await google_diary.hold(at("09:30"))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:atendeai:problem:slot-taken")
    body = {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": at("09:30").isoformat(),
        "patient_name": "Encaixe",
        "ignore_calendar": True,
    }
    assert (await google_diary.staff("POST", json=body)).status_code == 201


async def test_a_calendar_that_cannot_be_read_offers_nothing_and_says_so(
    google_diary: Diary, google: GoogleWorld
) -> None:
    await google.control("DELETE", f"/calendars/{ANA}")
    found = await google_diary.slots()
    assert (found["slots"], found["reason"]) == ([], "calendar_unavailable")
    assert found["unreadable"] == [{"professional_code": "ana", "reason": "not-found"}]
    both = await google_diary.slots(professional_code=None)
    assert {slot["professional_code"] for slot in both["slots"]} == {"bruno"}
    refused = await google_diary.hold(at("09:00"))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:atendeai:problem:calendar-unavailable")
    sunday = await google_diary.slots(date_from="2030-11-24", date_to="2030-11-24")
    assert sunday["reason"] == "closed"


async def test_a_full_day_is_full(google_diary: Diary, google: GoogleWorld) -> None:
    await google.busy(ANA, at("00:00"), at("23:00"))
    assert (await google_diary.slots())["reason"] == "full"


async def test_a_move_over_its_own_event_is_no_conflict(google_diary: Diary, google: GoogleWorld) -> None:
    booked = await google_diary.booked(at("09:00"))
    await synced(google_diary, booked)
    assert "09:00" not in await google_diary.starts()
    assert "09:00" in await google_diary.starts(appointment_id=booked["id"])
    path = f"/appointments/{booked['id']}/reschedule"
    moved = await google_diary.internal("POST", path, json={"start": at("09:15").isoformat()})
    assert moved.status_code == 200


async def test_one_professionals_booking_in_a_shared_calendar_leaves_the_others_free(
    google_diary: Diary, google: GoogleWorld
) -> None:
    profile = google_diary.clinic.profile
    for person in profile["professionals"]:
        person.pop("calendarId", None)
    await google_diary.clinic.write()
    await until(google_diary.starts, lambda starts: "09:00" in starts)
    booked = await google_diary.booked(at("09:00"), professional="bruno")
    await synced(google_diary, booked)
    assert len(await google.events(CLINIC)) == 1
    assert "09:00" in await google_diary.starts()
    assert "09:00" not in await google_diary.starts(professional_code="bruno")
    assert (await google_diary.hold(at("09:00"))).status_code == 201


async def test_a_booking_survives_an_outage_of_google_and_reaches_it_later(
    google_diary: Diary, google: GoogleWorld
) -> None:
    held = (await google_diary.hold(at("09:00"))).json()
    await google.fault("events.insert", reason="backendError", count=0)
    booked = (await google_diary.book(held["id"])).json()
    assert booked["status"] == "booked"
    waiting = await until(lambda: state_of(google_diary, booked), lambda seen: seen["error"] is not None)
    assert waiting == {"state": "pending", "error": "unavailable"}
    await google.control("DELETE", "/faults")
    await make_due(google_diary)
    await synced(google_diary, booked)
    assert len(await google.events(ANA)) == 1


async def test_a_refusal_is_shown_and_tried_again_after_it_was_mended(google_diary: Diary, google: GoogleWorld) -> None:
    held = (await google_diary.hold(at("09:00"))).json()
    await google.calendar(ANA, role="reader")
    booked = (await google_diary.book(held["id"])).json()
    refused = await until(lambda: state_of(google_diary, booked), lambda seen: seen["state"] == "failed")
    assert refused["error"] == "forbidden"
    await google.calendar(ANA, role="writer")
    await make_due(google_diary)
    await synced(google_diary, booked)


async def test_a_lost_answer_ends_in_one_event(google_diary: Diary, google: GoogleWorld) -> None:
    await google.fault("events.insert", http_status=500, after=True)
    booked = await google_diary.booked(at("09:00"))
    await make_due(google_diary)
    await synced(google_diary, booked)
    assert len(await google.events(ANA)) == 1


async def test_a_freed_time_is_offered_once_its_event_has_left_the_calendar(
    google_diary: Diary, google: GoogleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atendeai.appointment.waitlist.next_morning", lambda *_: None)  # whatever the hour of the test
    gone, moved = await google_diary.booked(at("09:00")), await google_diary.booked(at("10:00"))
    await synced(google_diary, gone)
    await synced(google_diary, moved)
    for time in ("09:00", "10:00"):
        wish = {"contact_id": str(uuid4()), "patient_name": "Rita", "service_code": "consulta"} | {
            "professional_code": "ana",
            "date_from": "2030-11-26",
            "date_to": "2030-11-26",
            "time_from": time,
            "time_to": time,
        }
        assert (await google_diary.internal("POST", "/waitlist", json=wish)).status_code == 201
    await google.fault("events.delete", reason="backendError", count=0)
    await google.fault("events.patch", reason="backendError", count=0)
    path = f"/appointments/{moved['id']}/reschedule"
    assert (await google_diary.internal("POST", path, json={"start": at("15:00").isoformat()})).is_success
    assert (await google_diary.internal("POST", f"/appointments/{gone['id']}/cancel", json={"reason": ""})).is_success
    for one in (gone, moved):
        await until(lambda one=one: state_of(google_diary, one), lambda seen: seen["error"] is not None)  # type: ignore[misc]
    await until(lambda: google_diary.idle("waitlist-freed", "waitlist-wish"), bool)
    assert await offers(google_diary) == []

    await google.control("DELETE", "/faults")
    await make_due(google_diary)
    found = await until(lambda: offers(google_diary), lambda rows: len(rows) == 2)
    assert [row["starts_at"] for row in found] == [at("09:00"), at("10:00")]


async def offers(diary: Diary) -> list[dict[str, Any]]:
    return await diary.rows(
        "SELECT starts_at FROM atendeai.appointment WHERE clinic_id = $1 AND waitlist_id IS NOT NULL"
        " AND status = 'proposed' ORDER BY starts_at"
    )
