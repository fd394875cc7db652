"""The waiting list over HTTP: for the attendant on a patient's behalf, and for the clinic's staff."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from atendeai.appointment.deps import ReaderDep, ServiceDep, WaitingListDep, WriterDep
from atendeai.appointment.problems import no_such_wish
from atendeai.appointment.views import WishList, WishPage, WishView
from atendeai.appointment.waitlist import MOST_WISHES, rendered
from atendeai.appointment.waitlist_models import JoinRequest, WishStatus
from atendeai.appointment.waitlist_repository import SORTING, WaitlistRepository, sort_key
from atendeai.kit import audit
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, tagged
from atendeai.kit.resources import KitDep
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import TenantDep

__all__ = ["router"]

router = APIRouter(tags=["waitlist"])

_STATUSES = 3
_JOINED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The very same is waited for already", "model": WishView},
    **problems(409),
}


@router.post(
    "/internal/v1/waitlist",
    status_code=201,
    operation_id="internal_waitlist_join",
    summary="Join",
    response_model=WishView,
    responses=_JOINED,
)
async def join_for_patient(
    wanted: JoinRequest, tenant: TenantDep, who: ServiceDep, waiting_list: WaitingListDep, key: IdempotencyKeyDep = None
) -> Response:
    """Join the waiting list on a patient's behalf."""
    return (await waiting_list.join(tenant, who, wanted, key)).response()


@router.get("/internal/v1/waitlist", operation_id="internal_waitlist_list", response_model=WishList)
async def of_contact(tenant: TenantDep, _: ServiceDep, kit: KitDep, contact_id: UUID) -> Response:
    """List what a contact waits for: no more than they may wait for at once, so in one page."""
    async with kit.database.transaction(tenant) as connection:
        wishes = WaitlistRepository(connection, tenant.id)
        found = await wishes.list_by_turn(statuses=["waitlist"], contact_id=contact_id, limit=MOST_WISHES)
        return JSON({"items": await rendered(connection, tenant, found)})


@router.delete(
    "/internal/v1/waitlist/{wish_id}", status_code=204, operation_id="internal_waitlist_leave", summary="Leave"
)
async def leave_for_patient(wish_id: UUID, tenant: TenantDep, who: ServiceDep, waiting_list: WaitingListDep) -> None:
    """Leave the waiting list, and give back what is being offered."""
    await waiting_list.leave(tenant, who, wish_id)


@router.get("/api/v1/appointments/waitlist", operation_id="waitlist_list", response_model=WishPage)
async def listed(
    tenant: TenantDep,
    who: ReaderDep,
    kit: KitDep,
    window: Annotated[Window, paged(SORTING)],
    status: Annotated[list[WishStatus] | None, Query(max_length=_STATUSES)] = None,
    contact_id: UUID | None = None,
) -> Response:
    """List entries in the order of their turn; without `status`, those that wait."""
    async with kit.database.transaction(tenant) as connection:
        found = await WaitlistRepository(connection, tenant.id).list_by_turn(
            statuses=status or ["waitlist"], contact_id=contact_id, window=window
        )
        page, token = window.page(found, sort_key)
        details = {"ids": [str(one.id) for one in page]}
        await audit.record(connection, tenant.id, who, "waitlist.list", "waitlist", details)
        return JSON({"items": await rendered(connection, tenant, page), "next_page_token": token})


@router.post(
    "/api/v1/appointments/waitlist",
    status_code=201,
    operation_id="waitlist_join",
    response_model=WishView,
    responses=_JOINED,
)
async def join(
    wanted: JoinRequest, tenant: TenantDep, who: WriterDep, waiting_list: WaitingListDep, key: IdempotencyKeyDep = None
) -> Response:
    """Put a patient on the waiting list."""
    return (await waiting_list.join(tenant, who, wanted, key)).response()


@router.get(
    "/api/v1/appointments/waitlist/{wish_id}",
    operation_id="waitlist_get",
    response_model=WishView,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def one(
    wish_id: UUID, tenant: TenantDep, who: ReaderDep, kit: KitDep, if_none_match: IfNoneMatchDep = None
) -> Response:
    """Show one entry, with its ETag, which an offer changes too."""
    async with kit.database.transaction(tenant) as connection:
        found = await WaitlistRepository(connection, tenant.id).get(wish_id)
        if found is None:
            raise no_such_wish()
        await audit.record(connection, tenant.id, who, "waitlist.read", f"waitlist:{wish_id}")
        [shown] = await rendered(connection, tenant, [found])
    return tagged(shown, None, if_none_match)


@router.delete(
    "/api/v1/appointments/waitlist/{wish_id}", status_code=204, operation_id="waitlist_leave", responses=problems(412)
)
async def leave(
    wish_id: UUID, tenant: TenantDep, who: WriterDep, waiting_list: WaitingListDep, if_match: IfMatchDep = None
) -> None:
    """Take a patient off the waiting list, and back what is being offered."""
    await waiting_list.leave(tenant, who, wish_id, if_match)
