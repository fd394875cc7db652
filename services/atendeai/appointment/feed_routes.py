"""Feeds over HTTP: the feed itself, by its secret address; and the addresses, for the clinic's owner and admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from atendeai.appointment.feeds import FeedRepository, render_feed
from atendeai.appointment.problems import no_such_professional
from atendeai.appointment.views import FeedAddressView, FeedView
from atendeai.kit import audit
from atendeai.kit.errors import not_found
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.parameters import any_query
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, etag_of, fresh, require_match, tagged
from atendeai.kit.resources import KitDep
from atendeai.kit.responses import JSON, dumps
from atendeai.kit.schemas import Code
from atendeai.kit.tenancy import Tenant, TenantDep
from atendeai.kit.wording import spelt

__all__ = ["router"]

router = APIRouter(tags=["feeds"])

ManagerDep = Annotated[Principal, Depends(permitted("appointments.feeds"))]
CodeDep = Annotated[Code, Path()]
# The same pattern has the same words as in the kit: a secret is passed on as it was given out.
_SECRET = spelt(r"^[A-Za-z0-9_-]+$", "letters, digits, - and _, just as it was given out")
_CALENDAR = {"text/calendar": {"schema": {"type": "string"}}}
_FEEDS = "/api/v1/appointments/feeds"
_ADDRESS = "/api/v1/appointments/professionals/{professional_code}/feed"


@router.get(
    _FEEDS + "/{secret}.ics",
    operation_id="feeds_read",
    response_class=Response,
    responses={
        200: {"description": "iCalendar (RFC 5545)", "content": _CALENDAR},
        304: {"description": "Nothing has changed since"},
    },
)
@any_query
async def feed(
    secret: Annotated[str, Path(min_length=20, max_length=100, pattern=_SECRET)],
    tenant: TenantDep,
    kit: KitDep,
    if_none_match: IfNoneMatchDep = None,
) -> Response:
    """Return the feed; 304 when nothing changed since. Whoever asks is known by the address alone."""
    async with kit.database.transaction(tenant) as connection:
        code = await FeedRepository(connection, tenant.id).find(secret)
        if code is None:
            raise not_found("feed")
        body = await render_feed(connection, tenant, code)
        tag = etag_of(body)
        # Private: a shared cache must not keep it. No-cache: kept by the reader, but asked about each time.
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if fresh(if_none_match, tag):
            return Response(status_code=304, headers=headers)
        await audit.record(connection, tenant.id, f"feed:{code}", "feed.read", f"professional:{code}")
    headers["Content-Disposition"] = 'inline; filename="agenda.ics"'
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


@router.post(
    _ADDRESS, status_code=201, operation_id="feeds_mint", response_model=FeedAddressView, responses=problems(412)
)
async def mint(
    professional_code: CodeDep, tenant: TenantDep, who: ManagerDep, kit: KitDep, if_match: IfMatchDep = None
) -> Response:
    """Make the feed's address anew; the old one ends. It is shown this once.

    There is no Idempotency-Key here, for its stored answer would keep the address readable; who lost it makes
    another.
    """
    _known(tenant, professional_code)
    async with kit.database.transaction(tenant) as connection:
        feeds = FeedRepository(connection, tenant.id)
        require_match(if_match, _tag(tenant, professional_code, await feeds.held_fast(professional_code)))
        secret = await feeds.mint(professional_code, who.actor)
        minted = await feeds.minted(professional_code)
        target = f"professional:{professional_code}"
        await audit.record(connection, tenant.id, who, "feed.mint", target, reason=audit.ASKED_BY_STAFF)
    address = f"{_FEEDS}/{secret}.ics"
    hosts = tenant.config.settings.hosts
    url = f"https://{hosts[0]}{address}" if hosts else None
    headers = {"Location": address, "Cache-Control": "no-store", "ETag": _tag(tenant, professional_code, minted)}
    return JSON({**_shown(tenant, professional_code, minted), "path": address, "url": url}, 201, headers)


@router.get(
    _ADDRESS,
    operation_id="feeds_show",
    response_model=FeedView,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def read(
    professional_code: CodeDep, tenant: TenantDep, _: ManagerDep, kit: KitDep, if_none_match: IfNoneMatchDep = None
) -> Response:
    """Say whether there is an address, and since when; not which. Its ETag goes into If-Match of a change."""
    _known(tenant, professional_code)
    async with kit.database.transaction(tenant) as connection:
        minted = await FeedRepository(connection, tenant.id).minted(professional_code)
    return tagged(_shown(tenant, professional_code, minted), None, if_none_match)


@router.delete(_ADDRESS, status_code=204, operation_id="feeds_revoke", responses=problems(412))
async def revoke(
    professional_code: CodeDep, tenant: TenantDep, who: ManagerDep, kit: KitDep, if_match: IfMatchDep = None
) -> None:
    """End the feed; also of a professional who has left."""
    async with kit.database.transaction(tenant) as connection:
        feeds = FeedRepository(connection, tenant.id)
        require_match(if_match, _tag(tenant, professional_code, await feeds.held_fast(professional_code)))
        if await feeds.revoke(professional_code):
            target = f"professional:{professional_code}"
            await audit.record(connection, tenant.id, who, "feed.revoke", target, reason=audit.ASKED_BY_STAFF)


def _shown(tenant: Tenant, code: str, minted: datetime | None) -> dict[str, str | None]:
    return {
        "professional_code": code,
        "minted_at": minted.astimezone(tenant.config.tz).isoformat() if minted else None,
    }


def _tag(tenant: Tenant, code: str, minted: datetime | None) -> str:
    """Return the ETag of what is shown of a feed's address."""
    return etag_of(dumps(_shown(tenant, code, minted)))


def _known(tenant: Tenant, code: str) -> None:
    if all(one.code != code for one in tenant.config.profile.professionals):
        raise no_such_professional()
