"""Feeds by secret address: minted, read, rotated, ended; and how little they tell."""

from __future__ import annotations

from typing import Any

import pytest
from icalendar import Calendar

from atendeai.kit.testing.plugin import ClinicFactory
from tests.appointment.diary import Diary, Ward, at

pytestmark = pytest.mark.integration


async def minted(diary: Diary, professional: str = "ana") -> str:
    answer = await diary.staff("POST", f"/professionals/{professional}/feed", "admin")
    assert answer.status_code == 201, answer.text
    assert answer.json()["url"] == f"https://{diary.clinic.host}{answer.json()['path']}"
    return str(answer.json()["path"])


async def read(diary: Diary, path: str, **headers: str) -> Any:
    return await diary.client.get(path, headers={"Host": diary.clinic.host} | headers)


async def test_a_feed_tells_when_and_initials_and_no_more(ward: Ward) -> None:
    confirmed, _ = await ward.booked(at("09:00")), await ward.booked(at("10:00"))
    gone = await ward.booked(at("11:00"))
    await ward.booked(at("09:00"), professional="bruno")
    await ward.hold(at("14:00"))
    await ward.internal("POST", f"/appointments/{confirmed['id']}/confirm")
    await ward.internal("POST", f"/appointments/{gone['id']}/cancel", json={"reason": ""})

    answer = await read(ward, await minted(ward))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert answer.headers["cache-control"] == "private, no-cache"
    body = answer.text
    events = Calendar.from_ical(body).walk("VEVENT")
    assert [(one.decoded("DTSTART").isoformat(), one["SUMMARY"], one["STATUS"]) for one in events] == [
        ("2030-11-26T12:00:00+00:00", "Atendimento – M. S.", "CONFIRMED"),
        ("2030-11-26T13:00:00+00:00", "Atendimento – M. S.", "TENTATIVE"),
    ]
    assert f"UID:{confirmed['id']}@" in body.replace("\r\n ", "")
    assert not any(word in body for word in ("Maria", "Silva", "Consulta"))


async def test_unchanged_it_is_not_sent_again(ward: Ward) -> None:
    path = await minted(ward)
    await ward.booked(at("09:00"))
    first = await read(ward, path)
    for known in (first.headers["etag"], f'"x", W/{first.headers["etag"]}'):
        again = await read(ward, path, **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await ward.booked(at("10:00"))
    assert (await read(ward, path, **{"If-None-Match": first.headers["etag"]})).status_code == 200
    rows = await ward.rows("SELECT actor, action FROM atendeai.audit_event WHERE clinic_id = $1")
    assert [row["actor"] for row in rows if row["action"] == "feed.read"] == ["feed:ana", "feed:ana"]


async def test_a_new_address_ends_the_old_and_the_secret_is_kept_nowhere(ward: Ward) -> None:
    old = await minted(ward)
    new = await minted(ward)
    assert (await read(ward, old)).status_code == 404
    assert (await read(ward, new)).status_code == 200
    rows = await ward.rows("SELECT reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'feed.mint'")
    assert [row["reason"] for row in rows] == ["asked-by-staff"] * 2
    secret = new.rpartition("/")[2].removesuffix(".ics")
    assert len(secret) >= 43
    [row] = await ward.rows("SELECT f::text AS row FROM atendeai.calendar_feed f WHERE clinic_id = $1")
    assert secret not in row["row"]
    seen = await ward.staff("GET", "/professionals/ana/feed", "owner")
    assert seen.json()["minted_at"]
    assert secret not in seen.text
    assert (await ward.staff("DELETE", "/professionals/ana/feed", "owner")).status_code == 204
    assert (await read(ward, new)).status_code == 404


async def test_nobody_ends_or_replaces_an_address_that_they_have_not_seen(ward: Ward) -> None:
    path = "/professionals/ana/feed"
    none = (await ward.staff("GET", path, "owner")).headers["etag"]
    made = await ward.staff("POST", path, "owner", if_match=none)
    seen = await ward.staff("GET", path, "owner")
    assert (made.status_code, made.headers["etag"]) == (201, seen.headers["etag"])
    for method in ("POST", "DELETE"):
        stale = await ward.staff(method, path, "owner", if_match=none)
        assert (stale.status_code, stale.headers["etag"]) == (412, seen.headers["etag"])
    assert (await read(ward, made.json()["path"])).status_code == 200
    assert (await ward.staff("DELETE", path, "owner", if_match=seen.headers["etag"])).status_code == 204
    assert (await ward.staff("GET", path, "owner")).headers["etag"] == none


async def test_who_may_have_addresses_made(ward: Ward) -> None:
    for role in ("receptionist", "professional"):
        assert (await ward.staff("POST", "/professionals/ana/feed", role)).status_code == 403
    assert (await ward.staff("POST", "/professionals/zeca/feed")).status_code == 404


async def test_an_address_opens_one_clinics_feed_only(diary: Diary, clinic_factory: ClinicFactory) -> None:
    path = await minted(diary)
    other = await clinic_factory()
    assert (await read(diary, path)).status_code == 200
    assert (await diary.client.get(path, headers={"Host": other.host})).status_code == 404
    assert (await read(diary, path.replace(".ics", ""))).status_code == 404
    assert (await read(diary, "/api/v1/appointments/feeds/" + "a" * 43 + ".ics")).status_code == 404
