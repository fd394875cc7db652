"""Reads every calendar's changes, durably: one key of the work queue for each calendar.

The sync token is saved only after everything up to it was handed on: after a crash the same changes are read again,
and handing them on twice is harmless. An expired token means reading everything anew; what is then missing of our own
events is asked for one by one. The queue gives a calendar to one reader at a time; one that was overtaken all the same
(it lost its lease and does not know it yet) changes nothing any more.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from atendeai.calendar.access import Access, calendars_of
from atendeai.calendar.changes import Changes
from atendeai.calendar.channels import Channels, OvertakenError, watch_state
from atendeai.calendar.google_client import IN_BACKGROUND, GoogleCalendar
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_events import SeenEvent, seen
from atendeai.calendar.google_sync import changes
from atendeai.calendar.metrics import SYNCS
from atendeai.calendar.repository import EventRepository, EventRow
from atendeai.calendar.service import CLINIC_PROPERTY
from atendeai.calendar.sync_repository import SyncRepository, SyncRow
from atendeai.kit import clock
from atendeai.kit.http import ServiceClient
from atendeai.kit.tenancy import Tenant

__all__ = ["Sync"]

POLL = timedelta(minutes=1)
POLL_PUSHED = timedelta(minutes=15)
"""Where push arrives: only so that a lost message is not lost for ever."""
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=30)
_REFUSED = timedelta(minutes=10)
_PUSH_DELAY = timedelta(minutes=1)
"""What Google has not told within this time it will not tell: push does not arrive any more."""
_HORIZON = timedelta(days=400)
_MOST_EVENTS = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is left of a reading once its changes were handed on."""

    next_token: str
    writable: bool = True


class Sync:
    """The handler of the queue."""

    def __init__(self, access: Access, channels: Channels, services: ServiceClient) -> None:
        self._access = access
        self._database = access.database
        self._channels = channels
        self._changes = Changes(access.database, services)

    async def handle(self, tenant: Tenant, calendar_id: str) -> datetime | None:
        """Bring one calendar up to date and say when to look again; None when the clinic does not keep it any more.

        Raises ServiceError when the appointment service could not be told: the queue tries again.
        """
        google = await self._access.google(tenant, IN_BACKGROUND)
        if google is None or calendar_id not in calendars_of(tenant):
            await self._channels.close(tenant, google, calendar_id)
            async with self._database.transaction(tenant) as connection:
                await SyncRepository(connection, tenant.id).forget(calendar_id)
            return None
        async with self._database.transaction(tenant) as connection:
            row = await SyncRepository(connection, tenant.id).begin(calendar_id)
        try:
            return await self._kept(tenant, google, row)
        except OvertakenError:
            log.info("calendar_reading_overtaken")
            return clock.now()

    async def _kept(self, tenant: Tenant, google: GoogleCalendar, row: SyncRow) -> datetime:
        """Read, see to the channel, and note both. Raises OvertakenError and ServiceError."""
        try:
            found = await self._read(tenant, google, row)
        except CalendarError as error:
            return await self._failed(tenant, google, row, error)
        SYNCS.labels("ok").inc()
        # That it may be read says nothing of whether appointments can be written into it.
        trouble = None if found.writable else Kind.FORBIDDEN.value
        row = replace(row, sync_token=found.next_token, last_synced_at=clock.now(), failures=0, error=trouble)
        await self._save(tenant, row)
        row = await self._channels.keep(tenant, google, row)
        await self._save(tenant, row)
        async with self._database.transaction(tenant) as connection:
            channels = await SyncRepository(connection, tenant.id).channels(row.calendar_id)
        pushed = watch_state(row, channels, clock.now()).state == "live"
        return clock.now() + _jittered(POLL_PUSHED if pushed else POLL)

    async def _read(self, tenant: Tenant, google: GoogleCalendar, row: SyncRow) -> _Reading:
        """Hand on what has changed. Raises CalendarError and ServiceError."""
        if row.sync_token is not None:
            try:
                return await self._changed(tenant, google, row.calendar_id, row.sync_token)
            except CalendarError as error:
                # Expired is 410; one that Google cannot make sense of any more is 400, and as useless.
                if error.kind not in {Kind.GONE, Kind.REJECTED}:
                    raise
                log.info("calendar_sync_token_expired", reason=error.reason)
        return await self._everything(tenant, google, row.calendar_id)

    async def _changed(self, tenant: Tenant, google: GoogleCalendar, calendar_id: str, sync_token: str) -> _Reading:
        moments: list[datetime] = []
        anything, found = False, _Reading(sync_token)
        async for page in changes(google, calendar_id, sync_token=sync_token, since=clock.now()):
            for event in page.events:
                anything = True
                if event.updated is not None:
                    moments.append(event.updated)
                await self._changes.event(tenant, calendar_id, event)
            found = _Reading(page.next_sync_token or sync_token, page.writable)
        if anything:
            await self._overlaps(tenant, google, calendar_id)
        latest = max(moments, default=None)
        if latest is not None and latest < clock.now() - _PUSH_DELAY:
            async with self._database.transaction(tenant) as connection:
                if await SyncRepository(connection, tenant.id).unheard(calendar_id, latest):
                    log.warning("calendar_push_silent")
        return found

    async def _everything(self, tenant: Tenant, google: GoogleCalendar, calendar_id: str) -> _Reading:
        now, shown, found = clock.now(), set(), _Reading("")
        async for page in changes(google, calendar_id, sync_token=None, since=now - timedelta(days=1)):
            for event in page.events:
                shown.add(event.id)
                await self._changes.event(tenant, calendar_id, event)
            found = _Reading(page.next_sync_token or "", page.writable)
        for row in await self._ahead(tenant, calendar_id):
            if row.state == "live" and row.name not in shown:
                await self._changes.event(tenant, calendar_id, await _asked(tenant, google, row))
        await self._overlaps(tenant, google, calendar_id)
        return found

    async def _overlaps(self, tenant: Tenant, google: GoogleCalendar, calendar_id: str) -> None:
        rows = await self._ahead(tenant, calendar_id)
        if not rows:
            return
        last = max(row.ends_at for row in rows)
        foreign = await google.foreign_busy(calendar_id, clock.now(), last, f"{CLINIC_PROPERTY}={tenant.id}")
        await self._changes.overlaps(tenant, rows, foreign)

    async def _failed(self, tenant: Tenant, google: GoogleCalendar, row: SyncRow, error: CalendarError) -> datetime:
        """Note why, and when to try again: soon and then ever later; after a refusal, once somebody may have acted."""
        SYNCS.labels(error.kind.value).inc()
        await self._access.note(tenant, google, error)
        log.warning("calendar_sync_failed", kind=error.kind.value, reason=error.reason, failures=row.failures + 1)
        await self._save(tenant, replace(row, failures=row.failures + 1, error=error.kind.value))
        if not error.transient:
            return clock.now() + _jittered(_REFUSED)
        pause = min(_FIRST_PAUSE * 2 ** min(row.failures, 10), _LONGEST_PAUSE)
        asked = timedelta(seconds=min(error.retry_after or 0.0, _LONGEST_PAUSE.total_seconds()))
        return clock.now() + max(_jittered(pause), asked)

    async def _ahead(self, tenant: Tenant, calendar_id: str) -> list[EventRow]:
        now = clock.now()
        async with self._database.transaction(tenant) as connection:
            return await EventRepository(connection, tenant.id).between(
                now, now + _HORIZON, calendar_ids=[calendar_id], limit=_MOST_EVENTS
            )

    async def _save(self, tenant: Tenant, row: SyncRow) -> None:
        """Note what was learnt. Raises OvertakenError when the calendar is not this reader's any more."""
        async with self._database.transaction(tenant) as connection:
            if not await SyncRepository(connection, tenant.id).save(row):
                raise OvertakenError


async def _asked(tenant: Tenant, google: GoogleCalendar, row: EventRow) -> SeenEvent:
    """Ask for an event that no list shows. Raises CalendarError."""
    try:
        return seen(await google.get_event(row.calendar_id, row.name), tenant.config.tz)
    except CalendarError as error:
        if error.kind not in {Kind.NOT_FOUND, Kind.GONE}:
            raise
        return SeenEvent(row.name, cancelled=True, updated=None, interval=None)


def _jittered(pause: timedelta) -> timedelta:
    return pause * (0.8 + 0.4 * random.random())  # noqa: S311 - so that clinics do not ask all at once
