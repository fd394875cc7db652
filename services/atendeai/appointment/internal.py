"""`/internal/v1`: what the conversation service asks for on a patient's behalf. Never routed by the gateway."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from atendeai.appointment.models import (
    BookRequest,
    HoldRequest,
    OwnCancelRequest,
    OwnRequest,
    OwnRescheduleRequest,
    SlotSearch,
)
from atendeai.appointment.operations import Operations
from atendeai.appointment.problems import no_such_appointment
from atendeai.appointment.repository import AppointmentRepository
from atendeai.domain.appointment_states import Status
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, service
from atendeai.kit.tenancy import TenantDep

__all__ = ["internal_router"]

ServiceDep = Annotated[Principal, Depends(service())]
_UPCOMING = (Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN)


def internal_router(operations: Operations) -> APIRouter:
    """Build the routes."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])
    _reading(router, operations)
    _writing(router, operations)
    return router


def _reading(router: APIRouter, operations: Operations) -> None:
    @router.post("/slots/search")
    async def search(wanted: SlotSearch, tenant: TenantDep, _: ServiceDep) -> dict[str, Any]:
        return (await operations.availability.search(tenant, wanted)).as_json()

    @router.get("/appointments")
    async def of_contact(
        tenant: TenantDep,
        _: ServiceDep,
        contact_id: UUID,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        status: Annotated[list[Status] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """List a contact's appointments by start; without `status`, those that are agreed and not over."""
        async with operations.database.transaction(tenant) as connection:
            found = await AppointmentRepository(connection, tenant.id).list_between(
                start=since,
                end=None,
                statuses=[one.value for one in status or _UPCOMING],
                contact_id=contact_id,
                limit=limit,
            )
        return {"items": [one.as_json(tenant.config.tz) for one in found]}

    @router.get("/appointments/{appointment_id}")
    async def one(appointment_id: UUID, tenant: TenantDep, _: ServiceDep) -> dict[str, Any]:
        async with operations.database.transaction(tenant) as connection:
            found = await AppointmentRepository(connection, tenant.id).get(appointment_id)
        if found is None:
            raise no_such_appointment()
        return found.as_json(tenant.config.tz)


def _writing(router: APIRouter, operations: Operations) -> None:
    @router.post("/holds", status_code=201)
    async def hold(wanted: HoldRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None) -> Response:
        return (await operations.hold(tenant, who, wanted, key)).response()

    @router.post("/appointments/{appointment_id}/book")
    async def book(
        appointment_id: UUID, wanted: BookRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None
    ) -> Response:
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

    @router.post("/appointments/{appointment_id}/decline")
    async def decline(
        appointment_id: UUID, wanted: OwnRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None
    ) -> Response:
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

    @router.post("/appointments/{appointment_id}/cancel")
    async def cancel(
        appointment_id: UUID,
        wanted: OwnCancelRequest,
        tenant: TenantDep,
        who: ServiceDep,
        key: IdempotencyKeyDep = None,
    ) -> Response:
        return (await operations.cancel(tenant, who, appointment_id, wanted, key)).response()

    @router.post("/appointments/{appointment_id}/confirm")
    async def confirm(
        appointment_id: UUID, wanted: OwnRequest, tenant: TenantDep, who: ServiceDep, key: IdempotencyKeyDep = None
    ) -> Response:
        return (await operations.confirm(tenant, who, appointment_id, key, wanted)).response()

    @router.post("/appointments/{appointment_id}/reschedule")
    async def reschedule(
        appointment_id: UUID,
        wanted: OwnRescheduleRequest,
        tenant: TenantDep,
        who: ServiceDep,
        key: IdempotencyKeyDep = None,
    ) -> Response:
        return (await operations.reschedule(tenant, who, appointment_id, wanted, key)).response()
