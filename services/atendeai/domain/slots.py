"""When a patient can come: free slots from hours, holidays, durations and what is already taken.

Pure: knows no clock, no database and no calendar. The caller says what "now" is and which times are busy; both the
appointment service and the attendant's in-memory clinic (the `converse` command) use it, so that both offer the same.

Conventions:
- Moments are timezone-aware datetimes; intervals are half open, `[start, end)`.
- Opening hours are wall-clock times of the clinic's own time zone. Within one stretch of hours, slots start every
  `STEP` counted from its opening, as *elapsed* time: on the day of a daylight-saving change no slot is offered twice
  and none at a wall-clock time that does not exist.
- Stretches of one day's hours that adjoin are one: what begins in the first may end in the second.
- A slot fits when it ends no later than the stretch of hours it started in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from atendeai.domain.profile_values import (
    Exceptions,
    day_hours,
    parse_duration,
    parse_exceptions,
    parse_holidays,
    parse_week,
)

__all__ = [
    "MAX_DAYS",
    "STEP",
    "Interval",
    "Professional",
    "Reason",
    "Refusal",
    "Schedule",
    "Service",
    "Slot",
    "Window",
    "free_slots",
    "merge",
    "open_stretches",
    "openings",
    "refusal",
    "schedule_from_profile",
    "subtract",
    "why_none",
]

STEP = timedelta(minutes=30)
MAX_DAYS = 92
"""The longest window one search walks through; beyond it the window is cut, so that no request is unbounded."""

WeekHours = Mapping[int, tuple[tuple[int, int], ...]]
"""Weekday (Monday is 0) to stretches in minutes since midnight; a missing weekday is closed."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open stretch of time, `[start, end)`, timezone-aware."""

    start: datetime
    end: datetime

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share any moment; touching ends do not count."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Service:
    """Something that can be booked."""

    code: str
    name: str
    duration: timedelta
    price: str | None = None


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who can be booked; without hours of their own, the clinic's hold."""

    code: str
    name: str
    services: frozenset[str]
    hours: WeekHours | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a clinic's profile says about its time."""

    tz: ZoneInfo
    hours: WeekHours
    services: tuple[Service, ...]
    professionals: tuple[Professional, ...]
    holidays: frozenset[date] = frozenset()
    exceptions: Exceptions = field(default_factory=dict)

    def service(self, code: str) -> Service | None:
        """Return the service of that code, if the clinic has it."""
        return next((service for service in self.services if service.code == code), None)

    def professional(self, code: str) -> Professional | None:
        """Return the professional of that code, if the clinic has them."""
        return next((person for person in self.professionals if person.code == code), None)

    def performers(self, service_code: str, professional_code: str | None = None) -> tuple[Professional, ...]:
        """Who performs the service, in the profile's order; one named professional, or nobody, when a code is given."""
        return tuple(
            person
            for person in self.professionals
            if service_code in person.services and professional_code in {None, person.code}
        )


@dataclass(frozen=True, slots=True)
class Window:
    """What the patient asks for: days, inclusive, and a part of the day.

    A slot belongs to it when it *starts* at or after `time_from` and before `time_to`; when both are equal they mean
    that exact time.
    """

    date_from: date
    date_to: date
    time_from: time | None = None
    time_to: time | None = None

    def admits(self, start: time) -> bool:
        """Whether a slot that starts at this wall-clock time belongs to the window."""
        if self.time_from is not None and start < self.time_from:
            return False
        if self.time_to is None:
            return True
        return start < self.time_to or (self.time_from == self.time_to == start)

    def days(self) -> Iterator[date]:
        """Yield the days of the window in order, at most `MAX_DAYS`."""
        for offset in range(min((self.date_to - self.date_from).days + 1, MAX_DAYS)):
            yield self.date_from + timedelta(days=offset)


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time of one professional for one service; `start` and `end` are in the clinic's time zone."""

    start: datetime
    end: datetime
    professional_code: str
    service_code: str


class Reason(StrEnum):
    """Why a search found nothing."""

    CALENDAR_UNAVAILABLE = "calendar_unavailable"
    CLOSED = "closed"
    FULL = "full"


class Refusal(StrEnum):
    """Why one given time cannot be booked, whoever else holds it."""

    UNKNOWN_SERVICE = "unknown-service"
    UNKNOWN_PROFESSIONAL = "unknown-professional"
    NOT_PERFORMED = "not-performed"
    PAST = "past"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class _Taken:
    """Merged busy intervals with their ends, to answer an overlap in logarithmic time."""

    intervals: list[Interval]
    ends: list[datetime] = field(default_factory=list)

    def hits(self, start: datetime, end: datetime) -> bool:
        at = bisect_right(self.ends, start)
        return at < len(self.intervals) and self.intervals[at].start < end


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same time as sorted, disjoint intervals; empty and reversed ones vanish."""
    merged: list[Interval] = []
    for interval in sorted(one for one in intervals if one.start < one.end):
        if merged and interval.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def subtract(intervals: Iterable[Interval], hole: Interval) -> list[Interval]:
    """Return what is left of the intervals outside the hole (an appointment's own time, when it is being moved)."""
    left: list[Interval] = []
    for one in merge(intervals):
        if not one.overlaps(hole):
            left.append(one)
            continue
        left.extend(
            piece for piece in (Interval(one.start, hole.start), Interval(hole.end, one.end)) if piece.start < piece.end
        )
    return left


def open_stretches(schedule: Schedule, person: Professional, day: date) -> Iterator[Interval]:
    """Yield the stretches of time in which a professional can be booked on a day, as moments in UTC, disjoint.

    A professional's own hours replace the clinic's (somebody may well work on a Saturday the clinic's desk does not);
    of exceptions from the hours, see `day_hours`.
    """
    if day in schedule.holidays:
        return
    hours = day_hours(day, schedule.hours, person.hours, exceptions=schedule.exceptions, professional=person.code)
    yield from merge(
        Interval(_moment(day, opens, schedule.tz), _moment(day, closes, schedule.tz)) for opens, closes in hours
    )


def free_slots(
    schedule: Schedule,
    service: Service,
    window: Window,
    *,
    now: datetime,
    busy: Mapping[str, Iterable[Interval]],
    professionals: Sequence[Professional] | None = None,
) -> Iterator[Slot]:
    """Yield the free slots in order of time, then of the profile's professionals. Lazy: the caller takes what it needs.

    `busy` maps a professional's code to what is taken. `professionals` narrows who is offered (those whose calendar
    could be read); without it everyone who performs the service. Nothing that starts before `now` is offered.
    """
    people = schedule.performers(service.code) if professionals is None else professionals
    taken: dict[str, _Taken] = {}
    for person in people:
        intervals = merge(busy.get(person.code, ()))
        taken[person.code] = _Taken(intervals, [one.end for one in intervals])
    for day in window.days():
        found: list[tuple[datetime, int, Slot]] = []
        for order, person in enumerate(people):
            for start in _starts(schedule, person, service, day):
                end = start + service.duration
                local = start.astimezone(schedule.tz)
                if start < now or not window.admits(local.time()) or taken[person.code].hits(start, end):
                    continue
                found.append((start, order, Slot(local, end.astimezone(schedule.tz), person.code, service.code)))
        found.sort(key=lambda one: one[:2])
        for _, _, slot in found:
            yield slot


def openings(
    schedule: Schedule,
    service: Service,
    person: Professional,
    window: Window,
    *,
    now: datetime,
    busy: Iterable[Interval],
) -> Iterator[Slot]:
    """Yield, by time, where somebody who waits could come: the free slots of one professional, and gaps off the grid.

    Staff may book at 14:10; when that time gets free, no slot of the grid may fit between its neighbours. A gap into
    which the service fits, but no slot does, is offered from its beginning, so that no freed time is lost.
    """
    taken = merge(busy)
    for day in window.days():
        slots = list(_starts(schedule, person, service, day))
        for stretch in open_stretches(schedule, person, day):
            for gap in _gaps(stretch, taken):
                fitting = [one for one in slots if gap.start <= one and one + service.duration <= gap.end]
                if not fitting and gap.start + service.duration <= gap.end:
                    fitting = [gap.start]
                for start in fitting:
                    local = start.astimezone(schedule.tz)
                    if start >= now and window.admits(local.time()):
                        end = (start + service.duration).astimezone(schedule.tz)
                        yield Slot(local, end, person.code, service.code)


def why_none(
    schedule: Schedule,
    service: Service,
    window: Window,
    *,
    now: datetime,
    professionals: Sequence[Professional],
    unreadable: bool,
) -> Reason:
    """Say why a search for these professionals found nothing.

    `unreadable` tells that the calendar of at least one of them could not be read: then nobody knows, and saying
    "full" would be a guess.
    """
    anything = next(
        free_slots(schedule, service, window, now=now, busy={}, professionals=professionals),
        None,
    )
    if anything is None:
        return Reason.CLOSED
    return Reason.CALENDAR_UNAVAILABLE if unreadable else Reason.FULL


def refusal(
    schedule: Schedule,
    service_code: str,
    professional_code: str,
    start: datetime,
    *,
    now: datetime,
) -> Refusal | None:
    """Say why this time cannot be booked by the clinic's own rules, or None when it can.

    The start need not lie on the grid of offered slots: staff may book 14:10. It must lie within the hours.
    """
    service = schedule.service(service_code)
    person = schedule.professional(professional_code)
    if service is None:
        return Refusal.UNKNOWN_SERVICE
    if person is None:
        return Refusal.UNKNOWN_PROFESSIONAL
    if service_code not in person.services:
        return Refusal.NOT_PERFORMED
    if start < now:
        return Refusal.PAST
    end = start + service.duration
    day = start.astimezone(schedule.tz).date()
    if any(one.start <= start and end <= one.end for one in open_stretches(schedule, person, day)):
        return None
    return Refusal.CLOSED


def schedule_from_profile(profile: Mapping[str, Any], timezone: str) -> Schedule:
    """Read a clinic's profile, in the shapes of the Clinic resource, into a schedule.

    Raises ValueError naming the field when hours or durations cannot be read, and ZoneInfoNotFoundError (a KeyError)
    for an unknown time zone.
    """
    services = tuple(
        Service(
            code=str(raw["code"]),
            name=str(raw.get("name") or raw["code"]),
            duration=parse_duration(raw.get("duration") or "30m", f"services[{raw['code']}].duration"),
            price=raw.get("priceBRL"),
        )
        for raw in profile.get("services") or ()
    )
    professionals = tuple(
        Professional(
            code=str(raw["code"]),
            name=str(raw.get("name") or raw["code"]),
            services=frozenset(raw.get("services") or (service.code for service in services)),
            hours=None if raw.get("hours") is None else parse_week(raw["hours"], f"professionals[{raw['code']}].hours"),
        )
        for raw in profile.get("professionals") or ()
    )
    return Schedule(
        tz=ZoneInfo(timezone),
        hours=parse_week(profile.get("businessHours") or {}, "businessHours"),
        services=services,
        professionals=professionals,
        holidays=parse_holidays(profile.get("holidays") or ()),
        exceptions=parse_exceptions(profile.get("exceptions") or ()),
    )


def _moment(day: date, minutes: int, tz: ZoneInfo) -> datetime:
    """Return the moment of a wall-clock time; 24:00 is the next midnight, a skipped time moves on."""
    extra, minute_of_day = divmod(minutes, 24 * 60)
    wall = time(minute_of_day // 60, minute_of_day % 60)
    return datetime.combine(day + timedelta(days=extra), wall, tzinfo=tz).astimezone(UTC)


def _gaps(stretch: Interval, taken: Sequence[Interval]) -> Iterator[Interval]:
    """Yield what is left of a stretch of hours between merged busy times."""
    free_from = stretch.start
    for one in taken:
        if one.end <= free_from or stretch.end <= one.start:
            continue
        if free_from < one.start:
            yield Interval(free_from, one.start)
        free_from = one.end
    if free_from < stretch.end:
        yield Interval(free_from, stretch.end)


def _starts(schedule: Schedule, person: Professional, service: Service, day: date) -> Iterator[datetime]:
    """Every start, in UTC, at which the service fits into the professional's day."""
    for stretch in open_stretches(schedule, person, day):
        start = stretch.start
        while start + service.duration <= stretch.end:
            yield start
            start += STEP
