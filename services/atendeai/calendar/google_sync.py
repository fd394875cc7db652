"""Google Calendar's changes: incremental listing with sync tokens, and the watch channels that say when to look.

Source: developers.google.com, "Google Calendar API: synchronize resources efficiently" and "get push notifications".
Of events only ids, states and times are asked for: what people write into their calendars does not leave Google.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from atendeai.calendar.google_client import GoogleCalendar
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_events import SeenEvent, event_path, rfc3339, seen, zone_of

__all__ = ["CHANNEL_LIFETIME", "ChangesPage", "OpenedChannel", "changes", "open_channel", "stop_channel"]

_FIELDS = "items(id,status,updated,start,end),nextPageToken,nextSyncToken,timeZone,accessRole"
_READ_ONLY = frozenset({"none", "freeBusyReader", "reader"})
_MOST_PAGES = 200
CHANNEL_LIFETIME = timedelta(days=7)
"""Asked for; Google grants this or less and says how much."""


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Some of what changed. The sync token comes with the last page only; `writable`: whether we may write there."""

    events: list[SeenEvent]
    next_sync_token: str | None
    writable: bool


@dataclass(frozen=True, slots=True)
class OpenedChannel:
    """A channel as Google opened it."""

    resource_id: str
    expires_at: datetime


async def changes(
    google: GoogleCalendar, calendar_id: str, *, sync_token: str | None, since: datetime
) -> AsyncIterator[ChangesPage]:
    """Yield what changed since the token was given out; without one, all events that end after `since`.

    Raises CalendarError, kind GONE when the token has expired and everything must be listed anew.
    """
    query = {"maxResults": "2500", "fields": _FIELDS, "showDeleted": "true"}
    # A token remembers the range it began with; the two exclude each other.
    query |= {"syncToken": sync_token} if sync_token else {"timeMin": rfc3339(since)}
    for _ in range(_MOST_PAGES):
        answer = await google.call("GET", event_path(calendar_id), params=query, again=True)
        zone = zone_of(answer.get("timeZone"))
        last = answer.get("nextSyncToken")
        writable = answer.get("accessRole") not in _READ_ONLY
        yield ChangesPage([seen(event, zone) for event in answer.get("items") or ()], last, writable)
        if last:
            return
        if not answer.get("nextPageToken"):
            raise CalendarError(Kind.UNAVAILABLE, "the last page of changes came without a sync token")
        query["pageToken"] = answer["nextPageToken"]
    raise CalendarError(Kind.REJECTED, f"the calendar has more than {_MOST_PAGES} pages of changes")


async def open_channel(
    google: GoogleCalendar, calendar_id: str, channel_id: UUID, token: str, address: str
) -> OpenedChannel:
    """Have Google tell `address` of every change. Raises CalendarError, kind REJECTED when it refuses the address."""
    body = {
        "id": str(channel_id),
        "type": "web_hook",
        "address": address,
        "token": token,
        "params": {"ttl": str(int(CHANNEL_LIFETIME.total_seconds()))},
    }
    answer = await google.call("POST", f"{event_path(calendar_id)}/watch", json=body)
    try:
        expires = datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
        return OpenedChannel(str(answer["resourceId"]), expires)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CalendarError(Kind.UNAVAILABLE, "Google opened a channel without saying which or until when") from error


async def stop_channel(google: GoogleCalendar, channel_id: UUID, resource_id: str) -> None:
    """End a channel; that it has ended already is no error. Raises CalendarError."""
    body = {"id": str(channel_id), "resourceId": resource_id}
    try:
        await google.call("POST", "/calendar/v3/channels/stop", json=body, again=True)
    except CalendarError as error:
        if error.kind not in {Kind.NOT_FOUND, Kind.GONE}:
            raise
