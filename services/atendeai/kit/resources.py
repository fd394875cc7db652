"""Everything a process holds open, in one place: `Kit`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import httpx
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.cache import Cache, TenantRedis
from atendeai.kit.db import Database
from atendeai.kit.http import ServiceClient
from atendeai.kit.limits import Limiter
from atendeai.kit.settings import Settings
from atendeai.kit.telemetry import Telemetry
from atendeai.kit.tenancy import TenantDep, Tenants

_LAST_ANSWERS_SECONDS = 2.0


class Kit:
    """Database, cache, clinics, limits, traces, the way to the other services. Made before the app, closed with it."""

    def __init__(self, settings: Settings, *, peers: httpx.AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self.telemetry = Telemetry(settings)
        self.database = Database(settings)
        self.cache = Cache(settings)
        self.tenants = Tenants(settings, self.database)
        self.limiter = Limiter(settings, self.cache)
        self.services = ServiceClient(settings, transport=peers)
        self.draining = False
        """Whether the process is about to end: it answers, is not ready, and begins no more work."""
        self._ends = 0.0
        self._under_way = 0
        self._quiet = asyncio.Event()

    def drain(self) -> None:
        """Begin to end: what runs has the drain's and the grace's seconds from now on, all together."""
        if not self.draining:
            self.draining = True
            self._ends = time.monotonic() + self.settings.drain_seconds + self.settings.grace_seconds

    @property
    def seconds_left(self) -> float:
        """How long what runs may still take."""
        return max(0.0, self._ends - time.monotonic()) if self.draining else self.settings.grace_seconds

    def began(self) -> None:
        """Have a request count as under way."""
        self._under_way += 1

    def ended(self) -> None:
        """Have it count no longer."""
        self._under_way -= 1
        self._quiet.set()

    async def answered(self) -> None:
        """Wait a little until no request is under way: one that was cut short still has to say so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS_SECONDS):
                while self._under_way:
                    self._quiet.clear()
                    await self._quiet.wait()

    async def start(self) -> None:
        """Begin to follow changes of configuration."""
        await self.tenants.listener.start()

    async def close(self) -> None:
        """Close all connections."""
        await self.tenants.listener.stop()
        await self.services.close()
        await self.cache.close()
        await self.database.close()
        await self.telemetry.close()


def _kit(request: Request) -> Kit:
    kit: Kit = request.app.state.kit
    return kit


KitDep = Annotated[Kit, Depends(_kit)]


async def _connection(kit: KitDep, tenant: TenantDep) -> AsyncIterator[AsyncConnection]:
    async with kit.database.transaction(tenant) as connection:
        yield connection


ConnectionDep = Annotated[AsyncConnection, Depends(_connection, scope="function")]
"""The request's one transaction, inside its clinic: committed before the answer leaves, rolled back on any error."""


def _redis(kit: KitDep, tenant: TenantDep) -> TenantRedis:
    return kit.cache.for_tenant(tenant)


RedisDep = Annotated[TenantRedis, Depends(_redis)]
"""The clinic's Redis."""


def _services(kit: KitDep) -> ServiceClient:
    return kit.services


ServicesDep = Annotated[ServiceClient, Depends(_services)]
"""Calls to the other services of the clinic."""
