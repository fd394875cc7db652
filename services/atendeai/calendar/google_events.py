"""What a Google Calendar event says, read from its JSON. Pure.

Source: the Event resource of developers.google.com/calendar/api/v3/reference. A deleted event is only sure to have its
id; all-day events carry dates of the calendar's own zone, the end exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atendeai.domain.slots import Interval

__all__ = ["SeenEvent", "event_path", "interval_of", "rfc3339", "seen", "takes_time", "zone_of"]


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event as Google showed it. `interval` is None where it was not told, as of deleted ones."""

    id: str
    cancelled: bool
    updated: datetime | None
    interval: Interval | None


def seen(event: Mapping[str, Any], zone: tzinfo) -> SeenEvent:
    """Read an event; `zone` is that of its calendar."""
    updated = event.get("updated")
    whole = all(isinstance(event.get(edge), dict) and event[edge] for edge in ("start", "end"))
    return SeenEvent(
        str(event.get("id", "")),
        event.get("status") == "cancelled",
        datetime.fromisoformat(updated) if updated else None,
        interval_of(event, zone) if whole else None,
    )


def interval_of(event: Mapping[str, Any], zone: tzinfo) -> Interval:
    """Return the time an event takes. Raises KeyError or ValueError when it has none."""

    def edge(which: str) -> datetime:
        given = event.get(which) or {}
        if given.get("dateTime"):
            return datetime.fromisoformat(given["dateTime"])
        return datetime.combine(datetime.fromisoformat(given["date"]).date(), time(), tzinfo=zone)

    return Interval(edge("start").astimezone(UTC), edge("end").astimezone(UTC))


def takes_time(event: Mapping[str, Any]) -> bool:
    """Whether an event makes its owner busy: not when deleted, shown as free or declined."""
    if event.get("status") == "cancelled" or event.get("transparency") == "transparent":
        return False
    own = [one for one in event.get("attendees") or () if one.get("self")]
    return not any(one.get("responseStatus") == "declined" for one in own)


def zone_of(name: Any) -> ZoneInfo:
    """Return the time zone of that name, UTC for one that nobody knows."""
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def rfc3339(moment: datetime) -> str:
    """Write a moment the way Google's parameters take it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def event_path(calendar_id: str, event_id: str | None = None) -> str:
    """Return the path of a calendar's events, or of one of them."""
    path = f"/calendar/v3/calendars/{quote(calendar_id, safe='')}/events"
    return path if event_id is None else f"{path}/{quote(event_id, safe='')}"
