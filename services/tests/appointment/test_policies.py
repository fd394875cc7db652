"""What patients may still do by themselves, and what the clinic says when it changes something."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.appointment.diary import Ward, at, until

pytestmark = pytest.mark.integration

SLUG = "urn:atendeai:problem:"


@pytest.fixture
async def strict(ward: Ward) -> Ward:
    """Give a clinic that wants to be told a day before."""
    ward.clinic.profile["policies"] = {"cancellationNotice": "24h"}
    await ward.clinic.write()

    async def known() -> Any:
        tenants = ward.client.app.state.kit.tenants  # type: ignore[attr-defined]  # the fixture's client knows its app
        return (await tenants.get(ward.clinic.id)).config.profile.policies.cancellation_notice

    await until(known, lambda notice: notice == "24h")
    return ward


async def test_too_late_for_the_patient_but_not_for_staff(strict: Ward) -> None:
    booked = await strict.booked(at("09:00"))
    path = f"/appointments/{booked['id']}"
    late = await strict.internal("POST", f"{path}/cancel", json={"reason": ""})
    assert (late.status_code, late.json()["type"]) == (409, f"{SLUG}notice-too-short")
    assert late.json()["until"] == "2030-11-25T09:00:00-03:00"
    assert "2030-11-25T09:00:00-03:00" in late.json()["detail"]
    moved = await strict.internal("POST", f"{path}/reschedule", json={"start": at("15:00").isoformat()})
    assert moved.json()["type"] == f"{SLUG}notice-too-short"
    assert (
        await strict.staff("POST", f"/{booked['id']}/reschedule", json={"start": at("15:00").isoformat()})
    ).is_success
    in_time = await strict.internal("POST", f"{path}/cancel", json={"reason": "viagem"})
    assert in_time.json()["cancellation_reason"] == {"code": "pat", "text": "viagem"}


async def test_holds_are_let_go_of_at_any_time(strict: Ward) -> None:
    held = (await strict.hold(at("09:00"))).json()
    done = await strict.internal("POST", f"/appointments/{held['id']}/cancel", json={"reason": ""})
    assert done.json()["status"] == "cancelled"


async def test_without_a_notice_until_it_begins(ward: Ward) -> None:
    booked, later = await ward.booked(at("09:00")), await ward.booked(at("10:00"))
    ward.hands.now = at("09:01")
    gone = await ward.internal("POST", f"/appointments/{booked['id']}/cancel", json={"reason": ""})
    assert gone.json()["type"] == f"{SLUG}notice-too-short"
    assert (await ward.internal("POST", f"/appointments/{later['id']}/cancel", json={"reason": ""})).is_success


async def test_staff_cancel_with_a_code_and_tell_the_patient(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("09:00"), contact=contact)
    body = {"reason": "Falta de luz", "cancellation_reason": "maint", "notify": True}
    done = (await ward.staff("POST", f"/{booked['id']}/cancel", json=body)).json()
    assert done["cancellation_reason"] == {"code": "maint", "text": "Falta de luz"}
    assert [one["status"] for one in done["participant"]] == ["needs-action", "accepted"]
    [told] = await until(lambda: _changes(ward, contact), lambda found: len(found) == 1)
    assert "amanhã, terça-feira (26/11), às 9h, foi cancelado pela clínica." in told["text"]
    bad = await ward.staff("POST", f"/{booked['id']}/cancel", json={"cancellation_reason": "boredom"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "cancellation_reason")


@pytest.mark.parametrize("outcome", ["no-contact", "sent"])
async def test_the_history_says_whether_the_patient_was_told(ward: Ward, outcome: str) -> None:
    contact = uuid4()
    booked = await ward.booked(at("09:00"), contact=contact)
    if outcome == "no-contact":
        ward.whatsapp.unknown.add(contact)
    body = {"reason": "Falta de luz", "cancellation_reason": "maint", "notify": True}
    assert (await ward.staff("POST", f"/{booked['id']}/cancel", json=body)).is_success

    async def noted() -> list[dict[str, Any]]:
        await ward.make_due("appointment-notice")
        items = (await ward.staff("GET", f"/{booked['id']}/history")).json()["items"]
        return [one for one in items if one["action"] == "notify"]

    [note] = await until(noted, bool)
    assert (note["actor"], note["to_status"], note["details"]) == (
        "service:appointment",
        "cancelled",
        {"outcome": outcome},
    )


async def test_the_patient_hears_how_things_stand_in_the_end_and_nothing_they_know(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("09:00"), contact=contact)
    ward.whatsapp.away = True
    path = f"/{booked['id']}/reschedule"
    for start in ("15:00", "16:00"):
        assert (await ward.staff("POST", path, json={"start": at(start).isoformat(), "notify": True})).is_success
    ward.whatsapp.away = False
    end = "passou para amanhã, terça-feira (26/11), às 16h."
    told = await until(lambda: _due(ward, contact), lambda found: bool(found) and end in found[-1]["text"])
    await ward.staff("POST", path, json={"start": at("11:00").isoformat()})
    await ward.settled()
    assert await _changes(ward, contact) == told


async def test_of_a_change_at_night_the_patient_hears_in_the_morning_unless_they_come_before(ward: Ward) -> None:
    contact, early = uuid4(), uuid4()
    booked = await ward.booked(at("09:00"), contact=contact)
    first = await ward.booked(at("08:00"), contact=early)
    ward.hands.now = at("03:00")
    for one in (booked, first):
        assert (await ward.staff("POST", f"/{one['id']}/cancel", json={"notify": True})).is_success
    await until(lambda: _changes(ward, early), lambda found: len(found) == 1)
    await ward.settled()
    assert await _changes(ward, contact) == []
    ward.hands.now = at("08:00")
    [told] = await until(lambda: _due(ward, contact), lambda found: len(found) == 1)
    assert "hoje, terça-feira (26/11), às 9h" in told["text"]


async def test_participants_say_who_comes(ward: Ward) -> None:
    booked = await ward.booked(at("09:00"))
    assert booked["participant"] == [
        {
            "actor": {
                "type": "Patient",
                "reference": f"Patient/{booked['patient']['id']}",
                "display": "Maria da Silva",
            },
            "status": "needs-action",
        },
        {
            "actor": {"type": "Practitioner", "reference": "Practitioner/ana", "display": "Dra. Ana Souza"},
            "status": "accepted",
        },
    ]
    confirmed = (await ward.internal("POST", f"/appointments/{booked['id']}/confirm")).json()
    assert confirmed["participant"][0]["status"] == "accepted"
    gone = (await ward.internal("POST", f"/appointments/{booked['id']}/cancel", json={"reason": ""})).json()
    assert gone["participant"][0]["status"] == "declined"


async def _changes(ward: Ward, contact: Any) -> list[dict[str, Any]]:
    return ward.whatsapp.to(contact, "change")


async def _due(ward: Ward, contact: Any) -> list[dict[str, Any]]:
    await ward.make_due("appointment-notice")
    return await _changes(ward, contact)
