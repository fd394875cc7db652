"""Random concurrent histories of everything that can happen to an appointment, and what must hold after each.

What is checked: nobody is booked twice; every history is legal and without a gap, and ends where its row stands;
whatever was acknowledged is there; no time is blocked by nothing; no free time is kept from whom it would suit; nobody
has two offers, the same one twice, or one for a wish that is over.

A failure tells its seed and what everybody did. `ATENDEAI_HISTORY_SEEDS` names other seeds: `17`, or `100-160` for a
longer search.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest

from atendeai.appointment.availability import schedule_of
from atendeai.domain.slots import Interval, Window, openings
from tests.appointment.diary import TUESDAY, Ward, at
from tests.appointment.town import PEOPLE, Town

pytestmark = pytest.mark.integration

TAKES_TIME = frozenset({"proposed", "pending", "booked", "arrived", "checked-in"})
AGREED = frozenset({"booked", "arrived", "checked-in", "fulfilled", "noshow"})
STEPS = {
    **dict.fromkeys(("proposed", "pending", "waitlist"), 0),
    "booked": 1,
    "arrived": 2,
    "checked-in": 3,
    **dict.fromkeys(("fulfilled", "cancelled", "noshow"), 4),
    "entered-in-error": 5,
}
"""The contract's ranks, written down once more: a slip in the service's own table must show here."""


def seeds() -> list[int]:
    """Return the seeds to run."""
    first, _, last = os.environ.get("ATENDEAI_HISTORY_SEEDS", "0-2").partition("-")
    return list(range(int(first), int(last or first) + 1))


@dataclass
class Left:
    """What a history left behind in the database."""

    town: Town
    rows: list[dict[str, Any]]
    wishes: list[dict[str, Any]]
    events: dict[UUID, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def live(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["status"] in TAKES_TIME]

    def taken(self, person: str) -> list[Interval]:
        return [Interval(row["starts_at"], row["ends_at"]) for row in self.live if row["professional_code"] == person]


@pytest.mark.parametrize("seed", seeds())
async def test_whatever_happens_at_once_the_diary_stays_right(ward: Ward, seed: int) -> None:
    ward.hands.now = at("09:00")  # of the day itself: who comes for the afternoon can arrive
    town = Town(ward, seed)
    try:
        await town.live()
        await everything_holds(town)
    except AssertionError as error:
        error.add_note(town.account())
        raise


async def everything_holds(town: Town) -> None:
    assert set(town.told) <= {200, 201, 204, 404, 409}, town.told
    left = await what_is_left(town)
    nobody_is_booked_twice(left)
    histories_are_legal(left)
    what_was_acknowledged_is_there(left)
    offers_are_sound(left)
    await no_time_is_blocked_by_nothing(left)
    no_time_is_kept_from_who_waits(left)


async def what_is_left(town: Town) -> Left:
    left = Left(
        town,
        await town.ward.rows("SELECT * FROM atendeai.appointment WHERE clinic_id = $1"),
        await town.ward.rows("SELECT * FROM atendeai.waitlist_entry WHERE clinic_id = $1"),
    )
    events = await town.ward.rows(
        "SELECT appointment_id, version, action, from_status, to_status, details::text AS details"
        " FROM atendeai.appointment_event WHERE clinic_id = $1 AND action NOT IN ('remind', 'notify') ORDER BY version"
    )
    for event in events:
        left.events[event["appointment_id"]].append(event)
    return left


def nobody_is_booked_twice(left: Left) -> None:
    for person in PEOPLE:
        for before, after in pairwise(sorted(left.taken(person))):
            assert before.end <= after.start, f"{person} is booked twice"


def histories_are_legal(left: Left) -> None:
    for row in left.rows:
        events = left.events[row["id"]]
        assert [event["version"] for event in events] == list(range(1, row["version"] + 1))
        assert (events[0]["from_status"], events[-1]["to_status"]) == (None, row["status"])
        for before, event in pairwise(events):
            was, became = event["from_status"], event["to_status"]
            assert was == before["to_status"]
            assert was == became or STEPS[was] < STEPS[became] or STEPS[was] == STEPS[became] == 0, (was, became)
        moves = [orjson.loads(event["details"])["to"] for event in events if event["action"] == "reschedule"]
        if moves:  # the appointment is at the one place to which it was last moved
            assert datetime.fromisoformat(moves[-1]["start"]) == row["starts_at"]
            assert moves[-1]["professional_code"] == row["professional_code"]


def what_was_acknowledged_is_there(left: Left) -> None:
    town, status = left.town, {str(row["id"]): row["status"] for row in left.rows}
    for one in town.booked - town.undone:
        assert status[one] in AGREED, f"{one} was booked and is {status[one]}"
    for one in town.cancelled:
        assert status[one] in {"cancelled", "entered-in-error"}, f"{one} was cancelled and is {status[one]}"
    happened = {
        (str(row["id"]), event["version"], event["to_status"]) for row in left.rows for event in left.events[row["id"]]
    }
    for one, version, became, start in town.acknowledged:
        assert (one, version, became) in happened
        [row] = [row for row in left.rows if str(row["id"]) == one]
        assert row["version"] > version or row["starts_at"] == datetime.fromisoformat(start)


def offers_are_sound(left: Left) -> None:
    offers = [row for row in left.rows if row["waitlist_id"] is not None]
    made = Counter((row["waitlist_id"], _first_place(left, row)) for row in offers)
    assert set(made.values()) <= {1}, "the same offer twice"
    open_ = [row["waitlist_id"] for row in offers if row["status"] == "proposed"]
    assert len(open_) == len(set(open_)), "two offers at once"
    waiting = {wish["id"] for wish in left.wishes if wish["status"] == "waitlist"}
    assert set(open_) <= waiting, "an offer for a wish that is over"
    taken = {row["waitlist_id"] for row in offers if any(e["action"] == "book" for e in left.events[row["id"]])}
    assert not taken & waiting, "who took an offer still waits"
    assert {wish["appointment_id"] for wish in left.wishes if wish["status"] == "booked"} <= {
        r["id"] for r in left.rows
    }


def _first_place(left: Left, row: dict[str, Any]) -> tuple[datetime, str]:
    """Return where an appointment was before it was ever moved."""
    moves = [
        orjson.loads(event["details"])["from"] for event in left.events[row["id"]] if event["action"] == "reschedule"
    ]
    if not moves:
        return row["starts_at"], row["professional_code"]
    return datetime.fromisoformat(moves[0]["start"]), moves[0]["professional_code"]


async def no_time_is_blocked_by_nothing(left: Left) -> None:
    ward = left.town.ward
    ending = await ward.rows("SELECT key FROM atendeai.work WHERE clinic_id = $1 AND queue = 'hold-expiry'")
    ends = {row["key"] for row in ending}
    for row in left.live:
        assert row["status"] != "proposed" or str(row["id"]) in ends, "a hold that nothing will end"
    for person in PEOPLE:
        assert await ward.starts(professional_code=person) == _free(left.taken(person))


def _free(taken: list[Interval]) -> list[str]:
    starts = [at("09:00") + timedelta(minutes=30 * number) for number in range(18)]
    asked = {start: Interval(start, start + timedelta(minutes=30)) for start in starts}
    return [f"{start:%H:%M}" for start in starts if not any(one.overlaps(asked[start]) for one in taken)]


def no_time_is_kept_from_who_waits(left: Left) -> None:
    ward = left.town.ward
    schedule = schedule_of(ward.clinic.tenant)
    service = schedule.service("consulta")
    assert service is not None
    offered: dict[tuple[UUID, str], list[Interval]] = defaultdict(list)
    for row in left.rows:
        offered[row["waitlist_id"], row["professional_code"]].append(Interval(row["starts_at"], row["ends_at"]))
    being_offered = {row["waitlist_id"] for row in left.live if row["status"] == "proposed"}
    for wish in left.wishes:
        if wish["status"] != "waitlist" or wish["id"] in being_offered:
            continue
        for person in schedule.performers("consulta", wish["professional_code"]):
            window = Window(TUESDAY.date(), TUESDAY.date(), wish["time_from"], wish["time_to"])
            busy = left.taken(person.code)
            for slot in openings(schedule, service, person, window, now=ward.hands.now, busy=busy):
                here = Interval(slot.start, slot.end)  # or a part of it, which its neighbours of then left
                assert any(one.overlaps(here) for one in offered[wish["id"], person.code]), f"kept back: {slot}"
