"""What the dialogue asks of the world, and what it gets back.

All times are wall-clock times of the clinic, without a zone; whoever carries a request out knows the zone. A request
that cannot be carried out for now is not an answer: the carrier raises, and the whole turn is run again later.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked."""

    start: datetime
    professional: str
    service: str

    def to_json(self) -> dict[str, str]:
        """For the conversation's stored state."""
        return {"start": self.start.isoformat(), "professional": self.professional, "service": self.service}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> "Slot":
        """The inverse of ``to_json``."""
        return cls(datetime.fromisoformat(data["start"]), data["professional"], data["service"])


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment of this patient that stands."""

    id: str
    start: datetime
    professional: str
    service: str
    patient_name: str | None = None
    reminded_at: datetime | None = None
    """When its patient was last reminded of it, as it stands now, or was offered it; None: not yet."""

    def to_json(self) -> dict[str, Any]:
        """For the conversation's stored state."""
        return {
            "id": self.id,
            "start": self.start.isoformat(),
            "professional": self.professional,
            "service": self.service,
            "patient_name": self.patient_name,
            "reminded_at": self.reminded_at.isoformat() if self.reminded_at else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Appointment":
        """The inverse of ``to_json``."""
        return cls(
            str(data["id"]),
            datetime.fromisoformat(data["start"]),
            data["professional"],
            data["service"],
            data.get("patient_name"),
            datetime.fromisoformat(data["reminded_at"]) if data.get("reminded_at") else None,
        )


class Nothing(StrEnum):
    """Why a search found no slot."""

    CLOSED = "closed"
    FULL = "full"
    CALENDAR_UNAVAILABLE = "calendar_unavailable"


# ---------------------------------------------------------------- requests
# Each is made on behalf of this patient: what is somebody else's is refused like what is not there.


@dataclass(frozen=True, slots=True)
class Search:
    """Free slots from ``date_from`` to ``date_to``; equal times ask for that exact time. Answer: ``Found``.

    ``moving``: the appointment about to be moved, which does not stand in its own way.
    """

    service: str
    date_from: date
    date_to: date
    time_from: time | None = None
    time_to: time | None = None
    professional: str | None = None
    limit: int = 40
    moving: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep a slot while the patient decides. Answer: ``Held`` or ``Refused``."""

    slot: Slot
    patient_name: str | None


@dataclass(frozen=True, slots=True)
class Book:
    """Turn a hold into an appointment. Answer: ``Done``, or ``Refused`` when it has lapsed."""

    hold: str
    patient_name: str | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Undo an appointment, or let go of a hold. Answer: ``Done`` or ``Refused`` when there is nothing to undo.

    ``reason``: for people, in the patient's own words where they told it ("estou com febre").
    """

    appointment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decline:
    """Let go of an offer of the waiting list, and of nothing else. Answer: ``Done``, or ``Refused`` when it is none."""

    offer: str


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Move an appointment. Answer: ``Done`` or ``Refused`` when the slot is gone."""

    appointment: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class Confirm:
    """Note that the patient will come. Answer: ``Done`` or ``Refused``."""

    appointment: str


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The patient's appointments that lie ahead. Answer: ``Appointments``, soonest first.

    ``begun``: also those that began within so many minutes.
    """

    begun: int = 0


@dataclass(frozen=True, slots=True)
class Offers:
    """The times that the waiting list offers to the patient and that still stand. Answer: ``Appointments``."""


@dataclass(frozen=True, slots=True)
class JoinWaitlist:
    """Wait for a time in these days; starts lie before ``time_to``. Answer: ``Done`` or ``Refused``."""

    service: str
    date_from: date
    date_to: date
    patient_name: str
    time_from: time | None = None
    time_to: time | None = None
    professional: str | None = None


Request = Search | Hold | Book | Cancel | Decline | Reschedule | Confirm | Upcoming | Offers | JoinWaitlist

# ---------------------------------------------------------------- answers

NOTICE_TOO_SHORT = "notice-too-short"
HOLD_EXPIRED = "hold-expired"


@dataclass(frozen=True, slots=True)
class Found:
    """Free slots in order of time, or why there are none."""

    slots: tuple[Slot, ...]
    reason: Nothing | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A slot is kept under this id."""

    id: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is done."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done, and trying again will not help; ``reason`` is a short English code."""

    reason: str

    @property
    def too_late(self) -> bool:
        """Whether only a person of the clinic may do it now, so shortly before the appointment."""
        return self.reason == NOTICE_TOO_SHORT

    @property
    def lapsed(self) -> bool:
        """Whether a hold or an offer ran out before it was taken."""
        return self.reason == HOLD_EXPIRED


@dataclass(frozen=True, slots=True)
class Appointments:
    """A patient's appointments."""

    items: tuple[Appointment, ...]


Answer = Found | Held | Done | Refused | Appointments
Steps = Generator[Request, Answer, None]
"""Part of a turn: yields requests, receives their answers."""


def request_to_json(request: Request) -> dict[str, Any]:
    """A request as JSON, for the journal that makes a turn repeatable."""
    return {"request": type(request).__name__, **_plain(request)}


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """An answer as JSON, for the journal."""
    match answer:
        case Found(slots, reason):
            return {"answer": "Found", "slots": [s.to_json() for s in slots], "reason": reason and reason.value}
        case Held(hold):
            return {"answer": "Held", "id": hold}
        case Refused(why):
            return {"answer": "Refused", "reason": why}
        case Appointments(items):
            return {"answer": "Appointments", "items": [a.to_json() for a in items]}
    return {"answer": "Done"}


def answer_from_json(data: dict[str, Any]) -> Answer:
    """The inverse of ``answer_to_json``. Raises KeyError on an unknown kind."""
    match data["answer"]:
        case "Found":
            reason = data["reason"]
            return Found(tuple(Slot.from_json(s) for s in data["slots"]), Nothing(reason) if reason else None)
        case "Held":
            return Held(data["id"])
        case "Refused":
            return Refused(data["reason"])
        case "Appointments":
            return Appointments(tuple(Appointment.from_json(a) for a in data["items"]))
        case "Done":
            return Done()
    raise KeyError(data["answer"])


def _plain(value: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in value.__slots__:
        item = getattr(value, name)
        if isinstance(item, Slot):
            out[name] = item.to_json()
        elif isinstance(item, (date, time)):
            out[name] = item.isoformat()
        else:
            out[name] = item
    return out
