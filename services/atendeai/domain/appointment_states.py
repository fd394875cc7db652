"""The life of an appointment: FHIR R5's `AppointmentStatus` and which change of it is allowed.

Pure. The names are those of http://hl7.org/fhir/R5/valueset-appointmentstatus.html. Each status has a rank, and an
appointment only ever moves to a higher one: whoever has arrived is never merely booked again, and what is over stays
over. The statuses before booking are free among themselves, and a mistake (`entered-in-error`) may be declared at any
time, once.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["FINAL", "LIVE", "ON_CALENDAR", "Status", "TransitionError", "allowed", "next_statuses", "transition"]


class Status(StrEnum):
    """FHIR R5 AppointmentStatus."""

    PROPOSED = "proposed"
    PENDING = "pending"
    WAITLIST = "waitlist"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"


_RANK: dict[Status, int] = {
    Status.PROPOSED: 0,
    Status.PENDING: 0,
    Status.WAITLIST: 0,
    Status.BOOKED: 1,
    Status.ARRIVED: 2,
    Status.CHECKED_IN: 3,
    Status.FULFILLED: 4,
    Status.CANCELLED: 4,
    Status.NOSHOW: 4,
    Status.ENTERED_IN_ERROR: 5,
}

FINAL = frozenset({Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR})
"""Nothing but a declared mistake follows these."""

LIVE = frozenset({Status.PROPOSED, Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN})
"""Those that take up the professional's time. A place on the waiting list does not. The database's exclusion
constraint names the same statuses, and a test compares the two."""

ON_CALENDAR = frozenset({Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED, Status.NOSHOW})
"""Those that have an event in the professional's calendar: what was agreed, also after it is over."""


class TransitionError(ValueError):
    """A change of status that the ranks forbid."""

    def __init__(self, current: Status, wanted: Status) -> None:
        following = ", ".join(sorted(next_statuses(current))) or "nothing"
        super().__init__(f"an appointment that is {current} cannot become {wanted}; it can become: {following}")
        self.current = current
        self.wanted = wanted


def allowed(current: Status, wanted: Status) -> bool:
    """Whether an appointment may move from one status to the other. Staying is no move."""
    if current is wanted:
        return False
    free = _RANK[Status.PROPOSED]
    return _RANK[wanted] > _RANK[current] or _RANK[wanted] == _RANK[current] == free


def next_statuses(current: Status) -> frozenset[Status]:
    """Every status that may follow."""
    return frozenset(status for status in Status if allowed(current, status))


def transition(current: Status, wanted: Status) -> Status:
    """Return the new status. Raises TransitionError when the ranks forbid it."""
    if not allowed(current, wanted):
        raise TransitionError(current, wanted)
    return wanted
