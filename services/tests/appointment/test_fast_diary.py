"""A day of the diary, asked for as a front desk does: the same answer as the router's, from one shared transaction."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.appointment.diary import TUESDAY, Diary, at, until

pytestmark = pytest.mark.integration

PATH = "/api/v1/appointments"
DAY = TUESDAY.date().isoformat()


async def ask(diary: Diary, query: str, **token: Any) -> httpx.Response:
    return await diary.client.get(f"{PATH}?{query}", headers=diary.clinic.headers("receptionist", **token))


def moments(value: Any) -> Any:
    """Compare moments as moments: PostgreSQL writes no trailing zeros of a second."""
    if isinstance(value, dict):
        return {key: moments(item) for key, item in value.items()}
    if isinstance(value, list):
        return [moments(item) for item in value]
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return (moment, moment.utcoffset())


async def test_it_says_what_the_router_says(diary: Diary) -> None:
    """Every status and every field that may be absent; the router is reached by the other order of parameters."""
    states = [
        "status = 'booked', confirmed_at = now()",
        "status = 'cancelled', cancel_reason = 'Chuva \"forte\"', cancel_code = 'oth-weath'",
        "status = 'cancelled', cancel_reason = 'não virei', cancel_code = 'pat', waitlist_id = gen_random_uuid()",
        "status = 'cancelled', cancel_reason = 'sem código'",
        "status = 'arrived'",
        "status = 'proposed', expires_at = now() + interval '1 hour'",
        "conflict = '{\"kind\": \"moved\", \"detail\": null}', calendar_error = 'x', calendar_state = 'failed'",
        "patient_id = NULL, patient_name = NULL, contact_id = NULL",
        "status = 'cancelled', cancel_reason = 'hold-expired'",
    ]
    for index, state in enumerate(states):
        booked = await diary.booked(at(f"{8 + index}:00"))
        await diary.rows(f"UPDATE atendeai.appointment SET {state} WHERE clinic_id = $1 AND id = '{booked['id']}'")
    fast = await ask(diary, f"date={DAY}&page_size=50")
    slow = await ask(diary, f"page_size=50&date={DAY}")
    assert fast.status_code == slow.status_code == 200
    assert fast.headers["content-type"] == slow.headers["content-type"]
    assert set(fast.headers) == set(slow.headers)
    assert len(fast.json()["items"]) == len(states) - 1
    assert moments(fast.json()) == moments(slow.json())


async def test_more_than_a_page_is_the_routers_and_counted_once(diary: Diary) -> None:
    for hour in (8, 9, 10):
        await diary.booked(at(f"{hour}:00"))
    person = str(uuid4())
    whole = await ask(diary, f"date={DAY}&page_size=3", subject=person)
    assert whole.json()["next_page_token"] is None
    part = await ask(diary, f"date={DAY}&page_size=2", subject=person)
    assert len(part.json()["items"]) == 2
    rest = await ask(diary, f"date={DAY}&page_size=2&page_token={part.json()['next_page_token']}", subject=person)
    assert [one["id"] for one in part.json()["items"] + rest.json()["items"]] == [
        one["id"] for one in whole.json()["items"]
    ]
    left = [int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0]) for answer in (whole, part, rest)]
    assert left == [99, 98, 97]
    seen = await diary.rows(
        f"SELECT details FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'appointment.list'"
        f" AND actor = 'person:{person}'"
    )
    assert len(seen) == 3


async def test_many_at_once_each_get_their_day_and_a_line_in_the_log(diary: Diary) -> None:
    first = await diary.booked(at("9:00"))
    people = [str(uuid4()) for _ in range(12)]
    days = [DAY if index % 2 else "2031-01-06" for index in range(12)]
    answers = await asyncio.gather(
        *(ask(diary, f"date={day}&page_size=20", subject=who) for day, who in zip(days, people, strict=True))
    )
    for day, answer in zip(days, answers, strict=True):
        assert [one["id"] for one in answer.json()["items"]] == ([first["id"]] if day == DAY else [])
    lines = await diary.rows(
        "SELECT actor, at, details FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'appointment.list'"
    )
    mine = [line for line in lines if line["actor"].partition(":")[2] in people]
    assert len(mine) == 12
    assert len({line["at"] for line in mine}) < 12


@pytest.mark.parametrize(
    "query", ["date=2026-02-30&page_size=20", "date=9999-12-31&page_size=20", f"date={DAY}&page_size=999"]
)
async def test_what_is_not_valid_is_refused_in_the_routers_words(diary: Diary, query: str) -> None:
    answer = await ask(diary, query)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_no_token_and_another_clinics_get_nothing(diary: Diary) -> None:
    assert (
        await diary.client.get(f"{PATH}?date={DAY}&page_size=20", headers={"Host": diary.clinic.host})
    ).status_code == 401
    ended = {"Host": "nobody.example.com", "Authorization": diary.clinic.headers()["Authorization"]}
    assert (await diary.client.get(f"{PATH}?date={DAY}&page_size=20", headers=ended)).status_code == 404


async def test_whoever_is_read_for_while_they_are_counted_is_refused_all_the_same(diary: Diary) -> None:
    person = str(uuid4())
    limits = {"api": {"minute": 1000, "hour": 30}, "auth": {"minute": 5, "hour": 100}}
    diary.clinic.settings["security"] = diary.clinic.settings.get("security", {}) | {"rateLimits": limits}
    await diary.clinic.write()

    async def known() -> str:
        return (await ask(diary, f"date={DAY}&page_size=20")).headers["ratelimit-policy"]

    await until(known, lambda policy: "q=30;w=3600" in policy)
    answers = [await ask(diary, f"date={DAY}&page_size=20", subject=person) for _ in range(32)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429] * 2
    assert "items" not in answers[30].json()
    left = [int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0]) for answer in answers[:30]]
    assert left == list(range(999, 969, -1))
