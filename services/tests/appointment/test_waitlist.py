"""The waiting list: joining, offers, accepting, declining, lapsing, leaving, ending."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from atendeai.appointment.availability import Availability
from atendeai.appointment.calendars import CalendarBusy, Calendars
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.waitlist import WaitingList
from atendeai.kit.errors import Unavailable
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from tests.appointment.diary import Ward, at, until

pytestmark = pytest.mark.integration

DAY = "2030-11-26/ana"
SLUG = "urn:atendeai:problem:"


async def entry(ward: Ward, wish: dict[str, Any], status: str = "waitlist") -> dict[str, Any]:
    """Return an entry as staff see it."""
    listed = (await ward.staff("GET", "/waitlist", params={"status": status})).json()["items"]
    [found] = [one for one in listed if one["id"] == wish["id"]]
    return dict(found)


async def cancel(ward: Ward, appointment: Any) -> None:
    done = await ward.internal("POST", f"/appointments/{appointment}/cancel", json={"reason": "viagem"})
    assert done.status_code == 200, done.text


async def test_a_freed_slot_is_offered_told_and_taken(ward: Ward) -> None:
    day = await ward.full_day()
    contact = uuid4()
    wish = await ward.join(contact=contact)
    assert (wish["status"], wish["date_from"]) == ("waitlist", "2030-11-26")
    await ward.settled()
    assert ward.whatsapp.messages == []

    await cancel(ward, day[12])
    offer = await ward.one_offer()
    assert (offer["starts_at"], offer["contact_id"]) == (at("14:00"), contact)
    assert offer["expires_at"] - ward.hands.now == timedelta(minutes=30)
    assert "14:00" not in await ward.starts()
    assert (await entry(ward, wish))["offer"]["appointment_id"] == str(offer["id"])
    [told] = await until(lambda: _told(ward, contact), lambda found: len(found) == 1)
    assert told["buttons"] == [
        {"id": f"accept:{offer['id']}", "title": "Quero"},
        {"id": f"decline:{offer['id']}", "title": "Não, obrigado"},
    ]
    assert told["purpose"] == "waitlist"
    assert told["text"].endswith("Ele fica reservado para você até às 10h30.")

    taken = await ward.book(str(offer["id"]), name=None)
    assert (taken.status_code, taken.json()["status"]) == (200, "booked")
    assert taken.json()["patient"]["name"] == "Maria da Silva"
    assert (await entry(ward, wish, "booked"))["appointment_id"] == str(offer["id"])
    assert ("waitlist.fulfil", "booked") in await _logged(ward)


async def _told(ward: Ward, contact: Any) -> list[dict[str, Any]]:
    return ward.whatsapp.to(contact, "waitlist")


async def test_declined_and_lapsed_it_passes_on_and_comes_back_to_nobody(ward: Ward) -> None:
    day = await ward.full_day()
    wishes = [await ward.join(f"Paciente {letter}") for letter in "ABC"]
    await cancel(ward, day[4])

    first = await ward.one_offer()
    assert str(first["waitlist_id"]) == wishes[0]["id"]
    await cancel(ward, first["id"])
    second = await until(ward.offers, lambda found: bool(found) and found[0]["id"] != first["id"])
    assert str(second[0]["waitlist_id"]) == wishes[1]["id"]

    await ward.settled()
    ward.hands.move(minutes=31)
    await ward.make_due("hold-expiry")
    third = await until(ward.offers, lambda found: bool(found) and str(found[0]["waitlist_id"]) == wishes[2]["id"])
    late = await ward.book(str(second[0]["id"]))
    assert (late.status_code, late.json()["type"]) == (409, f"{SLUG}hold-expired")

    await cancel(ward, third[0]["id"])
    await until(ward.offers, lambda found: found == [])
    await ward.settled()
    assert await ward.offers() == []
    assert "10:00" in await ward.starts()
    assert [one["id"] for one in (await ward.staff("GET", "/waitlist")).json()["items"]] == [w["id"] for w in wishes]


async def test_each_is_offered_only_what_suits(ward: Ward) -> None:
    day = await ward.full_day()
    await ward.join("Outro dia", date_from="2030-11-27", date_to="2030-11-28")
    await ward.join("De tarde", time_from="13:00")
    await ward.join("Outro médico", professional_code="bruno", time_to="08:00")
    suited = await ward.join("De manhã", time_to="12:00", professional_code=None)
    await ward.settled()
    before = {str(one["waitlist_id"]) for one in await ward.offers()}
    if suited["id"] in before:  # Bruno's morning is free, and any professional would do
        [own] = [one for one in await ward.offers() if str(one["waitlist_id"]) == suited["id"]]
        assert own["professional_code"] == "bruno"
        await cancel(ward, own["id"])
        await ward.settled()
    await cancel(ward, day[2])
    found = await until(ward.offers, lambda all_: any(str(one["waitlist_id"]) == suited["id"] for one in all_))
    [mine] = [one for one in found if str(one["waitlist_id"]) == suited["id"]]
    assert mine["starts_at"].astimezone(at("09:00").tzinfo).hour < 12


async def test_who_joins_while_something_suits_is_offered_it(ward: Ward) -> None:
    wish = await ward.join(time_from="16:00", time_to="16:00")
    offer = await ward.one_offer()
    assert (str(offer["waitlist_id"]), offer["starts_at"]) == (wish["id"], at("16:00"))


async def test_a_gap_off_the_grid_is_offered_from_its_beginning(ward: Ward) -> None:
    await ward.full_day(besides=("14:00", "14:30", "15:00", "15:30"))

    async def made(start: str) -> str:
        body = {
            "service_code": "consulta",
            "professional_code": "ana",
            "start": at(start).isoformat(),
            "patient_name": "Encaixe",
        }
        answer = await ward.staff("POST", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    await made("14:10")
    between = await made("14:40")
    await made("15:10")
    await ward.join()
    await ward.settled()
    assert await ward.offers() == []
    await ward.staff("POST", f"/{between}/cancel", json={"reason": ""})
    assert (await ward.one_offer())["starts_at"] == at("14:40")


async def test_booking_what_suits_ends_the_wish_and_its_offer(ward: Ward) -> None:
    day = await ward.full_day()
    contact = uuid4()
    wish = await ward.join(contact=contact)
    other = await ward.join("Pedro da Silva", contact=contact)
    await cancel(ward, day[0])
    offer = await ward.one_offer()
    await cancel(ward, day[6])  # for Pedro
    await until(ward.offers, lambda found: len(found) == 2)
    await cancel(ward, day[8])
    await ward.settled()
    held = await ward.hold(at("12:00"), contact=contact)
    assert (await ward.book(held.json()["id"])).status_code == 200
    assert (await entry(ward, wish, "booked"))["appointment_id"] == held.json()["id"]
    await until(ward.offers, lambda found: [str(one["waitlist_id"]) for one in found] == [other["id"]])
    assert (await ward.book(str(offer["id"]))).status_code == 409


async def test_the_reception_takes_the_offer_for_who_calls_about_it(ward: Ward) -> None:
    day = await ward.full_day()
    contact = uuid4()
    wish = await ward.join("Rui Sá", contact=contact)
    await cancel(ward, day[4])
    offer = await ward.one_offer()
    booking = {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": offer["starts_at"].isoformat(),
        "patient_name": "rui sa",
    }
    other = await ward.staff("POST", json=booking | {"contact_id": str(uuid4())})
    assert (other.status_code, other.json()["type"]) == (409, f"{SLUG}slot-taken")
    taken = await ward.staff("POST", json=booking | {"contact_id": str(contact)})
    assert taken.status_code == 201, taken.text
    assert (await entry(ward, wish, "booked"))["appointment_id"] == taken.json()["id"]
    await ward.settled()
    assert await ward.offers() == []


async def test_leaving_takes_the_offer_back_and_passes_it_on(ward: Ward) -> None:
    day = await ward.full_day()
    first, second = await ward.join("Ana Reis"), await ward.join("Beto Reis")
    await cancel(ward, day[3])
    assert str((await ward.one_offer())["waitlist_id"]) == first["id"]
    for _ in range(2):
        assert (await ward.internal("DELETE", f"/waitlist/{first['id']}")).status_code == 204
    assert (await entry(ward, first, "cancelled"))["end_reason"] == "withdrawn"
    await until(ward.offers, lambda found: [str(one["waitlist_id"]) for one in found] == [second["id"]])
    told = await _logged(ward)
    assert ("waitlist.leave", "asked-by-staff") not in told
    asked = {(action, "asked-by-patient") for action in ("waitlist.join", "waitlist.leave", "appointment.expire")}
    assert told >= asked | {("appointment.offer", "time-got-free")}
    assert (await ward.staff("DELETE", f"/waitlist/{second['id']}")).status_code == 204
    assert ("waitlist.leave", "asked-by-staff") in await _logged(ward)
    assert (await ward.staff("DELETE", f"/waitlist/{uuid4()}")).status_code == 404


async def test_nobody_takes_off_the_list_what_they_have_not_seen(ward: Ward) -> None:
    day = await ward.full_day()
    wish = await ward.join("Ana Reis")
    path = f"/waitlist/{wish['id']}"
    seen = await ward.staff("GET", path)
    assert seen.json() == wish
    same = {name: wish[name] for name in ("service_code", "professional_code", "date_from", "date_to")}
    again = same | {"contact_id": wish["patient"]["contact_id"], "patient_name": "Ana Reis"}
    assert (await ward.staff("POST", "/waitlist", json=again)).headers["etag"] == seen.headers["etag"]

    await cancel(ward, day[3])
    await ward.one_offer()
    stale = await ward.staff("DELETE", path, if_match=seen.headers["etag"])
    assert (stale.status_code, stale.json()["type"]) == (412, f"{SLUG}changed-meanwhile")
    now = await ward.staff("GET", path)
    assert now.headers["etag"] == stale.headers["etag"] != seen.headers["etag"]
    assert now.json()["offer"]
    assert (await ward.staff("POST", "/waitlist", json=again)).json() == now.json()
    assert (await ward.staff("DELETE", path, if_match=now.headers["etag"])).status_code == 204
    assert (await ward.staff("GET", f"/waitlist/{uuid4()}")).status_code == 404


async def test_who_is_booked_at_that_moment_is_not_taken_off_unseen(ward: Ward) -> None:
    day = await ward.full_day()
    wish = await ward.join("Ana Reis")
    tag = (await ward.staff("GET", f"/waitlist/{wish['id']}")).headers["etag"]
    connection = await asyncpg.connect(ward.clinic.stack.postgres.admin_dsn)
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE atendeai.waitlist_entry SET status = 'booked', appointment_id = $3, ended_at = now()"
                " WHERE clinic_id = $1 AND id = $2",
                ward.clinic.id,
                UUID(wish["id"]),
                day[0],
            )
            leaving = asyncio.create_task(ward.staff("DELETE", f"/waitlist/{wish['id']}", if_match=tag))
            waits = (
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query LIKE '%UPDATE atendeai.waitlist_entry w SET status%'"
            )
            await until(lambda: ward.clinic.fetch(waits), bool)
        answer = await leaving
    finally:
        await connection.close()
    assert (answer.status_code, answer.json()["type"]) == (412, f"{SLUG}changed-meanwhile")
    assert (await entry(ward, wish, "booked"))["appointment_id"] == str(day[0])


@pytest.mark.parametrize("refused", ["opted_out", "unknown"])
async def test_who_cannot_be_reached_does_not_keep_the_time(ward: Ward, refused: str) -> None:
    day = await ward.full_day()
    gone = uuid4()
    getattr(ward.whatsapp, refused).add(gone)
    silent, next_ = await ward.join("Ana Reis", contact=gone), await ward.join("Beto Reis")
    await cancel(ward, day[3])
    await until(ward.offers, lambda found: [str(one["waitlist_id"]) for one in found] == [next_["id"]])
    ended = await entry(ward, silent, "cancelled")
    assert ended["end_reason"] == {"opted_out": "opted-out", "unknown": "no-contact"}[refused]
    assert await _logged(ward) >= {(it, ended["end_reason"]) for it in ("waitlist.end", "appointment.expire")}


async def test_an_offer_that_does_not_arrive_passes_on_and_its_wish_waits_on(ward: Ward) -> None:
    day = await ward.full_day()
    silent, next_ = await ward.join("Ana Reis"), await ward.join("Beto Reis")
    await cancel(ward, day[3])
    offer = await ward.one_offer()
    assert str(offer["waitlist_id"]) == silent["id"]
    await ward.settled()

    async def undelivered(key: str) -> Any:
        headers = ward.clinic.service_headers("whatsapp")
        answer = await ward.client.post("/internal/v1/undelivered", json={"key": key}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert await undelivered(f"offer:{offer['id']}") == {"given_up": True}
    await until(ward.offers, lambda found: [str(one["waitlist_id"]) for one in found] == [next_["id"]])
    assert "end_reason" not in await entry(ward, silent, "waitlist")
    assert await undelivered(f"offer:{offer['id']}") == {"given_up": False}
    assert await undelivered(f"offer:{uuid4()}") == {"given_up": False}
    assert await undelivered("offer:1") == {"given_up": False}
    assert await undelivered("reminder:of:something") == {"given_up": False}
    by_another = await ward.internal("POST", "/undelivered", json={"key": "offer:1"})
    assert by_another.status_code == 403


async def test_an_offer_that_is_over_is_taken_back(ward: Ward) -> None:
    day = await ward.full_day()
    wish = await ward.join()
    await cancel(ward, day[3])
    offer = await ward.one_offer()
    await ward.settled()
    key = f"offer:{offer['id']}"
    assert key in ward.whatsapp.queued
    assert ward.whatsapp.withdrawn == []
    assert (await ward.staff("DELETE", f"/waitlist/{wish['id']}")).status_code == 204
    await ward.settled()
    assert ward.whatsapp.withdrawn == [key]


async def test_nobody_is_offered_anything_at_night(ward: Ward) -> None:
    day = await ward.full_day()
    await ward.join()
    await ward.settled()
    ward.hands.move(hours=11)
    await cancel(ward, day[10])
    await ward.settled()
    assert await ward.offers() == []
    ward.hands.move(hours=11, minutes=30)
    await ward.make_due("waitlist-freed")
    assert (await ward.one_offer())["starts_at"] == at("13:00")


class Silent(Calendars):
    """Calendars that cannot be read, for one reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def busy(self, tenant: Tenant, codes: Sequence[str], start: datetime, end: datetime) -> CalendarBusy:
        return CalendarBusy(unavailable=dict.fromkeys(codes, self.reason))


async def test_a_calendar_that_does_not_answer_is_asked_again_soon(ward: Ward) -> None:
    await ward.full_day()
    await ward.join()
    kit = Kit(ward.clinic.service_settings("appointment"))

    async def look(reason: str) -> datetime | None:
        availability = Availability(kit.database, Silent(reason))
        return await WaitingList(kit.database, availability, Messenger(kit.services)).look_at_day(
            ward.clinic.tenant, DAY
        )

    for passing in ("calendar-service", "rate-limited", "unavailable"):
        with pytest.raises(Unavailable):  # which the queue answers with a second's pause, then two, then four
            await look(passing)
    assert await look("not-found") == ward.hands.now + timedelta(minutes=1), "until somebody shares it"
    await kit.close()


async def test_entries_end_with_their_days(ward: Ward) -> None:
    await ward.full_day()
    wish = await ward.join()
    await ward.settled()
    ward.hands.move(hours=38)
    await ward.make_due("waitlist-wish")
    await until(lambda: _ended(ward), lambda rows: len(rows) == 1)
    assert (await entry(ward, wish, "cancelled"))["end_reason"] == "ended"
    assert ("waitlist.end", "days-are-over") in await _logged(ward)


async def _logged(ward: Ward) -> set[tuple[str, str]]:
    """Return which actions the audit log holds, each with the reasons that it gives for it."""
    rows = await ward.rows("SELECT action, reason FROM atendeai.audit_event WHERE clinic_id = $1")
    return {(row["action"], row["reason"]) for row in rows}


async def _ended(ward: Ward) -> list[dict[str, Any]]:
    return await ward.rows("SELECT id FROM atendeai.waitlist_entry WHERE clinic_id = $1 AND status = 'cancelled'")


async def test_the_same_wish_is_one_entry_and_a_key_one_answer(ward: Ward) -> None:
    contact = uuid4()
    body = {
        "contact_id": str(contact),
        "patient_name": "Maria",
        "service_code": "consulta",
        "date_from": "2030-12-02",
        "date_to": "2030-12-03",
        "time_from": "14:00",
    }
    first = await ward.internal("POST", "/waitlist", "w1", json=body)
    again = await ward.internal("POST", "/waitlist", "w1", json=body)
    same = await ward.internal("POST", "/waitlist", json=body)
    assert (first.status_code, again.status_code, same.status_code) == (201, 201, 200)
    assert first.json()["id"] == again.json()["id"] == same.json()["id"]
    mine = await ward.internal("GET", "/waitlist", params={"contact_id": str(contact)})
    assert [one["id"] for one in mine.json()["items"]] == [first.json()["id"]]
    for number in range(4):
        assert (await ward.internal("POST", "/waitlist", json=body | {"patient_name": f"P{number}"})).status_code == 201
    much = await ward.internal("POST", "/waitlist", json=body | {"patient_name": "P9"})
    assert (much.status_code, much.json()["type"]) == (409, f"{SLUG}too-many-wishes")
    ward.hands.move(days=30)
    late = await ward.internal("POST", "/waitlist", "w1", json=body)
    assert (late.status_code, late.json(), late.headers["Idempotency-Replayed"]) == (201, first.json(), "true")


async def test_what_cannot_be_waited_for(ward: Ward) -> None:
    body = {
        "contact_id": str(uuid4()),
        "patient_name": "Maria",
        "service_code": "consulta",
        "date_from": "2030-11-26",
        "date_to": "2030-11-26",
    }
    changes: list[tuple[dict[str, Any], str]] = [
        ({"service_code": "cirurgia"}, "unknown-service"),
        ({"professional_code": "zeca"}, "unknown-professional"),
        ({"professional_code": "bruno", "service_code": "retorno"}, "not-performed"),
        ({"date_to": "2030-11-25"}, "invalid-request"),
        ({"date_from": "2020-11-25", "date_to": "2020-11-26"}, "invalid-request"),
        ({"date_to": "2031-11-25"}, "invalid-request"),
        ({"time_from": "12:00", "time_to": "11:00"}, "invalid-request"),
        ({"time_from": "12:00Z"}, "invalid-request"),
        ({"patient_name": " "}, "invalid-request"),
    ]
    for change, slug in changes:
        answer = await ward.staff("POST", "/waitlist", json=body | change)
        assert (answer.status_code, answer.json()["type"]) == (422, SLUG + slug), change


async def test_a_clinic_without_a_waiting_list_says_so(ward: Ward) -> None:
    ward.clinic.profile["policies"] = {"waitingList": False}
    await ward.clinic.write()
    body = {
        "contact_id": str(uuid4()),
        "patient_name": "Maria",
        "service_code": "consulta",
        "date_from": "2030-11-26",
        "date_to": "2030-11-26",
    }

    async def asked() -> str:
        return str((await ward.staff("POST", "/waitlist", json=body)).json().get("type"))

    assert await until(asked, lambda slug: slug == f"{SLUG}waiting-list-off")
