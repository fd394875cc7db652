"""Reminding patients: durable work on each booked appointment, which looks at it as it stands now.

The key is the appointment's. A look sends what is due (see `reminder_plan`) and says when to look again: at the next
reminder's moment, but also now and then before, for the clinic may change `spec.reminders` meanwhile.
What was queued for a time that does not stand any more is taken back: while the channel rests, messages wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.keys import reminder_key
from atendeai.appointment.messenger import Messenger, Outcome
from atendeai.appointment.models import Appointment
from atendeai.appointment.reminder_plan import Plan, latest, plan
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.steps import Steps
from atendeai.appointment.wording import Message
from atendeai.domain.appointment_states import Status
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Reminders"]

_OFTEN, _SELDOM = timedelta(minutes=10), timedelta(hours=6)
_PART = 8
"""A look is repeated after this part of the time that is left: a changed offset is late by no more than that."""

_SENT = text(
    "SELECT r.minutes_before FROM atendeai.appointment_reminder r"
    " WHERE r.clinic_id = :clinic_id AND r.appointment_id = :id AND r.starts_at = :start"
)
_VOID = text(
    "SELECT r.starts_at, r.minutes_before FROM atendeai.appointment_reminder r"
    " WHERE r.clinic_id = :clinic_id AND r.appointment_id = :id AND r.outcome = 'sent' AND r.starts_at > :now"
    " AND (:over OR r.starts_at <> :start) ORDER BY r.at DESC LIMIT 20"
)
_RECORD = text(
    "INSERT INTO atendeai.appointment_reminder (clinic_id, appointment_id, starts_at, minutes_before, outcome, at)"
    " SELECT :clinic_id, a.id, :start, :minutes, :outcome, :now FROM atendeai.appointment a"
    " WHERE a.clinic_id = :clinic_id AND a.id = :id ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Reminders:
    """Handles the queue of reminders."""

    database: Database
    messenger: Messenger

    async def handle(self, tenant: Tenant, key: str) -> datetime | None:
        """Send what is due and return when to look again. Raises ServiceError when sending may succeed later."""
        async with self.database.transaction(tenant) as connection:
            appointment = await AppointmentRepository(connection, tenant.id).get(UUID(key))
            sent = await _sent(connection, tenant, appointment) if appointment else set()
            void = await _void(connection, tenant, appointment) if appointment else ()
        if void:
            await self.messenger.withdraw(tenant, void)
        if appointment is None or appointment.status is not Status.BOOKED or appointment.contact_id is None:
            return None
        if appointment.starts_at <= clock.now():
            return None
        due = _plan(tenant, appointment, sent)
        if due.send is None:
            return _look_again(appointment, due)
        outcome = await self._send(tenant, appointment, appointment.contact_id, due.send)
        async with self.database.transaction(tenant) as connection:
            await _record(connection, tenant, appointment, due.send, outcome)
        return _look_again(appointment, _plan(tenant, appointment, sent | {due.send}))

    async def _send(self, tenant: Tenant, appointment: Appointment, contact_id: UUID, offset: timedelta) -> Outcome:
        tz = tenant.config.tz
        message = Message.reminder(
            appointment.id,
            appointment.patient_name,
            appointment.starts_at.astimezone(tz),
            clock.now().astimezone(tz).date(),
            confirmed=appointment.confirmed_at is not None,
        )
        return await self.messenger.send(
            tenant,
            contact_id,
            message,
            reminder_key(appointment.id, appointment.starts_at, offset),
            # What waits in the queue is let go as late as what waits here.
            until=latest(appointment.starts_at, offset),
        )


def _plan(tenant: Tenant, appointment: Appointment, sent: set[timedelta]) -> Plan:
    return plan(
        tenant.config.settings.reminders.offsets,
        start=appointment.starts_at,
        agreed_at=appointment.agreed_at or appointment.created_at,
        confirmed=appointment.confirmed_at is not None,
        sent=sent,
        now=clock.now(),
        tz=tenant.config.tz,
    )


def _look_again(appointment: Appointment, due: Plan) -> datetime | None:
    left = appointment.starts_at - clock.now()
    if left <= _OFTEN and due.following is None:
        return None
    again = clock.now() + min(max(left / _PART, _OFTEN), _SELDOM)
    return again if due.following is None else min(due.following, again)


async def _sent(connection: AsyncConnection, tenant: Tenant, appointment: Appointment) -> set[timedelta]:
    names: Mapping[str, Any] = {"clinic_id": tenant.id, "id": appointment.id, "start": appointment.starts_at}
    return {timedelta(minutes=one) for one in (await connection.execute(_SENT, names)).scalars()}


async def _void(connection: AsyncConnection, tenant: Tenant, appointment: Appointment) -> list[str]:
    """Return the keys of what was queued for times ahead that the appointment does not have any more."""
    names = {
        "clinic_id": tenant.id,
        "id": appointment.id,
        "start": appointment.starts_at,
        "over": appointment.status is not Status.BOOKED,
        "now": clock.now(),
    }
    rows = (await connection.execute(_VOID, names)).all()
    return [reminder_key(appointment.id, row.starts_at, timedelta(minutes=row.minutes_before)) for row in rows]


async def _record(
    connection: AsyncConnection, tenant: Tenant, appointment: Appointment, offset: timedelta, outcome: Outcome
) -> None:
    """Note that this offset is done for this start, and in the history what became of it."""
    names = {
        "clinic_id": tenant.id,
        "id": appointment.id,
        "start": appointment.starts_at,
        "minutes": _minutes(offset),
        "outcome": outcome.value,
        "now": clock.now(),
    }
    if (await connection.execute(_RECORD, names)).rowcount:
        details = {"minutes_before": _minutes(offset), "outcome": outcome.value}
        steps = Steps(connection, tenant, "service:appointment")
        await steps.note(appointment, "remind", appointment.status, details, reason="reminder-due")


def _minutes(offset: timedelta) -> int:
    return int(offset.total_seconds() // 60)
