"""`/internal/v1`: what the conversation service asks for on a patient's behalf. Never routed by the gateway."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from atendeai.appointment.deps import OperationsDep, ServiceDep
from atendeai.appointment.models import (
    BookRequest,
    HoldRequest,
    OwnCancelRequest,
    OwnRequest,
    OwnRescheduleRequest,
    SlotSearch,
)
from atendeai.appointment.problems import no_such_appointment
from atendeai.appointment.repository import SORTING, AppointmentRepository, sort_key
from atendeai.appointment.views import AppointmentView, OwnAppointmentPage, SlotsView
from atendeai.domain.appointment_states import Status
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.resources import KitDep
from atendeai.kit.responses import JSON
from atendeai.kit.schemas import Moment
from atendeai.kit.tenancy import TenantDep

__all__ = ["router"]

router = APIRouter(prefix="/internal/v1", tags=["internal"])

_REFUSED = problems(409)
_UPCOMING = (Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN)


@router.post("/slots/search", operation_id="internal_slots_search", response_model=SlotsView)
async def search(wanted: SlotSearch, tenant: TenantDep, _: ServiceDep, operations: OperationsDep) -> Response:
    """List the first free slots, or say why there are none."""
    return JSON((await operations.availability.search(tenant, wanted)).as_json())


@router.get("/appointments", operation_id="internal_appointments_list", response_model=OwnAppointmentPage)
async def of_contact(
    tenant: TenantDep,
    _: ServiceDep,
    kit: KitDep,
    window: Annotated[Window, paged(SORTING)],
    contact_id: UUID,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    status: Annotated[list[Status] | None, Query(max_length=len(Status))] = None,
) -> Response:
    """List a contact's appointments by start; without `status`, those that are agreed and not over."""
    async with kit.database.transaction(tenant) as connection:
        rows = AppointmentRepository(connection, tenant.id)
        found = await rows.list_between(
            start=since,
            end=None,
            statuses=[one.value for one in status or _UPCOMING],
            contact_id=contact_id,
            window=window,
        )
        reminded = await rows.reminded([one.id for one in found]) if found else {}
    page, token = window.page(found, sort_key)
    tz = tenant.config.tz
    items = [
        one.as_json(tz) | ({"reminded_at": at.astimezone(tz).isoformat()} if (at := reminded.get(one.id)) else {})
        for one in page
    ]
    return JSON({"items": items, "next_page_token": token})


@router.get("/appointments/{appointment_id}", operation_id="internal_appointments_get", response_model=AppointmentView)
async def one(appointment_id: UUID, tenant: TenantDep, _: ServiceDep, kit: KitDep) -> Response:
    """Show one appointment."""
    async with kit.database.transaction(tenant) as connection:
        found = await AppointmentRepository(connection, tenant.id).get(appointment_id)
    if found is None:
        raise no_such_appointment()
    return JSON(found.as_json(tenant.config.tz))


@router.post(
    "/holds",
    status_code=201,
    operation_id="internal_holds_create",
    response_model=AppointmentView,
    responses={200: {"description": "The contact holds this time already", "model": AppointmentView}, **_REFUSED},
)
async def hold(
    wanted: HoldRequest, tenant: TenantDep, who: ServiceDep, operations: OperationsDep, key: IdempotencyKeyDep = None
) -> Response:
    """Keep a time for five minutes."""
    return (await operations.hold(tenant, who, wanted, key)).response()


@router.post(
    "/appointments/{appointment_id}/book",
    operation_id="internal_appointments_book",
    response_model=AppointmentView,
    responses=_REFUSED,
)
async def book(
    appointment_id: UUID,
    wanted: BookRequest,
    tenant: TenantDep,
    who: ServiceDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Turn a hold or an offer into an appointment."""
    reply = await operations.change(
        tenant,
        who,
        "book",
        appointment_id,
        key,
        wanted.model_dump(mode="json"),
        lambda appointments: appointments.book(appointment_id, wanted.patient_name, contact_id=wanted.contact_id),
    )
    return reply.response()


@router.post(
    "/appointments/{appointment_id}/decline",
    operation_id="internal_appointments_decline",
    response_model=AppointmentView,
    responses=_REFUSED,
)
async def decline(
    appointment_id: UUID,
    wanted: OwnRequest,
    tenant: TenantDep,
    who: ServiceDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Let go of an offer to the waiting list."""
    reply = await operations.change(
        tenant,
        who,
        "decline",
        appointment_id,
        key,
        wanted.model_dump(mode="json"),
        lambda appointments: appointments.decline(appointment_id, wanted.contact_id),
    )
    return reply.response()


@router.post(
    "/appointments/{appointment_id}/cancel",
    operation_id="internal_appointments_cancel",
    response_model=AppointmentView,
    responses=_REFUSED,
)
async def cancel(
    appointment_id: UUID,
    wanted: OwnCancelRequest,
    tenant: TenantDep,
    who: ServiceDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Cancel what is the contact's."""
    return (await operations.cancel(tenant, who, appointment_id, wanted, key)).response()


@router.post(
    "/appointments/{appointment_id}/confirm",
    operation_id="internal_appointments_confirm",
    response_model=AppointmentView,
    responses=_REFUSED,
)
async def confirm(
    appointment_id: UUID,
    wanted: OwnRequest,
    tenant: TenantDep,
    who: ServiceDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Note that the contact will come."""
    return (await operations.confirm(tenant, who, appointment_id, key, wanted)).response()


@router.post(
    "/appointments/{appointment_id}/reschedule",
    operation_id="internal_appointments_reschedule",
    response_model=AppointmentView,
    responses=_REFUSED,
)
async def reschedule(
    appointment_id: UUID,
    wanted: OwnRescheduleRequest,
    tenant: TenantDep,
    who: ServiceDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Move what is the contact's."""
    return (await operations.reschedule(tenant, who, appointment_id, wanted, key)).response()
