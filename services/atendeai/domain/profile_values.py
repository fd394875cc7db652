"""How the words of a clinic's profile are read: durations, opening hours, holidays, exceptions from the hours.

Pure. The shapes are those of the Clinic resource (`profile.businessHours`, `profile.services[].duration`,
`profile.holidays`, `profile.exceptions`), plus the shorter pairs of the `converse` command's scene. Every error names
the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

__all__ = [
    "MAX_EXCEPTION_DAYS",
    "WEEKDAYS",
    "Exceptions",
    "Spans",
    "address_text",
    "day_hours",
    "parse_clock",
    "parse_duration",
    "parse_exceptions",
    "parse_holidays",
    "parse_week",
]

Spans = tuple[tuple[int, int], ...]
"""Sorted, disjoint stretches of one day, in minutes since midnight; none is closed."""
Exceptions = Mapping[tuple[date, str | None], Spans]
"""What holds on single days in place of the weekday's hours: for one professional's code, or for the clinic (None)."""

MAX_EXCEPTION_DAYS = 366
"""The longest an exception lasts."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ADDRESS_KEYS = ("street", "number", "complement", "neighbourhood", "neighborhood", "district", "city", "state", "zip")
_DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DURATION = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?")


def parse_duration(text: str, field: str) -> timedelta:
    """Read "30m", "1h", "1h30m" or "1800s" (Go's notation); whole minutes, between one minute and a day.

    Raises ValueError naming the field.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f'{field}: "{text}" is no duration; write it as 30m, 1h or 1h30m')
    extra, seconds = divmod(int(match[3] or 0), 60)
    minutes = int(match[1] or 0) * 60 + int(match[2] or 0) + extra
    if seconds:
        raise ValueError(f'{field}: "{text}" is no whole number of minutes')
    if not 0 < minutes <= _DAY_MINUTES:
        raise ValueError(f'{field}: "{text}" must be between 1m and 24h')
    return timedelta(minutes=minutes)


def parse_clock(text: str, field: str) -> int:
    """Read "08:00" as minutes since midnight; "24:00" is the end of the day. Raises ValueError naming the field."""
    match = _CLOCK.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else _DAY_MINUTES + 1
    if minutes > _DAY_MINUTES:
        raise ValueError(f'{field}: "{text}" is no time of day; write it as HH:MM')
    return minutes


def parse_week(raw: Mapping[str, Sequence[Any]], field: str) -> dict[int, Spans]:
    """Read `{"mon": [{"opens": "08:00", "closes": "18:00"}], …}`; pairs `["08:00", "18:00"]` are read as well.

    Returns weekday (Monday is 0) to sorted stretches in minutes since midnight. Raises ValueError naming the field.
    """
    week: dict[int, Spans] = {}
    for name, stretches in raw.items():
        if name not in WEEKDAYS:
            raise ValueError(f'{field}: "{name}" is no weekday; use {", ".join(WEEKDAYS)}')
        read = _disjoint(stretches or (), f"{field}.{name}")
        if read:
            week[WEEKDAYS.index(name)] = read
    return week


def parse_holidays(raw: Iterable[str | date | Mapping[str, Any]]) -> frozenset[date]:
    """Read ISO dates, or objects with a `date`, into days on which nobody is booked. Raises ValueError."""
    days: set[date] = set()
    for one in raw:
        value = one.get("date") if isinstance(one, Mapping) else one
        if isinstance(value, datetime):
            days.add(value.date())
        elif isinstance(value, date):
            days.add(value)
        else:
            try:
                days.add(date.fromisoformat(str(value)))
            except ValueError:
                raise ValueError(f'holidays: "{value}" is no date; write it as YYYY-MM-DD') from None
    return frozenset(days)


def parse_exceptions(
    raw: Iterable[Mapping[str, Any]], field: str = "exceptions"
) -> dict[tuple[date, str | None], Spans]:
    """Read `[{"dateFrom": "2026-12-24", "dateTo": …, "professional": …, "hours": [{"opens": …, "closes": …}]}]`.

    Without `dateTo` it is one day, without `professional` the clinic's, without `hours` closed; of two for the same day
    and person the later one holds. Raises ValueError naming the field.
    """
    found: dict[tuple[date, str | None], Spans] = {}
    for index, one in enumerate(raw):
        where = f"{field}[{index}]"
        first = _day(one.get("dateFrom"), f"{where}.dateFrom")
        last = first if one.get("dateTo") is None else _day(one["dateTo"], f"{where}.dateTo")
        days = (last - first).days + 1
        if not 0 < days <= MAX_EXCEPTION_DAYS:
            raise ValueError(f"{where}.dateTo: must be between dateFrom and {MAX_EXCEPTION_DAYS - 1} days later")
        spans = _disjoint(one.get("hours") or (), f"{where}.hours")
        for offset in range(days):
            found[first + timedelta(days=offset), one.get("professional")] = spans
    return found


def day_hours(
    day: date,
    clinic: Mapping[int, Spans],
    own: Mapping[int, Spans] | None = None,
    *,
    exceptions: Exceptions,
    professional: str | None = None,
) -> Spans:
    """Return the hours that hold on a day: of a professional (with `own` weekly hours or none), or of the clinic.

    An exception replaces the weekday's hours. Nobody works outside an exception of the clinic, so that closing a day
    closes it for all; whoever keeps the clinic's hours follows it, also to a day on which it is otherwise closed.
    """
    special = exceptions.get((day, None))
    theirs = exceptions.get((day, professional)) if professional is not None else None
    if theirs is None and own is None and special is not None:
        return special
    if theirs is None:
        theirs = (clinic if own is None else own).get(day.weekday(), ())
    return theirs if special is None else _common(theirs, special)


def _common(one: Spans, other: Spans) -> Spans:
    """Return what two days' stretches have in common."""
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple(sorted(pair for pair in pairs if pair[0] < pair[1]))


def _day(value: Any, field: str) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'{field}: "{value}" is no date; write it as YYYY-MM-DD') from None


def _disjoint(stretches: Iterable[Any], field: str) -> Spans:
    read = sorted(_stretch(one, field) for one in stretches)
    if any(following[0] < previous[1] for previous, following in pairwise(read)):
        raise ValueError(f"{field}: the stretches of hours overlap")
    return tuple(read)


def _stretch(raw: Any, field: str) -> tuple[int, int]:
    if isinstance(raw, Mapping):
        opens, closes = raw.get("opens"), raw.get("closes")
    else:
        opens, closes = raw
    start, end = parse_clock(str(opens), field), parse_clock(str(closes), field)
    if start >= end:
        raise ValueError(f"{field}: opens {opens} but closes {closes}; hours past midnight belong to the next day")
    return start, end


def address_text(raw: str | Mapping[str, Any] | None) -> str | None:
    """One line for a patient, from the profile's address: its ``text`` if it has one, else its fields in order."""
    if raw is None or isinstance(raw, str):
        return raw or None
    if raw.get("text"):
        return str(raw["text"])
    known = [str(raw[key]) for key in _ADDRESS_KEYS if raw.get(key)]
    others = [str(value) for key, value in raw.items() if key not in _ADDRESS_KEYS and value]
    return ", ".join(known + others) or None
