"""Telling patients what they must know besides: an offer of a freed time, and what the clinic changed.

A change of the night is told in the morning, but at once to who would come before it.

Durable work on each appointment, which looks at it as it stands now: an offer that is over is not made, is taken back
where its message still waits, and of several changes the patient hears how things stand in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from atendeai.appointment.keys import change_key, offer_key
from atendeai.appointment.messenger import Messenger, Outcome
from atendeai.appointment.models import Appointment
from atendeai.appointment.reminder_plan import next_morning
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.service import AppointmentService
from atendeai.appointment.steps import Steps
from atendeai.appointment.waitlist_repository import WaitlistRepository
from atendeai.appointment.wording import Message
from atendeai.domain.appointment_states import Status
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Notices"]

_ACTOR = "service:appointment"


@dataclass(frozen=True, slots=True)
class Notices:
    """Handles the queue of notices."""

    database: Database
    messenger: Messenger

    async def handle(self, tenant: Tenant, key: str) -> datetime | None:
        """Tell the patient, or return when to. Raises ServiceError when it may succeed later."""
        async with self.database.transaction(tenant) as connection:
            appointment = await AppointmentRepository(connection, tenant.id).get(UUID(key))
        if appointment is None or appointment.contact_id is None or appointment.starts_at <= clock.now():
            return None
        if appointment.lapsed and appointment.waitlist_id is not None:
            await self.messenger.withdraw(tenant, [offer_key(appointment.id)])
        elif appointment.status is Status.PROPOSED and appointment.waitlist_id is not None:
            await self._offer(tenant, appointment, appointment.contact_id)
        elif appointment.notice_version is not None:
            morning = next_morning(clock.now(), tenant.config.tz)
            if morning is not None and morning < appointment.starts_at:
                return morning
            await self._change(tenant, appointment, appointment.contact_id, appointment.notice_version)
        return None

    async def _offer(self, tenant: Tenant, offer: Appointment, contact_id: UUID) -> None:
        """Make the offer; who cannot be reached does not keep the time from the next."""
        if offer.expires_at is None or offer.expires_at <= clock.now():
            return
        tz = tenant.config.tz
        start, until, today = (
            offer.starts_at.astimezone(tz),
            offer.expires_at.astimezone(tz),
            clock.now().astimezone(tz),
        )
        message = Message.offer(offer.id, offer.patient_name, start, today.date(), until)
        outcome = await self.messenger.send(tenant, contact_id, message, offer_key(offer.id), until=offer.expires_at)
        if outcome is Outcome.SENT:
            return
        async with self.database.transaction(tenant) as connection:
            service = AppointmentService(connection, tenant, _ACTOR)
            await service.give_up_offer(offer.id, outcome.value)
            if offer.waitlist_id is not None and outcome is not Outcome.REFUSED:
                wishes, target = WaitlistRepository(connection, tenant.id), f"waitlist:{offer.waitlist_id}"
                if await wishes.end(offer.waitlist_id, "cancelled", outcome.value, now=clock.now()):
                    await audit.record(connection, tenant.id, _ACTOR, "waitlist.end", target, reason=outcome.value)
            await service.settle()

    async def _change(self, tenant: Tenant, changed: Appointment, contact_id: UUID, version: int) -> None:
        tz = tenant.config.tz
        start, today = changed.starts_at.astimezone(tz), clock.now().astimezone(tz).date()
        told = {Status.BOOKED: Message.moved, Status.CANCELLED: Message.cancelled}.get(changed.status)
        outcome: Outcome | None = None
        if told is not None:
            message = told(changed.patient_name, start, today)
            outcome = await self.messenger.send(
                tenant, contact_id, message, change_key(changed.id, version), until=changed.starts_at
            )
        async with self.database.transaction(tenant) as connection:
            settled = await AppointmentRepository(connection, tenant.id).told(changed.id, version)
            # Changed again meanwhile, it is looked at again: the history says what came of how things stand.
            if settled and outcome is not None:
                said = {"outcome": outcome.value}
                await Steps(connection, tenant, _ACTOR).note(
                    changed, "notify", changed.status, said, reason="changed-by-clinic"
                )
