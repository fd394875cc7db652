"""Holding, booking, moving and undoing appointments: one transaction each, every transition audited with its actor.

Who wins a contested slot is decided in the database: takers of one professional's time pass one by one (an advisory
lock), holds that ran out are let go by whoever wants their time, and the exclusion constraint has the last word.
What must follow a change is enqueued in the same transaction (see `steps`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from atendeai.appointment.availability import Verdict
from atendeai.appointment.models import (
    HOLD_RELEASED,
    OFFER_DECLINED,
    OFFER_EXPIRED,
    Appointment,
    CancelCode,
    CreateRequest,
    HoldRequest,
)
from atendeai.appointment.patients import patient
from atendeai.appointment.problems import (
    hold_expired,
    not_booked_yet,
    not_offered,
    notice_too_short,
    slot_taken,
    transition_refused,
)
from atendeai.appointment.steps import HOLD_QUEUE, NOTICE_QUEUE, PATIENT_SIDE, Steps, moved
from atendeai.appointment.waitlist_models import Wish
from atendeai.appointment.waitlist_repository import WaitlistRepository
from atendeai.domain.appointment_states import ON_CALENDAR, Status
from atendeai.domain.slots import Professional
from atendeai.kit import clock
from atendeai.kit.errors import Problem
from atendeai.kit.preconditions import require_match, version_tag
from atendeai.kit.work import enqueue

__all__ = ["HOLD_TIME", "AppointmentService"]

HOLD_TIME = timedelta(minutes=5)
MOST_HOLDS = 3
"""How many times one contact can keep from others at once; the next hold lets go of the oldest."""
_THERE = frozenset({Status.ARRIVED, Status.CHECKED_IN})
_BEFORE_BOOKING = frozenset({Status.PROPOSED, Status.PENDING, Status.WAITLIST})


class AppointmentService(Steps):
    """One clinic's appointments inside one transaction, on behalf of one actor (`person:<id>`, `service:<name>`).

    Where a `contact_id` is given, that contact asks, and whatever is not theirs is answered with 404.
    """

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
        oldest = await self._rows.lapse_oldest(wanted.contact_id, keep=MOST_HOLDS - 1, now=now)
        await self._let_go(oldest, "made-room")
        appointment = await self._take(
            verdict,
            {
                "status": Status.PROPOSED.value,
                "patient_name": wanted.patient_name,
                "contact_id": wanted.contact_id,
                "expires_at": now + HOLD_TIME,
            },
        )
        await self.note(appointment, "hold", None)
        await enqueue(self.connection, self.tenant.id, HOLD_QUEUE, str(appointment.id), appointment.expires_at)
        return appointment, True

    async def create(self, wanted: CreateRequest, verdict: Verdict) -> Appointment:
        """Book at once. Raises a problem: what the verdict says, or 409 slot-taken.

        What is held for that contact, or offered to it, does not stand in the way: it is what they call about.
        """
        verdict.enforce(ignore_calendar=wanted.ignore_calendar)
        await self._rows.lock(f"professional:{wanted.professional_code}")
        await self._make_room(wanted.professional_code, wanted.start, verdict.end, contact_id=wanted.contact_id)
        now = clock.now()
        patient_id = await self._patient(wanted.patient_name, wanted.contact_id)
        appointment = await self._take(
            verdict,
            {
                "status": Status.BOOKED.value,
                "patient_id": patient_id,
                "patient_name": wanted.patient_name,
                "contact_id": wanted.contact_id,
                "calendar_state": "pending",
                "agreed_at": now,
            },
        )
        await self.note(appointment, "book", None)
        await self._sync(appointment)
        await self._agreed(appointment)
        return appointment

    async def book(
        self, appointment_id: UUID, patient_name: str | None, *, contact_id: UUID | None = None
    ) -> Appointment:
        """Turn a hold into an appointment; one that is booked already is returned as it is.

        A hold or an offer that ran out but that nobody has taken is still good. Raises a problem: 404, 409
        hold-expired, 409 when it is over, 422 when nobody said who the patient is.
        """
        appointment = await self._locked(appointment_id, contact_id)
        if appointment.lapsed:
            raise hold_expired()
        if appointment.status is Status.BOOKED:
            return appointment
        name = patient_name or appointment.patient_name
        status = moved(appointment, Status.BOOKED)
        if name is None:
            raise Problem(
                422,
                "patient-name-missing",
                "The patient's name is missing",
                "The hold was made without a name: send patient_name.",
                errors=[{"field": "patient_name", "reason": "required, because the hold has none"}],
            )
        now = clock.now()
        patient_id = await self._patient(name, appointment.contact_id)
        values = {"patient_id": patient_id, "patient_name": name, "expires_at": None, "agreed_at": now}
        booked = await self._change(appointment, "book", values | {"status": status.value}, sync=True)
        await self._agreed(booked)
        return booked

    async def cancel(
        self,
        appointment_id: UUID,
        reason: str,
        code: CancelCode | None = None,
        *,
        contact_id: UUID | None = None,
        notify: bool = False,
    ) -> Appointment:
        """Undo an appointment, or let go of a hold or an offer; one that is cancelled already is returned as it is.

        With `notify` the patient is told. Raises a problem: 404, 409 when it is over, 409 notice-too-short.
        """
        appointment = await self._locked(appointment_id, contact_id)
        if appointment.status is Status.CANCELLED:
            return appointment
        status = moved(appointment, Status.CANCELLED)
        self._in_time(appointment)
        code = code or ("pat" if self.actor == PATIENT_SIDE else "other")
        values = {"status": status.value, "cancel_reason": reason, "cancel_code": code, "expires_at": None}
        if appointment.status is Status.PROPOSED and appointment.waitlist_id is None:
            values["cancel_reason"] = HOLD_RELEASED
        booked = appointment.status in ON_CALENDAR
        return await self._change(
            appointment,
            "cancel",
            values,
            details={"reason": reason, "code": code},
            reason=code,
            sync=booked,
            notify=notify and booked,
        )

    async def decline(self, appointment_id: UUID, contact_id: UUID) -> Appointment:
        """Let go of an offer to the waiting list, and of nothing else; one declined already is returned as it is.

        Raises a problem: 404, 409 hold-expired, 409 not-offered, so when it was taken meanwhile.
        """
        offer = await self._locked(appointment_id, contact_id)
        if offer.waitlist_id is None:
            raise not_offered()
        if offer.lapsed:
            raise hold_expired()
        if offer.status is Status.CANCELLED and offer.cancel_reason == OFFER_DECLINED:
            return offer
        if offer.status is not Status.PROPOSED:
            raise not_offered()
        status = moved(offer, Status.CANCELLED)
        values = {"status": status.value, "cancel_reason": OFFER_DECLINED, "cancel_code": "pat", "expires_at": None}
        return await self._change(offer, "decline", values)

    async def confirm(self, appointment_id: UUID, *, contact_id: UUID | None = None) -> Appointment:
        """Note that the patient will come; saying so twice changes nothing."""
        appointment = await self._locked(appointment_id, contact_id)
        if appointment.lapsed:
            raise hold_expired()
        if appointment.status in _BEFORE_BOOKING:
            raise not_booked_yet(appointment.status)
        if appointment.status is not Status.BOOKED:
            raise transition_refused(f"an appointment that is {appointment.status} cannot be confirmed")
        if appointment.confirmed_at is not None:
            return appointment
        return await self._change(appointment, "confirm", {"confirmed_at": clock.now()})

    async def unchanged(self, appointment_id: UUID, if_match: str | None) -> None:
        """Lock an appointment that is as the caller saw it. Raises a problem: 404, 412."""
        if if_match is not None:
            require_match(if_match, version_tag((await self._locked(appointment_id)).version))

    async def mark(self, appointment_id: UUID, wanted: Status) -> Appointment:
        """Note what happened at the desk: arrived, checked in, over, no show, a mistake. Repeating changes nothing."""
        appointment = await self._locked(appointment_id)
        if appointment.status is wanted:
            return appointment
        if appointment.status in _BEFORE_BOOKING and wanted is not Status.ENTERED_IN_ERROR:
            raise not_booked_yet(appointment.status)
        status = moved(appointment, wanted)
        self._at_its_time(appointment, wanted)
        leaves = appointment.status in ON_CALENDAR and status not in ON_CALENDAR
        values = {"status": status.value, "expires_at": None}
        return await self._change(appointment, f"mark-{status.value}", values, sync=leaves)

    async def reschedule(
        self,
        appointment_id: UUID,
        verdict: Verdict,
        *,
        contact_id: UUID | None = None,
        ignore_calendar: bool = False,
        notify: bool = False,
        if_match: str | None = None,
    ) -> Appointment:
        """Move the same appointment, keeping its identity and history. The old time is free at the same moment.

        A confirmation of the old time does not count for the new one, nor does a conflict. With `notify` the patient is
        told. Raises a problem: 404, 409 slot-taken, 409 notice-too-short, 409 when the appointment is over or is still
        a hold, or what the verdict says.
        """
        code = verdict.professional.code
        await self._rows.lock(f"professional:{code}")
        appointment = await self._locked(appointment_id, contact_id)
        require_match(if_match, version_tag(appointment.version))
        if appointment.status in _BEFORE_BOOKING:
            raise not_booked_yet(appointment.status)
        if appointment.status is not Status.BOOKED:
            raise transition_refused(f"an appointment that is {appointment.status} cannot be moved")
        if (appointment.professional_code, appointment.starts_at) == (code, verdict.start):
            return appointment
        self._in_time(appointment)
        verdict.enforce(ignore_calendar=ignore_calendar)
        return await self.relocate(appointment, verdict.professional, verdict.start, verdict.end, notify=notify)

    async def relocate(
        self, appointment: Appointment, person: Professional, start: datetime, end: datetime, *, notify: bool
    ) -> Appointment:
        """Move a booked appointment that is locked, as is the professional's time. Raises 409 slot-taken."""
        await self._make_room(person.code, start, end, contact_id=appointment.contact_id)
        if await self._rows.taken([person.code], start, end, now=None, besides=appointment.id):
            raise slot_taken()
        tz = self.tenant.config.tz
        details = {
            "from": {
                "start": appointment.starts_at.astimezone(tz).isoformat(),
                "professional_code": appointment.professional_code,
            },
            "to": {"start": start.astimezone(tz).isoformat(), "professional_code": person.code},
        }
        values = {
            "starts_at": start,
            "ends_at": end,
            "professional_code": person.code,
            "professional_name": person.name,
            "confirmed_at": None,
            "agreed_at": clock.now(),
            "conflict": None,
        }
        after = await self._change(appointment, "reschedule", values, details=details, sync=True, notify=notify)
        await self._agreed(after)
        return after

    async def expire(self, appointment_id: UUID) -> Appointment | None:
        """Let go of a hold or an offer whose time has run out, or an offer for a wish that is over.

        Returns the row as it now stands, None when there is none.
        """
        now = clock.now()
        for lapsed in await self._rows.lapse(now=now, appointment_id=appointment_id):
            await self._let_go([lapsed], "time-ran-out")
            return lapsed
        appointment = await self._rows.get(appointment_id, lock=True)
        if appointment is None or appointment.status is not Status.PROPOSED or appointment.waitlist_id is None:
            return appointment
        if await WaitlistRepository(self.connection, self.tenant.id).is_open(appointment.waitlist_id):
            return appointment
        return await self.withdraw_offer(appointment, "wish-is-over")

    async def give_up_offer(self, appointment_id: UUID, reason: str) -> bool:
        """Let go of an offer, if it still is one; `reason` is a code of the audit log. Raises 404."""
        offer = await self._locked(appointment_id)
        if offer.status is not Status.PROPOSED:
            return False
        await self.withdraw_offer(offer, reason)
        return True

    async def clear(self, professional_code: str, start: datetime, end: datetime) -> None:
        """Let go of holds and offers in a stretch of time that ran out. The professional's time is locked."""
        await self._make_room(professional_code, start, end)

    async def withdraw_offer(self, offer: Appointment, reason: str) -> Appointment:
        """Let go of an offer that is locked, before its time."""
        values = {"status": moved(offer, Status.CANCELLED).value, "cancel_reason": OFFER_EXPIRED, "expires_at": None}
        after = await self._change(offer, "expire", values, reason=reason)
        await self._take_back(after)
        return after

    async def offer(self, verdict: Verdict, wish: Wish, expires_at: datetime) -> Appointment | None:
        """Keep a time for the next on the waiting list; None when somebody has it. The professional's time is locked.

        The patient is told by the notice, and the offer ends by itself.
        """
        try:
            appointment = await self._take(
                verdict,
                {
                    "status": Status.PROPOSED.value,
                    "patient_name": wish.patient_name,
                    "contact_id": wish.contact_id,
                    "expires_at": expires_at,
                    "waitlist_id": wish.id,
                },
            )
        except Problem:
            return None
        await self.note(appointment, "offer", None, reason="time-got-free")
        await enqueue(self.connection, self.tenant.id, HOLD_QUEUE, str(appointment.id), expires_at)
        await enqueue(self.connection, self.tenant.id, NOTICE_QUEUE, str(appointment.id))
        return appointment

    async def _patient(self, name: str, contact_id: UUID | None) -> UUID:
        return await patient(self.connection, self.tenant.id, name, contact_id, now=clock.now())

    def _at_its_time(self, appointment: Appointment, wanted: Status) -> None:
        """Hold the desk to the appointment's own time: what is over is so from its start on, who comes, on its day."""
        now, tz = clock.now(), self.tenant.config.tz
        if wanted is Status.NOSHOW and appointment.starts_at > now:
            # FHIR: a patient did not appear. Before the time that is not known; what is known then is a cancellation.
            raise transition_refused("nobody has missed an appointment that lies ahead; cancel it instead")
        if wanted is Status.FULFILLED and appointment.starts_at > now:
            raise transition_refused("what lies ahead has not taken place; move it to now if the patient is here")
        if wanted in _THERE:
            first, last = (one.astimezone(tz).date() for one in (appointment.starts_at, appointment.ends_at))
            if not first <= now.astimezone(tz).date() <= last:
                raise transition_refused(f"nobody arrives today for {first}; move it, or say how it ended")

    def _in_time(self, appointment: Appointment) -> None:
        """Hold the patient's side to the clinic's notice; what was never agreed may be undone at any time."""
        if self.actor != PATIENT_SIDE or appointment.status not in ON_CALENDAR:
            return
        until = appointment.starts_at - self.tenant.config.profile.policies.notice
        if clock.now() > until:
            raise notice_too_short(until.astimezone(self.tenant.config.tz))
