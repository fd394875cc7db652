"""Nobody is booked twice: many at once for one slot, and random histories of concurrent changes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.appointment.diary import Diary, at

pytestmark = pytest.mark.integration

BOOKERS = 50
PROFESSIONALS = ("ana", "bruno")


async def test_fifty_at_once_for_one_slot_give_one_winner(diary: Diary) -> None:
    answers = await asyncio.gather(*(diary.hold(at("09:00")) for _ in range(BOOKERS)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: BOOKERS - 1}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {
        "urn:atendeai:problem:slot-taken"
    }
    assert len(await diary.live()) == 1


async def test_fifty_receptionists_booking_overlapping_times_give_one_winner(diary: Diary) -> None:
    async def create(number: int) -> int:
        body = {
            "service_code": "consulta",
            "professional_code": "ana",
            "start": (at("09:00") + timedelta(minutes=number % 25)).isoformat(),
            "patient_name": f"Paciente {number}",
        }
        return (await diary.staff("POST", json=body)).status_code

    assert Counter(await asyncio.gather(*(create(number) for number in range(BOOKERS)))) == {201: 1, 409: BOOKERS - 1}
    assert len(await diary.live()) == 1


async def test_one_key_used_by_ten_at_once_makes_one_hold(diary: Diary) -> None:
    contact, key = uuid4(), str(uuid4())
    answers = await asyncio.gather(*(diary.hold(at("09:00"), contact=contact, key=key) for _ in range(10)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["id"] for answer in made}) == 1
    for answer in answers:
        if answer not in made:  # asked while the first was still being handled
            assert answer.json()["type"].endswith(":idempotency-key-in-flight")
            assert answer.headers["Retry-After"]
    assert len(await diary.live()) == 1


async def test_a_contested_hold_is_booked_or_cancelled_but_never_both(diary: Diary) -> None:
    held = (await diary.hold(at("09:00"))).json()
    path = f"/appointments/{held['id']}"
    answers = await asyncio.gather(
        *(diary.book(held["id"]) for _ in range(5)),
        *(diary.internal("POST", f"{path}/cancel", json={"reason": ""}) for _ in range(5)),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    history = (await diary.staff("GET", f"/{held['id']}/history")).json()["items"]
    actions = [event["action"] for event in history]
    assert actions in (["hold", "cancel"], ["hold", "book", "cancel"])


async def test_two_appointments_swapping_times_do_not_deadlock(diary: Diary) -> None:
    first, second = await diary.booked(at("09:00")), await diary.booked(at("10:00"), professional="bruno")

    async def move(one: dict[str, Any], start: str, professional: str) -> int:
        body = {"start": at(start).isoformat(), "professional_code": professional}
        return (await diary.internal("POST", f"/appointments/{one['id']}/reschedule", json=body)).status_code

    for _ in range(5):
        codes = await asyncio.gather(move(first, "10:00", "bruno"), move(second, "09:00", "ana"))
        assert set(codes) <= {200, 409}
        codes = await asyncio.gather(move(first, "09:00", "ana"), move(second, "10:00", "bruno"))
        assert set(codes) <= {200, 409}
    assert len(await diary.live()) == 2


@pytest.mark.parametrize("seed", range(3))
async def test_a_random_history_never_books_anybody_twice(diary: Diary, seed: int) -> None:
    """Eight actors do twelve random things each; whatever they were told must agree with what is stored."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable plan, no secret
    known: list[str] = []
    told: Counter[int] = Counter()

    async def act(moves: list[tuple[str, int, int, float]]) -> None:
        for kind, slot, person, pick in moves:
            start = at("08:00") + timedelta(minutes=10 * slot)
            chosen = known[int(pick * len(known))] if known else None
            if kind == "hold" or chosen is None:
                answer = await diary.hold(start, professional=PROFESSIONALS[person])
                if answer.status_code == 201:
                    known.append(answer.json()["id"])
            elif kind == "book":
                answer = await diary.book(chosen)
            elif kind == "cancel":
                answer = await diary.internal("POST", f"/appointments/{chosen}/cancel", json={"reason": "x"})
            else:
                body = {"start": start.isoformat(), "professional_code": PROFESSIONALS[person]}
                answer = await diary.internal("POST", f"/appointments/{chosen}/reschedule", json=body)
            told[answer.status_code] += 1

    plans = [
        [
            (
                dice.choice(["hold", "hold", "book", "book", "cancel", "move"]),
                dice.randrange(8),
                dice.randrange(2),
                dice.random(),
            )
            for _ in range(12)
        ]
        for _ in range(8)
    ]
    await asyncio.gather(*(act(plan) for plan in plans))

    assert set(told) <= {200, 201, 409}, told
    rows = await diary.live()
    for one in rows:
        for other in rows:
            if one["id"] != other["id"] and one["professional_code"] == other["professional_code"]:
                assert one["ends_at"] <= other["starts_at"] or other["ends_at"] <= one["starts_at"]
    # Every row's history ends where the row stands, and counts up to its version without a gap.
    for row in await diary.rows("SELECT * FROM atendeai.appointment WHERE clinic_id = $1"):
        events = await diary.clinic.fetch(
            "SELECT version, to_status FROM atendeai.appointment_event WHERE clinic_id = $1 AND appointment_id = $2"
            " ORDER BY version",
            diary.clinic.id,
            row["id"],
        )
        assert [event["version"] for event in events] == list(range(1, row["version"] + 1))
        assert events[-1]["to_status"] == row["status"]
