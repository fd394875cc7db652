"""The calendars of the Google fake: events, what is busy, who may do what, and the change log behind sync tokens."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fakes.control import Faults, Log
from fakes.google_errors import GoogleError
from fakes.google_token import Tokens

EVENT_ID = re.compile(r"^[a-v0-9]{5,1024}$")
ROLES = ("freeBusyReader", "reader", "writer", "owner")
Role = Literal["freeBusyReader", "reader", "writer", "owner"]
MOST_EVENTS = 50_000
Interval = tuple[datetime, datetime]


def moment(value: Any, what: str) -> datetime:
    """Read an RFC 3339 time that names its offset. Raises GoogleError(invalid)."""
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise GoogleError("invalid", f"Invalid value for: {what}") from error
    if parsed.tzinfo is None:
        raise GoogleError("invalid", f"Invalid value for: {what}: no offset")
    return parsed


def edge(event: dict[str, Any], which: str) -> datetime:
    """Return when an event starts or ends; all-day dates count from midnight UTC. Raises GoogleError."""
    given = event.get(which)
    if not isinstance(given, dict) or not (given.get("dateTime") or given.get("date")):
        raise GoogleError("required", f"Missing {which} time.")
    if given.get("dateTime"):
        return moment(given["dateTime"], f"{which}.dateTime")
    return moment(f"{given['date']}T00:00:00+00:00", f"{which}.date")


def rfc3339(value: datetime) -> str:
    """Write a time the way the API answers."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Calendar:
    """One calendar."""

    def __init__(self, calendar_id: str, acl: dict[str, Role], time_zone: str) -> None:
        self.id, self.acl, self.time_zone = calendar_id, acl, time_zone
        self.events: dict[str, dict[str, Any]] = {}
        self.busy: list[Interval] = []
        self.version = 0
        self.incarnation = secrets.token_hex(4)
        """A calendar made anew under an old name is another one: sync tokens of the old one have expired."""
        self._updated = datetime.min.replace(tzinfo=UTC)
        self.oldest_sync = 0
        """Sync tokens given out before this version have expired."""

    def may(self, account: str, role: Role) -> None:
        """Check an account's role. Raises GoogleError: not found without any, forbidden with too little."""
        held = self.acl.get(account)
        if held is None:
            raise GoogleError("notFound")
        if ROLES.index(held) < ROLES.index(role):
            raise GoogleError("requiredAccessLevel")

    # ------------------------------------------------------------ events
    def insert(self, body: dict[str, Any], account: str) -> dict[str, Any]:
        """Create an event; an id once used stays taken, also after deletion. Raises GoogleError."""
        event_id = body.get("id") or secrets.token_hex(13)
        if not isinstance(event_id, str) or not EVENT_ID.match(event_id):
            raise GoogleError("invalid", "Invalid resource id value.")
        _check_times(body)
        if event_id in self.events:
            raise GoogleError("duplicate")
        if len(self.events) >= MOST_EVENTS:
            raise GoogleError("quotaExceeded")
        now = rfc3339(datetime.now(UTC))
        event = {
            **body,
            "kind": "calendar#event",
            "id": event_id,
            "status": body.get("status", "confirmed"),
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
            "created": now,
            "creator": {"email": account},
            "organizer": {"email": self.id, "self": True},
            "iCalUID": body.get("iCalUID") or f"{event_id}@google.com",
            "sequence": body.get("sequence", 0),
            "eventType": "default",
        }
        return self._put(event)

    def get(self, event_id: str) -> dict[str, Any]:
        """Return an event; a deleted one comes as cancelled. Raises GoogleError(notFound)."""
        if event_id not in self.events:
            raise GoogleError("notFound")
        return self.events[event_id]

    def change(
        self, event_id: str, body: dict[str, Any], *, etag: str | None = None, replace: bool = False
    ) -> dict[str, Any]:
        """Patch or replace an event; a deleted one only comes back with a status of its own. Raises GoogleError."""
        event = self.get(event_id)
        if event["status"] == "cancelled" and body.get("status") not in ("confirmed", "tentative"):
            raise GoogleError("deleted")
        if etag not in (None, "*", event["etag"]):
            raise GoogleError("conditionNotMet")
        fixed = {k: event[k] for k in ("kind", "id", "htmlLink", "created", "creator", "organizer", "iCalUID")}
        merged = {k: _merged(event[k], body[k], k) for k in ("start", "end") if body.get(k) and not replace}
        changed = {**({} if replace else event), **body, **merged, **fixed}
        changed.setdefault("status", "confirmed")
        changed = {key: value for key, value in changed.items() if value is not None}
        _check_times(changed)
        moved = any(changed.get(k) != event.get(k) for k in ("start", "end"))
        changed["sequence"] = event.get("sequence", 0) + (1 if moved else 0)
        return self._put(changed)

    def delete(self, event_id: str) -> None:
        """Cancel an event. Raises GoogleError: notFound, or deleted when it already is."""
        event = self.get(event_id)
        if event["status"] == "cancelled":
            raise GoogleError("deleted")
        self._put({**event, "status": "cancelled"})

    def _put(self, event: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        # Two changes never share a moment, as they hardly ever do at Google.
        self._updated = max(datetime.now(UTC), self._updated + timedelta(milliseconds=1))
        event["updated"] = self._updated.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event["etag"] = f'"{self.version}{hashlib.sha256(event["id"].encode()).hexdigest()[:8]}"'
        event["_version"] = self.version
        self.events[event["id"]] = event
        return event

    # ------------------------------------------------------------ reading
    def changed_since(self, version: int) -> list[dict[str, Any]]:
        """Return the events changed after a version, oldest change first."""
        return sorted((e for e in self.events.values() if e["_version"] > version), key=lambda e: e["_version"])

    def busy_between(self, start: datetime, end: datetime) -> list[Interval]:
        """Return the busy stretches inside a range, joined and in order."""
        taken = list(self.busy)
        taken.extend(
            (edge(event, "start"), edge(event, "end"))
            for event in self.events.values()
            if event["status"] != "cancelled" and event.get("transparency") != "transparent"
        )
        joined: list[Interval] = []
        for begins, ends in sorted(taken):
            begins, ends = max(begins, start), min(ends, end)  # noqa: PLW2901 - clipped to the range
            if begins >= ends:
                continue
            if joined and begins <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], ends))
            else:
                joined.append((begins, ends))
        return joined


def _merged(before: dict[str, Any], change: dict[str, Any], which: str) -> dict[str, Any]:
    """Patch one edge of an event, property by property. Raises GoogleError when it then has both a date and a time."""
    after = {key: value for key, value in {**before, **change}.items() if value is not None}
    if "date" in after and "dateTime" in after:
        raise GoogleError("invalid", f"Invalid {which} time.")
    return after


def _check_times(event: dict[str, Any]) -> None:
    if edge(event, "end") < edge(event, "start"):
        raise GoogleError("timeRangeEmpty")


def shown(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without what only the fake knows."""
    return {key: value for key, value in event.items() if not key.startswith("_")}


class GoogleState:
    """Everything in memory."""

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.calendars: dict[str, Calendar] = {}
        self.faults = Faults()
        self.calls = Log()
        self.channels: dict[str, dict[str, Any]] = {}

    def remembered(self) -> dict[str, Any]:
        """What Google would still know after a restart."""
        return {"tokens": self.tokens, "calendars": self.calendars, "channels": self.channels}

    def recall(self, memory: dict[str, Any]) -> None:
        """Put back what `remembered` gave."""
        self.tokens, self.calendars, self.channels = memory["tokens"], memory["calendars"], memory["channels"]

    def reset(self, *, accounts: bool) -> None:
        """Forget what happened; accounts and calendars too when told so."""
        self.faults.clear()
        self.calls.clear()
        self.channels.clear()
        for one in self.calendars.values():
            one.events.clear()
            one.busy.clear()
            one.version += 1
            one.oldest_sync = one.version
        if accounts:
            self.calendars.clear()
            self.tokens = Tokens()

    def calendar(self, calendar_id: str, account: str, role: Role) -> Calendar:
        """Return a calendar the account may use in that role. Raises GoogleError."""
        calendar = self.calendars.get(calendar_id)
        if calendar is None:
            raise GoogleError("notFound")
        calendar.may(account, role)
        return calendar

    def free_busy(self, account: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a free/busy query. Raises GoogleError for the query as a whole, names errors per calendar."""
        start, end = moment(body.get("timeMin"), "timeMin"), moment(body.get("timeMax"), "timeMax")
        if end <= start:
            raise GoogleError("timeRangeEmpty")
        if end - start > timedelta(days=93):
            raise GoogleError("timeRangeTooLong")
        items = body.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
            raise GoogleError("required", "Missing items[].id")
        calendars: dict[str, Any] = {}
        for item in items:
            if len(items) > 50:
                calendars[item["id"]] = _unread("tooManyCalendarsRequested")
                continue
            try:
                found = self.calendar(item["id"], account, "freeBusyReader")
            except GoogleError:
                calendars[item["id"]] = _unread("notFound")
                continue
            busy = [{"start": rfc3339(a), "end": rfc3339(b)} for a, b in found.busy_between(start, end)]
            calendars[item["id"]] = {"busy": busy}
        return {
            "kind": "calendar#freeBusy",
            "timeMin": rfc3339(start),
            "timeMax": rfc3339(end),
            "calendars": calendars,
        }


def _unread(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
