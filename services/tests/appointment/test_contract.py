"""What the diary's clients can rely on: pages of every order, ETags, keys, and values that nobody can mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from atendeai.kit import clock
from tests.appointment.diary import Diary, Ward, at, until

pytestmark = pytest.mark.integration

SLUG = "urn:atendeai:problem:"


def booking(start: str, **change: Any) -> dict[str, Any]:
    return {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": at(start).isoformat(),
        "patient_name": "José Pereira",
    } | change


async def made(diary: Diary, *starts: str) -> list[dict[str, Any]]:
    """Book times in this order; return the appointments."""
    found = []
    for start in starts:
        answer = await diary.staff("POST", json=booking(start))
        assert answer.status_code == 201, answer.text
        found.append(answer.json())
    return found


@pytest.mark.parametrize(
    ("sort", "right"),
    [
        ("start", ["08:00", "09:00", "10:00", "11:00", "12:00"]),
        ("-start", ["12:00", "11:00", "10:00", "09:00", "08:00"]),
        ("created_at", ["10:00", "08:00", "12:00", "09:00", "11:00"]),
        ("-created_at,start", ["11:00", "09:00", "12:00", "08:00", "10:00"]),
    ],
)
async def test_pages_follow_the_order_asked_for(diary: Diary, sort: str, right: list[str]) -> None:
    await made(diary, "10:00", "08:00", "12:00", "09:00", "11:00")
    seen: list[str] = []
    query: dict[str, Any] = {"date": "2030-11-26", "sort": sort, "page_size": 2}
    while True:
        answer = await diary.staff("GET", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [one["start"][11:16] for one in page["items"]]
        if page["next_page_token"] is None:
            break
        query["page_token"] = page["next_page_token"]
    assert seen == right


async def test_a_token_serves_its_own_list_alone(diary: Diary) -> None:
    await made(diary, "08:00", "09:00")
    own = {"date": "2030-11-26", "page_size": 1}
    token = (await diary.staff("GET", params=own)).json()["next_page_token"]
    for other in ({"date": "2030-11-27"}, {"sort": "-start"}, {"professional_code": "ana"}):
        refused = await diary.staff("GET", params=own | other | {"page_token": token})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "page_token")
    elsewhere = await diary.staff("GET", "/waitlist", params={"page_token": token})
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["field"]) == (422, "page_token")
    larger = await diary.staff("GET", params=own | {"page_size": 5, "page_token": token})
    assert len(larger.json()["items"]) == 1


async def test_nobody_overwrites_what_they_have_not_seen(diary: Diary) -> None:
    [one] = await made(diary, "09:00")
    path = f"/{one['id']}"
    seen = await diary.staff("GET", path)
    tag = seen.headers["etag"]
    assert not tag.startswith("W/")

    async def post(action: str, tag: str, body: dict[str, Any]) -> Any:
        headers = diary.clinic.headers() | {"If-Match": tag}
        return await diary.client.post(f"/api/v1/appointments{path}/{action}", headers=headers, json=body)

    moved = await post("reschedule", tag, {"start": at("10:00").isoformat()})
    assert moved.status_code == 200
    assert moved.headers["etag"] == (await diary.staff("GET", path)).headers["etag"] != tag
    for action, body in (
        ("reschedule", {"start": at("11:00").isoformat()}),
        ("cancel", {}),
        ("confirm", {}),
        ("status", {"status": "arrived"}),
    ):
        stale = await post(action, tag, body)
        assert (stale.status_code, stale.json()["type"]) == (412, f"{SLUG}changed-meanwhile")
        assert stale.headers["etag"] == moved.headers["etag"]
    weak = await post("cancel", f"W/{moved.headers['etag']}", {})
    assert weak.status_code == 412  # RFC 9110, 13.1.1: If-Match compares strongly
    assert (await post("confirm", f'"other", {moved.headers["etag"]}', {})).status_code == 200
    assert (await post("cancel", "*", {})).json()["status"] == "cancelled"


async def test_what_is_known_is_not_sent_again(diary: Diary) -> None:
    [one] = await made(diary, "09:00")
    path = f"/api/v1/appointments/{one['id']}"
    tag = (await diary.client.get(path, headers=diary.clinic.headers())).headers["etag"]
    for known in (tag, f"W/{tag}", "*", f'"a", {tag}'):
        same = await diary.client.get(path, headers=diary.clinic.headers() | {"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    other = await diary.client.get(path, headers=diary.clinic.headers() | {"If-None-Match": '"v0"'})
    assert (other.status_code, other.json()["id"]) == (200, one["id"])
    broken = await diary.client.get(path, headers=diary.clinic.headers() | {"If-None-Match": "v1"})
    assert (broken.status_code, broken.json()["id"]) == (200, one["id"])


async def test_a_repeated_booking_gets_the_first_answer_with_its_headers(diary: Diary) -> None:
    headers = diary.clinic.headers() | {"Idempotency-Key": "tel-1"}
    first, again = [
        await diary.client.post("/api/v1/appointments", headers=headers, json=booking("09:00")) for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"] == f"/api/v1/appointments/{first.json()['id']}"
    assert first.headers["etag"] == again.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"
    somebody = await diary.staff("POST", json=booking("10:00"), key="tel-1")
    assert somebody.status_code == 201  # a key is its owner's own


async def test_a_repeated_request_gets_its_first_answer_though_it_would_be_refused_now(ward: Ward) -> None:
    contact = uuid4()
    made = await ward.staff("POST", json=booking("09:00"))
    with clock.override(lambda: datetime.now(UTC)):
        person = ward.clinic.headers()
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/api/v1/appointments", booking("10:00")),
        (f"/api/v1/appointments/{made.json()['id']}/reschedule", {"start": at("11:00").isoformat()}),
    ]

    async def ask() -> list[httpx.Response]:
        mine = [
            await ward.client.post(path, json=body, headers=person | {"Idempotency-Key": f"key-{index}"})
            for index, (path, body) in enumerate(asked)
        ]
        return [await ward.hold(at("14:00"), contact=contact, key="hold"), *mine]

    before = await ask()
    assert [answer.status_code for answer in before] == [201, 201, 200]
    people = [one | {"services": ["retorno"]} for one in ward.clinic.profile["professionals"]]
    ward.clinic.profile["professionals"] = people
    await ward.clinic.write()

    async def known() -> int:
        return (await ward.staff("POST", json=booking("15:00"))).status_code

    await until(known, lambda status: status == 422)
    after = await ask()
    assert [answer.status_code for answer in after] == [201, 201, 200]
    assert [answer.content for answer in after] == [answer.content for answer in before]
    assert [answer.headers["etag"] for answer in after] == [answer.headers["etag"] for answer in before]
    assert {answer.headers["idempotency-replayed"] for answer in after} == {"true"}
    other = await ward.hold(at("14:30"), contact=contact, key="hold")
    assert (other.status_code, other.json()["type"]) == (422, f"{SLUG}idempotency-key-reused")


async def test_nobody_misses_what_lies_ahead(ward: Ward) -> None:
    one = await ward.booked(at("09:00"))
    early = await ward.staff("POST", f"/{one['id']}/status", json={"status": "noshow"})
    assert (early.status_code, early.json()["type"]) == (409, f"{SLUG}transition-refused")
    assert "cancel" in early.json()["detail"]
    for status in ("arrived", "checked-in", "fulfilled"):
        early = await ward.staff("POST", f"/{one['id']}/status", json={"status": status})
        assert (early.status_code, early.json()["type"]) == (409, f"{SLUG}transition-refused")
        assert "move it" in early.json()["detail"]
    ward.hands.now = at("09:01")
    late = await ward.staff("POST", f"/{one['id']}/status", json={"status": "noshow"})
    assert (late.status_code, late.json()["status"]) == (200, "noshow")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"patient_name": "Jo\u200bsé"}, "patient_name"),
        ({"patient_name": "José\x07"}, "patient_name"),
        ({"patient_name": " \t "}, "patient_name"),
        ({"start": 0}, "start"),
        ({"start": "2030-11-26"}, "start"),
        ({"start": "2030-11-26T09:00:00"}, "start"),
        ({"start": "9999-12-31T23:59:59-12:00"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"ignore_calendar": "yes"}, "ignore_calendar"),
        ({"professional_code": "a\x00"}, "professional_code"),
        ({"patient": "José"}, "patient"),
    ],
)
async def test_what_nobody_can_mean_names_its_field(diary: Diary, change: dict[str, Any], field: str) -> None:
    refused = await diary.staff("POST", json=booking("09:00") | change)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_calendar_far_off_moves_nothing(diary: Diary) -> None:
    one = await diary.booked(at("09:00"))
    change = {"appointment_id": one["id"], "kind": "moved", "start": "2150-01-01T09:00:00Z"}
    assert (await diary.calendar(change)).json() == {"applied": "conflict"}
    assert (await diary.staff("GET", f"/{one['id']}")).json()["start"] == one["start"]
    absurd = await diary.calendar(change | {"start": "9999-12-31T23:59:59-14:00"}, key=str(uuid4()))
    assert (absurd.status_code, absurd.json()["errors"][0]["field"]) == (422, "start")


async def test_nobody_waits_or_is_booked_under_a_contact_that_there_is_not(ward: Ward) -> None:
    nobody = uuid4()
    ward.whatsapp.unknown.add(nobody)
    wish = {
        "contact_id": str(nobody),
        "patient_name": "Rita",
        "service_code": "consulta",
        "date_from": "2030-11-26",
        "date_to": "2030-11-26",
    }
    for path, body in (("", booking("09:00", contact_id=str(nobody))), ("/waitlist", wish)):
        refused = await ward.staff("POST", path, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "contact_id")
    somebody = await ward.staff("POST", json=booking("09:00", contact_id=str(uuid4())))
    assert somebody.status_code == 201
    ward.whatsapp.away = True
    unsure = await ward.staff("POST", json=booking("10:00", contact_id=str(uuid4())))
    assert (unsure.status_code, unsure.json()["type"]) == (503, f"{SLUG}unavailable")
    assert (await ward.staff("POST", json=booking("10:00"))).status_code == 201
