"""Holding, booking, moving and undoing appointments: one transaction each, every transition audited with its actor.

Who wins a contested slot is decided in the database: takers of one professional's time pass one by one (an advisory
lock), holds that ran out are let go by whoever wants their time, and the exclusion constraint has the last word.
What must follow a change outside the database (the calendar's event, the end of a hold) is enqueued in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.availability import Verdict
from atendeai.appointment.metrics import TRANSITIONS
from atendeai.appointment.models import Appointment, CreateRequest, HoldRequest
from atendeai.appointment.problems import (
    hold_expired,
    no_such_appointment,
    not_booked_yet,
    slot_taken,
    transition_refused,
)
from atendeai.appointment.repository import AppointmentRepository
from atendeai.domain.appointment_states import ON_CALENDAR, Status, TransitionError, transition
from atendeai.kit import audit, clock
from atendeai.kit.db import on_commit
from atendeai.kit.errors import Problem
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

__all__ = ["CALENDAR_QUEUE", "HOLD_QUEUE", "HOLD_TIME", "AppointmentService"]

HOLD_TIME = timedelta(minutes=5)
MOST_HOLDS = 3
"""How many times one contact can keep from others at once; the next hold lets go of the oldest."""
CALENDAR_QUEUE = "calendar-sync"
HOLD_QUEUE = "hold-expiry"
_BEFORE_BOOKING = frozenset({Status.PROPOSED, Status.PENDING, Status.WAITLIST})


@dataclass(frozen=True, slots=True)
class AppointmentService:
    """One clinic's appointments inside one transaction, on behalf of one actor (`person:<id>`, `service:<name>`)."""

    connection: AsyncConnection
    tenant: Tenant
    actor: str

    @property
    def _rows(self) -> AppointmentRepository:
        return AppointmentRepository(self.connection, self.tenant.id)

    async def hold(self, wanted: HoldRequest, verdict: Verdict) -> tuple[Appointment, bool]:
        """Keep a time for a contact for five minutes. The flag is False when the contact already held it.

        Raises a problem: what the verdict says, or 409 slot-taken.
        """
        now = clock.now()
        code, start, end = wanted.professional_code, wanted.start, verdict.end
        await self._rows.lock(f"contact:{wanted.contact_id}")  # always before the professional: no circle of waiting
        await self._rows.lock(f"professional:{code}")
        own = await self._rows.held_by(wanted.contact_id, code, wanted.service_code, start, now=now)
        if own is not None:
            return own, False
        verdict.enforce()
        await self._make_room(code, start, end, contact_id=wanted.contact_id)
        for oldest in await self._rows.lapse_oldest(wanted.contact_id, keep=MOST_HOLDS - 1, now=now):
            await self._note(oldest, "expire", Status.PROPOSED)
        appointment = await self._take(
            verdict,
            {
                "status": Status.PROPOSED.value,
                "patient_name": wanted.patient_name,
                "contact_id": wanted.contact_id,
                "expires_at": now + HOLD_TIME,
            },
        )
        await self._note(appointment, "hold", None)
        await enqueue(self.connection, self.tenant.id, HOLD_QUEUE, str(appointment.id), appointment.expires_at)
        return appointment, True

    async def create(self, wanted: CreateRequest, verdict: Verdict) -> Appointment:
        """Book at once. Raises a problem: what the verdict says, or 409 slot-taken."""
        verdict.enforce(ignore_calendar=wanted.ignore_calendar)
        await self._rows.lock(f"professional:{wanted.professional_code}")
        await self._make_room(wanted.professional_code, wanted.start, verdict.end)
        patient_id = await self._rows.patient(wanted.patient_name, wanted.contact_id, now=clock.now())
        appointment = await self._take(
            verdict,
            {
                "status": Status.BOOKED.value,
                "patient_id": patient_id,
                "patient_name": wanted.patient_name,
                "contact_id": wanted.contact_id,
                "calendar_state": "pending",
            },
        )
        await self._note(appointment, "book", None)
        await self._sync(appointment)
        return appointment

    async def book(self, appointment_id: UUID, patient_name: str | None) -> Appointment:
        """Turn a hold into an appointment; one that is booked already is returned as it is.

        A hold that ran out but that nobody has taken is still good. Raises a problem: 404, 409 hold-expired, 409 when
        it is over, 422 when nobody said who the patient is.
        """
        appointment = await self._locked(appointment_id)
        if appointment.lapsed:
            raise hold_expired()
        if appointment.status is Status.BOOKED:
            return appointment
        name = patient_name or appointment.patient_name
        status = _moved(appointment, Status.BOOKED)
        if name is None:
            raise Problem(
                422,
                "patient-name-missing",
                "The patient's name is missing",
                "The hold was made without a name: send patient_name.",
                errors=[{"field": "patient_name", "reason": "required, because the hold has none"}],
            )
        patient_id = await self._rows.patient(name, appointment.contact_id, now=clock.now())
        values = {"status": status.value, "patient_id": patient_id, "patient_name": name, "expires_at": None}
        return await self._change(appointment, "book", values, sync=True)

    async def cancel(self, appointment_id: UUID, reason: str) -> Appointment:
        """Undo an appointment, or let go of a hold; one that is cancelled already is returned as it is."""
        appointment = await self._locked(appointment_id)
        if appointment.status is Status.CANCELLED:
            return appointment
        status = _moved(appointment, Status.CANCELLED)
        values = {"status": status.value, "cancel_reason": reason, "expires_at": None}
        return await self._change(
            appointment, "cancel", values, details={"reason": reason}, sync=appointment.status in ON_CALENDAR
        )

    async def confirm(self, appointment_id: UUID) -> Appointment:
        """Note that the patient will come; saying so twice changes nothing."""
        appointment = await self._locked(appointment_id)
        if appointment.lapsed:
            raise hold_expired()
        if appointment.status in _BEFORE_BOOKING:
            raise not_booked_yet(appointment.status)
        if appointment.status is not Status.BOOKED:
            raise transition_refused(f"an appointment that is {appointment.status} cannot be confirmed")
        if appointment.confirmed_at is not None:
            return appointment
        return await self._change(appointment, "confirm", {"confirmed_at": clock.now()})

    async def mark(self, appointment_id: UUID, wanted: Status) -> Appointment:
        """Note what happened at the desk: arrived, checked in, over, no show, a mistake. Repeating changes nothing."""
        appointment = await self._locked(appointment_id)
        if appointment.status is wanted:
            return appointment
        if appointment.status in _BEFORE_BOOKING and wanted is not Status.ENTERED_IN_ERROR:
            raise not_booked_yet(appointment.status)
        status = _moved(appointment, wanted)
        leaves = appointment.status in ON_CALENDAR and status not in ON_CALENDAR
        values = {"status": status.value, "expires_at": None}
        return await self._change(appointment, f"mark-{status.value}", values, sync=leaves)

    async def reschedule(self, appointment_id: UUID, verdict: Verdict, *, ignore_calendar: bool = False) -> Appointment:
        """Move the same appointment, keeping its identity and history. The old time is free at the same moment.

        A confirmation of the old time does not count for the new one. Raises a problem: 404, 409 slot-taken, 409 when
        the appointment is over or is still a hold, or what the verdict says.
        """
        code = verdict.professional.code
        await self._rows.lock(f"professional:{code}")
        appointment = await self._locked(appointment_id)
        if appointment.status in _BEFORE_BOOKING:
            raise not_booked_yet(appointment.status)
        if appointment.status is not Status.BOOKED:
            raise transition_refused(f"an appointment that is {appointment.status} cannot be moved")
        if (appointment.professional_code, appointment.starts_at) == (code, verdict.start):
            return appointment
        verdict.enforce(ignore_calendar=ignore_calendar)
        await self._make_room(code, verdict.start, verdict.end, contact_id=appointment.contact_id)
        others = await self._rows.taken([code], verdict.start, verdict.end, now=clock.now(), besides=appointment_id)
        if others:
            raise slot_taken()
        tz = self.tenant.config.tz
        details = {
            "from": {
                "start": appointment.starts_at.astimezone(tz).isoformat(),
                "professional_code": appointment.professional_code,
            },
            "to": {"start": verdict.start.astimezone(tz).isoformat(), "professional_code": code},
        }
        values = {
            "starts_at": verdict.start,
            "ends_at": verdict.end,
            "professional_code": code,
            "professional_name": verdict.professional.name,
            "confirmed_at": None,
        }
        return await self._change(appointment, "reschedule", values, details=details, sync=True)

    async def expire(self, appointment_id: UUID) -> Appointment | None:
        """Let go of a hold whose time has run out; return the row as it now stands, None when there is none."""
        now = clock.now()
        for lapsed in await self._rows.lapse(now=now, appointment_id=appointment_id):
            await self._note(lapsed, "expire", Status.PROPOSED)
            return lapsed
        return await self._rows.get(appointment_id)

    # ------------------------------------------------------------------ steps

    async def _locked(self, appointment_id: UUID) -> Appointment:
        appointment = await self._rows.get(appointment_id, lock=True)
        if appointment is None:
            raise no_such_appointment()
        return appointment

    async def _make_room(
        self, professional_code: str, start: datetime, end: datetime, *, contact_id: UUID | None = None
    ) -> None:
        """Let go of holds that ran out and stand in the way, and of the same contact's own, which it gives up."""
        lapsed = await self._rows.lapse(
            now=clock.now(), professional_code=professional_code, start=start, end=end, contact_id=contact_id
        )
        for one in lapsed:
            await self._note(one, "expire", Status.PROPOSED)

    async def _take(self, verdict: Verdict, values: Mapping[str, Any]) -> Appointment:
        now = clock.now()
        row = {
            "id": uuid4(),
            "starts_at": verdict.start,
            "ends_at": verdict.end,
            "service_code": verdict.service.code,
            "service_name": verdict.service.name,
            "professional_code": verdict.professional.code,
            "professional_name": verdict.professional.name,
            "source": self.actor.partition(":")[0],
        }
        appointment = await self._rows.insert(row | dict(values), now=now)
        if appointment is None:
            raise slot_taken()
        return appointment

    async def _change(
        self,
        before: Appointment,
        action: str,
        values: Mapping[str, Any],
        *,
        details: Mapping[str, Any] | None = None,
        sync: bool = False,
    ) -> Appointment:
        pending = {"calendar_state": "pending", "calendar_error": None} if sync else {}
        after = await self._rows.update(before, dict(values) | pending, now=clock.now())
        await self._note(after, action, before.status, details)
        if sync:
            await enqueue(self.connection, self.tenant.id, CALENDAR_QUEUE, str(after.id))
        return after

    async def _sync(self, appointment: Appointment) -> None:
        await enqueue(self.connection, self.tenant.id, CALENDAR_QUEUE, str(appointment.id))

    async def _note(
        self,
        after: Appointment,
        action: str,
        from_status: Status | None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write history and audit log. The reason a patient gave stays in the history: the audit log holds no text."""
        await self._rows.record(
            after, actor=self.actor, action=action, from_status=from_status, details=details or {}, now=clock.now()
        )
        on_commit(self.connection, lambda: TRANSITIONS.labels(action).inc())
        facts = {"status": after.status.value, "version": after.version}
        if from_status is not None:
            facts["from_status"] = from_status.value
        await audit.record(
            self.connection, self.tenant.id, self.actor, f"appointment.{action}", f"appointment:{after.id}", facts
        )


def _moved(appointment: Appointment, wanted: Status) -> Status:
    try:
        return transition(appointment.status, wanted)
    except TransitionError as error:
        raise transition_refused(str(error)) from None
