"""How the words of a clinic's profile are read: durations, opening hours, holidays.

Pure. The shapes are those of the Clinic resource (`profile.businessHours`, `profile.services[].duration`,
`profile.holidays`), plus the shorter pairs of the `converse` command's scene. Every error names the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

__all__ = ["WEEKDAYS", "parse_clock", "parse_duration", "parse_holidays", "parse_week"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


def parse_week(raw: Mapping[str, Sequence[Any]], field: str) -> dict[int, tuple[tuple[int, int], ...]]:
    """Read `{"mon": [{"opens": "08:00", "closes": "18:00"}], …}`; pairs `["08:00", "18:00"]` are read as well.

    Returns weekday (Monday is 0) to sorted stretches in minutes since midnight. Raises ValueError naming the field.
    """
    week: dict[int, tuple[tuple[int, int], ...]] = {}
    for name, stretches in raw.items():
        if name not in WEEKDAYS:
            raise ValueError(f'{field}: "{name}" is no weekday; use {", ".join(WEEKDAYS)}')
        read = sorted(_stretch(one, f"{field}.{name}") for one in stretches or ())
        if any(following[0] < previous[1] for previous, following in pairwise(read)):
            raise ValueError(f"{field}.{name}: the stretches of hours overlap")
        if read:
            week[WEEKDAYS.index(name)] = tuple(read)
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


def _stretch(raw: Any, field: str) -> tuple[int, int]:
    if isinstance(raw, Mapping):
        opens, closes = raw.get("opens"), raw.get("closes")
    else:
        opens, closes = raw
    start, end = parse_clock(str(opens), field), parse_clock(str(closes), field)
    if start >= end:
        raise ValueError(f"{field}: opens {opens} but closes {closes}; hours past midnight belong to the next day")
    return start, end
