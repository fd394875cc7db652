"""What every change of an appointment has in common: locks, making room, history, and the work that follows.

What must follow a change outside the database (the calendar's event, the end of a hold, reminders, word to the patient,
an offer of the freed time to who waits for one) is enqueued in the same transaction.

Locks are taken in one order, so that nobody waits in a circle: the waiting list, the contact, the professional, rows of
appointments, wishes; last, in `settle`, the keys of work that several transactions may share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.availability import Verdict
from atendeai.appointment.metrics import TRANSITIONS
from atendeai.appointment.models import Appointment
from atendeai.appointment.problems import no_such_appointment, slot_taken, transition_refused
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.waitlist_repository import WaitlistRepository
from atendeai.domain.appointment_states import LIVE, Status, TransitionError, transition
from atendeai.kit import audit, clock
from atendeai.kit.db import on_commit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

__all__ = [
    "CALENDAR_QUEUE",
    "FREED_QUEUE",
    "HOLD_QUEUE",
    "NOTICE_QUEUE",
    "PATIENT_SIDE",
    "REMINDER_QUEUE",
    "Steps",
    "asked_by",
    "freed_key",
    "moved",
]

CALENDAR_QUEUE = "calendar-sync"
HOLD_QUEUE = "hold-expiry"
REMINDER_QUEUE = "appointment-reminder"
NOTICE_QUEUE = "appointment-notice"
FREED_QUEUE = "waitlist-freed"
PATIENT_SIDE = "service:conversation"
"""Who acts on a patient's word: the clinic's notice binds it, and nobody else."""
_CALENDAR_SIDE = "service:calendar"


def freed_key(professional_code: str, day: date) -> str:
    """Name one professional's day, in which a time got free."""
    return f"{day.isoformat()}/{professional_code}"


def asked_by(actor: str) -> str:
    """Say at whose word an actor changes something, as a reason of the audit log."""
    if actor == PATIENT_SIDE:
        return audit.ASKED_BY_PATIENT
    if actor == _CALENDAR_SIDE:
        return "changed-in-calendar"
    return audit.ASKED_BY_STAFF if actor.startswith("person:") else "asked-by-service"


def moved(appointment: Appointment, wanted: Status) -> Status:
    """Return the new status. Raises 409 transition-refused when the ranks forbid it."""
    try:
        return transition(appointment.status, wanted)
    except TransitionError as error:
        raise transition_refused(str(error)) from None


@dataclass(frozen=True, slots=True)
class Steps:
    """One clinic's appointments inside one transaction, on behalf of one actor (`person:<id>`, `service:<name>`)."""

    connection: AsyncConnection
    tenant: Tenant
    actor: str
    _freed: set[tuple[date, str]] = field(default_factory=set)
    _doubtful: set[UUID] = field(default_factory=set)

    async def settle(self) -> None:
        """Enqueue what several transactions may enqueue under one key: the last thing each does, in one order."""
        for day, code in sorted(self._freed):
            await enqueue(self.connection, self.tenant.id, FREED_QUEUE, freed_key(code, day))
        for offer in sorted(self._doubtful):
            await enqueue(self.connection, self.tenant.id, HOLD_QUEUE, str(offer))

    @property
    def _rows(self) -> AppointmentRepository:
        return AppointmentRepository(self.connection, self.tenant.id)

    async def _locked(self, appointment_id: UUID, contact_id: UUID | None = None) -> Appointment:
        """Lock an appointment: any for the clinic itself, only a contact's own when a contact asks."""
        appointment = await self._rows.get(appointment_id, lock=True)
        if appointment is None or contact_id not in {None, appointment.contact_id}:
            raise no_such_appointment()
        return appointment

    async def _make_room(
        self, professional_code: str, start: datetime, end: datetime, *, contact_id: UUID | None = None
    ) -> None:
        """Let go of holds that ran out and stand in the way, and of the same contact's own, which it gives up."""
        lapsed = await self._rows.lapse(
            now=clock.now(), professional_code=professional_code, start=start, end=end, contact_id=contact_id
        )
        await self._let_go(lapsed, "made-room")

    async def _let_go(self, lapsed: Iterable[Appointment], reason: str) -> None:
        for one in lapsed:
            await self.note(one, "expire", Status.PROPOSED, reason=reason)
            self._free(one)
            await self._take_back(one)

    async def _take_back(self, offer: Appointment) -> None:
        """See to it that an offer which is over is not made any more, should its message still wait."""
        if offer.waitlist_id is not None:
            await enqueue(self.connection, self.tenant.id, NOTICE_QUEUE, str(offer.id))

    def _free(self, before: Appointment) -> None:
        """Remember that a time got free: somebody may be waiting for it."""
        if before.ends_at > clock.now():
            self._freed.add((before.starts_at.astimezone(self.tenant.config.tz).date(), before.professional_code))

    async def _agreed(self, appointment: Appointment) -> None:
        """What follows when a time is agreed: reminders, and the end of the wishes it fulfils."""
        await enqueue(self.connection, self.tenant.id, REMINDER_QUEUE, str(appointment.id))
        wishes = WaitlistRepository(self.connection, self.tenant.id)
        local = appointment.starts_at.astimezone(self.tenant.config.tz)
        fulfilled = await wishes.fulfil(appointment, local.date(), local.time(), now=clock.now())
        for wish in fulfilled:
            await audit.record(
                self.connection, self.tenant.id, self.actor, "waitlist.fulfil", f"waitlist:{wish}", reason="booked"
            )
        if fulfilled:
            self._doubtful.update(await wishes.open_offers(fulfilled, besides=appointment.id))

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
        reason: str | None = None,
        sync: bool = False,
        notify: bool = False,
    ) -> Appointment:
        """Write a change and see to what follows from it. With `notify` the patient is told how things stand.

        `reason` as in `note`.
        """
        changes = dict(values)
        if sync:
            changes |= {"calendar_state": "pending", "calendar_error": None}
        if "status" in changes and changes["status"] not in LIVE:
            changes["conflict"] = None  # nothing is left to stand against
        if "conflict" in changes:
            changes["conflict"] = orjson.dumps(changes["conflict"]).decode() if changes["conflict"] else None
        if sync or notify:  # a later change of the same kind is what the patient must hear of, or knows already
            changes["notice_version"] = before.version + 1 if notify else None
        after = await self._rows.update(before, changes, now=clock.now())
        await self.note(after, action, before.status, details, reason=reason)
        if sync:
            await enqueue(self.connection, self.tenant.id, CALENDAR_QUEUE, str(after.id))
        if notify:
            await enqueue(self.connection, self.tenant.id, NOTICE_QUEUE, str(after.id))
        if before.status is Status.BOOKED and after.status is not Status.BOOKED:
            await enqueue(self.connection, self.tenant.id, REMINDER_QUEUE, str(after.id))  # to take back what waits
        if before.status in LIVE and (after.status not in LIVE or _place(before) != _place(after)):
            self._free(before)
        return after

    async def _sync(self, appointment: Appointment) -> None:
        await enqueue(self.connection, self.tenant.id, CALENDAR_QUEUE, str(appointment.id))

    async def note(
        self,
        after: Appointment,
        action: str,
        from_status: Status | None,
        details: Mapping[str, Any] | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        """Write history and audit log. The reason a patient gave stays in the history: the audit log holds no text.

        Its own `reason` is a code; without one it is at whose word the actor acts.
        """
        await self._rows.record(
            after, actor=self.actor, action=action, from_status=from_status, details=details or {}, now=clock.now()
        )
        on_commit(self.connection, lambda: TRANSITIONS.labels(action).inc())
        facts = {"status": after.status.value, "version": after.version}
        if from_status is not None:
            facts["from_status"] = from_status.value
        await audit.record(
            self.connection,
            self.tenant.id,
            self.actor,
            f"appointment.{action}",
            f"appointment:{after.id}",
            facts,
            reason=reason or asked_by(self.actor),
        )


def _place(appointment: Appointment) -> tuple[str, datetime, datetime]:
    return appointment.professional_code, appointment.starts_at, appointment.ends_at
