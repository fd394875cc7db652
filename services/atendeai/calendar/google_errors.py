"""What can go wrong with Google Calendar, sorted by what to do about it.

Source: developers.google.com, "Google Calendar API: handle API errors" and "Usage limits"; RFC 6749 section 5.2 for the
token endpoint. Messages never carry a response's body: it may hold what people wrote into their calendars.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

__all__ = ["LIMITS", "CalendarError", "Kind", "concerns_address", "from_response", "from_token_response"]

LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
"""Reasons of 403 and 429 that mean "later"."""


class Kind(StrEnum):
    """What an error means for the caller. The values are shown to staff and on the Clinic."""

    CREDENTIALS = "credentials"
    """The account's key or grant is refused: nothing works until the clinic gives another."""
    FORBIDDEN = "forbidden"
    """The account is known but has too small a role in the calendar."""
    NOT_FOUND = "not-found"
    """No such calendar, or it is not shared with the account; or no such event."""
    GONE = "gone"
    """The event was deleted."""
    TAKEN = "taken"
    """The event id is in use, perhaps by an event that was deleted."""
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"
    """Google does not answer, or answers that it cannot."""
    REJECTED = "rejected"
    """The request itself is refused: a fault of this program or of its configuration."""


_BY_STATUS: dict[int, Kind] = {
    httpx.codes.UNAUTHORIZED: Kind.CREDENTIALS,
    httpx.codes.FORBIDDEN: Kind.FORBIDDEN,
    httpx.codes.NOT_FOUND: Kind.NOT_FOUND,
    httpx.codes.CONFLICT: Kind.TAKEN,
    httpx.codes.GONE: Kind.GONE,
}


class CalendarError(Exception):
    """A call to Google that did not do what it should. `retry_after` is in seconds, as Google asked for."""

    def __init__(
        self, kind: Kind, message: str, *, retry_after: float | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.reason = reason

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later without anybody changing anything."""
        return self.kind in {Kind.RATE_LIMITED, Kind.UNAVAILABLE}


def from_response(response: httpx.Response) -> CalendarError:
    """Classify an error answer of the Calendar API."""
    reason = _reason(_body(response))
    status = response.status_code
    message = f"Google Calendar answered {status}" + (f" ({reason})" if reason else "")
    return CalendarError(_kind(status, reason), message, retry_after=_retry_after(response), reason=reason)


def concerns_address(response: httpx.Response) -> bool:
    """Whether Google refuses the address that a watch channel should tell, which it says with 400 or 401."""
    return (_reason(_body(response)) or "").startswith("push.")


def from_token_response(response: httpx.Response) -> CalendarError:
    """Classify an error answer of the token endpoint."""
    error = _body(response).get("error")
    reason = error if isinstance(error, str) else None
    status = response.status_code
    message = f"the token endpoint answered {status}" + (f" ({reason})" if reason else "")
    kind = Kind.CREDENTIALS
    if status == httpx.codes.TOO_MANY_REQUESTS:
        kind = Kind.RATE_LIMITED
    elif status >= httpx.codes.INTERNAL_SERVER_ERROR or reason in {"internal_failure", "temporarily_unavailable"}:
        kind = Kind.UNAVAILABLE
    return CalendarError(kind, message, retry_after=_retry_after(response), reason=reason)


def _kind(status: int, reason: str | None) -> Kind:
    if reason is not None and reason.startswith("push."):
        return Kind.REJECTED
    if status == httpx.codes.TOO_MANY_REQUESTS or reason in LIMITS:
        return Kind.RATE_LIMITED
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Kind.UNAVAILABLE
    return _BY_STATUS.get(status, Kind.REJECTED)


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(body: dict[str, Any]) -> str | None:
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    for one in error.get("errors") or ():
        if isinstance(one, dict) and isinstance(one.get("reason"), str):
            return str(one["reason"])[:64]
    return None


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
