"""Whose an appointment is: what another contact asks about it is answered like what is not there."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.appointment.diary import Diary, Ward, at

pytestmark = pytest.mark.integration

SLUG = "urn:atendeai:problem:"
MOVE = {"start": at("15:00").isoformat()}
PAST = {"start": at("15:00").replace(year=2020).isoformat()}
ACTS: dict[str, dict[str, Any]] = {
    "book": {"patient_name": "Intruso"},
    "cancel": {"reason": "x"},
    "confirm": {},
    "reschedule": MOVE,
    "decline": {},
}


async def ask(ward: Ward, appointment: Any, act: str, contact: Any, **body: Any) -> Any:
    """Ask as a contact; return the answer."""
    body = {"contact_id": str(contact)} | body
    return await ward.internal("POST", f"/appointments/{appointment}/{act}", json=body)


async def traces(ward: Ward) -> list[list[dict[str, Any]]]:
    """Return all that could have changed."""
    return [
        await ward.rows(f"SELECT * FROM atendeai.{table} WHERE clinic_id = $1 ORDER BY 1, 2, 3")
        for table in ("appointment", "appointment_event", "patient", "waitlist_entry")
    ]


async def own_offer(ward: Ward, contact: UUID, time: str = "16:00") -> Any:
    await ward.join(contact=contact, time_from=time, time_to=time)
    return (await ward.one_offer())["id"]


async def test_of_two_contacts_that_are_one_the_patients_of_one_name_are_one_with_or_without_accents(
    diary: Diary,
) -> None:
    former, into = uuid4(), uuid4()

    async def booked(time: str, contact: UUID, name: str) -> str:
        held = (await diary.hold(at(time), contact=contact)).json()
        return str((await diary.book(held["id"], name)).json()["patient"]["id"])

    first = await booked("09:00", into, "Rui Sá")
    # As keys were written once, and as they are.
    await diary.rows("UPDATE atendeai.patient SET name_key = 'rui sá' WHERE clinic_id = $1")
    assert await booked("10:00", into, "RUI SA") == first
    assert await booked("11:00", former, "Rui Sa") != first
    headers = diary.clinic.service_headers("whatsapp")
    body = {"contact_id": str(former), "into": str(into)}
    assert (await diary.client.post("/internal/v1/contacts/join", headers=headers, json=body)).is_success
    assert [row["id"] for row in await diary.rows("SELECT id FROM atendeai.patient WHERE clinic_id = $1")] == [
        UUID(first)
    ]
    rows = await diary.rows("SELECT patient_id, contact_id FROM atendeai.appointment WHERE clinic_id = $1")
    assert [(row["patient_id"], row["contact_id"]) for row in rows] == [(UUID(first), into)] * 3
    [told] = await diary.rows(
        "SELECT actor, target, reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'contact.join'"
    )
    assert tuple(told.values()) == ("service:whatsapp", f"contact:{former}", "same-person")


async def test_what_is_anothers_is_not_there(ward: Ward) -> None:
    other, stranger = uuid4(), uuid4()
    offer = await own_offer(ward, other)
    booked = (await ward.booked(at("09:00"), contact=other))["id"]
    held = (await ward.hold(at("10:00"), contact=other, name="Rita")).json()["id"]
    nobodys = {"service_code": "consulta", "professional_code": "ana", "patient_name": "Rui"}
    desk = (await ward.staff("POST", json=nobodys | {"start": at("11:00").isoformat()})).json()["id"]
    await ward.settled()
    before = await traces(ward)
    for act, body in [*ACTS.items(), ("reschedule", PAST)]:
        unknown = await ask(ward, uuid4(), act, stranger, **body)
        assert (unknown.status_code, unknown.json()["type"]) == (404, f"{SLUG}not-found")
        for one in (offer, booked, held, desk):
            refused = await ask(ward, one, act, stranger, **body)
            assert (refused.status_code, refused.json()["type"]) == (404, f"{SLUG}not-found"), (act, one)
            assert refused.json()["detail"] == unknown.json()["detail"]
    await ward.settled()
    assert await traces(ward) == before


@pytest.mark.parametrize("act", list(ACTS))
async def test_who_asks_must_be_said(ward: Ward, act: str) -> None:
    booked = await ward.booked(at("09:00"))
    headers = ward.clinic.service_headers("conversation", None)
    path = f"/internal/v1/appointments/{booked['id']}/{act}"
    silent = await ward.client.post(path, headers=headers, json=ACTS[act])
    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (422, "contact_id")
    assert [one["version"] for one in await ward.live()] == [booked["version"]]


async def test_only_an_offer_that_stands_is_declined(ward: Ward) -> None:
    contact = uuid4()
    offer = await own_offer(ward, contact)
    for _ in range(2):
        done = await ask(ward, offer, "decline", contact)
        assert (done.status_code, done.json()["status"]) == (200, "cancelled")
        assert done.json()["cancellation_reason"] == {"code": "pat", "text": "declined"}
    assert "16:00" in await ward.starts()

    booked = (await ward.booked(at("09:00"), contact=contact))["id"]
    held = (await ward.hold(at("10:00"), contact=contact)).json()["id"]
    taken = await own_offer(ward, contact, "17:00")
    assert (await ask(ward, taken, "book", contact)).status_code == 200
    for one in (booked, held, taken):
        kept = await ask(ward, one, "decline", contact)
        assert (kept.status_code, kept.json()["type"]) == (409, f"{SLUG}not-offered")
    assert [one["status"] for one in await ward.live()] == ["booked", "proposed", "booked"]


async def test_an_offer_that_ran_out_is_not_declined(ward: Ward) -> None:
    contact = uuid4()
    offer = await own_offer(ward, contact)
    await ward.settled()
    ward.hands.move(minutes=31)
    await ward.make_due("hold-expiry")
    await ward.settled()
    late = await ask(ward, offer, "decline", contact)
    assert (late.status_code, late.json()["type"]) == (409, f"{SLUG}hold-expired")
