"""The waiting list over HTTP: for the attendant on a patient's behalf, and for the clinic's staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from atendeai.appointment.paging import decode_cursor, encode_cursor
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.waitlist import WaitingList
from atendeai.appointment.waitlist_models import JoinRequest, Wish, WishStatus
from atendeai.appointment.waitlist_repository import WaitlistRepository
from atendeai.kit import audit
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, person, service
from atendeai.kit.tenancy import Tenant, TenantDep

__all__ = ["waitlist_router"]

ServiceDep = Annotated[Principal, Depends(service())]
StaffDep = Annotated[Principal, Depends(person())]


def waitlist_router(waiting_list: WaitingList) -> APIRouter:
    """Build the routes; they go before those that take an appointment's id."""
    router = APIRouter()
    _internal(router, waiting_list)
    _staff(router, waiting_list)
    return router


def _internal(router: APIRouter, waiting_list: WaitingList) -> None:
    @router.post("/internal/v1/waitlist", status_code=201, tags=["internal"])
    async def join(wanted: JoinRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None) -> Response:
        return (await waiting_list.join(tenant, who, wanted, key)).response()

    @router.get("/internal/v1/waitlist", tags=["internal"])
    async def of_contact(tenant: TenantDep, _: ServiceDep, contact_id: UUID) -> dict[str, Any]:
        """List what a contact waits for."""
        async with waiting_list.database.transaction(tenant) as connection:
            wishes = WaitlistRepository(connection, tenant.id)
            found = await wishes.list_by_turn(statuses=["waitlist"], contact_id=contact_id, limit=50)
            return {"items": await _rendered(connection, tenant, found)}

    @router.delete("/internal/v1/waitlist/{wish_id}", status_code=204, tags=["internal"])
    async def leave(wish_id: UUID, tenant: TenantDep, who: ServiceDep) -> None:
        await waiting_list.leave(tenant, who, wish_id)


def _staff(router: APIRouter, waiting_list: WaitingList) -> None:
    @router.get("/api/v1/appointments/waitlist", tags=["appointments"])
    async def listed(
        tenant: TenantDep,
        who: StaffDep,
        status: Annotated[list[WishStatus] | None, Query()] = None,
        contact_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> dict[str, Any]:
        """List entries in the order of their turn; without `status`, those that wait."""
        async with waiting_list.database.transaction(tenant) as connection:
            found = await WaitlistRepository(connection, tenant.id).list_by_turn(
                statuses=status or ["waitlist"],
                contact_id=contact_id,
                after=decode_cursor(cursor) if cursor else None,
                limit=limit + 1,
            )
            page = found[:limit]
            details = {"ids": [str(one.id) for one in page]}
            await audit.record(connection, tenant.id, who, "waitlist.list", "waitlist", details)
            items = await _rendered(connection, tenant, page)
        more = len(found) > limit
        return {"items": items, "next_cursor": encode_cursor(page[-1].joined_at, page[-1].id) if more else None}

    @router.post("/api/v1/appointments/waitlist", status_code=201, tags=["appointments"])
    async def join(wanted: JoinRequest, tenant: TenantDep, who: StaffDep, key: IdempotencyKeyDep = None) -> Response:
        return (await waiting_list.join(tenant, who, wanted, key)).response()

    @router.delete("/api/v1/appointments/waitlist/{wish_id}", status_code=204, tags=["appointments"])
    async def leave(wish_id: UUID, tenant: TenantDep, who: StaffDep) -> None:
        await waiting_list.leave(tenant, who, wish_id)


async def _rendered(connection: AsyncConnection, tenant: Tenant, found: Sequence[Wish]) -> list[dict[str, Any]]:
    """Render entries with what each is being offered at the moment."""
    rows = AppointmentRepository(connection, tenant.id)
    ids = await WaitlistRepository(connection, tenant.id).open_offers([one.id for one in found])
    offers = {offer.waitlist_id: offer for offer in await rows.get_many(ids)}
    return [one.as_json(tenant.config.tz, offers.get(one.id)) for one in found]
