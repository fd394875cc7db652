"""The diary as the clinic's staff see it, and what nobody else sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from atendeai.appointment.app import create_app
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from tests.appointment.diary import Diary, Ward, at, until

pytestmark = pytest.mark.integration


def booking(start: str, **change: Any) -> dict[str, Any]:
    return {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": at(start).isoformat(),
        "patient_name": "José Pereira",
    } | change


async def test_the_reception_books_at_once(diary: Diary) -> None:
    made = await diary.staff("POST", "", "receptionist", json=booking("09:10"), key="tel-1")
    again = await diary.staff("POST", "", "receptionist", json=booking("09:10"))
    assert (made.status_code, made.json()["status"], made.json()["source"]) == (201, "booked", "person")
    assert (again.status_code, again.json()["type"]) == (409, "urn:atendeai:problem:slot-taken")


async def test_the_diary_of_a_day_by_professional_and_status_in_pages(diary: Diary) -> None:
    for start in ("09:00", "10:00", "11:00"):
        await diary.staff("POST", json=booking(start))
    await diary.staff("POST", json=booking("09:00", professional_code="bruno"))
    await diary.staff("POST", json=booking("09:00") | {"start": (at("09:00") + timedelta(days=1)).isoformat()})

    async def listed(**query: Any) -> dict[str, Any]:
        answer = await diary.staff("GET", params={"date": "2030-11-26"} | query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert len((await listed())["items"]) == 4
    ana = (await listed(professional_code="ana"))["items"]
    assert [one["start"][11:16] for one in ana] == ["09:00", "10:00", "11:00"]
    await diary.staff("POST", f"/{ana[1]['id']}/cancel", json={"reason": "paciente desistiu"})
    assert len((await listed(status=["booked", "arrived"]))["items"]) == 3
    assert [one["id"] for one in (await listed(status="cancelled"))["items"]] == [ana[1]["id"]]

    seen: list[str] = []
    page = await listed(page_size=3)
    seen += [one["id"] for one in page["items"]]
    page = await listed(page_size=3, page_token=page["next_page_token"])
    seen += [one["id"] for one in page["items"]]
    assert (len(seen), len(set(seen)), page["next_page_token"]) == (4, 4, None)


async def test_lapsed_holds_are_shown_to_nobody(diary: Diary) -> None:
    contact = uuid4()
    await diary.hold(at("09:00"), contact=contact)
    await diary.hold(at("09:10"), contact=contact)
    items = (await diary.staff("GET", params={"date": "2030-11-26"})).json()["items"]
    assert [one["start"][11:16] for one in items] == ["09:10"]


async def test_every_read_is_audited_with_who_read(diary: Diary) -> None:
    made = (await diary.staff("POST", json=booking("09:00"))).json()
    author = (await diary.staff("GET", f"/{made['id']}/history")).json()["items"][0]["actor"]
    await diary.rows(
        "INSERT INTO atendeai.user_account (clinic_id, id, email, name, roles, status, created_at, updated_at) VALUES"
        f" ($1, '{author.removeprefix('person:')}', 'b@sol.example', 'Bia', '{{auditor}}', 'deactivated', now(), now())"
    )
    (first,) = (await diary.staff("GET", f"/{made['id']}/history")).json()["items"]
    assert (first["actor"], first["actor_name"]) == (author, "Bia")
    reader = str(uuid4())
    headers = diary.clinic.headers("professional", subject=reader)
    for path in ("?date=2030-11-26", f"/{made['id']}", f"/{made['id']}/history"):
        assert (await diary.client.get(f"/api/v1/appointments{path}", headers=headers)).status_code == 200
    rows = await diary.rows("SELECT actor, action, details::text FROM atendeai.audit_event WHERE clinic_id = $1")
    read = {row["action"]: row for row in rows if row["actor"] == f"person:{reader}"}
    assert set(read) == {"appointment.list", "appointment.read", "appointment.history"}
    assert made["id"] in read["appointment.list"]["details"]
    assert not any("José" in row["details"] for row in rows)


async def test_who_walks_in_is_entered_at_the_minute_that_has_begun_and_noted_without_going_back(ward: Ward) -> None:
    ward.hands.now = at("09:00").replace(second=20)
    entered = await ward.staff("POST", json=booking("09:00"))
    assert entered.status_code == 201, entered.text
    made = entered.json()
    gone_by = await ward.staff("POST", json=booking("08:59"))
    assert (gone_by.status_code, gone_by.json()["type"]) == (422, "urn:atendeai:problem:in-the-past")
    for status in ("arrived", "checked-in", "fulfilled"):
        done = await ward.staff("POST", f"/{made['id']}/status", json={"status": status})
        assert (done.status_code, done.json()["status"]) == (200, status)
    back = await ward.staff("POST", f"/{made['id']}/status", json={"status": "arrived"})
    assert (back.status_code, back.json()["type"]) == (409, "urn:atendeai:problem:transition-refused")
    assert "entered-in-error" in back.json()["detail"]
    nope = await ward.staff("GET", params={"status": ["booked", "nope"]})
    assert (nope.status_code, nope.json()["errors"][0]["field"]) == (422, "status")
    wrong = await ward.staff("POST", f"/{made['id']}/status", json={"status": "booked"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "status")


async def test_what_shorter_hours_leave_outside_is_listed(diary: Diary) -> None:
    for start, person in (("11:30", "ana"), ("12:00", "bruno"), ("14:00", "ana"), ("15:00", "bruno")):
        assert (await diary.staff("POST", json=booking(start, professional_code=person))).status_code == 201

    async def listed(outside: str, **more: str) -> list[str]:
        query = {"date_from": "2030-11-25", "date_to": "2030-11-27", "status": "booked", "outside_hours": outside}
        answer = await diary.staff("GET", params=query | more)
        assert answer.status_code == 200, answer.text
        return [one["start"][11:16] for one in answer.json()["items"]]

    assert (await listed("true"), len(await listed("false"))) == ([], 4)
    shorter = [{"opens": "08:00", "closes": "11:45"}, {"opens": "11:45", "closes": "13:00"}]
    diary.clinic.profile["exceptions"] = [
        {"dateFrom": "2030-11-26", "hours": shorter},
        {"dateFrom": "2030-11-26", "professional": "bruno"},
    ]
    await diary.clinic.write()
    await until(lambda: listed("true"), bool)
    assert await listed("true") == ["12:00", "14:00", "15:00"]
    assert await listed("false") == ["11:30"]
    assert await listed("true", professional_code="ana") == ["14:00"]


async def test_a_hold_does_not_arrive_but_can_be_a_mistake(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    early = await diary.staff("POST", f"/{held['id']}/status", json={"status": "arrived"})
    assert (early.status_code, early.json()["type"]) == (409, "urn:atendeai:problem:not-booked")
    mistake = await diary.staff("POST", f"/{held['id']}/status", json={"status": "entered-in-error"})
    assert mistake.json()["status"] == "entered-in-error"
    assert await diary.live() == []


async def test_slots_for_the_reception(diary: Diary) -> None:
    await diary.staff("POST", json=booking("09:00"))
    query = {"service_code": "consulta", "date_from": "2030-11-26", "professional_code": "ana", "time_to": "10:00"}
    found = (await diary.staff("GET", "/slots", params=query)).json()
    assert [slot["start"] for slot in found["slots"]] == [
        "2030-11-26T08:00:00-03:00",
        "2030-11-26T08:30:00-03:00",
        "2030-11-26T09:30:00-03:00",
    ]
    closed = (await diary.staff("GET", "/slots", params=query | {"date_from": "2030-11-24"})).json()
    assert closed == {"slots": [], "reason": "closed"}


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("", {"date": "2030-11-26", "date_to": "2030-11-27"}, "date"),
        ("", {"date_from": "2030-11-26", "date_to": "2030-11-25"}, "date_to"),
        ("", {"date_from": "2030-11-26", "date_to": "2040-11-25"}, "date_to"),
        ("", {"page_token": "%%%"}, "page_token"),
        ("", {"page_token": "MjAzMA"}, "page_token"),
        ("", {"page_token": "W10"}, "page_token"),
        ("", {"sort": "patient"}, "sort"),
        ("", {"sort": "start,-start"}, "sort"),
        ("", {"status": "agendado"}, "status"),
        ("", {"page_size": "1000"}, "page_size"),
        ("", {"professional_code": "a\x00b"}, "professional_code"),
        ("", {"date": "9999-12-31"}, "date"),
        ("/slots", {"service_code": "x", "date_from": "2030-11-26"}, "service_code"),
        ("/slots", {"service_code": "consulta", "date_from": "2030-11-26", "date_to": "2030-11-25"}, "date_to"),
        ("/not-an-id", {}, "appointment_id"),
    ],
)
async def test_bad_questions_name_their_field(diary: Diary, path: str, query: dict[str, str], field: str) -> None:
    answer = await diary.staff("GET", path, params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)


async def test_without_a_token_or_with_another_clinics_nothing_is_shown(
    diary: Diary, clinic_factory: ClinicFactory
) -> None:
    made = (await diary.staff("POST", json=booking("09:00"))).json()
    path = f"/api/v1/appointments/{made['id']}"
    assert (await diary.client.get(path, headers={"Host": diary.clinic.host})).status_code == 401
    other = await clinic_factory()
    assert (await diary.client.get(path, headers=other.headers())).status_code == 404
    crossed = other.headers() | {"Host": diary.clinic.host}
    assert (await diary.client.get(path, headers=crossed)).status_code == 401


async def test_people_do_not_reach_internal_routes(diary: Diary) -> None:
    body = {"service_code": "consulta", "date_from": "2030-11-26", "date_to": "2030-11-26"}
    headers = diary.clinic.headers() | {"X-Clinic-ID": str(diary.clinic.id)}
    answer = await diary.client.post("/internal/v1/slots/search", headers=headers, json=body)
    assert answer.status_code == 401


async def test_a_dedicated_clinic_works_the_same(clinic_factory: ClinicFactory, client_for: ClientFactory) -> None:
    clinic = await clinic_factory(isolation="Dedicated")
    diary = Diary(await client_for(create_app, clinic.service_settings("appointment")), clinic)
    booked = await diary.booked(at("09:00"))
    assert (await diary.staff("GET", f"/{booked['id']}")).json()["status"] == "booked"


async def test_two_clinics_of_the_pool_book_the_same_time(diary: Diary, clinic_factory: ClinicFactory) -> None:
    other = Diary(diary.client, await clinic_factory())
    first, second = await diary.booked(at("09:00")), await other.booked(at("09:00"))
    assert first["id"] != second["id"]
    assert (await other.staff("GET", f"/{first['id']}")).status_code == 404
