"""Holding, booking, moving and undoing, on real PostgreSQL and Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from atendeai.domain.appointment_states import LIVE
from atendeai.kit import clock
from tests.appointment.diary import Diary, at, until

pytestmark = pytest.mark.integration


def later(**ahead: float) -> datetime:
    return datetime.now(UTC) + timedelta(**ahead)


async def test_a_hold_takes_the_slot_and_booking_keeps_it(diary: Diary) -> None:
    contact = uuid4()
    held = await diary.hold(at("14:00"), contact=contact)
    body = held.json()
    assert (held.status_code, body["status"]) == (201, "proposed")
    remaining = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < remaining <= timedelta(minutes=5)
    assert "14:00" not in await diary.starts()

    booked = (await diary.book(body["id"])).json()
    assert booked["id"] == body["id"]
    assert (booked["status"], booked["start"]) == ("booked", "2030-11-26T14:00:00-03:00")
    assert (booked["service_name"], booked["professional_name"]) == ("Consulta", "Dra. Ana Souza")
    assert booked["patient"]["name"] == "Maria da Silva"
    assert booked["patient"]["contact_id"] == str(contact)
    assert "expires_at" not in booked
    assert "14:00" not in await diary.starts()

    mine = await diary.internal("GET", "/appointments", params={"contact_id": str(contact)})
    assert [one["id"] for one in mine.json()["items"]] == [body["id"]]


async def test_booking_twice_is_booking_once(diary: Diary) -> None:
    first = await diary.booked(at("09:00"))
    again = await diary.book(first["id"])
    assert (again.status_code, again.json()["version"]) == (200, first["version"])


async def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(diary: Diary) -> None:
    contact = uuid4()
    first = await diary.hold(at("09:00"), contact=contact, key="k1")
    again = await diary.hold(at("09:00"), contact=contact, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await diary.hold(at("10:00"), contact=contact, key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:atendeai:problem:idempotency-key-reused")
    assert len(await diary.live()) == 1


async def test_a_contact_that_holds_the_same_slot_again_gets_its_hold_back(diary: Diary) -> None:
    contact = uuid4()
    first = await diary.hold(at("09:00"), contact=contact)
    again = await diary.hold(at("09:00"), contact=contact)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_a_contacts_own_hold_gives_way_to_its_next_wish(diary: Diary) -> None:
    contact = uuid4()
    await diary.hold(at("09:00"), contact=contact)
    assert "09:00" in await diary.starts(contact_id=str(contact))
    moved = await diary.hold(at("09:10"), contact=contact)
    assert moved.status_code == 201
    assert [row["starts_at"] for row in await diary.live()] == [at("09:10")]


async def test_one_contact_cannot_keep_the_whole_day_from_others(diary: Diary) -> None:
    contact = uuid4()
    for start in ("08:00", "09:00", "10:00", "11:00", "14:00"):
        assert (await diary.hold(at(start), contact=contact)).status_code == 201
    assert [row["starts_at"] for row in await diary.live()] == [at("10:00"), at("11:00"), at("14:00")]


async def test_a_taken_slot_is_refused(diary: Diary) -> None:
    await diary.booked(at("09:00"))
    for start in ("09:00", "08:45", "09:20"):
        answer = await diary.hold(at(start))
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:atendeai:problem:slot-taken")
    assert (await diary.hold(at("09:30"))).status_code == 201
    assert (await diary.hold(at("09:00"), professional="bruno")).status_code == 201


@pytest.mark.parametrize(
    ("change", "slug", "field"),
    [
        ({"service": "cirurgia"}, "unknown-service", "service_code"),
        ({"professional": "zeca"}, "unknown-professional", "professional_code"),
        ({"professional": "bruno", "service": "retorno"}, "not-performed", "professional_code"),
        ({"start": at("19:00")}, "outside-hours", "start"),
        ({"start": datetime(2020, 1, 7, 12, tzinfo=UTC)}, "in-the-past", "start"),
        ({"start": datetime(2030, 12, 25, 12, tzinfo=UTC)}, "outside-hours", "start"),
    ],
)
async def test_what_the_clinic_does_not_offer_is_refused_by_field(
    diary: Diary, change: dict[str, Any], slug: str, field: str
) -> None:
    answer = await diary.hold(**({"start": at("09:00")} | change))
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:atendeai:problem:{slug}")
    assert answer.json()["errors"][0]["field"] == field


async def test_a_moment_without_an_offset_is_refused(diary: Diary) -> None:
    answer = await diary.hold(datetime(2030, 11, 26, 9))  # noqa: DTZ001 - that is what is refused
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "start"


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"time_from": "10:00+05:00"}, "time_from"),
        ({"time_to": "10:00Z"}, "time_to"),
        ({"time_from": "11:00", "time_to": "10:00"}, "time_to"),
        ({"date_to": "2030-11-25"}, "date_to"),
        ({"date_to": "9999-12-31"}, "date_to"),
    ],
)
async def test_days_and_times_of_a_search_are_refused_by_field(diary: Diary, times: dict[str, str], field: str) -> None:
    wanted = {"service_code": "consulta", "date_from": "2030-11-26", "date_to": "2030-11-26"} | times
    wish = wanted | {"contact_id": str(uuid4()), "patient_name": "Maria da Silva"}
    for answer in (
        await diary.staff("GET", "/slots", params=wanted),
        await diary.internal("POST", "/slots/search", json=wanted),
        await diary.internal("POST", "/waitlist", json=wish),
    ):
        assert answer.status_code == 422, answer.text
        assert [wrong["field"] for wrong in answer.json()["errors"]] == [field]


async def test_a_start_that_nobody_means_is_refused_wherever_it_is_said(diary: Diary) -> None:
    appointment = await diary.booked(at("09:00"))
    wanted = {"service_code": "consulta", "professional_code": "ana"}
    for start, reason in (
        ("9999-12-31T23:30:00-03:00", "lies outside the years 2000 to 2199"),
        ("2062-11-26T09:30:00-03:00", "lies too far ahead"),
        ("2030-11-26T10:00:37-03:00", "write it as in 10:00:00"),
        ("2030-11-26T10:00:00.5-03:00", "write it as in 10:00:00"),
    ):
        at_it = {"start": start}
        for answer in (
            await diary.internal("POST", "/holds", json=wanted | at_it | {"contact_id": str(uuid4())}),
            await diary.staff("POST", json=wanted | at_it | {"patient_name": "Maria da Silva"}),
            await diary.staff("POST", f"/{appointment['id']}/reschedule", json=at_it),
            await diary.internal("POST", f"/appointments/{appointment['id']}/reschedule", json=at_it),
        ):
            assert answer.status_code == 422, answer.text
            [wrong] = answer.json()["errors"]
            assert wrong["field"] == "start"
            assert wrong["reason"].endswith(reason)
    diary_of = await diary.staff("GET", params={"date": "9999-12-31"})
    assert (diary_of.status_code, diary_of.json()["errors"][0]["field"]) == (422, "date")


async def test_equal_times_ask_for_that_exact_time(diary: Diary) -> None:
    assert await diary.starts(time_from="14:00", time_to="14:00") == ["14:00"]


async def test_an_expired_hold_goes_to_whoever_wants_its_time(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    with clock.override(later(minutes=5, seconds=1)):
        assert "09:00" in await diary.starts()
        other = await diary.hold(at("09:00"))
        assert other.status_code == 201
        late = await diary.book(held["id"])
    assert (late.status_code, late.json()["type"]) == (409, "urn:atendeai:problem:hold-expired")
    assert [str(row["id"]) for row in await diary.live()] == [other.json()["id"]]


async def test_a_late_yes_is_still_good_while_nobody_else_wanted_the_time(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    with clock.override(later(minutes=6)):
        assert (await diary.book(held["id"])).json()["status"] == "booked"


async def test_the_sweeper_lets_go_of_a_hold_nobody_booked(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    await diary.clinic.fetch(
        "UPDATE atendeai.appointment SET expires_at = now() WHERE clinic_id = $1 AND id = $2",
        diary.clinic.id,
        held["id"],
    )
    await diary.clinic.fetch(
        "UPDATE atendeai.work SET due_at = now(), due_since = now() WHERE clinic_id = $1 AND queue = 'hold-expiry'",
        diary.clinic.id,
    )
    assert await until(diary.live, lambda rows: rows == []) == []
    answer = await diary.book(held["id"])
    assert answer.json()["type"] == "urn:atendeai:problem:hold-expired"
    assert (await diary.staff("GET", f"/{held['id']}")).status_code == 404


async def test_cancelling_frees_the_time_and_says_why(diary: Diary) -> None:
    booked = await diary.booked(at("09:00"))
    cancel = f"/appointments/{booked['id']}/cancel"
    first = await diary.internal("POST", cancel, json={"reason": "viagem"})
    assert (first.json()["status"], first.json()["cancel_reason"]) == ("cancelled", "viagem")
    again = await diary.internal("POST", cancel, json={"reason": "outra"})
    assert again.json()["version"] == first.json()["version"]
    assert "09:00" in await diary.starts()
    assert (await diary.hold(at("09:00"))).status_code == 201
    back = await diary.book(booked["id"])
    assert (back.status_code, back.json()["type"]) == (409, "urn:atendeai:problem:transition-refused")


async def test_a_hold_that_was_let_go_is_on_no_list(diary: Diary) -> None:
    kept = await diary.booked(at("09:00"))
    held = (await diary.hold(at("10:00"))).json()
    let_go = await diary.internal("POST", f"/appointments/{held['id']}/cancel", json={"reason": "released"})
    assert (let_go.json()["status"], let_go.json()["cancel_reason"]) == ("cancelled", "hold-released")
    undone = await diary.booked(at("11:00"))
    await diary.internal("POST", f"/appointments/{undone['id']}/cancel", json={"reason": "released"})
    for query in ("date=2030-11-26&page_size=50", "date=2030-11-26&page_size=50&sort=start"):
        items = (await diary.staff("GET", f"?{query}")).json()["items"]
        assert {one["id"] for one in items} == {kept["id"], undone["id"]}, query


async def test_a_reschedule_moves_the_same_appointment_and_keeps_its_history(diary: Diary) -> None:
    booked = await diary.booked(at("09:00"))
    await diary.internal("POST", f"/appointments/{booked['id']}/confirm")
    path = f"/appointments/{booked['id']}/reschedule"
    moved = await diary.internal("POST", path, json={"start": at("15:00").isoformat(), "professional_code": "bruno"})
    body = moved.json()
    assert (moved.status_code, body["id"], body["status"]) == (200, booked["id"], "booked")
    assert (body["start"], body["professional_name"]) == ("2030-11-26T15:00:00-03:00", "Dr. Bruno Lima")
    assert "confirmed_at" not in body
    assert "09:00" in await diary.starts()
    assert "15:00" not in await diary.starts(professional_code="bruno")
    url = f"/{booked['id']}/history"
    history = (await diary.staff("GET", url)).json()["items"]
    assert [(event["version"], event["action"]) for event in history] == [
        (1, "hold"),
        (2, "book"),
        (3, "confirm"),
        (4, "reschedule"),
    ]
    part = (await diary.staff("GET", url, params={"page_size": 3})).json()
    rest = await diary.staff("GET", url, params={"page_size": 3, "page_token": part["next_page_token"]})
    assert ([*part["items"], *rest.json()["items"]], rest.json()["next_page_token"]) == (history, None)
    newest = await diary.staff("GET", url, params={"page_size": 1, "sort": "-at"})
    assert newest.json()["items"] == history[-1:]
    assert history[-1]["details"]["from"] == {"start": "2030-11-26T09:00:00-03:00", "professional_code": "ana"}
    assert (history[-1]["actor"], history[-1]["actor_name"]) == ("service:conversation", None)


async def test_a_reschedule_may_overlap_its_own_old_time_but_nobody_elses(diary: Diary) -> None:
    booked = await diary.booked(at("09:00"))
    await diary.booked(at("10:00"))
    path = f"/appointments/{booked['id']}/reschedule"
    assert "09:00" in await diary.starts(appointment_id=booked["id"])
    shifted = await diary.internal("POST", path, json={"start": at("09:15").isoformat()})
    assert shifted.status_code == 200
    taken = await diary.internal("POST", path, json={"start": at("09:45").isoformat()})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:atendeai:problem:slot-taken")
    assert [row["starts_at"] for row in await diary.live()] == [at("09:15"), at("10:00")]


async def test_confirming_is_for_booked_appointments(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    early = await diary.internal("POST", f"/appointments/{held['id']}/confirm")
    assert (early.status_code, early.json()["type"]) == (409, "urn:atendeai:problem:not-booked")
    await diary.book(held["id"])
    done = await diary.internal("POST", f"/appointments/{held['id']}/confirm")
    again = await diary.internal("POST", f"/appointments/{held['id']}/confirm")
    assert done.json()["confirmed_at"] == again.json()["confirmed_at"]


async def test_a_hold_without_a_name_asks_for_one(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    nameless = await diary.book(held["id"], name=None)
    assert (nameless.status_code, nameless.json()["errors"][0]["field"]) == (422, "patient_name")
    named = (await diary.hold(at("10:00"), name="João")).json()
    assert (await diary.book(named["id"], name=None)).json()["patient"]["name"] == "João"


async def test_a_contact_may_book_for_several_people(diary: Diary) -> None:
    contact = uuid4()
    seen = []
    for start, name in (("09:00", "Maria"), ("10:00", "maria "), ("11:00", "Pedro")):
        held = (await diary.hold(at(start), contact=contact)).json()
        seen.append((await diary.book(held["id"], name=name)).json()["patient"]["id"])
    assert seen[0] == seen[1] != seen[2]


async def test_every_transition_is_audited_with_its_actor_and_without_text(diary: Diary) -> None:
    booked = await diary.booked(at("09:00"))
    await diary.internal("POST", f"/appointments/{booked['id']}/cancel", json={"reason": "dor nas costas"})
    rows = await diary.rows(
        "SELECT actor, action, target, reason, details::text FROM atendeai.audit_event WHERE clinic_id = $1"
    )
    assert {row["action"]: row["reason"] for row in rows} == {
        "appointment.hold": "asked-by-patient",
        "appointment.book": "asked-by-patient",
        "appointment.cancel": "pat",
    }
    assert {row["actor"] for row in rows} == {"service:conversation"}
    assert {row["target"] for row in rows} == {f"appointment:{booked['id']}"}
    assert not any("dor" in row["details"] or "Maria" in row["details"] for row in rows)


async def test_the_log_says_at_whose_word_or_why_something_came_to_pass(diary: Diary) -> None:
    wanted = {"service_code": "consulta", "professional_code": "ana", "patient_name": "Rui"}
    made = (await diary.staff("POST", json=wanted | {"start": at("09:00").isoformat()})).json()["id"]
    await diary.staff("POST", f"/{made}/reschedule", json={"start": at("11:00").isoformat()})
    await diary.staff("POST", f"/{made}/confirm")
    gone = {"reason": "médica doente", "cancellation_reason": "prov"}
    await diary.staff("POST", f"/{made}/cancel", json=gone)
    contact = uuid4()
    first = (await diary.hold(at("14:00"), contact=contact)).json()["id"]
    assert (await diary.hold(at("14:00"), service="retorno", contact=contact)).status_code == 201, "of the same time"
    rows = await diary.rows("SELECT action, target, reason FROM atendeai.audit_event WHERE clinic_id = $1")
    assert {row["action"]: row["reason"] for row in rows if row["target"] == f"appointment:{made}"} == {
        "appointment.book": "asked-by-staff",
        "appointment.reschedule": "asked-by-staff",
        "appointment.confirm": "asked-by-staff",
        "appointment.cancel": "prov",
    }
    [expired] = [row for row in rows if row["action"] == "appointment.expire"]
    assert (expired["target"], expired["reason"]) == (f"appointment:{first}", "made-room")


async def test_the_constraint_names_the_live_statuses_and_stands_on_the_partition(diary: Diary) -> None:
    [row] = await diary.clinic.fetch(
        "SELECT pg_get_constraintdef(oid) AS says FROM pg_constraint WHERE contype = 'x' AND conname = $1",
        f"appointment_slot_{diary.clinic.id.hex}",
    )
    named = {status for status in LIVE if f"'{status.value}'" in row["says"]}
    assert named == LIVE
    assert row["says"].count("'::text") == len(LIVE)
    await diary.booked(at("09:00"))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await diary.clinic.fetch(
            "INSERT INTO atendeai.appointment (clinic_id, id, status, starts_at, ends_at, service_code, service_name,"
            " professional_code, professional_name, source, created_at, updated_at) SELECT clinic_id,"
            " gen_random_uuid(), 'pending', starts_at, ends_at, service_code, service_name, professional_code,"
            " professional_name, source, now(), now() FROM atendeai.appointment WHERE clinic_id = $1",
            diary.clinic.id,
        )
