"""`/api/v1/appointments`: the diary, for the clinic's staff. Every read of a patient's data is in the audit log."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from atendeai.appointment.availability import open_times
from atendeai.appointment.deps import OperationsDep, ReaderDep, WriterDep
from atendeai.appointment.models import (
    CreateRequest,
    Day,
    SlotSearch,
    StaffCancelRequest,
    StaffRescheduleRequest,
    StatusRequest,
)
from atendeai.appointment.problems import no_such_appointment
from atendeai.appointment.repository import EVENTS, SORTING, AppointmentRepository, sort_key
from atendeai.appointment.views import AppointmentPage, AppointmentView, HistoryPage, SlotsView
from atendeai.domain.appointment_states import Status
from atendeai.kit import audit, clock
from atendeai.kit.errors import invalid
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, tagged, version_tag
from atendeai.kit.resources import KitDep
from atendeai.kit.responses import JSON
from atendeai.kit.schemas import Code, WallTime
from atendeai.kit.tenancy import Tenant, TenantDep

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/appointments", tags=["appointments"])

_MOST_DAYS = 366
_CHANGES = problems(409, 412)


@router.get("", operation_id="appointments_list", response_model=AppointmentPage)
async def diary(
    tenant: TenantDep,
    who: ReaderDep,
    kit: KitDep,
    window: Annotated[Window, paged(SORTING)],
    day: Annotated[Day | None, Query(alias="date")] = None,
    date_from: Day | None = None,
    date_to: Day | None = None,
    professional_code: Code | None = None,
    status: Annotated[list[Status] | None, Query(max_length=len(Status))] = None,
    contact_id: UUID | None = None,
    conflict: bool | None = None,
    outside_hours: bool | None = None,
) -> Response:
    """List appointments by start: of one `date`, of days `date_from` to `date_to`, or of today.

    `conflict` asks for those that the professional's calendar speaks against, or for the others; `outside_hours` for
    those that do not lie in the hours of their professional as these are by now, or for the others.
    """
    first, last = _days(tenant, day, date_from, date_to)
    tz = tenant.config.tz
    hours = None if outside_hours is None else await open_times(tenant, first, last, professional_code)
    async with kit.database.transaction(tenant) as connection:
        found = await AppointmentRepository(connection, tenant.id).list_between(
            start=datetime.combine(first, time(), tzinfo=tz),
            end=datetime.combine(last + timedelta(days=1), time(), tzinfo=tz),
            statuses=[one.value for one in status or Status],
            professional_code=professional_code,
            contact_id=contact_id,
            conflict=conflict,
            hours=hours,
            outside=bool(outside_hours),
            window=window,
        )
        page, token = window.page(found, sort_key)
        # One line names every patient seen: a day's diary is one look.
        await audit.record(
            connection,
            tenant.id,
            who,
            "appointment.list",
            "appointments",
            {"ids": [str(one.id) for one in page]},
        )
    return JSON({"items": [one.as_json(tz) for one in page], "next_page_token": token})


@router.get("/slots", operation_id="slots_search", response_model=SlotsView)
async def slots(
    tenant: TenantDep,
    _: ReaderDep,
    operations: OperationsDep,
    service_code: Code,
    date_from: Day,
    date_to: Day | None = None,
    time_from: WallTime | None = None,
    time_to: WallTime | None = None,
    professional_code: Code | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """List the first free slots, or say why there are none."""
    try:
        wanted = SlotSearch(
            service_code=service_code,
            date_from=date_from,
            date_to=date_to or date_from,
            time_from=time_from,
            time_to=time_to,
            professional_code=professional_code,
            limit=limit,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise invalid(str(wrong["loc"][0]), wrong["msg"]) from None
    return JSON((await operations.availability.search(tenant, wanted)).as_json())


@router.get(
    "/{appointment_id}",
    operation_id="appointments_get",
    response_model=AppointmentView,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def one(
    appointment_id: UUID, tenant: TenantDep, who: ReaderDep, kit: KitDep, if_none_match: IfNoneMatchDep = None
) -> Response:
    """Show one appointment, with its ETag."""
    async with kit.database.transaction(tenant) as connection:
        found = await AppointmentRepository(connection, tenant.id).get(appointment_id)
        if found is None or found.lapsed:
            raise no_such_appointment()
        await audit.record(connection, tenant.id, who, "appointment.read", f"appointment:{appointment_id}")
    return tagged(found.as_json(tenant.config.tz), version_tag(found.version), if_none_match)


@router.get("/{appointment_id}/history", operation_id="appointments_history", response_model=HistoryPage)
async def history(
    appointment_id: UUID, tenant: TenantDep, who: ReaderDep, kit: KitDep, window: Annotated[Window, paged(EVENTS)]
) -> Response:
    """Show what happened to an appointment and who did it, in order."""
    async with kit.database.transaction(tenant) as connection:
        rows = AppointmentRepository(connection, tenant.id)
        if await rows.get(appointment_id) is None:
            raise no_such_appointment()
        events = await rows.history(appointment_id, window)
        await audit.record(connection, tenant.id, who, "appointment.history", f"appointment:{appointment_id}")
    page, token = window.page(events, asdict)
    return JSON({"items": [event.as_json(tenant.config.tz) for event in page], "next_page_token": token})


@router.post(
    "",
    status_code=201,
    operation_id="appointments_create",
    response_model=AppointmentView,
    responses=problems(409),
)
async def create(
    wanted: CreateRequest, tenant: TenantDep, who: WriterDep, operations: OperationsDep, key: IdempotencyKeyDep = None
) -> Response:
    """Book at once."""
    return (await operations.create(tenant, who, wanted, key)).response()


@router.post(
    "/{appointment_id}/cancel",
    operation_id="appointments_cancel",
    response_model=AppointmentView,
    responses=_CHANGES,
)
async def cancel(
    appointment_id: UUID,
    wanted: StaffCancelRequest,
    tenant: TenantDep,
    who: WriterDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
    if_match: IfMatchDep = None,
) -> Response:
    """Cancel an appointment; `notify` tells the patient."""
    return (await operations.cancel(tenant, who, appointment_id, wanted, key, if_match)).response()


@router.post(
    "/{appointment_id}/reschedule",
    operation_id="appointments_reschedule",
    response_model=AppointmentView,
    responses=_CHANGES,
)
async def reschedule(
    appointment_id: UUID,
    wanted: StaffRescheduleRequest,
    tenant: TenantDep,
    who: WriterDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
    if_match: IfMatchDep = None,
) -> Response:
    """Move an appointment; `notify` tells the patient."""
    return (await operations.reschedule(tenant, who, appointment_id, wanted, key, if_match)).response()


@router.post(
    "/{appointment_id}/confirm",
    operation_id="appointments_confirm",
    response_model=AppointmentView,
    responses=_CHANGES,
)
async def confirm(
    appointment_id: UUID,
    tenant: TenantDep,
    who: WriterDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
    if_match: IfMatchDep = None,
) -> Response:
    """Note that the patient said that they come."""
    return (await operations.confirm(tenant, who, appointment_id, key, if_match=if_match)).response()


@router.post(
    "/{appointment_id}/status",
    operation_id="appointments_mark",
    response_model=AppointmentView,
    responses=_CHANGES,
)
async def mark(
    appointment_id: UUID,
    wanted: StatusRequest,
    tenant: TenantDep,
    who: WriterDep,
    operations: OperationsDep,
    key: IdempotencyKeyDep = None,
    if_match: IfMatchDep = None,
) -> Response:
    """Note what happened at the desk."""
    reply = await operations.change(
        tenant,
        who,
        "mark",
        appointment_id,
        key,
        wanted.model_dump(mode="json"),
        lambda appointments: appointments.mark(appointment_id, Status(wanted.status)),
        if_match,
    )
    return reply.response()


def _days(tenant: Tenant, day: date | None, first: date | None, last: date | None) -> tuple[date, date]:
    """Return a request's first and last day, in the clinic's time zone. Raises a 422 problem."""
    if day is not None and (first is not None or last is not None):
        raise invalid("date", "give date, or date_from and date_to")
    start = day or first or clock.now().astimezone(tenant.config.tz).date()
    end = day or last or start
    if end < start:
        raise invalid("date_to", "lies before date_from")
    if (end - start).days >= _MOST_DAYS:
        raise invalid("date_to", f"lies {_MOST_DAYS} days or more after date_from; ask for {_MOST_DAYS} days at most")
    return start, end
