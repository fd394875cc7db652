"""Slots: hours, holidays, durations, busy times, windows, changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atendeai.domain.profile_values import parse_clock, parse_duration, parse_holidays, parse_week
from atendeai.domain.slots import (
    MAX_DAYS,
    Interval,
    Reason,
    Refusal,
    Schedule,
    Slot,
    Window,
    free_slots,
    merge,
    openings,
    refusal,
    schedule_from_profile,
    subtract,
    why_none,
)

SAO_PAULO = "America/Sao_Paulo"
TUESDAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

PROFILE = {
    "businessHours": {
        day: [{"opens": "08:00", "closes": "12:00"}, {"opens": "13:00", "closes": "18:00"}]
        for day in ("mon", "tue", "wed", "thu", "fri")
    },
    "services": [
        {"code": "consulta", "name": "Consulta", "duration": "30m", "priceBRL": "250.00"},
        {"code": "exame", "name": "Exame", "duration": "1h30m"},
        {"code": "retorno", "name": "Retorno", "duration": "20m"},
    ],
    "professionals": [
        {"code": "ana", "name": "Dra. Ana", "services": ["consulta", "retorno"]},
        {
            "code": "beto",
            "name": "Dr. Beto",
            "services": ["consulta", "exame"],
            "hours": {"tue": [{"opens": "14:00", "closes": "16:00"}], "sat": [{"opens": "09:00", "closes": "10:00"}]},
        },
    ],
    "holidays": ["2026-12-25"],
}


@pytest.fixture
def schedule() -> Schedule:
    return schedule_from_profile(PROFILE, SAO_PAULO)


def at(day: date, clock: str, tz: str = SAO_PAULO) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=ZoneInfo(tz))


def search(schedule: Schedule, service: str, window: Window, **options: Any) -> list[Slot]:
    found = schedule.service(service)
    assert found is not None
    return list(free_slots(schedule, found, window, **{"now": NOW, "busy": {}, **options}))


def starts(slots: list[Slot], professional: str) -> list[str]:
    return [slot.start.strftime("%H:%M") for slot in slots if slot.professional_code == professional]


def test_slots_start_every_half_hour_within_each_stretch(schedule: Schedule) -> None:
    slots = search(schedule, "consulta", Window(TUESDAY, TUESDAY))
    assert starts(slots, "ana") == [
        *("08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30"),
        *("13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00", "17:30"),
    ]
    assert starts(slots, "beto") == ["14:00", "14:30", "15:00", "15:30"]
    assert slots == sorted(slots, key=lambda slot: (slot.start, slot.professional_code))
    assert slots[0].start.isoformat() == "2026-11-24T08:00:00-03:00"


def test_a_long_service_ends_before_closing(schedule: Schedule) -> None:
    slots = search(schedule, "exame", Window(TUESDAY, TUESDAY))
    assert starts(slots, "beto") == ["14:00", "14:30"]
    assert starts(slots, "ana") == []


def test_hours_that_adjoin_are_one_stretch() -> None:
    shifts = [("08:15", "09:00"), ("09:00", "11:00"), ("11:00", "12:00"), ("13:00", "14:00")]
    profile = {
        "businessHours": {"tue": [{"opens": opens, "closes": closes} for opens, closes in shifts]},
        "services": [{"code": "x", "duration": "1h"}],
        "professionals": [{"code": "p"}],
    }
    schedule = schedule_from_profile(profile, SAO_PAULO)
    found = starts(search(schedule, "x", Window(TUESDAY, TUESDAY)), "p")
    assert found == ["08:15", "08:45", "09:15", "09:45", "10:15", "10:45", "13:00"]
    assert refusal(schedule, "x", "p", at(TUESDAY, "10:30"), now=NOW) is None
    assert refusal(schedule, "x", "p", at(TUESDAY, "11:30"), now=NOW) is Refusal.CLOSED
    service = schedule.service("x")
    assert service is not None
    busy = [Interval(at(TUESDAY, "08:15"), at(TUESDAY, "10:20")), Interval(at(TUESDAY, "11:25"), at(TUESDAY, "14:00"))]
    gap = openings(schedule, service, schedule.professionals[0], Window(TUESDAY, TUESDAY), now=NOW, busy=busy)
    assert [f"{slot.start:%H:%M}" for slot in gap] == ["10:20"]


def test_own_hours_replace_the_clinics(schedule: Schedule) -> None:
    saturday = date(2026, 11, 28)
    slots = search(schedule, "consulta", Window(saturday, saturday))
    assert starts(slots, "beto") == ["09:00", "09:30"]
    assert starts(slots, "ana") == []


def test_nobody_is_booked_on_a_holiday_or_in_the_past(schedule: Schedule) -> None:
    christmas = date(2026, 12, 25)
    assert search(schedule, "consulta", Window(christmas, christmas)) == []
    later = search(schedule, "consulta", Window(TUESDAY, TUESDAY), now=at(TUESDAY, "16:10"))
    assert starts(later, "ana") == ["16:30", "17:00", "17:30"]


def test_busy_time_hides_every_slot_it_touches_and_no_other(schedule: Schedule) -> None:
    busy = {
        "ana": [
            Interval(at(TUESDAY, "09:10"), at(TUESDAY, "10:00")),
            Interval(at(TUESDAY, "13:00"), at(TUESDAY, "18:00")),
        ]
    }
    slots = search(schedule, "consulta", Window(TUESDAY, TUESDAY), busy=busy)
    assert starts(slots, "ana") == ["08:00", "08:30", "10:00", "10:30", "11:00", "11:30"]
    assert starts(slots, "beto") == ["14:00", "14:30", "15:00", "15:30"]


@pytest.mark.parametrize(
    ("time_from", "time_to", "expected"),
    [
        ("14:00", "14:00", ["14:00"]),
        ("16:00", None, ["16:00", "16:30", "17:00", "17:30"]),
        (None, "09:00", ["08:00", "08:30"]),
        ("12:00", "14:00", ["13:00", "13:30"]),
        ("12:15", "12:15", []),
    ],
)
def test_part_of_the_day(schedule: Schedule, time_from: str | None, time_to: str | None, expected: list[str]) -> None:
    window = Window(
        TUESDAY,
        TUESDAY,
        time.fromisoformat(time_from) if time_from else None,
        time.fromisoformat(time_to) if time_to else None,
    )
    assert starts(search(schedule, "consulta", window), "ana") == expected


def test_a_window_without_end_is_cut_and_walked_lazily(schedule: Schedule) -> None:
    service = schedule.service("consulta")
    assert service is not None
    endless = Window(TUESDAY, date(9998, 1, 1))
    assert len(list(endless.days())) == MAX_DAYS
    first = list(islice(free_slots(schedule, service, endless, now=NOW, busy={}), 3))
    assert [slot.start.strftime("%d %H:%M") for slot in first] == ["24 08:00", "24 08:30", "24 09:00"]
    assert list(Window(TUESDAY, TUESDAY - timedelta(days=1)).days()) == []


def test_the_day_clocks_go_forward_has_no_time_that_does_not_exist() -> None:
    # New York, 8 March 2026: 02:00 to 03:00 does not exist.
    schedule = schedule_from_profile(
        {
            "businessHours": {"sun": [{"opens": "01:00", "closes": "05:00"}]},
            "services": [{"code": "x", "duration": "30m"}],
            "professionals": [{"code": "p", "services": ["x"]}],
        },
        "America/New_York",
    )
    day = date(2026, 3, 8)
    slots = search(schedule, "x", Window(day, day), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert starts(slots, "p") == ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]


def test_the_day_clocks_go_back_offers_each_moment_once() -> None:
    # New York, 1 November 2026: 01:00 to 02:00 happens twice.
    schedule = schedule_from_profile(
        {
            "businessHours": {"sun": [{"opens": "00:00", "closes": "03:00"}]},
            "services": [{"code": "x", "duration": "30m"}],
            "professionals": [{"code": "p"}],
        },
        "America/New_York",
    )
    day = date(2026, 11, 1)
    slots = search(schedule, "x", Window(day, day), now=datetime(2026, 1, 1, tzinfo=UTC))
    moments = [slot.start.astimezone(UTC) for slot in slots]
    assert len(moments) == len(set(moments)) == 8
    assert all(later - earlier == timedelta(minutes=30) for earlier, later in pairwise(moments))


def test_midnight_closes_a_day_that_never_closes() -> None:
    schedule = schedule_from_profile(
        {
            "businessHours": {"tue": [{"opens": "00:00", "closes": "24:00"}]},
            "services": [{"code": "x", "duration": "1h"}],
            "professionals": [{"code": "p"}],
        },
        SAO_PAULO,
    )
    found = starts(search(schedule, "x", Window(TUESDAY, TUESDAY)), "p")
    assert (found[0], found[-1], len(found)) == ("00:00", "23:00", 47)


def test_why_there_is_nothing(schedule: Schedule) -> None:
    service = schedule.service("consulta")
    ana = schedule.performers("consulta", "ana")
    assert service is not None
    sunday = date(2026, 11, 29)

    def why(day: date, *, unreadable: bool) -> Reason:
        return why_none(schedule, service, Window(day, day), now=NOW, professionals=ana, unreadable=unreadable)

    assert why(sunday, unreadable=False) is Reason.CLOSED
    assert why(sunday, unreadable=True) is Reason.CLOSED
    assert why(TUESDAY, unreadable=False) is Reason.FULL
    assert why(TUESDAY, unreadable=True) is Reason.CALENDAR_UNAVAILABLE


@pytest.mark.parametrize(
    ("service", "professional", "start", "expected"),
    [
        ("consulta", "ana", at(TUESDAY, "14:10"), None),
        ("consulta", "ana", at(TUESDAY, "17:40"), Refusal.CLOSED),
        ("consulta", "ana", at(TUESDAY, "11:45"), Refusal.CLOSED),
        ("consulta", "ana", at(date(2026, 12, 25), "09:00"), Refusal.CLOSED),
        ("consulta", "ana", at(date(2026, 11, 20), "09:00"), Refusal.PAST),
        ("exame", "ana", at(TUESDAY, "09:00"), Refusal.NOT_PERFORMED),
        ("cirurgia", "ana", at(TUESDAY, "09:00"), Refusal.UNKNOWN_SERVICE),
        ("consulta", "zeca", at(TUESDAY, "09:00"), Refusal.UNKNOWN_PROFESSIONAL),
        # the same moment, said in another offset, is the same time
        ("consulta", "beto", at(TUESDAY, "17:00").astimezone(UTC), Refusal.CLOSED),
        ("consulta", "beto", at(TUESDAY, "15:00").astimezone(UTC), None),
    ],
)
def test_what_the_clinics_rules_refuse(
    schedule: Schedule, service: str, professional: str, start: datetime, expected: Refusal | None
) -> None:
    assert refusal(schedule, service, professional, start, now=NOW) is expected


INTERVALS = st.lists(
    st.tuples(st.integers(0, 600), st.integers(-30, 200)).map(
        lambda pair: Interval(NOW + timedelta(minutes=pair[0]), NOW + timedelta(minutes=pair[0] + pair[1]))
    ),
    max_size=12,
)


def minutes_of(intervals: list[Interval]) -> set[int]:
    return {
        minute
        for one in intervals
        for minute in range(int((one.start - NOW).total_seconds() // 60), int((one.end - NOW).total_seconds() // 60))
    }


@given(INTERVALS)
def test_merging_keeps_the_same_minutes_disjoint_and_sorted(intervals: list[Interval]) -> None:
    merged = merge(intervals)
    assert minutes_of(merged) == minutes_of(intervals)
    assert all(earlier.end < later.start for earlier, later in pairwise(merged))


@given(INTERVALS, st.integers(0, 600), st.integers(1, 200))
def test_subtracting_takes_exactly_the_hole(intervals: list[Interval], start: int, length: int) -> None:
    hole = Interval(NOW + timedelta(minutes=start), NOW + timedelta(minutes=start + length))
    assert minutes_of(subtract(intervals, hole)) == minutes_of(intervals) - minutes_of([hole])


@given(st.lists(st.tuples(st.integers(0, 24 * 60), st.integers(1, 180)), max_size=10))
def test_a_free_slot_never_touches_busy_time(taken: list[tuple[int, int]]) -> None:
    schedule = schedule_from_profile(PROFILE, SAO_PAULO)
    midnight = at(TUESDAY, "00:00")
    busy = [
        Interval(midnight + timedelta(minutes=start), midnight + timedelta(minutes=start + length))
        for start, length in taken
    ]
    every = search(schedule, "consulta", Window(TUESDAY, TUESDAY))
    free = search(schedule, "consulta", Window(TUESDAY, TUESDAY), busy={"ana": busy, "beto": busy})
    expected = [slot for slot in every if not any(Interval(slot.start, slot.end).overlaps(one) for one in busy)]
    assert free == expected


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("1h", 60), ("1h30m", 90), ("90m", 90), ("24h", 1440), ("1800s", 30)]
)
def test_durations(text: str, minutes: int) -> None:
    assert parse_duration(text, "duration") == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "25h", "30", "1.5h", "meia hora", "-30m", "90s", "1m1s"])
def test_durations_that_are_none_name_their_field(text: str) -> None:
    with pytest.raises(ValueError, match=r"services\[x\]\.duration"):
        parse_duration(text, "services[x].duration")


@pytest.mark.parametrize("text", ["8:00", "24:01", "12:60", "oito"])
def test_clock_times_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours: .* is no time of day"):
        parse_clock(text, "hours")


def test_hours_are_read_in_both_spellings_and_sorted() -> None:
    expected = {0: ((480, 720), (780, 1080))}
    assert parse_week({"mon": [["13:00", "18:00"], ["08:00", "12:00"]], "tue": []}, "hours") == expected
    assert (
        parse_week({"mon": [{"opens": "08:00", "closes": "12:00"}, {"opens": "13:00", "closes": "18:00"}]}, "h")
        == expected
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"seg": [["08:00", "12:00"]]}, 'hours: "seg" is no weekday'),
        ({"mon": [["18:00", "08:00"]]}, "hours.mon: opens 18:00 but closes 08:00"),
        ({"mon": [["08:00", "12:00"], ["11:00", "13:00"]]}, "hours.mon: the stretches of hours overlap"),
    ],
)
def test_hours_that_cannot_be_read(raw: dict[str, list[list[str]]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_week(raw, "hours")


def test_holidays_are_dates_or_objects_with_one() -> None:
    assert parse_holidays(["2026-12-25", {"date": "2027-01-01", "name": "Ano-Novo"}, date(2026, 4, 21)]) == frozenset(
        {date(2026, 12, 25), date(2027, 1, 1), date(2026, 4, 21)}
    )
    with pytest.raises(ValueError, match="holidays"):
        parse_holidays(["25/12"])


def opened(schedule: Schedule, *taken: tuple[str, str], window: Window | None = None, now: datetime = NOW) -> list[str]:
    service, person = schedule.service("consulta"), schedule.professional("ana")
    assert service is not None
    assert person is not None
    busy = [Interval(at(TUESDAY, begins), at(TUESDAY, ends)) for begins, ends in taken]
    found = openings(schedule, service, person, window or Window(TUESDAY, TUESDAY), now=now, busy=busy)
    return [f"{slot.start:%H:%M}" for slot in found]


def test_openings_are_the_slots_where_slots_fit(schedule: Schedule) -> None:
    assert opened(schedule) == starts(search(schedule, "consulta", Window(TUESDAY, TUESDAY)), "ana")
    assert opened(schedule, ("08:00", "11:10"), ("13:00", "18:00")) == ["11:30"]


def test_a_gap_that_no_slot_fits_into_opens_at_its_beginning(schedule: Schedule) -> None:
    rest = (("08:00", "09:10"), ("09:40", "12:00"), ("13:00", "18:00"))
    assert opened(schedule, *rest) == ["09:10"]
    assert opened(schedule, *rest, ("09:10", "09:15")) == []
    assert opened(schedule, *rest, window=Window(TUESDAY, TUESDAY, time(9, 20))) == []
    assert opened(schedule, *rest, now=at(TUESDAY, "09:11")) == []


@settings(deadline=None, max_examples=50)
@given(
    taken=st.lists(
        st.tuples(st.integers(0, 23 * 60), st.integers(1, 180)).map(lambda one: (one[0], one[0] + one[1])), max_size=12
    )
)
def test_every_gap_that_is_long_enough_is_open(taken: list[tuple[int, int]]) -> None:
    schedule = schedule_from_profile(PROFILE, SAO_PAULO)
    service, person = schedule.service("consulta"), schedule.professional("ana")
    assert service is not None
    assert person is not None
    midnight = at(TUESDAY, "00:00")
    busy = [Interval(midnight + timedelta(minutes=a), midnight + timedelta(minutes=b)) for a, b in taken]
    found = list(openings(schedule, service, person, Window(TUESDAY, TUESDAY), now=NOW, busy=busy))
    for slot in found:
        assert not any(one.overlaps(Interval(slot.start, slot.end)) for one in busy)
    for opens, closes in ((8 * 60, 12 * 60), (13 * 60, 18 * 60)):
        free = {m for m in range(opens, closes) if not any(a <= m < b for a, b in taken)}
        for minute in free:
            if all(later in free for later in range(minute, minute + 30)) and minute + 30 <= closes:
                begins = midnight + timedelta(minutes=minute)
                assert any(slot.start < begins + timedelta(minutes=30) and begins < slot.end for slot in found)
