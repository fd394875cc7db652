"""Keeps the picture: asks again when it is asked and now and then, shows it as metrics, writes down what changes.

The parts are asked at most every two seconds however many ask, a clinic's channels at most once a minute. A change is
written down when two looks in a row agree on it: one lost packet is no history. What cannot be written, as PostgreSQL
is away, is written with its own moment when it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from atendeai.health import channels, repository
from atendeai.health.metrics import OF_THE_PROCESS
from atendeai.health.parts import Parts
from atendeai.health.picture import Part, Picture, State, judged
from atendeai.health.repository import ChangeRepository
from atendeai.health.settings import HealthSettings
from atendeai.kit import clock
from atendeai.kit.db import UnknownClinicError
from atendeai.kit.errors import Unavailable
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant

KEPT_SECONDS = 2.0
_AT_ONCE = 8
"""Clinics of the pool whose channels are asked at the same time."""

_MOST_UNWRITTEN = 200
"""Pictures kept for writing of each clinic: the first ones, and the latest."""

log = structlog.get_logger(__name__)

States = Mapping[str, tuple[State, str | None]]


@dataclass(slots=True)
class _Channels:
    at: float
    parts: tuple[Part, ...]


class Aggregate:
    """The picture of one clinic's own services, or of the pool and each clinic that it serves."""

    def __init__(self, kit: Kit, settings: HealthSettings, parts: Parts) -> None:
        self.settings = settings
        self._kit = kit
        self._parts = parts
        self._lock = asyncio.Lock()
        self._last: tuple[float, Picture] | None = None
        self._channels: dict[UUID, _Channels] = {}
        self._asking: dict[UUID, asyncio.Lock] = {}
        self._before: dict[UUID | None, States] = {}
        """The states of the last look, of each clinic and of the pool."""
        self._known: dict[UUID | None, dict[str, State]] = {}
        """What this process has seen written down."""
        self._unwritten: dict[UUID | None, list[tuple[datetime, States]]] = {}
        """What two looks agreed on while it could not be written down, oldest first."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Look now and then for as long as the app runs."""
        watch = asyncio.create_task(self._watch(), name="health")
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await self._parts.close()

    async def picture(self, tenant: Tenant | None) -> Picture:
        """Return the parts, and the channels of a clinic when one is named."""
        picture = await self._parts_now()
        return picture if tenant is None else picture.with_parts(await self._channels_of(tenant))

    async def _parts_now(self) -> Picture:
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                found = await self._parts.ask()
                thresholds = self.settings.thresholds
                picture = Picture(
                    self._kit.settings.service,
                    self._kit.settings.version,
                    clock.now(),
                    tuple(judged(part, thresholds) for part in found),
                    draining=self._kit.draining,
                )
                self._last = (time.monotonic(), picture)
                OF_THE_PROCESS.show(picture, thresholds)
            return self._last[1]

    async def _channels_of(self, tenant: Tenant) -> tuple[Part, ...]:
        async with self._asking.setdefault(tenant.id, asyncio.Lock()):
            known = self._channels.get(tenant.id)
            if known is None or time.monotonic() - known.at > self.settings.channel_seconds:
                found = await channels.ask(self._kit, tenant)
                known = _Channels(time.monotonic(), tuple(judged(one, self.settings.thresholds) for one in found))
                self._channels[tenant.id] = known
                OF_THE_PROCESS.show_channels(one.parts for one in self._channels.values())
            return known.parts

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.settings.watch_seconds)
            try:
                await self.look()
            except Unavailable as error:
                log.warning("health_not_written", dependency=error.dependency)
            except Exception as error:
                log.error("health_look_failed", exc_info=error)  # noqa: TRY400 - said like every other

    async def look(self) -> None:
        """Look at everything once, and write down what has changed.

        Raises `Unavailable` when that cannot be done; when it cannot be done of one clinic, after all others.
        """
        picture = await self._parts_now()
        settings = self._kit.settings
        if settings.clinic_id is not None:
            tenant = await self._kit.tenants.get(settings.clinic_id)
            await self._note(tenant.id, (*picture.parts, *await self._channels_of(tenant)))
            return
        await self._note(None, picture.parts)
        async with self._kit.database.system() as connection:
            served = await repository.shared_clinics(connection)
        self._forget({*served})
        room = asyncio.Semaphore(_AT_ONCE)
        looked = await asyncio.gather(*(self._look_at(one, room) for one in served), return_exceptions=True)
        for failed in looked:
            if failed is not None:
                raise failed

    async def _look_at(self, clinic_id: UUID, room: asyncio.Semaphore) -> None:
        async with room:
            try:
                tenant = await self._kit.tenants.get(clinic_id)
            except UnknownClinicError:
                return
            await self._note(clinic_id, await self._channels_of(tenant))

    def _forget(self, served: set[UUID]) -> None:
        gone = self._channels.keys() - served
        for clinic_id in gone:
            self._channels.pop(clinic_id, None)
            self._asking.pop(clinic_id, None)
            self._before.pop(clinic_id, None)
            self._known.pop(clinic_id, None)
            self._unwritten.pop(clinic_id, None)
        if gone:
            OF_THE_PROCESS.show_channels(one.parts for one in self._channels.values())

    async def _note(self, clinic_id: UUID | None, parts: tuple[Part, ...]) -> None:
        """Write down what two looks in a row agree on. Raises `Unavailable` when that must wait."""
        states = {part.name: (part.state, part.reason) for part in parts}
        before = self._before.get(clinic_id, {})
        agreed = {name: now for name, now in states.items() if name in before and before[name][0] is now[0]}
        self._before[clinic_id] = states
        self._keep(clinic_id, agreed)
        unwritten = self._unwritten.get(clinic_id)
        if not unwritten:
            return
        database = self._kit.database
        async with database.system() if clinic_id is None else database.transaction(clinic_id) as connection:
            rows = ChangeRepository(connection, clinic_id)
            changes = [one for at, was in unwritten for one in await rows.record(was, at, self.settings.kept_days)]
        for change in changes:
            log.info("health_changed", component=change.component, was=change.was, became=change.became)
        self._known[clinic_id] = {name: now[0] for name, now in unwritten[-1][1].items()}
        del self._unwritten[clinic_id]

    def _keep(self, clinic_id: UUID | None, agreed: States) -> None:
        """Keep for writing what differs from what was kept last, or from what this process has seen written down."""
        unwritten = self._unwritten.get(clinic_id, [])
        last = _states(unwritten[-1][1]) if unwritten else self._known.get(clinic_id, {})
        if all(last.get(name) is state for name, state in _states(agreed).items()):
            return
        if len(unwritten) == _MOST_UNWRITTEN:
            unwritten.pop()
        self._unwritten[clinic_id] = [*unwritten, (clock.now(), agreed)]


def _states(seen: States) -> dict[str, State]:
    """Return how the parts are, without why."""
    return {name: state for name, (state, _) in seen.items()}
