"""The refusals of the appointment service, each with the remedy in its detail."""

from __future__ import annotations

from datetime import datetime

from atendeai.appointment.metrics import SLOTS_TAKEN
from atendeai.domain.appointment_states import Status
from atendeai.domain.slots import Refusal
from atendeai.kit.errors import Problem, not_found

__all__ = [
    "calendar_unavailable",
    "hold_expired",
    "no_such_appointment",
    "no_such_contact",
    "no_such_professional",
    "no_such_wish",
    "not_booked_yet",
    "not_offered",
    "notice_too_short",
    "profile_unreadable",
    "refused",
    "slot_taken",
    "too_many_wishes",
    "transition_refused",
    "waiting_list_off",
]

_REFUSALS: dict[Refusal, tuple[str, str, str]] = {
    Refusal.UNKNOWN_SERVICE: ("service_code", "unknown-service", "the clinic's profile has no such service"),
    Refusal.UNKNOWN_PROFESSIONAL: ("professional_code", "unknown-professional", "the clinic has no such professional"),
    Refusal.NOT_PERFORMED: ("professional_code", "not-performed", "this professional does not perform this service"),
    Refusal.PAST: ("start", "in-the-past", "this time has gone by"),
    Refusal.CLOSED: ("start", "outside-hours", "the service does not fit into the opening hours at this time"),
}


def slot_taken() -> Problem:
    """409: somebody else has this time."""
    SLOTS_TAKEN.inc()
    return Problem(
        409, "slot-taken", "The time is taken", "This time is no longer free; search the slots again and pick another."
    )


def hold_expired() -> Problem:
    """409: the hold was let go."""
    return Problem(
        409,
        "hold-expired",
        "The hold has expired",
        "The time was kept for a while and is let go; search and hold again.",
    )


def not_booked_yet(status: Status) -> Problem:
    """409: this is done to booked appointments only."""
    return Problem(409, "not-booked", "Not booked yet", f"The appointment is {status}; book it first.")


def not_offered() -> Problem:
    """409: only an offer to the waiting list that stands can be declined; whatever else this is stays as it is."""
    return Problem(409, "not-offered", "Not an offer", "This is no offer that stands; cancel undoes an appointment.")


def transition_refused(detail: str) -> Problem:
    """409: the ranks of the statuses forbid it."""
    return Problem(409, "transition-refused", "The status does not allow this", f"{detail[0].upper()}{detail[1:]}.")


def calendar_unavailable() -> Problem:
    """503: whether the time is free cannot be known."""
    return Problem(
        503,
        "calendar-unavailable",
        "The calendar cannot be read",
        "The professional's calendar cannot be read, so nobody knows whether this time is free; try again shortly.",
        headers={"Retry-After": "10"},
    )


def refused(refusal: Refusal) -> Problem:
    """422: the clinic's own rules say no."""
    field, slug, reason = _REFUSALS[refusal]
    return Problem(
        422, slug, "This cannot be booked", f"{field}: {reason}.", errors=[{"field": field, "reason": reason}]
    )


def profile_unreadable(reason: str) -> Problem:
    """503: the clinic's profile contradicts itself; its Clinic resource has to be mended."""
    return Problem(
        503, "profile-unreadable", "The clinic's profile cannot be read", f"Mend it in the Clinic resource: {reason}."
    )


def no_such_appointment() -> Problem:
    """404 for an appointment that is not there, not this clinic's, or not the asking contact's."""
    return not_found("appointment")


def no_such_contact() -> Problem:
    """422: nobody whom the clinic could write to; their reminders would go nowhere."""
    return Problem(
        422,
        "unknown-contact",
        "There is no such contact",
        "contact_id: nobody has written to the clinic under it; take it from a conversation (a booking needs none).",
        errors=[{"field": "contact_id", "reason": "there is no such contact"}],
    )


def notice_too_short(until: datetime) -> Problem:
    """409: too late for the patient to do this without a person. `until` is when it was still possible."""
    return Problem(
        409,
        "notice-too-short",
        "Too late without a person",
        f"Patients could cancel or move this appointment until {until.isoformat()}; now the clinic's staff does it.",
        extensions={"until": until.isoformat()},
    )


def waiting_list_off() -> Problem:
    """409: the clinic keeps no waiting list."""
    return Problem(
        409,
        "waiting-list-off",
        "The clinic keeps no waiting list",
        "The Clinic resource says so: profile.policies.waitingList.",
    )


def too_many_wishes(most: int) -> Problem:
    """409: one contact waits for enough."""
    return Problem(
        409, "too-many-wishes", "Enough is waited for", f"A contact waits for at most {most} at once; end one first."
    )


def no_such_wish() -> Problem:
    """404 for an entry of the waiting list that is not there, or not this clinic's."""
    return not_found("entry of the waiting list")


def no_such_professional() -> Problem:
    """404 for a professional the clinic's profile does not name."""
    return not_found("professional")
