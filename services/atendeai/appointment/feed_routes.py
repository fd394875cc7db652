"""Feeds over HTTP: the feed itself, by its secret address; and the addresses, for the clinic's owner and admins."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path
from starlette.responses import Response

from atendeai.appointment.feeds import FeedRepository, render_feed
from atendeai.appointment.problems import no_such_professional
from atendeai.kit import audit
from atendeai.kit.db import Database
from atendeai.kit.errors import not_found
from atendeai.kit.identity import Principal, person
from atendeai.kit.tenancy import Tenant, TenantDep

__all__ = ["feed_router"]

ManagerDep = Annotated[Principal, Depends(person("owner", "admin"))]
CodeDep = Annotated[str, Path(min_length=1, max_length=63)]
_FEEDS = "/api/v1/appointments/feeds"


def feed_router(database: Database) -> APIRouter:
    """Build the routes; they go before those that take an appointment's id."""
    router = APIRouter(tags=["appointments"])
    _reading(router, database)
    _addresses(router, database)
    return router


def _reading(router: APIRouter, database: Database) -> None:
    @router.get(_FEEDS + "/{secret}.ics")
    async def feed(
        secret: Annotated[str, Path(min_length=20, max_length=100)],
        tenant: TenantDep,
        if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    ) -> Response:
        """Return the feed; 304 when nothing changed since. Whoever asks is known by the address alone."""
        async with database.transaction(tenant) as connection:
            code = await FeedRepository(connection, tenant.id).find(secret)
            if code is None:
                raise not_found("feed")
            body = await render_feed(connection, tenant, code)
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            # Private: a shared cache must not keep it. No-cache: kept by the reader, but asked about each time.
            headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
            if if_none_match is not None and tag in {
                one.strip().removeprefix("W/") for one in if_none_match.split(",")
            }:
                return Response(status_code=304, headers=headers)
            await audit.record(connection, tenant.id, f"feed:{code}", "feed.read", f"professional:{code}")
        headers["Content-Disposition"] = 'inline; filename="agenda.ics"'
        return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


def _addresses(router: APIRouter, database: Database) -> None:
    path = "/api/v1/appointments/professionals/{professional_code}/feed"

    @router.post(path, status_code=201)
    async def mint(professional_code: CodeDep, tenant: TenantDep, who: ManagerDep) -> dict[str, Any]:
        """Make the feed's address anew; the old one ends. It is shown this once."""
        _known(tenant, professional_code)
        async with database.transaction(tenant) as connection:
            feeds = FeedRepository(connection, tenant.id)
            secret = await feeds.mint(professional_code, who.actor)
            minted = await feeds.minted(professional_code)
            target = f"professional:{professional_code}"
            await audit.record(connection, tenant.id, who, "feed.mint", target)
        address = f"{_FEEDS}/{secret}.ics"
        hosts = tenant.config.settings.hosts
        return {
            "professional_code": professional_code,
            "path": address,
            "url": f"https://{hosts[0]}{address}" if hosts else None,
            "minted_at": minted.astimezone(tenant.config.tz).isoformat() if minted else None,
        }

    @router.get(path)
    async def read(professional_code: CodeDep, tenant: TenantDep, _: ManagerDep) -> dict[str, Any]:
        """Say whether there is an address, and since when; not which."""
        _known(tenant, professional_code)
        async with database.transaction(tenant) as connection:
            minted = await FeedRepository(connection, tenant.id).minted(professional_code)
        return {
            "professional_code": professional_code,
            "minted_at": minted.astimezone(tenant.config.tz).isoformat() if minted else None,
        }

    @router.delete(path, status_code=204)
    async def revoke(professional_code: CodeDep, tenant: TenantDep, who: ManagerDep) -> None:
        """End the feed; also of a professional who has left."""
        async with database.transaction(tenant) as connection:
            if await FeedRepository(connection, tenant.id).revoke(professional_code):
                target = f"professional:{professional_code}"
                await audit.record(connection, tenant.id, who, "feed.revoke", target)


def _known(tenant: Tenant, code: str) -> None:
    if all(one.code != code for one in tenant.config.profile.professionals):
        raise no_such_professional()
