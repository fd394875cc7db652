"""The waiting list under concurrency: who joined first is served first, and nobody is served twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.appointment.diary import Ward, until

pytestmark = pytest.mark.integration


async def served(ward: Ward) -> list[str]:
    """Return whose offers stand, in turn."""
    rows = await ward.rows(
        "SELECT w.id FROM atendeai.waitlist_entry w JOIN atendeai.appointment a ON a.clinic_id = w.clinic_id"
        " AND a.waitlist_id = w.id AND a.status = 'proposed' WHERE w.clinic_id = $1 ORDER BY w.joined_at"
    )
    return [str(row["id"]) for row in rows]


async def test_freed_times_go_to_the_first_in_turn_and_pass_on_in_turn(ward: Ward) -> None:
    day = await ward.full_day()
    wishes = [(await ward.join(f"Paciente {number}"))["id"] for number in range(6)]
    await ward.settled()

    async def cancel(appointment: object) -> int:
        path = f"/appointments/{appointment}/cancel"
        return (await ward.internal("POST", path, json={"reason": ""})).status_code

    assert set(await asyncio.gather(*(cancel(day[slot]) for slot in (2, 7, 11)))) == {200}
    assert await until(lambda: served(ward), lambda found: len(found) >= 3) == wishes[:3]
    await ward.settled()
    assert await served(ward) == wishes[:3]

    # The first three decline at the same moment. Whose turn it is again is free for them too, but for another time
    # than the one they declined; each takes what is first in turn, so the six share three times without a clash.
    first = await ward.offers()
    assert set(await asyncio.gather(*(cancel(offer["id"]) for offer in first))) == {200}
    await until(lambda: served(ward), lambda found: len(found) == 3)
    await ward.settled()
    now = await ward.offers()
    assert len({offer["starts_at"] for offer in now}) == len({offer["waitlist_id"] for offer in now}) == 3
    declined = {(offer["waitlist_id"], offer["starts_at"]) for offer in first}
    assert not declined & {(offer["waitlist_id"], offer["starts_at"]) for offer in now}

    answers = await asyncio.gather(*(ward.book(str(offer["id"]), name=None) for offer in now for _ in range(2)))
    assert {answer.status_code for answer in answers} == {200}
    await ward.settled()
    assert await served(ward) == []
    [rest] = await ward.rows(
        "SELECT count(*) FILTER (WHERE status = 'booked') AS booked, count(*) AS all FROM atendeai.waitlist_entry"
        " WHERE clinic_id = $1"
    )
    assert (rest["booked"], rest["all"]) == (3, 6)
