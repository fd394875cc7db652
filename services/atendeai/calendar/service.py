"""Keeps the professionals' calendars in step with the appointments, and reads what else is in them.

Every operation may be repeated: the appointment service's work queue calls again after a failure or a crash, and the
deterministic event ids let the second call find what the first one did.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from atendeai.calendar.google_client import GoogleCalendar
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_tokens import TokenSource
from atendeai.calendar.models import EventRequest
from atendeai.calendar.repository import EventRepository, EventRow, event_id
from atendeai.domain.slots import Interval, merge, subtract
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Busy", "CalendarService", "CalendarStatus"]

_OWNER = "atendeaiAppointment"
_CLINIC = "atendeaiClinic"
READ_SECONDS = 5.0
WRITE_SECONDS = 6.0
"""A caller gives up after ten seconds and would call again beside us: answer before that."""
_MOST_ATTEMPTS = 50
"""How often an event of one appointment may be deleted by hand and made again."""


@dataclass(frozen=True, slots=True)
class Busy:
    """What is taken, and what could not be read and why; keyed as it was asked for."""

    busy: dict[str, list[Interval]] = field(default_factory=dict)
    unavailable: dict[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CalendarStatus:
    """Whether the clinic's calendars can be read. `reason` is the worst of them."""

    provider: str
    ready: bool
    reason: str | None
    calendars: list[dict[str, Any]]


class CalendarService:
    """What the calendar service does, for one clinic at a time."""

    def __init__(self, database: Database, http: httpx.AsyncClient) -> None:
        self._database = database
        self._http = http
        self._tokens = TokenSource(http)

    # ------------------------------------------------------------------ reading

    async def busy_of(self, tenant: Tenant, codes: Sequence[str], start: datetime, end: datetime) -> Busy:
        """Return what is taken of professionals' time. Never raises for a calendar that cannot be read: it says so.

        Where several professionals share one calendar, the clinic's own appointments in it are left out: whose they
        are is known to the appointment service, and they must not make everybody busy.
        """
        google = self._google(tenant)
        if google is None:
            return Busy({code: [] for code in codes})
        by_calendar: dict[str, list[str]] = {}
        unavailable: dict[str, Kind] = {}
        for code in dict.fromkeys(codes):
            calendar_id = _calendar_of(tenant, code)
            if calendar_id is None:
                unavailable[code] = Kind.NOT_FOUND
            else:
                by_calendar.setdefault(calendar_id, []).append(code)
        found = await self._read(tenant, google, list(by_calendar), start, end)
        busy = {code: taken for name, taken in found.busy.items() for code in by_calendar[name]}
        unavailable |= {code: kind for name, kind in found.unavailable.items() for code in by_calendar[name]}
        return Busy(busy, unavailable)

    async def busy_calendars(self, tenant: Tenant, calendar_ids: Sequence[str], start: datetime, end: datetime) -> Busy:
        """Return what is taken in calendars named by their id."""
        google = self._google(tenant)
        if google is None:
            return Busy({calendar_id: [] for calendar_id in calendar_ids})
        return await self._read(tenant, google, list(dict.fromkeys(calendar_ids)), start, end)

    async def status(self, tenant: Tenant) -> CalendarStatus:
        """Try to read every calendar of the clinic."""
        provider = tenant.config.settings.calendar.provider
        codes = [person.code for person in tenant.config.profile.professionals]
        if self._google(tenant) is None:
            return CalendarStatus(provider, True, None, [])
        start = clock.now()
        if codes:
            found = await self.busy_of(tenant, codes, start, start + timedelta(hours=1))
        else:
            only = tenant.config.settings.calendar.calendar_id
            found = await self.busy_calendars(tenant, [only] if only else [], start, start + timedelta(hours=1))
        calendars = [
            {
                "professional_code": code,
                "readable": code not in found.unavailable,
                "reason": found.unavailable.get(code),
            }
            for code in codes
        ]
        reason = next(iter(found.unavailable.values()), None)
        return CalendarStatus(provider, not found.unavailable, reason, calendars)

    async def events(self, tenant: Tenant, start: datetime, end: datetime) -> list[EventRow]:
        """Return the events that this clinic's appointments have in `[start, end)`."""
        async with self._database.transaction(tenant) as connection:
            return await EventRepository(connection, tenant.id).between(start, end)

    # ------------------------------------------------------------------ writing

    async def put(self, tenant: Tenant, appointment_id: UUID, wanted: EventRequest) -> EventRow | None:
        """Make the appointment's event be as wanted; None when the clinic keeps no calendar.

        Raises CalendarError. Moving to another professional's calendar deletes the event in the former one.
        """
        google = self._google(tenant)
        if google is None:
            return None
        calendar_id = _calendar_of(tenant, wanted.professional_code)
        if calendar_id is None:
            raise CalendarError(Kind.NOT_FOUND, "neither the professional nor the clinic has a calendarId")
        row = await self._row(tenant, appointment_id)
        if row is not None and row.version > wanted.version:
            return row
        if row is not None and row.calendar_id != calendar_id and row.state != "deleted":
            async with _within(WRITE_SECONDS / 2):
                row = await self._remove(tenant, google, row, row.version)
        attempt = 0
        if row is not None and row.calendar_id == calendar_id:
            attempt = row.attempt + (1 if row.state == "deleted" else 0)
        known = row is not None and row.calendar_id == calendar_id and row.state == "live"
        target = EventRow(
            appointment_id,
            wanted.professional_code,
            calendar_id,
            attempt,
            "writing",
            wanted.version,
            wanted.start,
            wanted.end,
        )
        if not known:
            await self._save(tenant, target)
        body = _body(tenant, appointment_id, wanted)
        async with _within(WRITE_SECONDS):
            written = await self._write(google, target, body, known=known)
        live = replace(target, attempt=written, state="live")
        await self._save(tenant, live)
        return live

    async def delete(self, tenant: Tenant, appointment_id: UUID, version: int) -> None:
        """Take the appointment's event out of the calendar, if it has one. Raises CalendarError."""
        google = self._google(tenant)
        row = await self._row(tenant, appointment_id)
        if google is None or row is None or row.state == "deleted" or row.version > version:
            return
        async with _within(WRITE_SECONDS):
            await self._remove(tenant, google, row, version)

    async def _write(self, google: GoogleCalendar, target: EventRow, body: dict[str, Any], *, known: bool) -> int:
        """Patch or insert; return the attempt under which the event now stands."""
        if known and await self._patched(google, target, event_id(target.appointment_id, target.attempt), body):
            return target.attempt
        first = target.attempt + (1 if known else 0)
        for attempt in range(first, first + _MOST_ATTEMPTS):
            name = event_id(target.appointment_id, attempt)
            try:
                await google.insert_event(target.calendar_id, {**body, "id": name})
            except CalendarError as error:
                if error.kind is not Kind.TAKEN:
                    raise
                if await self._take_over(google, target, name, body):
                    return attempt
            else:
                return attempt
        raise CalendarError(Kind.REJECTED, f"every event id of appointment {target.appointment_id} is taken")

    async def _patched(self, google: GoogleCalendar, target: EventRow, name: str, body: dict[str, Any]) -> bool:
        """Change an event; False when somebody deleted it."""
        try:
            changed = await google.patch_event(target.calendar_id, name, body)
        except CalendarError as error:
            if error.kind in {Kind.GONE, Kind.NOT_FOUND}:
                return False
            raise
        return changed.get("status") != "cancelled"

    async def _take_over(self, google: GoogleCalendar, target: EventRow, name: str, body: dict[str, Any]) -> bool:
        """Adopt an event an earlier, interrupted call made; False when the id belongs to a deleted or foreign one."""
        there = await google.get_event(target.calendar_id, name)
        private = (there.get("extendedProperties") or {}).get("private") or {}
        if there.get("status") == "cancelled" or private.get(_OWNER) != str(target.appointment_id):
            return False
        return await self._patched(google, target, name, body)

    async def _remove(self, tenant: Tenant, google: GoogleCalendar, row: EventRow, version: int) -> EventRow:
        """Delete the event of a row, and those of attempts an interrupted call may have made without noting them."""
        attempt = row.attempt
        await google.delete_event(row.calendar_id, event_id(row.appointment_id, attempt))
        while row.state == "writing" and attempt < row.attempt + _MOST_ATTEMPTS:
            name = event_id(row.appointment_id, attempt + 1)
            try:
                await google.get_event(row.calendar_id, name)
            except CalendarError as error:
                if error.kind not in {Kind.NOT_FOUND, Kind.GONE}:
                    raise
                break
            await google.delete_event(row.calendar_id, name)
            attempt += 1
        gone = replace(row, attempt=attempt, state="deleted", version=max(row.version, version))
        await self._save(tenant, gone)
        return gone

    # ------------------------------------------------------------------ plumbing

    async def _read(
        self, tenant: Tenant, google: GoogleCalendar, calendar_ids: list[str], start: datetime, end: datetime
    ) -> Busy:
        if not calendar_ids:
            return Busy()
        try:
            async with _within(READ_SECONDS):
                found = await google.free_busy(calendar_ids, start, end)
        except CalendarError as error:
            return Busy({}, dict.fromkeys(calendar_ids, error.kind))
        busy, unavailable = dict(found.busy), dict(found.unreadable)
        shared = [name for name in busy if len(_people_of(tenant, name)) > 1]
        if shared:
            async with self._database.transaction(tenant) as connection:
                ours = await EventRepository(connection, tenant.id).between(
                    start, end, calendar_ids=shared, limit=10_000
                )
            for name in shared:
                own = [Interval(row.starts_at, row.ends_at) for row in ours if row.calendar_id == name]
                if not any(mine.overlaps(taken) for mine in own for taken in busy[name]):
                    continue
                try:
                    async with _within(READ_SECONDS / 2):
                        foreign = await google.foreign_busy(name, start, end, f"{_CLINIC}={tenant.id}")
                except CalendarError as error:
                    unavailable[name] = error.kind
                    del busy[name]
                    continue
                busy[name] = _without(busy[name], own, foreign)
        return Busy(busy, unavailable)

    def _google(self, tenant: Tenant) -> GoogleCalendar | None:
        settings = tenant.config.settings.calendar
        if settings.provider != "Google":
            return None
        return GoogleCalendar(
            http=self._http,
            tokens=self._tokens,
            clinic_id=tenant.id,
            credentials=tenant.config.credentials.calendar,
            base_url=settings.base_url,
            token_url=settings.token_url,
        )

    async def _row(self, tenant: Tenant, appointment_id: UUID) -> EventRow | None:
        async with self._database.transaction(tenant) as connection:
            return await EventRepository(connection, tenant.id).get(appointment_id)

    async def _save(self, tenant: Tenant, row: EventRow) -> None:
        async with self._database.transaction(tenant) as connection:
            await EventRepository(connection, tenant.id).save(row, now=clock.now())


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Bound all calls and repetitions inside. Raises CalendarError, kind UNAVAILABLE, when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise CalendarError(Kind.UNAVAILABLE, f"Google Calendar took longer than {seconds:g} s") from error


def _without(busy: Iterable[Interval], own: Iterable[Interval], foreign: Iterable[Interval]) -> list[Interval]:
    """Take the clinic's own appointments out of busy time, but leave what somebody else put over them."""
    left = list(busy)
    for one in own:
        left = subtract(left, one)
    return merge([*left, *foreign])


def _calendar_of(tenant: Tenant, professional_code: str) -> str | None:
    person = next((one for one in tenant.config.profile.professionals if one.code == professional_code), None)
    if person is not None and person.calendar_id:
        return person.calendar_id
    # Somebody who has left the profile may still have appointments: their events stay in the clinic's calendar.
    return tenant.config.settings.calendar.calendar_id


def _people_of(tenant: Tenant, calendar_id: str) -> list[str]:
    return [one.code for one in tenant.config.profile.professionals if _calendar_of(tenant, one.code) == calendar_id]


def _body(tenant: Tenant, appointment_id: UUID, wanted: EventRequest) -> dict[str, Any]:
    zone = tenant.config.settings.timezone
    return {
        "summary": wanted.summary,
        "description": wanted.description,
        "start": {"dateTime": wanted.start.astimezone(tenant.config.tz).isoformat(), "timeZone": zone},
        "end": {"dateTime": wanted.end.astimezone(tenant.config.tz).isoformat(), "timeZone": zone},
        "transparency": "opaque",
        "extendedProperties": {"private": {_OWNER: str(appointment_id), _CLINIC: str(tenant.id)}},
    }
