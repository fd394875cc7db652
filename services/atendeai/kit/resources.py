"""Everything a process holds open, in one place: `Kit`."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
