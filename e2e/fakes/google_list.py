"""Listing events: time ranges, pages, and sync tokens, which come on the last page only and expire.

Source: developers.google.com, "Google Calendar API: events.list" and "synchronize resources efficiently".
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from fakes.google_errors import GoogleError
from fakes.google_fields import masked
from fakes.google_state import Calendar, edge, moment, shown

NOT_WITH_SYNC = (
    "timeMin",
    "timeMax",
    "updatedMin",
    "orderBy",
    "q",
    "iCalUID",
    "privateExtendedProperty",
    "sharedExtendedProperty",
)
MOST = 2500


def list_events(calendar: Calendar, query: dict[str, str], account: str) -> dict[str, Any]:
    """Answer one page to an account. Raises GoogleError."""
    sync = query.get("syncToken")
    since = 0
    if sync is not None:
        if any(name in query for name in NOT_WITH_SYNC) or query.get("showDeleted") == "false":
            raise GoogleError("invalid", "Sync token cannot be combined with these parameters.")
        token = _decode(sync)
        current = token is not None and token.get("calendar") == f"{calendar.id} {calendar.incarnation}"
        if token is None or not current or token["version"] < calendar.oldest_sync:
            raise GoogleError("fullSyncRequired")
        since = token["version"]
    page = _decode(query["pageToken"]) if "pageToken" in query else {"offset": 0, "version": calendar.version}
    if page is None:
        raise GoogleError("invalid", "Invalid page token value.")
    found = _selected(calendar, query, since)
    size = _size(query.get("maxResults"))
    start = page["offset"]
    answer: dict[str, Any] = {
        "kind": "calendar#events",
        "etag": f'"{calendar.version}"',
        "summary": calendar.id,
        "updated": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "timeZone": calendar.time_zone,
        "accessRole": calendar.acl[account],
        "items": [_listed(event) for event in found[start : start + size]],
    }
    if start + size < len(found):
        answer["nextPageToken"] = _encode(offset=start + size, version=page["version"])
    elif not query.get("orderBy"):
        # Changes made while the pages were read must show up in the next sync, so the first page's version counts.
        answer["nextSyncToken"] = _encode(calendar=f"{calendar.id} {calendar.incarnation}", version=page["version"])
    return masked(answer, query["fields"]) if "fields" in query else answer


def _listed(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as lists show it: of a deleted one, only its id is sure to be there."""
    if event["status"] == "cancelled":
        return {key: event[key] for key in ("kind", "etag", "id", "status")}
    return shown(event)


def _selected(calendar: Calendar, query: dict[str, str], since: int) -> list[dict[str, Any]]:
    deleted_too = query.get("showDeleted") == "true" or since > 0
    first = moment(query["timeMin"], "timeMin") if "timeMin" in query else None
    last = moment(query["timeMax"], "timeMax") if "timeMax" in query else None
    wanted = query.get("privateExtendedProperty")
    found = []
    for event in calendar.changed_since(since):
        if event["status"] == "cancelled" and not deleted_too:
            continue
        if (first and edge(event, "end") <= first) or (last and edge(event, "start") >= last):
            continue
        if wanted and wanted not in _properties(event):
            continue
        found.append(event)
    if query.get("orderBy") == "startTime":
        found.sort(key=lambda event: edge(event, "start"))
    return found


def _properties(event: dict[str, Any]) -> list[str]:
    private = event.get("extendedProperties", {}).get("private", {})
    return [f"{key}={value}" for key, value in private.items()]


def _size(given: str | None) -> int:
    if given is None:
        return 250
    if not given.isdigit() or int(given) < 1:
        raise GoogleError("invalid", "Invalid value for: maxResults")
    return min(int(given), MOST)


def _encode(**value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decode(token: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error):
        return None
    return value if isinstance(value, dict) and "version" in value else None
