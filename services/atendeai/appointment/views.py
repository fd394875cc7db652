"""What the appointment service answers, field by field. Moments carry the offset of the clinic's time zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from atendeai.appointment.event_details import EventDetails
from atendeai.appointment.waitlist_models import WishStatus
from atendeai.domain.appointment_states import Status
from atendeai.domain.slots import Reason
from atendeai.kit.paging import Page
from atendeai.kit.schemas import Answer

__all__ = [
    "AppliedView",
    "AppointmentList",
    "AppointmentPage",
    "AppointmentView",
    "FeedAddressView",
    "FeedView",
    "HistoryPage",
    "OwnAppointmentPage",
    "SlotsView",
    "WishList",
    "WishPage",
    "WishView",
]


class PatientView(Answer):
    """Who it is for; no id before it is booked."""

    id: UUID | None
    name: str | None
    contact_id: UUID | None


class WishPatientView(Answer):
    """Who waits."""

    name: str
    contact_id: UUID


class ActorView(Answer):
    """A FHIR reference."""

    type: Literal["Patient", "Practitioner"]
    reference: str | None
    display: str | None


class ParticipantView(Answer):
    """FHIR's `Appointment.participant`."""

    actor: ActorView
    status: Literal["accepted", "declined", "tentative", "needs-action"]


class CalendarView(Answer):
    """How its event in Google Calendar stands."""

    state: str
    error: str | None


class CancellationView(Answer):
    """FHIR's `Appointment.cancellationReason`."""

    code: str
    text: str


class ConflictView(Answer):
    """What the professional's calendar has against it, and since when."""

    kind: Literal["moved", "deleted", "overlapped"]
    detail: str | None
    start: datetime | None = None
    end: datetime | None = None
    since: datetime


class AppointmentView(Answer):
    """An appointment, a hold or an offer; a field without a value in its state is left out."""

    id: UUID
    status: Status
    start: datetime
    end: datetime
    service_code: str
    service_name: str
    professional_code: str
    professional_name: str
    patient: PatientView
    participant: list[ParticipantView]
    source: str
    calendar: CalendarView
    created_at: datetime
    version: int
    expires_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancel_reason: str | None = None
    cancellation_reason: CancellationView | None = None
    waitlist_id: UUID | None = None
    conflict: ConflictView | None = None


class AppointmentPage(Page):
    """Appointments."""

    items: list[AppointmentView]


class OwnAppointmentView(AppointmentView):
    """An appointment of the contact who asks; `reminded_at`: when they were last reminded of it as it stands now."""

    reminded_at: datetime | None = None


class OwnAppointmentPage(Page):
    """A contact's appointments."""

    items: list[OwnAppointmentView]


class AppointmentList(Answer):
    """All of a contact's appointments that were asked for."""

    items: list[AppointmentView]


class EventView(Answer):
    """One line of an appointment's history; which `details` there are depends on `action`.

    `version` is the appointment's, which it led to or was seen at; `actor_name` what a person of the clinic's is called
    by now, also after they left.
    """

    version: int
    at: datetime
    actor: str
    actor_name: str | None
    action: str
    from_status: Status | None
    to_status: Status
    details: EventDetails


class HistoryPage(Page):
    """What happened to an appointment, in order."""

    items: list[EventView]


class SlotView(Answer):
    """A free time."""

    start: datetime
    end: datetime
    professional_code: str
    service_code: str


class UnreadableView(Answer):
    """A professional whose calendar cannot be read, so that no time of theirs is offered."""

    professional_code: str
    reason: str


class SlotsView(Answer):
    """Free times in order; without any, `reason` says why."""

    slots: list[SlotView]
    reason: Reason | None = None
    unreadable: list[UnreadableView] | None = None


class OfferView(Answer):
    """What a wish is being offered at the moment."""

    appointment_id: UUID
    start: datetime
    professional_code: str
    expires_at: datetime


class WishView(Answer):
    """An entry of the waiting list."""

    id: UUID
    status: WishStatus
    service_code: str
    professional_code: str | None
    patient: WishPatientView
    date_from: date
    date_to: date
    time_from: str | None
    time_to: str | None
    source: str
    created_at: datetime
    offer: OfferView | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    appointment_id: UUID | None = None


class WishPage(Page):
    """Entries of the waiting list."""

    items: list[WishView]


class WishList(Answer):
    """What one contact waits for."""

    items: list[WishView]


class FeedView(Answer):
    """Whether a professional's feed has an address, and since when."""

    professional_code: str
    minted_at: datetime | None


class FeedAddressView(FeedView):
    """The address itself, shown this once."""

    path: str
    url: str | None


class AppliedView(Answer):
    """What became of a change in the calendar."""

    applied: Literal["rescheduled", "cancelled", "conflict", "cleared", "ignored"]
