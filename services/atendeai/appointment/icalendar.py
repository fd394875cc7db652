"""Writes a feed of appointments as iCalendar (RFC 5545), by the library of that name. Pure.

Moments are in UTC, so that no time zone has to be described. `REFRESH-INTERVAL` and `NAME` are RFC 7986's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Event

__all__ = ["CalendarEvent", "write_calendar"]

_EVERY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One VEVENT. `revision` counts its changes (SEQUENCE), `changed_at` is when the last one was made."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    status: str
    revision: int
    created_at: datetime
    changed_at: datetime


def write_calendar(name: str, time_zone: str, events: Iterable[CalendarEvent]) -> bytes:
    """Return a VCALENDAR named `name`. The same events give the same bytes."""
    from icalendar import Calendar, vText  # noqa: PLC0415 - costs each start what only a feed needs

    feed = Calendar()
    feed.add("VERSION", "2.0")
    feed.add("PRODID", "-//AtendeAI//Agenda//PT-BR")
    feed.add("CALSCALE", "GREGORIAN")
    feed.add("NAME", vText(_text(name)))  # the library knows neither property, and would not escape a bare text
    feed.add("X-WR-CALNAME", vText(_text(name)))
    feed.add("X-WR-TIMEZONE", _text(time_zone))
    feed.add("REFRESH-INTERVAL", _EVERY, parameters={"VALUE": "DURATION"})
    feed.add("X-PUBLISHED-TTL", "PT15M")
    for event in events:
        feed.add_component(_event(event))
    written: bytes = feed.to_ical()
    return written


def _event(event: CalendarEvent) -> Event:
    """DTSTAMP says when it was last revised, as there is no METHOD (section 3.8.7.2)."""
    from icalendar import Event  # noqa: PLC0415 - see above

    made = Event()
    made.add("UID", _text(event.uid))
    made.add("DTSTAMP", event.changed_at.astimezone(UTC))
    made.add("DTSTART", event.start.astimezone(UTC))
    made.add("DTEND", event.end.astimezone(UTC))
    made.add("SUMMARY", _text(event.summary))
    made.add("STATUS", event.status)
    made.add("SEQUENCE", event.revision)
    made.add("CREATED", event.created_at.astimezone(UTC))
    made.add("LAST-MODIFIED", event.changed_at.astimezone(UTC))
    made.add("CLASS", "PRIVATE")
    made.add("TRANSP", "OPAQUE")
    return made


def _text(value: str) -> str:
    """Text without the control characters that RFC 5545 forbids (section 3.3.11)."""
    return "".join(one for one in value if one in "\n\t" or (one >= " " and one != "\x7f"))
