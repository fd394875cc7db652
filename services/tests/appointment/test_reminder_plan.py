"""When a patient is reminded: moments, nights, late ones, confirmations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atendeai.appointment.reminder_plan import DAY_BEGINS, DAY_ENDS, Plan, moment_of, next_morning, plan

TZ = ZoneInfo("America/Sao_Paulo")
DAY, TWO = timedelta(hours=24), timedelta(hours=2)
START = datetime(2026, 11, 26, 14, tzinfo=TZ)
LONG_AGO = datetime(2026, 11, 1, 9, tzinfo=TZ)


def at(day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=TZ)


def planned(now: datetime, **change: Any) -> Plan:
    known: dict[str, Any] = {
        "offsets": [DAY, TWO],
        "start": START,
        "agreed_at": LONG_AGO,
        "confirmed": False,
        "sent": set(),
        "tz": TZ,
    }
    return plan(**(known | change), now=now)


@pytest.mark.parametrize(
    ("start", "offset", "moment"),
    [
        (at(26, "14:00"), DAY, at(25, "14:00")),
        (at(26, "07:30"), DAY, at(24, "20:00")),
        (at(26, "21:00"), DAY, at(25, "20:00")),
        (at(26, "20:00"), DAY, at(25, "20:00")),
        (at(26, "08:00"), TWO, at(25, "20:00")),
        (at(26, "10:00"), TWO, at(26, "08:00")),
        (at(26, "22:30"), TWO, at(26, "20:00")),
    ],
)
def test_a_moment_in_the_night_becomes_the_evening_before(start: datetime, offset: timedelta, moment: datetime) -> None:
    assert moment_of(start, offset, TZ) == moment


@settings(deadline=None)
@given(minutes=st.integers(0, 60 * 24 * 400), offset=st.integers(1, 60 * 24 * 14))
def test_every_moment_is_by_day_and_no_later_than_asked_for(minutes: int, offset: int) -> None:
    start = LONG_AGO + timedelta(minutes=minutes)
    moment = moment_of(start, timedelta(minutes=offset), TZ)
    assert DAY_BEGINS <= moment.astimezone(TZ).time() <= DAY_ENDS
    assert start - timedelta(minutes=offset) - timedelta(hours=12) <= moment <= start - timedelta(minutes=offset)


@settings(deadline=None)
@given(
    minutes=st.integers(0, 60 * 24 * 400),
    offset=st.integers(60, 60 * 24 * 14),
    late=st.integers(0, 30 * 60),
    zone=st.sampled_from(["America/Sao_Paulo", "America/Rio_Branco", "America/Noronha"]),
)
def test_a_due_reminder_goes_out_also_when_the_look_comes_a_little_late(
    minutes: int, offset: int, late: int, zone: str
) -> None:
    start, tz, before = START + timedelta(minutes=minutes), ZoneInfo(zone), timedelta(minutes=offset)
    now = moment_of(start, before, tz) + timedelta(seconds=late)
    assert planned(now, start=start, offsets=[before], tz=tz).send == before


def test_nothing_before_its_moment_and_then_that_one() -> None:
    assert planned(at(25, "13:59")) == Plan(None, at(25, "14:00"))
    assert planned(at(25, "14:00")) == Plan(DAY, at(26, "12:00"))
    assert planned(at(25, "14:01"), sent={DAY}) == Plan(None, at(26, "12:00"))
    assert planned(at(26, "12:00"), sent={DAY}) == Plan(TWO, None)
    assert planned(at(26, "12:01"), sent={DAY, TWO}) == Plan(None, None)


def test_who_agreed_after_a_moment_is_not_reminded_at_it() -> None:
    assert planned(at(25, "15:00"), agreed_at=at(25, "14:30")) == Plan(None, at(26, "12:00"))
    assert planned(at(26, "13:00"), agreed_at=at(26, "12:30")) == Plan(None, None)
    early = at(26, "08:00")
    assert planned(at(25, "21:30"), start=early, agreed_at=at(25, "21:00")) == Plan(None, None)


def test_of_several_that_are_due_only_the_shortest_is_sent() -> None:
    assert planned(at(26, "12:30")) == Plan(TWO, None)
    assert planned(at(25, "14:00"), offsets=[timedelta(hours=26), DAY]) == Plan(DAY, None)


def test_none_follows_a_shorter_one() -> None:
    assert planned(at(26, "12:30"), sent={TWO}) == Plan(None, None)
    assert planned(at(26, "01:00"), offsets=[timedelta(hours=48), DAY], sent={DAY}) == Plan(None, None)


def test_a_late_one_is_sent_up_to_half_its_offset() -> None:
    assert planned(at(26, "01:00"), offsets=[DAY]).following == at(26, "08:00")
    assert planned(at(25, "19:00"), offsets=[DAY]) == Plan(DAY, None)
    assert planned(at(26, "09:00"), offsets=[DAY]) == Plan(None, None)
    assert planned(at(26, "13:01"), offsets=[TWO]) == Plan(None, None)


def test_who_confirmed_gets_only_the_last() -> None:
    assert planned(at(25, "14:00"), confirmed=True) == Plan(None, at(26, "12:00"))
    assert planned(at(26, "12:00"), confirmed=True) == Plan(TWO, None)


def test_no_offsets_no_reminders() -> None:
    assert planned(at(25, "14:00"), offsets=[]) == Plan(None, None)
    assert planned(at(25, "14:00"), offsets=[timedelta(0)]) == Plan(None, None)


def test_the_clinics_own_zone_decides_what_night_is() -> None:
    manaus = ZoneInfo("America/Manaus")
    assert next_morning(at(25, "08:30"), manaus) == datetime(2026, 11, 25, 8, tzinfo=manaus)
    assert next_morning(at(25, "08:30"), TZ) is None
    assert next_morning(at(25, "20:59"), TZ) is None
    assert next_morning(at(25, "21:00"), TZ) == at(26, "08:00")
    assert next_morning(at(25, "07:59"), TZ) == at(25, "08:00")
