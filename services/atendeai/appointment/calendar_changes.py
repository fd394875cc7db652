"""What the professional's own calendar did to an appointment, told by the calendar service.

| what happened | what becomes of the appointment |
|---|---|
| its event was moved to a time that is free and ahead | rescheduled, and the patient is told |
| its event was moved to any other time, made all-day or drawn to no length | stays, with a conflict |
| its event was deleted | cancelled (reason "agenda"), and the patient is told |
| another event lies over it | stays, with a conflict |
| that is over | the conflict is gone |

The professional decides about their own day, so the clinic's hours and notice do not bind a moved event; other
appointments and holds do. A conflict is for staff to see and solve.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import model_validator
from starlette.responses import Response

from atendeai.appointment.models import HORIZON, Appointment, Text
from atendeai.appointment.problems import no_such_appointment
from atendeai.appointment.service import AppointmentService
from atendeai.appointment.views import AppliedView
from atendeai.domain.appointment_states import LIVE, ON_CALENDAR, Status
from atendeai.domain.slots import Professional
from atendeai.kit import clock
from atendeai.kit.errors import Problem, Unavailable
from atendeai.kit.idempotency import IdempotencyKeyDep, Reply, idempotent
from atendeai.kit.identity import Principal, service
from atendeai.kit.openapi import problems
from atendeai.kit.resources import KitDep
from atendeai.kit.schemas import Body, Moment
from atendeai.kit.tenancy import TenantDep

__all__ = ["CalendarChange", "router"]

router = APIRouter(tags=["internal"])

Applied = Literal["rescheduled", "cancelled", "conflict", "cleared", "ignored"]
_REASON = "agenda"
_ALL_DAY = timedelta(hours=23)
"""The shortest day there is, when clocks go forward: an event that takes as long has been made all-day in Google, which
tells its dates as midnights. It says that the day is full, not when the patient should come."""
_AGREED = LIVE & ON_CALENDAR


class CalendarChange(Body):
    """One thing that happened; `start` and `end` are the event's, `detail` is shown to staff."""

    appointment_id: UUID
    kind: Literal["moved", "deleted", "overlapped", "cleared"]
    start: Moment | None = None
    end: Moment | None = None
    detail: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> CalendarChange:
        if self.kind == "moved" and self.start is None:
            raise ValueError("start: required when an event was moved")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("end lies before start")
        return self


@router.post(
    "/internal/v1/calendar-changes",
    operation_id="internal_calendar_changes_apply",
    response_model=AppliedView,
    responses=problems(409),
)
async def change(
    wanted: CalendarChange,
    tenant: TenantDep,
    who: Annotated[Principal, Depends(service("calendar"))],
    kit: KitDep,
    key: IdempotencyKeyDep = None,
) -> Response:
    """Have an appointment follow what happened to its event, or stand in conflict with it."""
    async with kit.database.transaction(tenant) as connection:
        side = _CalendarSide(connection, tenant, who.actor)

        async def run() -> Reply:
            return Reply(200, {"applied": await side.apply(wanted)})

        reply = await idempotent(
            connection,
            clinic_id=tenant.id,
            scope=f"appointments.calendar-change:{who.actor}",
            key=key,
            request=wanted.model_dump(mode="json"),
            run=run,
        )
        await side.settle()
        return reply.response()


class _CalendarSide(AppointmentService):
    """An appointment service that acts for the professional's calendar."""

    async def apply(self, change: CalendarChange) -> Applied:
        """Do what a change asks for, and say what was done. Raises a 404 problem for an unknown appointment."""
        appointment = await self._held_fast(change.appointment_id)
        if change.kind == "cleared":
            return await self._clear(appointment)
        if appointment.status not in _AGREED or appointment.ends_at <= clock.now():
            return "ignored"
        if change.kind == "moved":
            return await self._move(appointment, change)
        if change.kind == "deleted" and appointment.status is Status.BOOKED:
            await self.cancel(appointment.id, _REASON, "prov", notify=True)
            return "cancelled"
        return await self._object(appointment, change)

    async def _held_fast(self, appointment_id: UUID) -> Appointment:
        """Lock the professional's time and then the appointment: the order in which everybody locks."""
        seen = await self._rows.get(appointment_id)
        if seen is None:
            raise no_such_appointment()
        await self._rows.lock(f"professional:{seen.professional_code}")
        appointment = await self._locked(appointment_id)
        if appointment.professional_code != seen.professional_code:
            raise Unavailable("The appointment, which is being moved,", retry_after=1)
        return appointment

    async def _move(self, appointment: Appointment, change: CalendarChange) -> Applied:
        start, end = _span(appointment, change)
        if (start, end) == (appointment.starts_at, appointment.ends_at):
            stood_against = appointment.conflict is not None and appointment.conflict["kind"] == "moved"
            return await self._clear(appointment) if stood_against else "ignored"
        now, length = clock.now(), end - start
        # Of a service that takes a whole day itself the length says nothing.
        sound = timedelta(0) < length < _ALL_DAY or length == appointment.ends_at - appointment.starts_at
        if appointment.status is Status.BOOKED and now < start < now + HORIZON and sound:
            person = Professional(appointment.professional_code, appointment.professional_name, frozenset())
            try:
                await self.relocate(appointment, person, start, end, notify=True)
            except Problem as problem:
                if problem.slug != "slot-taken":
                    raise
            else:
                return "rescheduled"
        return await self._object(appointment, change)

    async def _object(self, appointment: Appointment, change: CalendarChange) -> Applied:
        """Note the conflict; the same one again changes nothing."""
        said: dict[str, Any] = {"kind": change.kind, "detail": change.detail}
        if change.start is not None:
            start, end = _span(appointment, change)
            said |= {"start": self._local(start), "end": self._local(end)}
        known = {name: value for name, value in (appointment.conflict or {}).items() if name != "since"}
        if known != said:
            conflict = said | {"since": self._local(clock.now())}
            details = {name: value for name, value in said.items() if name != "detail"}
            await self._change(appointment, "conflict", {"conflict": conflict}, details=details)
        return "conflict"

    async def _clear(self, appointment: Appointment) -> Applied:
        if appointment.conflict is None:
            return "ignored"
        await self._change(appointment, "conflict-cleared", {"conflict": None})
        return "cleared"

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self.tenant.config.tz).isoformat()


def _span(appointment: Appointment, change: CalendarChange) -> tuple[datetime, datetime]:
    """Return when the event begins and ends; without an end it is as long as the appointment."""
    start = change.start or appointment.starts_at
    return start, change.end or start + (appointment.ends_at - appointment.starts_at)
