"""Keeps the professionals' calendars in step with the appointments, and reads what else is in them.

Every operation may be repeated: the appointment service's work queue calls again after a failure or a crash, and the
deterministic event ids let the second call find what the first one did. A row is `writing` while Google is asked, so
that what Google then shows of our own writing is taken for nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from atendeai.calendar.access import Access, calendar_of, people_of
from atendeai.calendar.google_client import GoogleCalendar
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_events import SeenEvent, seen
from atendeai.calendar.models import EventRequest
from atendeai.calendar.repository import Conflict, EventRepository, EventRow, event_id
from atendeai.calendar.sync_repository import SyncRepository
from atendeai.domain.slots import Interval, merge, subtract
from atendeai.kit import clock
from atendeai.kit.paging import Window
from atendeai.kit.tenancy import Tenant

__all__ = ["CLINIC_PROPERTY", "Busy", "CalendarService"]

_OWNER = "atendeaiAppointment"
CLINIC_PROPERTY = "atendeaiClinic"
"""Private property of our events that names the clinic."""
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


class CalendarService:
    """What the calendar service does, for one clinic at a time."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._database = access.database

    # ------------------------------------------------------------------ reading

    async def busy_of(self, tenant: Tenant, codes: Sequence[str], start: datetime, end: datetime) -> Busy:
        """Return what is taken of professionals' time. Never raises for a calendar that cannot be read: it says so.

        Where several professionals share one calendar, the clinic's own appointments in it are left out: whose they
        are is known to the appointment service, and they must not make everybody busy.
        """
        google = await self._access.google(tenant)
        if google is None:
            return Busy({code: [] for code in codes})
        by_calendar: dict[str, list[str]] = {}
        unavailable: dict[str, Kind] = {}
        for code in dict.fromkeys(codes):
            calendar_id = calendar_of(tenant, code)
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
        google = await self._access.google(tenant)
        if google is None:
            return Busy({calendar_id: [] for calendar_id in calendar_ids})
        return await self._read(tenant, google, list(dict.fromkeys(calendar_ids)), start, end)

    async def events(self, tenant: Tenant, start: datetime, end: datetime, window: Window) -> list[EventRow]:
        """Return the events that this clinic's appointments have in `[start, end)`: those of a window."""
        async with self._database.transaction(tenant) as connection:
            return await EventRepository(connection, tenant.id).between(start, end, window=window)

    # ------------------------------------------------------------------ writing

    async def put(self, tenant: Tenant, appointment_id: UUID, wanted: EventRequest) -> EventRow | None:
        """Make the appointment's event be as wanted; None when the clinic keeps no calendar.

        Raises CalendarError. Moving to another professional's calendar deletes the event in the former one.
        """
        google = await self._access.google(tenant)
        if google is None:
            return None
        async with self._access.noting(tenant, google):
            return await self._put(tenant, google, appointment_id, wanted)

    async def _put(
        self, tenant: Tenant, google: GoogleCalendar, appointment_id: UUID, wanted: EventRequest
    ) -> EventRow:
        calendar_id = calendar_of(tenant, wanted.professional_code)
        if calendar_id is None:
            raise CalendarError(Kind.NOT_FOUND, "neither the professional nor the clinic has a calendarId")
        row = await self._row(tenant, appointment_id)
        if row is not None and row.version > wanted.version:
            return row
        if row is not None and row.calendar_id != calendar_id and row.state != "deleted":
            async with _within(WRITE_SECONDS / 2):
                row = await self._remove(tenant, google, row, row.version)
        same_calendar = row is not None and row.calendar_id == calendar_id
        target = EventRow(
            appointment_id,
            wanted.professional_code,
            calendar_id,
            row.attempt + (1 if row.state == "deleted" else 0) if row is not None and same_calendar else 0,
            "writing",
            wanted.version,
            wanted.start,
            wanted.end,
            row.google_updated_at if row is not None and same_calendar else None,
            _conflict(row, Interval(wanted.start, wanted.end)),
            row.told if row is not None else 0,
        )
        await self._save(tenant, target)
        known = row if same_calendar and row is not None and row.state == "live" else None
        body = _body(tenant, appointment_id, wanted)
        async with _within(WRITE_SECONDS):
            live = await self._changed(google, target, body, known, tenant) if known is not None else None
            # Who deletes an event means its appointment: that is still to be handed on, unless it has another time now.
            deleted = live is None and known is not None and known.interval == target.interval
            if live is None and deleted:
                live = replace(target, state="live")
            if live is None:
                live = await self._made(google, target, body, tenant, anew=known is not None)
        async with self._database.transaction(tenant) as connection:
            await EventRepository(connection, tenant.id).save(live, now=clock.now())
            if deleted:
                # Google may have told it just now, while the event was in our hands: nothing is to be missed.
                await SyncRepository(connection, tenant.id).anew(calendar_id)
        return live

    async def delete(self, tenant: Tenant, appointment_id: UUID, version: int) -> None:
        """Take the appointment's event out of the calendar, if it has one. Raises CalendarError."""
        google = await self._access.google(tenant)
        row = await self._row(tenant, appointment_id)
        if google is None or row is None or row.state == "deleted" or row.version > version:
            return
        async with self._access.noting(tenant, google), _within(WRITE_SECONDS):
            await self._remove(tenant, google, row, version)

    async def _changed(
        self, google: GoogleCalendar, target: EventRow, body: dict[str, Any], known: EventRow, tenant: Tenant
    ) -> EventRow | None:
        """Patch an event that is there; return the row as it then stands, None when somebody deleted the event."""
        # What keeps its time is not moved back: where somebody has just moved it, that is still to be handed on.
        moves = known.interval != target.interval
        change = body if moves else {key: value for key, value in body.items() if key not in {"start", "end"}}
        event = await self._patched(google, target, target.name, change, tenant)
        if event is None:
            return None
        ours = moves or event.interval == target.interval
        return replace(target, state="live", google_updated_at=event.updated if ours else known.google_updated_at)

    async def _made(
        self, google: GoogleCalendar, target: EventRow, body: dict[str, Any], tenant: Tenant, *, anew: bool
    ) -> EventRow:
        """Insert the event under the first id that is free, the target's own or (`anew`) the next."""
        first = target.attempt + anew
        for attempt in range(first, first + _MOST_ATTEMPTS):
            name = event_id(target.appointment_id, attempt)
            event = None
            try:
                made = await google.insert_event(target.calendar_id, {**body, "id": name})
                event = seen(made, tenant.config.tz)
            except CalendarError as error:
                if error.kind is not Kind.TAKEN:
                    raise
                event = await self._take_over(google, target, name, body, tenant)
            if event is not None:
                return replace(target, attempt=attempt, state="live", google_updated_at=event.updated)
        raise CalendarError(Kind.REJECTED, f"every event id of appointment {target.appointment_id} is taken")

    async def _patched(
        self, google: GoogleCalendar, target: EventRow, name: str, body: dict[str, Any], tenant: Tenant
    ) -> SeenEvent | None:
        """Change an event; None when somebody deleted it."""
        # Google merges what is nested: a time beside the date of an event that somebody made all-day is refused.
        try:
            change = body | {edge: {"date": None, **body[edge]} for edge in ("start", "end") if edge in body}
            changed = seen(await google.patch_event(target.calendar_id, name, change), tenant.config.tz)
        except CalendarError as error:
            if error.kind in {Kind.GONE, Kind.NOT_FOUND}:
                return None
            raise
        return None if changed.cancelled else changed

    async def _take_over(
        self, google: GoogleCalendar, target: EventRow, name: str, body: dict[str, Any], tenant: Tenant
    ) -> SeenEvent | None:
        """Adopt an event an earlier, interrupted call made; None when the id belongs to a deleted or foreign one."""
        there = await google.get_event(target.calendar_id, name)
        private = (there.get("extendedProperties") or {}).get("private") or {}
        if there.get("status") == "cancelled" or private.get(_OWNER) != str(target.appointment_id):
            return None
        return await self._patched(google, target, name, body, tenant)

    async def _remove(self, tenant: Tenant, google: GoogleCalendar, row: EventRow, version: int) -> EventRow:
        """Delete the event of a row, and those of attempts an interrupted call may have made without noting them."""
        attempt = row.attempt
        if row.state == "live":
            await self._save(tenant, replace(row, state="writing"))
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
            await self._access.note(tenant, google, error)
            return Busy({}, dict.fromkeys(calendar_ids, error.kind))
        busy, unavailable = dict(found.busy), dict(found.unreadable)
        shared = [name for name in busy if len(people_of(tenant, name)) > 1]
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
                        foreign = await google.foreign_busy(name, start, end, f"{CLINIC_PROPERTY}={tenant.id}")
                except CalendarError as error:
                    unavailable[name] = error.kind
                    del busy[name]
                    continue
                busy[name] = _without(busy[name], own, foreign)
        return Busy(busy, unavailable)

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


def _conflict(row: EventRow | None, wanted: Interval) -> Conflict | None:
    """Return what is left of a conflict: at another time it has to be looked at anew, and taken back or told again."""
    if row is None or row.conflict is None or row.interval == wanted:
        return row.conflict if row is not None else None
    return "moved"


def _without(busy: Iterable[Interval], own: Iterable[Interval], foreign: Iterable[Interval]) -> list[Interval]:
    """Take the clinic's own appointments out of busy time, but leave what somebody else put over them."""
    left = list(busy)
    for one in own:
        left = subtract(left, one)
    return merge([*left, *foreign])


def _body(tenant: Tenant, appointment_id: UUID, wanted: EventRequest) -> dict[str, Any]:
    zone = tenant.config.settings.timezone
    return {
        "summary": wanted.summary,
        "description": wanted.description,
        "start": {"dateTime": wanted.start.astimezone(tenant.config.tz).isoformat(), "timeZone": zone},
        "end": {"dateTime": wanted.end.astimezone(tenant.config.tz).isoformat(), "timeZone": zone},
        "transparency": "opaque",
        "extendedProperties": {"private": {_OWNER: str(appointment_id), CLINIC_PROPERTY: str(tenant.id)}},
    }
