"""What a change on Google's side means for an appointment, and how the appointment service hears of it. The rules.

- Moved: handed on as `moved`. The appointment follows when the new time is free and still to come; else it is a
  conflict, shown to staff, until the event is put back or the appointment is moved.
- Deleted, or moved into another calendar: handed on as `deleted`, which cancels the appointment; unless the clinic has
  moved the appointment just then: its event is made anew at the new time.
- Somebody else's event over an appointment: `overlapped`, a conflict shown to staff; `cleared` once it is gone.
- Whatever changed before this service kept note of its own writing is a conflict, and left to people.
- Appointments that are over are left alone.

Our own writing comes back in Google's list of changes: it is known by the moment Google gave it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Literal

import structlog

from atendeai.calendar.google_events import SeenEvent
from atendeai.calendar.metrics import CHANGES
from atendeai.calendar.repository import Conflict, EventRepository, EventRow, appointment_of
from atendeai.domain.slots import Interval
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.responses import dumps
from atendeai.kit.tenancy import Tenant

__all__ = ["Changes", "Verdict", "judge"]

Kind = Literal["moved", "deleted", "overlapped", "cleared"]
_NOT_THIS_ONE = frozenset({404, 409, 422})
"""The appointment service knows no such appointment, or will not have it so: telling it again would not help."""

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What to do about an event."""

    NOTHING = "nothing"
    MOVED = "moved"
    DELETED = "deleted"
    CLEARED = "cleared"
    ASTRAY = "astray"
    """It is not as it was written, and nobody knows since when."""


def judge(row: EventRow, event: SeenEvent, now: datetime) -> Verdict:
    """Compare an event with what this service wrote. Pure."""
    if row.state != "live" or row.ends_at <= now:
        return Verdict.NOTHING
    known = row.google_updated_at
    if event.cancelled:
        return Verdict.DELETED if known is not None else Verdict.ASTRAY
    if event.interval is None or event.updated is None or (known is not None and event.updated < known):
        return Verdict.NOTHING
    if event.interval == row.interval:
        return Verdict.CLEARED if row.conflict == "moved" else Verdict.NOTHING
    if known is None:
        return Verdict.ASTRAY
    return Verdict.MOVED if event.updated > known else Verdict.NOTHING


class Changes:
    """Hands changes on, each once as far as anybody can tell, and notes that it did."""

    def __init__(self, database: Database, services: ServiceClient) -> None:
        self._database = database
        self._services = services

    async def event(self, tenant: Tenant, calendar_id: str, event: SeenEvent) -> None:
        """Look at one event that Google says has changed. Raises ServiceError when it should be tried again."""
        named = appointment_of(event.id)
        if named is None:
            return
        async with self._database.transaction(tenant) as connection:
            row = await EventRepository(connection, tenant.id).get(named[0])
        if row is None or row.calendar_id != calendar_id or row.attempt != named[1]:
            return
        verdict, tz = judge(row, event, clock.now()), tenant.config.tz
        if verdict is Verdict.DELETED:
            await self._tell(tenant, row, "deleted", None, "O evento foi apagado da agenda.")
            await self._note(tenant, row, replace(row, state="deleted", conflict=None))
        elif verdict is Verdict.MOVED and event.interval is not None:
            await self._moved(tenant, row, event, event.interval)
        elif verdict is Verdict.CLEARED:
            await self._tell(tenant, row, "cleared", None, "O evento está de volta ao horário da consulta.")
            await self._note(tenant, row, replace(row, google_updated_at=event.updated, conflict=None))
        elif verdict is Verdict.ASTRAY:
            stands = event.interval if not event.cancelled else None
            where = f"em {_stretch(stands, tz)}" if stands else "apagado"
            await self._tell(tenant, row, "overlapped", None, f"O evento desta consulta está {where} na agenda.")
            after = replace(row, google_updated_at=event.updated or clock.now(), conflict="moved")
            await self._note(tenant, row, replace(after, state="deleted") if event.cancelled else after)
        elif row.google_updated_at is None and event.updated is not None and row.state == "live":
            await self._note(tenant, row, replace(row, google_updated_at=event.updated), told=False)

    async def overlaps(self, tenant: Tenant, rows: Iterable[EventRow], foreign: list[Interval]) -> None:
        """Compare appointments still to come with what else stands in their calendar. Raises ServiceError."""
        for row in rows:
            if row.state != "live" or row.conflict == "moved":
                continue
            over = next((taken for taken in foreign if taken.overlaps(row.interval)), None)
            if over is not None and row.conflict is None:
                detail = f"Outro compromisso na agenda: {_stretch(over, tenant.config.tz)}."
                await self._tell(tenant, row, "overlapped", over, detail)
                await self._mark(tenant, row, "overlapped")
            elif over is None and row.conflict == "overlapped":
                await self._tell(tenant, row, "cleared", None, "O outro compromisso saiu da agenda.")
                await self._mark(tenant, row, None)

    async def _moved(self, tenant: Tenant, row: EventRow, event: SeenEvent, to: Interval) -> None:
        detail = f"O evento foi movido na agenda para {_stretch(to, tenant.config.tz)}."
        applied = await self._tell(tenant, row, "moved", to, detail)
        after = replace(row, google_updated_at=event.updated)
        if applied == "rescheduled":
            after = replace(after, starts_at=to.start, ends_at=to.end, conflict=None)
        elif applied == "conflict":
            after = replace(after, conflict="moved")
        await self._note(tenant, row, after)

    async def _tell(self, tenant: Tenant, row: EventRow, kind: Kind, when: Interval | None, detail: str) -> str:
        """Tell the appointment service and return what it made of it."""
        body: dict[str, Any] = {"appointment_id": str(row.appointment_id), "kind": kind, "detail": detail}
        if when is not None:
            tz = tenant.config.tz
            body |= {"start": when.start.astimezone(tz).isoformat(), "end": when.end.astimezone(tz).isoformat()}
        # The same change, told again after a crash, has the same key; the next change of the event has another.
        digest = hashlib.sha256(dumps(body)).hexdigest()[:32]
        key = f"{row.name}:{row.version}:{row.told}:{digest}"
        try:
            answer = await self._services.call(
                tenant, "appointment", "POST", "/internal/v1/calendar-changes", json=body, idempotency_key=key
            )
        except ServiceError as error:
            if error.temporary or error.status not in _NOT_THIS_ONE:
                raise
            log.warning("calendar_change_refused", kind=kind, status=error.status, reason=error.slug)
            CHANGES.labels(kind, "refused").inc()
            return "ignored"
        applied = str(answer.get("applied")) if isinstance(answer, dict) else "ignored"
        log.info("calendar_change", kind=kind, applied=applied)
        CHANGES.labels(kind, applied).inc()
        return applied

    async def _mark(self, tenant: Tenant, row: EventRow, conflict: Conflict | None) -> None:
        # Told is told: were it not noted because the event is being written at this moment, nobody would take it back.
        async with self._database.transaction(tenant) as connection:
            await EventRepository(connection, tenant.id).mark(row, conflict, now=clock.now())

    async def _note(self, tenant: Tenant, known: EventRow, row: EventRow, *, told: bool = True) -> None:
        after = replace(row, told=row.told + 1) if told else row
        async with self._database.transaction(tenant) as connection:
            await EventRepository(connection, tenant.id).replace(known, after, now=clock.now())


def _stretch(taken: Interval, tz: tzinfo) -> str:
    """Write a stretch of time the way people of the clinic read it."""
    start, end = taken.start.astimezone(tz), taken.end.astimezone(tz)
    if start.date() == end.date():
        return f"{start:%d/%m/%Y}, {start:%H:%M}–{end:%H:%M}"
    return f"{start:%d/%m/%Y %H:%M} a {end:%d/%m/%Y %H:%M}"
