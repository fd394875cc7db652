"""What a question of the attendant's offers to be tapped, and which of it a tap picks.

Both are read off where the dialogue stands, so nothing of it is kept. An id says what was tapped and, where that tells
too little, by a digest what the question was about. What is tapped is a text that somebody sent, and may be of a
question long gone: only what the open question of this very conversation offers is ever picked by it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from atendeai.domain.dialogue import subject, texts, wording
from atendeai.domain.dialogue.ports import Appointment, Slot
from atendeai.domain.dialogue.session import Message, Session
from atendeai.domain.dialogue.state import Asks, Purpose, Stage
from atendeai.domain.interactive import Choice, Options, fitted
from atendeai.domain.understanding.when import Moment


class Act(StrEnum):
    """What a tap says."""

    YES = "yes"
    NO = "no"
    ACCEPT = "accept"
    """The last word on the slot that is offered."""
    OTHER = "other"
    """Another time than what is offered."""
    KEEP = "keep"
    """The appointment stays as it is."""
    CANCEL = "cancel"
    MOVE = "move"
    WAIT = "wait"
    """To be put on the waiting list."""
    SLOT = "slot"
    MOMENT = "moment"
    SERVICE = "service"
    PROFESSIONAL = "professional"
    APPOINTMENT = "appointment"


_ID = re.compile(rf"^pick:(?P<act>{'|'.join(Act)}):(?P<what>.+)$")
_REFUSES = frozenset([Act.NO, Act.OTHER, Act.KEEP])
_SAID = {Act.CANCEL: "cancelar", Act.MOVE: "remarcar"}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to tap. ``what``: the slot, the appointment, the time, or the code that it picks."""

    act: Act
    key: str
    title: str
    description: str = ""
    what: Slot | Appointment | Moment | str | None = None
    spare: bool = False
    """Left out where the others are few enough to be buttons without it."""

    @property
    def id(self) -> str:
        """What comes back when it is tapped."""
        return f"pick:{self.act}:{self.key}"


def known(tapped: str | None) -> bool:
    """Whether an id is one of these, be it of a kind that is not offered any more."""
    return (tapped or "").startswith("pick:")


def act_of(tapped: str | None) -> Act | None:
    """What a tap says; None where it is none of these."""
    found = _ID.match(tapped or "")
    return Act(found["act"]) if found is not None else None


def in_words(message: Message) -> Message:
    """The message as it is read: a tap is a yes, a no or an act, whatever its title holds (a service's name)."""
    act = act_of(message.pressed)
    if act is None:
        return message
    return replace(message, text=_SAID.get(act, "não" if act in _REFUSES else "sim"))


def offered(session: Session) -> Options | None:
    """What the replies of the turn offer: the answers to the question they put; None where it has no few."""
    if not session.asking:
        return None
    hinted, state = any(texts.WAITLIST_HINT in reply for reply in session.replies), session.state
    found = [o for o in _open(session, state.asks, invited=state.invited) if o.act is not Act.WAIT or hinted]
    every, needed = _fitted(found), _fitted([option for option in found if not option.spare])
    few = needed is not None and needed.kind == "buttons" and (every is None or every.kind == "list")
    return needed if few or every is None else every


def tapped(session: Session) -> Option | None:
    """What the message picks of the question that is open; None where it is of another one. To be asked first."""
    state = session.state
    found = _open(session, state.asks or state.paused, invited=state.invited)
    return next((option for option in found if option.id == session.message.pressed), None)


def slot_of(session: Session) -> Slot | None:
    """The time that was tapped, of whichever question; None where it was none."""
    found = _ID.match(session.message.pressed or "")
    parts = found["what"].split("|") if found is not None and found["act"] == Act.SLOT else []
    try:
        start, professional, service = parts
        return Slot(datetime.fromisoformat(start).replace(tzinfo=None), professional, service)
    except ValueError:
        return None


def _open(session: Session, asked: Asks | None, *, invited: bool) -> list[Option]:
    """What the open question offers."""
    state = session.state
    if state.handed_off:
        return []
    if invited and not state.busy:
        return _invitation(session)
    answers = _ANSWERS.get((state.stage, asked)) if asked is not None else None
    return answers(session) if answers is not None else []


def _invitation(session: Session) -> list[Option]:
    state = session.state
    about = _digest(*(wish.to_json() for wish in state.later[:1]), state.topic, state.person)
    return [Option(Act.YES, about, texts.TAP_YES), Option(Act.NO, about, texts.TAP_NOT_NOW)]


def _offer(session: Session) -> list[Option]:
    state = session.state
    moving = state.purpose is Purpose.RESCHEDULE
    target = state.target.id if state.target else None
    about = _digest(state.purpose, target, state.slots[0].to_json(), state.name, state.for_other)
    accept = Option(Act.ACCEPT, about, texts.TAP_CONFIRM if moving else texts.TAP_ACCEPT)
    keep = [Option(Act.KEEP, about, texts.TAP_KEEP)] if moving else []
    return [accept, Option(Act.OTHER, about, texts.TAP_OTHER_TIME), *keep, *_waiting(session)]


def _slots(session: Session) -> list[Option]:
    slots = session.state.slots
    several = len({slot.professional for slot in slots}) > 1
    found = []
    for slot in slots:
        who = session.clinic.professional(slot.professional) if several else None
        key = f"{slot.start:%Y-%m-%dT%H:%M}|{slot.professional}|{slot.service}"
        found.append(Option(Act.SLOT, key, wording.short(slot.start), who.name if who else "", slot))
    about = _digest(*(slot.to_json() for slot in slots))
    return [*found, *_waiting(session), Option(Act.OTHER, about, texts.TAP_OTHER_TIME, spare=True)]


def _waiting(session: Session) -> list[Option]:
    """The waiting list, where it is offered beside the times of what is to be booked."""
    state = session.state
    if state.full is None or state.purpose is not Purpose.BOOK or not session.clinic.waiting_list:
        return []
    return [Option(Act.WAIT, _digest(state.full.to_json()), texts.TAP_WAIT)]


def _cancellation(session: Session) -> list[Option]:
    state = session.state
    targets = [state.target] if state.target is not None else state.targets
    about = _digest(*(target.to_json() | {"reminded_at": None} for target in targets))
    move = [Option(Act.MOVE, about, texts.TAP_MOVE)] if state.target is not None else []
    return [Option(Act.CANCEL, about, texts.TAP_DO_CANCEL), Option(Act.KEEP, about, texts.TAP_DO_NOT_CANCEL), *move]


def _reminded(_: Session) -> list[Option]:
    about = _digest(Stage.REMINDED)
    return [Option(Act.MOVE, about, texts.TAP_MOVE), Option(Act.CANCEL, about, texts.TAP_CANCEL)]


def _services(session: Session) -> list[Option]:
    return [Option(Act.SERVICE, s.code, s.name, what=s.code) for s in subject.offered(session)]


def _people(session: Session) -> list[Option]:
    found = [who for code in session.state.people if (who := session.clinic.professional(code)) is not None]
    return [Option(Act.PROFESSIONAL, who.code, who.name, what=who.code) for who in found]


def _appointments(session: Session) -> list[Option]:
    return [_appointment(session, one) for one in session.state.targets]


def _moments(session: Session) -> list[Option]:
    return [_moment(session, one) for one in session.state.candidates]


def _appointment(session: Session, one: Appointment) -> Option:
    what, who = session.clinic.service(one.service), session.clinic.professional(one.professional)
    patient = session.patient_of(one)
    said = f"{what.name if what else texts.VISIT}{f' com {who.name}' if who else ''}"
    whose = f", em nome de {patient}" if patient else ""
    return Option(Act.APPOINTMENT, one.id, wording.short(one.start), f"{said}{whose}", one)


def _moment(session: Session, one: Moment) -> Option:
    whole = wording.wish(one, session.today)
    exact = one.date is not None and one.date_from is None and one.time_from is None and one.time_to is None
    title = wording.short_day(one.date) if one.date is not None and exact else whole
    if one.date is not None and exact and one.time is not None:
        title = wording.short(datetime.combine(one.date, one.time))
    return Option(Act.MOMENT, _digest(one.to_json()), title, what=one)


_ANSWERS: dict[tuple[Stage, Asks], Callable[[Session], list[Option]]] = {
    (Stage.OFFERED, Asks.CONFIRMATION): _offer,
    (Stage.CHOOSING, Asks.TIME): _slots,
    (Stage.CANCELLING, Asks.CONFIRMATION): _cancellation,
    (Stage.REMINDED, Asks.CONFIRMATION): _reminded,
    (Stage.PICKING, Asks.DATE): _appointments,
    (Stage.COLLECTING, Asks.SERVICE): _services,
    (Stage.COLLECTING, Asks.PROFESSIONAL): _people,
    (Stage.COLLECTING, Asks.DATE): _moments,
    (Stage.COLLECTING, Asks.TIME): _moments,
}
"""The questions with few answers, by where the dialogue stands and what it asked for."""


def _fitted(found: Sequence[Option]) -> Options | None:
    return fitted([Choice(option.id, option.title, option.description) for option in found])


def _digest(*parts: object) -> str:
    return hashlib.blake2s(json.dumps(parts, sort_keys=True).encode(), digest_size=6).hexdigest()
