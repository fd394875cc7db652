"""Google Calendar API v3, the few calls this service needs, over httpx.

Source: developers.google.com/calendar/api/v3/reference (freebusy.query, events.insert/get/patch/delete/list).
Every call has a deadline; what Google says is temporary (403 with a rate limit, 429, 5xx) is tried again with truncated
exponential pauses, jittered, as "Usage limits" of the same documentation asks for: a few times where somebody waits,
longer in the background. Then it is left to the caller, whose work is durable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from atendeai.calendar.google_errors import LIMITS, CalendarError, Kind, concerns_address, from_response
from atendeai.calendar.google_events import event_path, interval_of, rfc3339, takes_time, zone_of
from atendeai.calendar.google_tokens import TokenSource
from atendeai.calendar.metrics import GOOGLE
from atendeai.domain.slots import Interval, merge

__all__ = ["IN_BACKGROUND", "IN_REQUEST", "MOST_CALENDARS", "FreeBusy", "GoogleCalendar", "Patience"]

MOST_CALENDARS = 50
"""`calendarExpansionMax` of freebusy.query."""
_LONGEST_QUERY = timedelta(days=60)
"""Google refuses long ranges (timeRangeTooLong, about three months): longer ones are asked for in parts."""
_MOST_PAGES = 20
_TIMES_ONLY = (
    "items(status,transparency,start,end,attendees(self,responseStatus),extendedProperties/private),"
    "nextPageToken,timeZone"
)
"""What people write into their calendars does not leave Google."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried and how long one pause may get, in seconds; pauses start below `first` and double."""

    attempts: int
    first: float
    longest: float


IN_REQUEST = Patience(attempts=3, first=0.3, longest=2.0)
IN_BACKGROUND = Patience(attempts=4, first=1.0, longest=8.0)
"""The queue's own pauses come after these, up to half an hour; until then the other clinics' calendars wait less."""


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """What is busy, by calendar, and which calendars could not be read and why."""

    busy: dict[str, list[Interval]] = field(default_factory=dict)
    unreadable: dict[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoogleCalendar:
    """One clinic's access to Google Calendar. Cheap to make: the connections and tokens are shared."""

    http: httpx.AsyncClient
    tokens: TokenSource
    clinic_id: UUID
    credentials: Mapping[str, str] = field(repr=False)
    base_url: str
    token_url: str
    patience: Patience = IN_REQUEST
    granted_at: datetime | None = None
    """When a person gave the consent that is used, if it is one."""

    async def free_busy(self, calendar_ids: Sequence[str], start: datetime, end: datetime) -> FreeBusy:
        """Ask what is busy in `[start, end)`. Raises CalendarError when nothing at all could be learnt."""
        busy: dict[str, list[Interval]] = {calendar_id: [] for calendar_id in calendar_ids}
        unreadable: dict[str, Kind] = {}
        for part_start, part_end in _parts(start, end):
            for at in range(0, len(calendar_ids), MOST_CALENDARS):
                some = calendar_ids[at : at + MOST_CALENDARS]
                body = {
                    "timeMin": rfc3339(part_start),
                    "timeMax": rfc3339(part_end),
                    "items": [{"id": calendar_id} for calendar_id in some],
                }
                answer = await self.call("POST", "/calendar/v3/freeBusy", json=body, again=True)
                calendars = answer.get("calendars") or {}
                for calendar_id in some:
                    one = calendars.get(calendar_id)
                    if one is None or one.get("errors"):
                        unreadable[calendar_id] = _why(one)
                    else:
                        busy[calendar_id].extend(_interval(stretch) for stretch in one.get("busy") or ())
        readable = {name: merge(found) for name, found in busy.items() if name not in unreadable}
        return FreeBusy(readable, unreadable)

    async def foreign_busy(self, calendar_id: str, start: datetime, end: datetime, ours: str) -> list[Interval]:
        """Return what other people's events take up: those without the private property `ours` (`name=value`).

        Raises CalendarError.
        """
        name, _, value = ours.partition("=")
        found: list[Interval] = []
        page: str | None = None
        for _ in range(_MOST_PAGES):
            query = {
                "timeMin": rfc3339(start),
                "timeMax": rfc3339(end),
                "singleEvents": "true",
                "maxResults": "2500",
                "fields": _TIMES_ONLY,
            } | ({"pageToken": page} if page else {})
            answer = await self.call("GET", event_path(calendar_id), params=query, again=True)
            zone = zone_of(answer.get("timeZone"))
            for event in answer.get("items") or ():
                private = (event.get("extendedProperties") or {}).get("private") or {}
                if private.get(name) != value and takes_time(event):
                    found.append(interval_of(event, zone))
            page = answer.get("nextPageToken")
            if not page:
                return merge(found)
        raise CalendarError(Kind.REJECTED, f"the calendar has more than {_MOST_PAGES} pages of events in this range")

    async def get_event(self, calendar_id: str, event_id: str) -> dict[str, Any]:
        """Return an event; a deleted one comes with status "cancelled". Raises CalendarError."""
        return await self.call("GET", event_path(calendar_id, event_id), again=True)

    async def insert_event(self, calendar_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an event under the id in its body. Raises CalendarError, kind TAKEN when the id is in use."""
        return await self.call("POST", event_path(calendar_id), json=body, params={"sendUpdates": "none"})

    async def patch_event(self, calendar_id: str, event_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change an event. Raises CalendarError, kinds NOT_FOUND and GONE among them."""
        path = event_path(calendar_id, event_id)
        return await self.call("PATCH", path, json=body, params={"sendUpdates": "none"}, again=True)

    async def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Delete an event; that it is not there any more is no error. Raises CalendarError."""
        try:
            await self.call("DELETE", event_path(calendar_id, event_id), params={"sendUpdates": "none"}, again=True)
        except CalendarError as error:
            if error.kind not in {Kind.GONE, Kind.NOT_FOUND}:
                raise

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> dict[str, Any]:
        """Call Google and return its JSON. Raises CalendarError.

        `again` says that the call may be repeated when nobody knows whether it was carried out.
        """

        def worth_it(error: BaseException) -> bool:
            if not isinstance(error, CalendarError):
                return False
            return error.kind is Kind.RATE_LIMITED or (again and error.kind is Kind.UNAVAILABLE)

        async for attempt in AsyncRetrying(
            retry=retry_if_exception(worth_it),
            stop=stop_after_attempt(self.patience.attempts),
            wait=_Pause(self.patience),
            reraise=True,
        ):
            with attempt, _timed(method):
                return await self._once(method, path, json, params)
        raise AssertionError("tenacity either returns or raises")

    async def _once(
        self, method: str, path: str, json: Mapping[str, Any] | None, params: Mapping[str, str] | None
    ) -> dict[str, Any]:
        for fresh in (False, True):
            token = await self.tokens.token(self.clinic_id, self.credentials, self.token_url)
            try:
                response = await self.http.request(
                    method,
                    self.base_url.rstrip("/") + path,
                    json=json,
                    params=params,
                    headers={"Authorization": f"Bearer {token}"},
                )
            except httpx.HTTPError as error:
                message = f"Google Calendar does not answer: {type(error).__name__}"
                raise CalendarError(Kind.UNAVAILABLE, message) from error
            if response.status_code == httpx.codes.UNAUTHORIZED and not fresh and not concerns_address(response):
                # The token may have been revoked before its time: one try with a new one.
                self.tokens.forget(self.clinic_id)
                continue
            return _answer(response)
        raise AssertionError("the second round returns or raises")


@contextmanager
def _timed(method: str) -> Iterator[None]:
    started = perf_counter()
    outcome = "cancelled"
    try:
        yield
        outcome = "ok"
    except CalendarError as error:
        outcome = error.kind.value
        raise
    finally:
        GOOGLE.labels(method, outcome).observe(perf_counter() - started)


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise from_response(response)
    if not response.content:
        return {}
    try:
        body = response.json()
    except ValueError as error:
        raise CalendarError(Kind.UNAVAILABLE, "Google Calendar gave an answer that is not JSON") from error
    return body if isinstance(body, dict) else {}


class _Pause:
    """Waits as long as Google asks for, within reason; else exponentially longer, jittered. Seconds."""

    def __init__(self, patience: Patience) -> None:
        self._longest = patience.longest
        self._backoff = wait_random_exponential(multiplier=patience.first, max=patience.longest)

    def __call__(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, CalendarError) else None
        return min(asked, self._longest) if asked is not None else float(self._backoff(state))


def _parts(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(start + _LONGEST_QUERY, end)
        yield start, until
        start = until


def _why(one: Mapping[str, Any] | None) -> Kind:
    reasons = {str(error.get("reason")) for error in (one or {}).get("errors") or () if isinstance(error, dict)}
    if "notFound" in reasons:
        return Kind.NOT_FOUND
    if reasons & LIMITS:
        return Kind.RATE_LIMITED
    return Kind.UNAVAILABLE if reasons <= {"internalError", "backendError"} else Kind.FORBIDDEN


def _interval(stretch: Mapping[str, str]) -> Interval:
    return Interval(datetime.fromisoformat(stretch["start"]), datetime.fromisoformat(stretch["end"]))
