"""Reminders from end to end: booked, looked at, sent once, whatever happens in between."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from atendeai.appointment import reminders
from atendeai.appointment.messenger import Messenger, Outcome
from atendeai.kit.testing.waiting import eventually
from tests.appointment.diary import Ward, at, until

pytestmark = pytest.mark.integration

QUEUE = "appointment-reminder"


async def look(ward: Ward, **later: float) -> None:
    """Have every appointment looked at, now or so much later."""
    await until(lambda: ward.idle(QUEUE), bool)
    ward.hands.move(**later)
    await ward.make_due(QUEUE)
    await until(lambda: ward.idle(QUEUE), bool)


async def reminded(ward: Ward, contact: UUID) -> list[datetime | None]:
    """Return when the contact was reminded of each of their appointments, as conversation is told."""
    items = (await ward.internal("GET", "/appointments", params={"contact_id": str(contact)})).json()["items"]
    return [datetime.fromisoformat(one["reminded_at"]) if "reminded_at" in one else None for one in items]


async def test_a_day_and_two_hours_before_and_never_twice(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("14:00"), contact=contact)
    await look(ward)
    assert ward.whatsapp.messages == []

    await look(ward, hours=4)
    await look(ward)
    [first] = ward.whatsapp.to(contact)
    assert first["text"].startswith("Olá, Maria! Passando para lembrar do seu horário: amanhã, terça-feira (26/11), às")
    assert [one["id"] for one in first["buttons"]] == [f"confirm:{booked['id']}", f"cancel:{booked['id']}"]
    assert datetime.fromisoformat(first["expires_at"]) == at("02:00"), "late by at most half its offset"
    assert await reminded(ward, contact) == [ward.hands.now]

    await look(ward, hours=22)
    await look(ward)
    assert len(ward.whatsapp.to(contact)) == 2
    assert "hoje, terça-feira (26/11), às 14h" in ward.whatsapp.to(contact)[1]["text"]

    history = (await ward.staff("GET", f"/{booked['id']}/history")).json()["items"]
    told = [one["details"] for one in history if one["action"] == "remind"]
    assert told == [{"minutes_before": 1440, "outcome": "sent"}, {"minutes_before": 120, "outcome": "sent"}]

    await look(ward, hours=3)
    assert await ward.rows(f"SELECT 1 FROM atendeai.work WHERE clinic_id = $1 AND queue = '{QUEUE}'") == []


async def test_who_confirmed_hears_once_more_without_a_question(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("14:00"), contact=contact)
    await ward.internal("POST", f"/appointments/{booked['id']}/confirm")
    await look(ward, hours=5)
    assert ward.whatsapp.messages == []
    await look(ward, hours=21)
    [only] = ward.whatsapp.to(contact)
    assert only["kind"] == "text"
    assert only["text"].endswith("Sua presença está confirmada. Até lá! 😊"), "in the tone of the clinic's persona"
    assert only["template"]["name"] == "atendeai_lembrete_confirmado"


async def test_a_moved_appointment_is_reminded_of_its_new_time_and_a_cancelled_one_of_none(ward: Ward) -> None:
    contact = uuid4()
    moved = await ward.booked(at("09:00"), contact=contact)
    gone = await ward.booked(at("10:00"))
    body = {"start": at("15:00").isoformat()}
    assert (await ward.internal("POST", f"/appointments/{moved['id']}/reschedule", json=body)).status_code == 200
    await ward.internal("POST", f"/appointments/{gone['id']}/cancel", json={"reason": ""})
    await look(ward, hours=5)
    [only] = ward.whatsapp.messages
    assert only["template"]["parameters"] == ["Maria", "amanhã, terça-feira (26/11)", "15h"]
    assert await reminded(ward, contact) == [ward.hands.now]
    body = {"start": at("16:00").isoformat()}
    assert (await ward.internal("POST", f"/appointments/{moved['id']}/reschedule", json=body)).status_code == 200
    assert await reminded(ward, contact) == [None], "of the time that it has now nobody has been reminded"


async def test_what_waits_for_a_time_that_stands_no_more_is_taken_back(ward: Ward) -> None:
    moved, gone = await ward.booked(at("13:00"), contact=uuid4()), await ward.booked(at("14:00"))
    stays = await ward.booked(at("15:00"))
    await look(ward, hours=5)
    queued = {key.split(":")[1]: key for key in ward.whatsapp.queued}
    assert set(queued) == {moved["id"], gone["id"], stays["id"]}
    assert ward.whatsapp.withdrawn == []

    body = {"start": at("16:00").isoformat()}
    assert (await ward.internal("POST", f"/appointments/{moved['id']}/reschedule", json=body)).status_code == 200
    assert (await ward.staff("POST", f"/{gone['id']}/cancel", json={"reason": "férias"})).status_code == 200
    await until(lambda: ward.idle(QUEUE), bool)
    assert set(ward.whatsapp.withdrawn) == {queued[moved["id"]], queued[gone["id"]]}
    await look(ward, hours=2)
    _, again = [key for key in ward.whatsapp.queued if key.split(":")[1] == moved["id"]]
    assert again not in ward.whatsapp.withdrawn, "of its new time it is reminded as well"


async def test_an_outage_delays_and_doubles_nothing(ward: Ward) -> None:
    contact = uuid4()
    await ward.booked(at("14:00"), contact=contact)
    await until(lambda: ward.idle(QUEUE), bool)
    ward.whatsapp.away = True
    ward.hands.move(hours=4)
    await ward.make_due(QUEUE)
    await eventually(lambda: ward.whatsapp.calls > 0)
    ward.whatsapp.away = False

    async def sent() -> int:
        await ward.make_due(QUEUE)
        return len(ward.whatsapp.to(contact))

    await until(sent, lambda count: count == 1)


async def test_a_crash_between_sending_and_noting_it_sends_nothing_twice(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact, noted = uuid4(), reminders._record
    booked = await ward.booked(at("14:00"), contact=contact)
    await until(lambda: ward.idle(QUEUE), bool)

    died = asyncio.Event()

    async def dies(*_: Any) -> None:
        died.set()
        raise ConnectionResetError

    monkeypatch.setattr(reminders, "_record", dies)
    ward.hands.move(hours=4)
    await ward.make_due(QUEUE)
    await asyncio.wait_for(died.wait(), 20)
    monkeypatch.setattr(reminders, "_record", noted)

    async def in_history() -> list[str]:
        await ward.make_due(QUEUE)
        items = (await ward.staff("GET", f"/{booked['id']}/history")).json()["items"]
        return [one["details"]["outcome"] for one in items if one["action"] == "remind"]

    assert await until(in_history, bool) == ["sent"]
    assert ward.whatsapp.calls > 1
    assert len(ward.whatsapp.to(contact)) == 1


async def test_several_pods_that_look_at_the_same_moment_send_once(ward: Ward) -> None:
    contact = uuid4()
    booked = await ward.booked(at("14:00"), contact=contact)
    await until(lambda: ward.idle(QUEUE), bool)
    ward.hands.move(hours=4)
    kit = ward.client.app.state.kit  # type: ignore[attr-defined]  # the fixture's client knows its app
    all_have_looked = asyncio.Barrier(4)

    class Slow(Messenger):
        async def send(self, *arguments: Any, **options: Any) -> Outcome:
            await all_have_looked.wait()
            return await super().send(*arguments, **options)

    handler = reminders.Reminders(kit.database, Slow(kit.services))
    tenant = await kit.tenants.get(ward.clinic.id)
    await asyncio.gather(*(handler.handle(tenant, booked["id"]) for _ in range(4)))
    assert ward.whatsapp.calls == 4
    assert len(ward.whatsapp.to(contact)) == 1
    [row] = await ward.rows("SELECT outcome FROM atendeai.appointment_reminder WHERE clinic_id = $1")
    assert row["outcome"] == "sent"


@pytest.mark.parametrize(("hours", "offsets"), [(23, [120]), (1.5, [])])
async def test_who_books_late_is_reminded_only_of_what_is_still_ahead(
    ward: Ward, hours: float, offsets: list[int]
) -> None:
    ward.hands.now = at("14:00") - timedelta(hours=hours)
    contact = uuid4()
    await ward.booked(at("14:00"), contact=contact)
    await look(ward)
    assert ward.whatsapp.messages == []
    ward.hands.now = at("12:30")
    await look(ward)
    told = await ward.rows("SELECT minutes_before FROM atendeai.appointment_reminder WHERE clinic_id = $1")
    assert [row["minutes_before"] for row in told] == offsets


@pytest.mark.parametrize("refused", ["opted_out", "unknown"])
async def test_a_refusal_is_final_and_no_error(ward: Ward, refused: str) -> None:
    contact = uuid4()
    getattr(ward.whatsapp, refused).add(contact)
    booked = await ward.booked(at("14:00"), contact=contact)
    await look(ward, hours=4)
    await look(ward)
    assert ward.whatsapp.calls == 1
    history = (await ward.staff("GET", f"/{booked['id']}/history")).json()["items"]
    assert history[-1]["details"]["outcome"] == {"opted_out": "opted-out", "unknown": "no-contact"}[refused]


async def test_changed_offsets_hold_for_appointments_that_are_there(ward: Ward) -> None:
    contact = uuid4()
    await ward.booked(at("14:00"), contact=contact)
    await ward.booked(at("15:00"))  # nobody is written to who is not a contact of the test
    ward.clinic.settings["reminders"] = {"enabled": True, "before": ["27h"]}
    await ward.clinic.write()
    ward.hands.move(hours=1, minutes=30)

    async def sent() -> list[dict[str, Any]]:
        await ward.make_due(QUEUE)
        return ward.whatsapp.to(contact)

    [only] = await until(sent, lambda found: len(found) == 1)
    assert only["purpose"] == "reminder"
    ward.clinic.settings["reminders"] = {"enabled": False, "before": ["27h"]}
    await ward.clinic.write()
    await look(ward, hours=1)
    assert len(ward.whatsapp.to(contact)) == 1


async def test_a_reception_booking_without_a_contact_reminds_nobody(ward: Ward) -> None:
    body = {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": at("14:00").isoformat(),
        "patient_name": "José Pereira",
    }
    assert (await ward.staff("POST", json=body)).status_code == 201
    await look(ward, hours=4)
    assert ward.whatsapp.calls == 0
