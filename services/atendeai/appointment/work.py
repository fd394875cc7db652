"""What follows a change, durably: the event in the professional's calendar, the end of a hold, what patients are told.

All handlers look at the appointment as it stands now, not at what happened: they may run late, twice, or after a
crash, and come to the same end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from atendeai.appointment.calendars import Calendars
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.models import Appointment
from atendeai.appointment.notices import Notices
from atendeai.appointment.reminders import Reminders
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.service import AppointmentService
from atendeai.appointment.steps import (
    CALENDAR_QUEUE,
    FREED_QUEUE,
    HOLD_QUEUE,
    NOTICE_QUEUE,
    REMINDER_QUEUE,
    freed_key,
)
from atendeai.appointment.waitlist import WISH_QUEUE, WaitingList
from atendeai.domain.appointment_states import LIVE, ON_CALENDAR, Status
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.http import ServiceError
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import Worker, enqueue

__all__ = ["workers"]

_REFUSED_AGAIN = timedelta(minutes=10)
"""A refusal (a calendar that is not shared, a revoked key) lasts until somebody acts: look again this often."""
_HOLD_KEPT = timedelta(days=1)
"""How long a lapsed hold's row stays, so that a late "yes" is told that it expired."""

log = structlog.get_logger(__name__)


def workers(database: Database, calendars: Calendars, messenger: Messenger, waiting_list: WaitingList) -> list[Worker]:
    """Return this service's queues and their handlers."""

    async def sync(tenant: Tenant, key: str) -> datetime | None:
        return await _sync(database, calendars, tenant, UUID(key))

    async def expire(tenant: Tenant, key: str) -> datetime | None:
        return await _expire(database, tenant, UUID(key))

    return [
        Worker(CALENDAR_QUEUE, sync),
        Worker(HOLD_QUEUE, expire),
        Worker(REMINDER_QUEUE, Reminders(database, messenger).handle),
        Worker(NOTICE_QUEUE, Notices(database, messenger).handle),
        Worker(FREED_QUEUE, waiting_list.look_at_day, concurrency=2, max_pause=timedelta(minutes=1)),
        Worker(WISH_QUEUE, waiting_list.look_at_wish, concurrency=2),
    ]


async def _sync(database: Database, calendars: Calendars, tenant: Tenant, appointment_id: UUID) -> datetime | None:
    """Bring the calendar's event in step. Raises ServiceError when it may succeed later: the queue tries again."""
    async with database.transaction(tenant) as connection:
        appointment = await AppointmentRepository(connection, tenant.id).get(appointment_id)
    if appointment is None or appointment.status in {Status.PROPOSED, Status.PENDING, Status.WAITLIST}:
        return None
    if tenant.config.settings.calendar.provider == "None":
        await _note(database, tenant, appointment, "none", None)
        return None
    try:
        if appointment.status in ON_CALENDAR:
            await calendars.put_event(tenant, appointment_id, _event(appointment))
        else:
            await calendars.delete_event(tenant, appointment_id, appointment.version)
    except ServiceError as error:
        reason = str(error.problem.get("reason") or error.slug or "calendar-service")
        if error.temporary:
            await _note(database, tenant, appointment, "pending", reason)
            raise
        log.warning("calendar_refused", appointment_id=str(appointment_id), status=error.status, reason=reason)
        await _note(database, tenant, appointment, "failed", reason)
        # Once the appointment is over, its event is of no use to anybody.
        return clock.now() + _REFUSED_AGAIN if clock.now() < appointment.ends_at else None
    await _note(database, tenant, appointment, "synced", None)
    await _free(database, tenant, appointment)
    return None


async def _free(database: Database, tenant: Tenant, appointment: Appointment) -> None:
    """Have the times that an appointment has left offered once more: until now its own event stood in their way."""
    async with database.transaction(tenant) as connection:
        events = await AppointmentRepository(connection, tenant.id).history(appointment.id)
        moves = [event.details["from"] for event in events if event.action == "reschedule"]
        left = [(datetime.fromisoformat(one["start"]), one["professional_code"]) for one in moves]
        if appointment.status not in LIVE:
            left.append((appointment.starts_at, appointment.professional_code))
        now, tz = clock.now(), tenant.config.tz
        for key in sorted({freed_key(code, start.astimezone(tz).date()) for start, code in left if start > now}):
            await enqueue(connection, tenant.id, FREED_QUEUE, key)


async def _expire(database: Database, tenant: Tenant, appointment_id: UUID) -> datetime | None:
    """End a hold or an offer that nobody booked; forget a hold a day later."""
    async with database.transaction(tenant) as connection:
        service = AppointmentService(connection, tenant, "service:appointment")
        appointment = await service.expire(appointment_id)
        await service.settle()
        if appointment is None:
            return None
        if appointment.status is Status.PROPOSED:
            return appointment.expires_at
        if not appointment.lapsed or appointment.waitlist_id is not None:
            return None
        if clock.now() < appointment.created_at + _HOLD_KEPT:
            return appointment.created_at + _HOLD_KEPT
        await AppointmentRepository(connection, tenant.id).forget_hold(appointment_id)
        return None


async def _note(database: Database, tenant: Tenant, appointment: Appointment, state: str, error: str | None) -> None:
    async with database.transaction(tenant) as connection:
        rows = AppointmentRepository(connection, tenant.id)
        await rows.calendar_synced(appointment.id, appointment.version, state, error[:100] if error else None)


def _event(appointment: Appointment) -> dict[str, Any]:
    """Describe the appointment for the professional's own calendar, in the clinic's language."""
    return {
        "professional_code": appointment.professional_code,
        "start": appointment.starts_at.isoformat(),
        "end": appointment.ends_at.isoformat(),
        "summary": f"{appointment.service_name} – {appointment.patient_name or 'paciente'}"[:300],
        "description": f"Agendado pelo AtendeAI. Código: {appointment.id}",
        "version": appointment.version,
    }
