"""The waiting list over HTTP: for the attendant on a patient's behalf, and for the clinic's staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.views import WishList, WishPage, WishView
from atendeai.appointment.waitlist import MOST_WISHES, WaitingList
from atendeai.appointment.waitlist_models import JoinRequest, Wish, WishStatus
from atendeai.appointment.waitlist_repository import SORTING, WaitlistRepository, sort_key
from atendeai.kit import audit
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, permitted, service
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import Tenant, TenantDep

__all__ = ["waitlist_router"]

ServiceDep = Annotated[Principal, Depends(service())]
ReaderDep = Annotated[Principal, Depends(permitted("appointments.read"))]
WriterDep = Annotated[Principal, Depends(permitted("appointments.write"))]
_STATUSES = 3
_JOINED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The very same is waited for already", "model": WishView},
    **problems(409),
}


def waitlist_router(waiting_list: WaitingList) -> APIRouter:
    """Build the routes; they go before those that take an appointment's id."""
    router = APIRouter(tags=["waitlist"])
    _internal(router, waiting_list)
    _staff(router, waiting_list)
    return router


def _internal(router: APIRouter, waiting_list: WaitingList) -> None:
    @router.post(
        "/internal/v1/waitlist",
        status_code=201,
        operation_id="internal_waitlist_join",
        response_model=WishView,
        responses=_JOINED,
    )
    async def join(wanted: JoinRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None) -> Response:
        """Join the waiting list on a patient's behalf."""
        return (await waiting_list.join(tenant, who, wanted, key)).response()

    @router.get("/internal/v1/waitlist", operation_id="internal_waitlist_list", response_model=WishList)
    async def of_contact(tenant: TenantDep, _: ServiceDep, contact_id: UUID) -> Response:
        """List what a contact waits for: no more than they may wait for at once, so in one page."""
        async with waiting_list.database.transaction(tenant) as connection:
            wishes = WaitlistRepository(connection, tenant.id)
            found = await wishes.list_by_turn(statuses=["waitlist"], contact_id=contact_id, limit=MOST_WISHES)
            return JSON({"items": await _rendered(connection, tenant, found)})

    @router.delete("/internal/v1/waitlist/{wish_id}", status_code=204, operation_id="internal_waitlist_leave")
    async def leave(wish_id: UUID, tenant: TenantDep, who: ServiceDep) -> None:
        """Leave the waiting list, and give back what is being offered."""
        await waiting_list.leave(tenant, who, wish_id)


def _staff(router: APIRouter, waiting_list: WaitingList) -> None:
    @router.get("/api/v1/appointments/waitlist", operation_id="waitlist_list", response_model=WishPage)
    async def listed(
        tenant: TenantDep,
        who: ReaderDep,
        window: Annotated[Window, paged(SORTING)],
        status: Annotated[list[WishStatus] | None, Query(max_length=_STATUSES)] = None,
        contact_id: UUID | None = None,
    ) -> Response:
        """List entries in the order of their turn; without `status`, those that wait."""
        async with waiting_list.database.transaction(tenant) as connection:
            found = await WaitlistRepository(connection, tenant.id).list_by_turn(
                statuses=status or ["waitlist"], contact_id=contact_id, window=window
            )
            page, token = window.page(found, sort_key)
            details = {"ids": [str(one.id) for one in page]}
            await audit.record(connection, tenant.id, who, "waitlist.list", "waitlist", details)
            return JSON({"items": await _rendered(connection, tenant, page), "next_page_token": token})

    @router.post(
        "/api/v1/appointments/waitlist",
        status_code=201,
        operation_id="waitlist_join",
        response_model=WishView,
        responses=_JOINED,
    )
    async def join(wanted: JoinRequest, tenant: TenantDep, who: WriterDep, key: IdempotencyKeyDep = None) -> Response:
        """Put a patient on the waiting list."""
        return (await waiting_list.join(tenant, who, wanted, key)).response()

    @router.delete("/api/v1/appointments/waitlist/{wish_id}", status_code=204, operation_id="waitlist_leave")
    async def leave(wish_id: UUID, tenant: TenantDep, who: WriterDep) -> None:
        """Take a patient off the waiting list, and back what is being offered."""
        await waiting_list.leave(tenant, who, wish_id)


async def _rendered(connection: AsyncConnection, tenant: Tenant, found: Sequence[Wish]) -> list[dict[str, Any]]:
    """Render entries with what each is being offered at the moment."""
    rows = AppointmentRepository(connection, tenant.id)
    ids = await WaitlistRepository(connection, tenant.id).open_offers([one.id for one in found])
    offers = {offer.waitlist_id: offer for offer in await rows.get_many(ids)}
    return [one.as_json(tenant.config.tz, offers.get(one.id)) for one in found]
