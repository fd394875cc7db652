"""What is remembered of a conversation from one message to the next, as plain JSON."""

from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from atendeai.domain.dialogue import kin
from atendeai.domain.dialogue.ports import Appointment, Slot
from atendeai.domain.understanding.when import Moment

STATE_VERSION = 1


class Stage(StrEnum):
    """Where the conversation stands."""

    IDLE = "idle"
    COLLECTING = "collecting"
    """Something is still missing before slots can be looked for."""
    CHOOSING = "choosing"
    """Several slots were offered."""
    OFFERED = "offered"
    """One slot was offered and waits for the last word."""
    PICKING = "picking"
    """The patient has several appointments and must say which is meant."""
    CANCELLING = "cancelling"
    """A cancellation waits for the last word."""
    LISTING = "listing"
    """The name for the waiting list was asked."""
    REMINDED = "reminded"
    """The patient declined what a reminder asked and was asked whether to move or to cancel."""


class Purpose(StrEnum):
    """What the flow under way is for."""

    BOOK = "book"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    CONFIRM = "confirm"


class Outcome(StrEnum):
    """How things would stand if the patient now fell silent."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    CONFIRMED = "confirmed"
    HANDED_OFF = "handed_off"
    EMERGENCY = "emergency"
    ANSWERED = "answered"
    OPTED_OUT = "opted_out"
    NOTHING_BOOKED = "nothing_booked"


class Asks(StrEnum):
    """What the last reply asked for."""

    NAME = "name"
    INSURANCE = "insurance"
    PROFESSIONAL = "professional"
    GUARDIAN = "guardian"
    SERVICE = "service"
    DATE = "date"
    TIME = "time"
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the patient would wait for, or wishes for beside something else. Codes are the clinic's."""

    service: str
    when: Moment
    professional: str | None = None
    whom: str | None = None
    """Whom it is for, as it is said to who writes ("seu marido", "você"); None: whoever the one before it is for."""
    further: bool = False
    """It is one more of what was just arranged."""

    def to_json(self) -> dict[str, Any]:
        """For the conversation's stored state."""
        return {
            "service": self.service,
            "professional": self.professional,
            "when": self.when.to_json(),
            "whom": self.whom,
            "further": self.further,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Wish":
        """The inverse of ``to_json``."""
        return cls(
            data["service"],
            Moment.from_json(data["when"]),
            data.get("professional"),
            data.get("whom"),
            data.get("further", False),
        )


@dataclass(slots=True)
class State:
    """One conversation. Codes are the clinic's; ``hold`` and ``target`` are ids of appointments."""

    stage: Stage = Stage.IDLE
    purpose: Purpose | None = None
    asks: Asks | None = None
    paused: Asks | None = None
    """What was asked before the patient wanted a moment."""
    question: str | None = None
    """The last question as it was put, to be put again after something else was answered."""
    service: str | None = None
    professional: str | None = None
    asked_for: str | None = None
    """The professional whom the patient named, not merely the one of the slot on offer."""
    people: list[str] = field(default_factory=list)
    """Professionals who may be meant, where the name that was said fits several."""
    people_asked: bool = False
    between: list[str] = field(default_factory=list)
    """Services named in one wish, of which one is arranged at a time."""
    either: bool = False
    """Only one of them is wished for."""
    parts: list[Wish] = field(default_factory=list)
    """What was said of each of them."""
    later: list[Wish] = field(default_factory=list)
    """Those of them that come after the one under way, or just booked."""
    later_for: str | None = None
    """The name of the patient they are for, where that is not who writes."""
    later_asks: bool = False
    """Whom they are for must be asked: the wish was for several people."""
    pending: str | None = None
    """What was asked for beside the change or the booking under way and comes after it, as it was written."""
    next_one: bool = False
    """The booking under way is that of the first of ``later``."""
    others: list[str | None] = field(default_factory=list)
    """For whom the same is wished for after the booking under way; None: one more for the same patient."""
    each: dict[str, Moment] = field(default_factory=dict)
    """Those for whom it is wished for, the one under way first, and when each of them would come, as far as said."""
    when: Moment = field(default_factory=Moment)
    otherwise: list[Moment] = field(default_factory=list)
    """What would do where that is not free, one after the other."""
    ruled_out: list[int] = field(default_factory=list)
    """The weekdays (Monday is 0) on which the patient cannot come."""
    wished: datetime | None = None
    """The exact time last wished for, which what was offered may have missed."""
    declined: list[date] = field(default_factory=list)
    """The days of what was offered and declined last, in order."""
    candidates: list[Moment] = field(default_factory=list)
    any_of_them: bool = False
    """The candidates were given as alternatives ("quinta ou sexta"): they hold while something else is asked."""
    slots: list[Slot] = field(default_factory=list)
    hold: str | None = None
    name: str | None = None
    own: str | None = None
    """The name under which who writes was booked."""
    others_name: str | None = None
    """The name of the one for whom something was booked last, where that is not who writes."""
    insurance: str | None = None
    """The plan the patient named, as the clinic writes it, or "particular"."""
    for_other: bool = False
    relative: bool = False
    """Something was asked for somebody of the family: the next booking is for them."""
    kin: str | None = None
    """Who of the family the booking under way is for, in a word ("mae")."""
    family: dict[str, list[str]] = field(default_factory=dict)
    """Under which names who of the family was booked: it tells whose "a da minha mãe" is."""
    accepted: bool = False
    target: Appointment | None = None
    targets: list[Appointment] = field(default_factory=list)
    spoken: str | None = None
    """The id of the one appointment that was just told to the patient: a change asked for next is of that one."""
    reason: str | None = None
    """Why the patient cancels, in their own words."""
    of_several: bool = False
    """The appointments found are of different people, or not of who writes: each is named with its patient."""
    done: Outcome | None = None
    """The last thing that was achieved; None when nothing was."""
    last: Appointment | None = None
    """The appointment ``done`` is about."""
    done_at: datetime | None = None
    """When something was last achieved, or a reminder answered: a bare yes answers one that came later."""
    heard_at: datetime | None = None
    """When the patient was last heard: a reminder that came later stands between them and a question still open."""
    full: Wish | None = None
    """What was wished when nothing was free: what the waiting list would be joined for."""
    topic: str | None = None
    """The service last spoken of outside a booking: what "quero marcar" then means."""
    person: str | None = None
    """The professional last asked about outside a booking: with whom "quero sim" then is."""
    wondered: str | None = None
    """The question about the clinic that was answered last: "e o retorno?" asks the same of something else."""
    invited: bool = False
    """The last reply asked whether to book."""
    conversing: bool = False
    """The last reply was a question in a model's own words: only the model knows what a yes to it means."""
    answered: bool = False
    handed_off: bool = False
    opted_out: bool = False
    misses: int = 0
    """Messages in a row that were not understood."""

    @property
    def busy(self) -> bool:
        """Whether a flow is under way."""
        return self.stage is not Stage.IDLE

    @property
    def outcome(self) -> Outcome:
        """How things would stand if the patient now fell silent."""
        if self.done is not None:
            return self.done
        return Outcome.ANSWERED if self.answered and not self.busy else Outcome.NOTHING_BOOKED

    def reset_flow(self) -> None:
        """Forgets the flow under way, and nothing else."""
        fresh = State()
        kept = {"name", "insurance", "done", "last", "full", "topic", "relative", "answered", "handed_off", "opted_out"}
        kept |= {
            "person",
            "misses",
            "done_at",
            "heard_at",
            "kin",
            "family",
            "of_several",
            "later",
            "later_for",
            "later_asks",
            "pending",
            "own",
            "others_name",
        }
        for f in fields(self):
            if f.name not in kept:
                setattr(self, f.name, getattr(fresh, f.name))

    def forget_later(self) -> None:
        """What was wished for beside what is arranged is wished for no longer."""
        self.later, self.later_for, self.later_asks, self.pending = [], None, False, None

    def book_for(self, whom: str) -> None:
        """Somebody is whom the booking under way is for, as it is said to who writes ("sua mãe", "você")."""
        self.for_other, self.relative = whom != kin.SELF, False
        own = self.own or (None if self.name == self.others_name else self.name)
        relation = kin.key(whom) if kin.is_relation(whom) else None
        names = self.family.get(relation or "", []) if not kin.is_further(whom) else []
        theirs = names[0] if len(names) == 1 else None
        self.name, self.kin = (theirs, relation) if self.for_other else (own, None)

    def take_part(self) -> None:
        """What was said of the one of several services that was settled on goes with it."""
        said = next((part for part in self.parts if part.service == self.service), None)
        if said is not None:
            self.when = self.when.merged(said.when)
            self.professional = self.asked_for = said.professional
            if said.whom is not None:
                self.book_for(said.whom)

    def rested(self) -> "State":
        """The state after a long silence: only what outlives a conversation is left."""
        return State(
            name=self.name, own=self.own, family=self.family, handed_off=self.handed_off, opted_out=self.opted_out
        )

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        out = asdict(self)
        out["version"] = STATE_VERSION
        out["when"] = self.when.to_json()
        out["candidates"] = [c.to_json() for c in self.candidates]
        out["otherwise"] = [moment.to_json() for moment in self.otherwise]
        out["each"] = {whom: when.to_json() for whom, when in self.each.items()}
        out["slots"] = [s.to_json() for s in self.slots]
        out["wished"] = self.wished.isoformat() if self.wished else None
        out["declined"] = [day.isoformat() for day in self.declined]
        out["target"] = self.target.to_json() if self.target else None
        out["targets"] = [t.to_json() for t in self.targets]
        out["full"] = self.full.to_json() if self.full else None
        out["parts"] = [part.to_json() for part in self.parts]
        out["later"] = [wish.to_json() for wish in self.later]
        out["last"] = self.last.to_json() if self.last else None
        out["done_at"] = self.done_at.isoformat() if self.done_at else None
        out["heard_at"] = self.heard_at.isoformat() if self.heard_at else None
        return out

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "State":
        """The inverse of ``to_json``; unknown keys are left out, missing ones have their defaults."""
        known = {f.name for f in fields(cls)}
        raw = {key: value for key, value in data.items() if key in known}
        conversions: dict[str, Any] = {
            "stage": Stage,
            "purpose": lambda v: Purpose(v) if v else None,
            "asks": lambda v: Asks(v) if v else None,
            "done": lambda v: Outcome(v) if v else None,
            "wished": lambda v: datetime.fromisoformat(v) if v else None,
            "declined": lambda v: [date.fromisoformat(day) for day in v],
            "when": Moment.from_json,
            "candidates": lambda v: [Moment.from_json(c) for c in v],
            "otherwise": lambda v: [Moment.from_json(moment) for moment in v],
            "each": lambda v: {whom: Moment.from_json(when) for whom, when in v.items()},
            "slots": lambda v: [Slot.from_json(s) for s in v],
            "target": lambda v: Appointment.from_json(v) if v else None,
            "targets": lambda v: [Appointment.from_json(a) for a in v],
            "parts": lambda v: [Wish.from_json(part) for part in v],
            "later": lambda v: [Wish.from_json(wish) for wish in v],
            "full": lambda v: Wish.from_json(v) if v else None,
            "last": lambda v: Appointment.from_json(v) if v else None,
            "done_at": lambda v: datetime.fromisoformat(v) if v else None,
            "heard_at": lambda v: datetime.fromisoformat(v) if v else None,
        }
        return cls(**{key: conversions[key](value) if key in conversions else value for key, value in raw.items()})
