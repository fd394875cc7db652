"""What the professional's calendar does to appointments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.appointment.diary import Ward, at, until

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


def change(appointment: dict[str, Any], kind: str, start: str | None = None, end: str | None = None) -> dict[str, Any]:
    body = {"appointment_id": appointment["id"], "kind": kind}
    return body | {name: at(one).isoformat() for name, one in (("start", start), ("end", end)) if one is not None}


async def applied(ward: Ward, body: dict[str, Any], key: str | None = None) -> str:
    answer = await ward.calendar(body, key)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["applied"])


async def conflicts(ward: Ward) -> list[dict[str, Any]]:
    query = {"date": "2030-11-26", "conflict": "true"}
    items: list[dict[str, Any]] = (await ward.staff("GET", params=query)).json()["items"]
    return items


async def history(ward: Ward, appointment: dict[str, Any]) -> list[str]:
    items = (await ward.staff("GET", f"/{appointment['id']}/history")).json()["items"]
    return [one["action"] for one in items]


async def test_a_moved_event_moves_the_appointment_and_the_patient_is_told(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("09:00"), contact=contact)
    body = change(booked, "moved", "15:10", "16:00")
    assert await applied(ward, body, "c1") == "rescheduled"
    assert await applied(ward, body, "c1") == "rescheduled"
    assert await applied(ward, body) == "ignored"
    now = (await ward.internal("GET", f"/appointments/{booked['id']}")).json()
    assert (now["start"][11:16], now["end"][11:16]) == ("15:10", "16:00")
    assert "09:00" in await ward.starts()
    told = await until(lambda: _told(ward, contact), lambda found: len(found) == 1)
    assert "passou para amanhã, terça-feira (26/11), às 15h10." in told[0]["text"]
    assert told[0]["template"]["name"] == "atendeai_alteracao"


async def _told(ward: Ward, contact: Any) -> list[dict[str, Any]]:
    return ward.whatsapp.to(contact, "change")


async def test_outside_the_hours_the_professional_may(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    assert await applied(ward, change(booked, "moved", "19:00")) == "rescheduled"


async def test_a_move_onto_another_or_into_the_past_is_a_conflict_until_it_is_undone(ward: Ward) -> None:
    booked, other = await ward.booked(at("09:00")), await ward.booked(at("10:00"))
    assert await applied(ward, change(booked, "moved", "10:15")) == "conflict"
    [shown] = await conflicts(ward)
    assert (shown["id"], shown["conflict"]["kind"], shown["start"][11:16]) == (booked["id"], "moved", "09:00")
    assert shown["conflict"]["start"] == at("10:15").isoformat()
    assert shown["participant"][1]["status"] == "tentative"
    assert await applied(ward, change(booked, "moved", "10:15")) == "conflict"
    assert await history(ward, booked) == ["hold", "book", "conflict"]

    assert await applied(ward, change(booked, "moved", "09:00")) == "cleared"
    assert await conflicts(ward) == []
    past = change(booked, "moved") | {"start": ward.hands.now.replace(hour=8).isoformat()}
    assert await applied(ward, past) == "conflict"
    assert [row["starts_at"] for row in await ward.live()] == [at("09:00"), at("10:00")]
    assert other["status"] == "booked"
    assert ward.whatsapp.messages == []


async def test_an_event_made_all_day_or_without_length_is_a_conflict_and_no_move(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    day = change(booked, "moved") | {"start": at("00:00").isoformat(), "end": (at("00:00") + DAY).isoformat()}
    assert await applied(ward, day) == "conflict"
    [shown] = await conflicts(ward)
    assert (shown["conflict"]["kind"], shown["start"], shown["end"]) == ("moved", booked["start"], booked["end"])
    shortest = day | {"end": (at("00:00") + timedelta(hours=23)).isoformat()}
    assert await applied(ward, shortest) == "conflict"
    assert await applied(ward, change(booked, "moved", "15:00", "15:00")) == "conflict"
    [shown] = await conflicts(ward)
    assert shown["conflict"]["start"] == shown["conflict"]["end"] == at("15:00").isoformat()
    assert ward.whatsapp.messages == []


async def test_a_deleted_event_cancels_and_the_patient_is_told(ward: Ward) -> None:
    contact = uuid4()
    ward.clinic.profile["policies"] = {"cancellationNotice": "48h"}  # binds patients only
    await ward.clinic.write()
    booked = await ward.booked(at("09:00"), contact=contact)
    assert await applied(ward, change(booked, "deleted")) == "cancelled"
    assert await applied(ward, change(booked, "deleted")) == "ignored"
    now = (await ward.internal("GET", f"/appointments/{booked['id']}")).json()
    assert (now["status"], now["cancellation_reason"]) == ("cancelled", {"code": "prov", "text": "agenda"})
    await until(lambda: _told(ward, contact), lambda found: len(found) == 1)


async def test_who_has_arrived_is_not_cancelled_by_a_calendar(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    ward.hands.now = at("09:10")
    await ward.staff("POST", f"/{booked['id']}/status", json={"status": "arrived"})
    assert await applied(ward, change(booked, "deleted")) == "conflict"
    await ward.staff("POST", f"/{booked['id']}/status", json={"status": "fulfilled"})
    assert await conflicts(ward) == []
    assert await applied(ward, change(booked, "deleted")) == "ignored"


async def test_a_private_event_over_it_is_shown_and_goes(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    body = change(booked, "overlapped", "08:30", "10:00") | {"detail": "ocupado das 8h30 às 10h"}
    assert await applied(ward, body) == "conflict"
    [shown] = await conflicts(ward)
    assert shown["conflict"]["detail"] == "ocupado das 8h30 às 10h"
    assert shown["conflict"]["since"] == ward.hands.now.isoformat()
    others = (await ward.staff("GET", params={"date": "2030-11-26", "conflict": "false"})).json()["items"]
    assert others == []
    assert await applied(ward, change(booked, "cleared")) == "cleared"
    assert await applied(ward, change(booked, "cleared")) == "ignored"
    assert await history(ward, booked) == ["hold", "book", "conflict", "conflict-cleared"]
    rows = await ward.rows("SELECT action, reason, details::text FROM atendeai.audit_event WHERE clinic_id = $1")
    assert not any("ocupado" in row["details"] for row in rows)
    reasons = {row["action"]: row["reason"] for row in rows}
    assert reasons["appointment.conflict"] == reasons["appointment.conflict-cleared"] == "changed-in-calendar"


async def test_a_reschedule_solves_a_conflict(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    await applied(ward, change(booked, "overlapped"))
    await ward.staff("POST", f"/{booked['id']}/reschedule", json={"start": at("11:00").isoformat()})
    assert await conflicts(ward) == []


async def test_a_move_frees_the_old_time_for_who_waits(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    day = await ward.full_day(besides=("09:00", "17:00"))
    wish = await ward.join(time_to="12:00")
    await ward.settled()
    assert len(day) == 18
    assert await applied(ward, change(booked, "moved", "17:00")) == "rescheduled"
    assert str((await ward.one_offer())["waitlist_id"]) == wish["id"]


async def test_holds_unknown_ones_and_strangers(ward: Ward) -> None:
    held = (await ward.hold(at("09:00"))).json()
    assert await applied(ward, change(held, "deleted")) == "ignored"
    assert (await ward.calendar(change({"id": str(uuid4())}, "deleted"))).status_code == 404
    headless = await ward.calendar(change(held, "moved"))
    assert headless.status_code == 422
    stranger = await ward.internal("POST", "/calendar-changes", json=change(held, "deleted"))
    assert stranger.status_code == 403
