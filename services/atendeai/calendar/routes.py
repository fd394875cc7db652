"""The routes of the calendar service: internal for the appointment service, public for the clinic's staff.

No event's text is shown, only times. The gateway never routes the internal ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from atendeai.calendar.deps import CalendarDep, ReportDep
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.models import (
    LATEST_VERSION,
    EventPage,
    EventRequest,
    EventView,
    FreeBusyRequest,
    FreeBusyView,
    StatusView,
)
from atendeai.calendar.repository import SORTING, sort_key
from atendeai.calendar.service import Busy
from atendeai.calendar.status import remedy
from atendeai.kit import clock
from atendeai.kit.errors import Problem, invalid
from atendeai.kit.identity import Principal, permitted, service
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.responses import JSON
from atendeai.kit.schemas import Code, Day, Moment
from atendeai.kit.tenancy import Tenant, TenantDep

__all__ = ["internal", "public", "told"]

internal = APIRouter(prefix="/internal/v1", tags=["internal"])
public = APIRouter(prefix="/api/v1/calendar", tags=["calendar"])

ServiceDep = Annotated[Principal, Depends(service())]
ReaderDep = Annotated[Principal, Depends(permitted("calendar.read"))]
_MOST = timedelta(days=100)


@internal.post("/freebusy", operation_id="internal_freebusy_read", summary="Free Busy", response_model=FreeBusyView)
async def free_busy_for_service(
    wanted: FreeBusyRequest, tenant: TenantDep, _: ServiceDep, calendar: CalendarDep
) -> Response:
    """Say when professionals or calendars are busy."""
    _bounded(wanted.time_min, wanted.time_max)
    if wanted.professional_codes is not None:
        found = await calendar.busy_of(tenant, wanted.professional_codes, wanted.time_min, wanted.time_max)
        return JSON(_rendered(found, tenant, "professional_code"))
    found = await calendar.busy_calendars(tenant, wanted.calendar_ids or [], wanted.time_min, wanted.time_max)
    return JSON(_rendered(found, tenant, "calendar_id"))


@internal.put(
    "/events/{appointment_id}",
    operation_id="internal_events_put",
    response_model=EventView,
    responses={204: {"description": "The clinic keeps no calendar"}, **problems(424)},
)
async def put(
    appointment_id: UUID, wanted: EventRequest, tenant: TenantDep, _: ServiceDep, calendar: CalendarDep
) -> Response:
    """Have an appointment's event be so."""
    with told():
        row = await calendar.put(tenant, appointment_id, wanted)
    return Response(status_code=204) if row is None else JSON(row.as_json(tenant.config.tz))


@internal.delete(
    "/events/{appointment_id}",
    status_code=204,
    operation_id="internal_events_delete",
    responses=problems(424),
)
async def delete(
    appointment_id: UUID,
    tenant: TenantDep,
    _: ServiceDep,
    calendar: CalendarDep,
    version: Annotated[int, Query(ge=0, le=LATEST_VERSION)] = LATEST_VERSION,
) -> Response:
    """Take an appointment's event away."""
    with told():
        await calendar.delete(tenant, appointment_id, version)
    return Response(status_code=204)


@internal.get("/status", operation_id="internal_status_read", summary="Status", response_model=StatusView)
async def status_for_service(tenant: TenantDep, _: ServiceDep, report: ReportDep) -> Response:
    """Say whether the clinic's calendars can be read, in English."""
    return JSON(await report.body(tenant, "en"))


@public.get("/freebusy", operation_id="calendar_freebusy", response_model=FreeBusyView)
async def free_busy(
    tenant: TenantDep,
    _: ReaderDep,
    calendar: CalendarDep,
    time_min: Moment,
    time_max: Moment,
    professional_code: Annotated[list[Code] | None, Query(max_length=200)] = None,
) -> Response:
    """Say when professionals are busy: those named, or all."""
    if time_max <= time_min:
        raise invalid("time_max", "does not lie after time_min")
    _bounded(time_min, time_max)
    known = [one.code for one in tenant.config.profile.professionals]
    for code in professional_code or ():
        if code not in known:
            raise invalid("professional_code", "the clinic has no such professional")
    found = await calendar.busy_of(tenant, professional_code or known, time_min, time_max)
    return JSON(_rendered(found, tenant, "professional_code"))


@public.get("/events", operation_id="calendar_events", response_model=EventPage)
async def events(
    tenant: TenantDep,
    _: ReaderDep,
    calendar: CalendarDep,
    window: Annotated[Window, paged(SORTING)],
    date_from: Day | None = None,
    date_to: Day | None = None,
) -> Response:
    """List the events that this clinic's appointments have in Google Calendar, of today or of the days given."""
    tz = tenant.config.tz
    first = date_from or clock.now().astimezone(tz).date()
    last = date_to or first
    if last < first:
        raise invalid("date_to", "lies before date_from")
    start = datetime.combine(first, time(), tzinfo=tz)
    end = datetime.combine(last + timedelta(days=1), time(), tzinfo=tz)
    _bounded(start, end, "date_to")
    page, token = window.page(await calendar.events(tenant, start, end, window), sort_key)
    return JSON({"items": [row.as_json(tz) for row in page], "next_page_token": token})


@public.get("/status", operation_id="calendar_status", response_model=StatusView)
async def status(tenant: TenantDep, _: ReaderDep, report: ReportDep) -> Response:
    """Say whether the clinic's calendars can be read, and what to do where they cannot."""
    return JSON(await report.body(tenant, "pt-BR"))


def _rendered(found: Busy, tenant: Tenant, name: str) -> dict[str, Any]:
    tz = tenant.config.tz
    return {
        "busy": {
            key: [
                {"start": one.start.astimezone(tz).isoformat(), "end": one.end.astimezone(tz).isoformat()}
                for one in taken
            ]
            for key, taken in found.busy.items()
        },
        "unavailable": [{name: key, "reason": kind.value} for key, kind in found.unavailable.items()],
    }


def _bounded(start: datetime, end: datetime, field: str = "time_max") -> None:
    if end - start > _MOST:
        raise invalid(field, f"lies more than {_MOST.days} days after the beginning")


@contextmanager
def told() -> Iterator[None]:
    """Turn what Google said into a problem: 503 when the same call may succeed later, 424 when somebody must act."""
    try:
        yield
    except CalendarError as error:
        extensions = {"reason": error.kind.value}
        if error.transient:
            seconds = str(math.ceil(error.retry_after or 5))
            raise Problem(
                503,
                "calendar-unavailable",
                "Google Calendar is unavailable",
                "Google Calendar does not answer as it should at the moment; try again later.",
                headers={"Retry-After": seconds},
                extensions=extensions,
            ) from error
        raise Problem(
            424,
            "calendar-refused",
            "Google Calendar refused",
            remedy(error.kind)
            if error.kind in {Kind.CREDENTIALS, Kind.FORBIDDEN, Kind.NOT_FOUND}
            else "Google Calendar refused; the service's log says why.",
            extensions=extensions,
        ) from error
