"""Sees that every calendar of every clinic of this process is read along: new clinics, and calendars added later.

A calendar that has a row has its work too; the rest becomes due here. So nothing has to announce a clinic. One clinic
that cannot be looked at, whatever is wrong with it, keeps no other waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from sqlalchemy import text

from atendeai.calendar.access import calendars_of
from atendeai.calendar.sync_repository import SYNC_QUEUE, SyncRepository
from atendeai.kit.db import UnknownClinicError
from atendeai.kit.errors import Unavailable
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

__all__ = ["Rounds"]

_CLINICS = text("SELECT atendeai.shared_clinics()")
EVERY_SECONDS = 10.0
_AGAIN_SECONDS = 600.0
"""A clinic whose configuration has not changed is looked at this often."""
_TROUBLE_SECONDS = 60.0
"""One that could not be looked at is left alone this long: it is said each time, and its mending may take days."""

log = structlog.get_logger(__name__)


class Rounds:
    """One per process."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._seen: dict[UUID, tuple[list[str], float]] = {}
        self._troubled: dict[UUID, float] = {}

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Go round in the background for the time of the block."""
        task = asyncio.create_task(self._run(), name="calendar-rounds")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def once(self) -> None:
        """Look at every clinic. Raises `Unavailable` while PostgreSQL is away."""
        clinics = await self._clinics()
        for known in (self._seen, self._troubled):
            for gone in known.keys() - set(clinics):
                del known[gone]
        for clinic in clinics:
            if time.monotonic() < self._troubled.get(clinic, 0.0):
                continue
            try:
                await self._look(await self._kit.tenants.get(clinic))
            except UnknownClinicError:
                continue
            except Exception as error:
                if isinstance(error, Unavailable) and error.dependency == "PostgreSQL":
                    raise
                self._troubled[clinic] = time.monotonic() + _TROUBLE_SECONDS
                log.warning("calendar_rounds_skipped", clinic_id=str(clinic), error=type(error).__name__)
            else:
                self._troubled.pop(clinic, None)

    async def _run(self) -> None:
        while True:
            try:
                await self.once()
            except Unavailable:
                log.info("calendar_rounds_wait")
            except Exception as error:
                log.error("calendar_rounds_failed", exc_info=error)  # noqa: TRY400 - said like every other
            await asyncio.sleep(EVERY_SECONDS)

    async def _clinics(self) -> list[UUID]:
        own = self._kit.settings.clinic_id
        if own is not None:
            return [own]
        async with self._kit.database.system() as connection:
            return list((await connection.execute(_CLINICS)).scalars())

    async def _look(self, tenant: Tenant) -> None:
        wanted, now = calendars_of(tenant), time.monotonic()
        before, at = self._seen.get(tenant.id, ([], 0.0))
        if wanted == before and (not wanted or now - at < _AGAIN_SECONDS):
            return
        async with self._kit.database.transaction(tenant) as connection:
            known = await SyncRepository(connection, tenant.id).all()
            # What is not wanted any more becomes due as well: its channel is closed and its row goes.
            for calendar_id in set(wanted) ^ known.keys():
                await enqueue(connection, tenant.id, SYNC_QUEUE, calendar_id)
        self._seen[tenant.id] = (wanted, now)
