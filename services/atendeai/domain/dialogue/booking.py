"""The last word on a time that is offered: booking it, moving an appointment to it, or letting it go."""

from collections.abc import Generator

from atendeai.domain.dialogue import searching, texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Book,
    Done,
    Held,
    Hold,
    Refused,
    Request,
    Reschedule,
    Slot,
    Steps,
    Upcoming,
)
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, Wish
from atendeai.domain.understanding.when import Moment


def accept(session: Session) -> Steps:
    """The patient's last word on the slot offered: books it, or moves the appointment."""
    state = session.state
    slot = state.slots[0]
    if state.purpose is Purpose.RESCHEDULE and state.target is not None:
        answer = yield Reschedule(state.target.id, slot)
        if isinstance(answer, Refused) and answer.too_late:
            session.hand_off(Alert.NOTICE, texts.NOTICE)
            return
        if not isinstance(answer, Done):
            target = state.target
            ahead = yield Upcoming()
            stands = not isinstance(ahead, Appointments) or any(a.id == target.id for a in ahead.items)
            if not stands and target.start > session.now:
                yield from _book_instead(session, slot, target)
            else:
                yield from searching.lost(session, slot)
            return
        moved = Appointment(state.target.id, slot.start, slot.professional, slot.service, state.target.patient_name)
        whose = session.patient_of(moved)
        _achieved(session, Outcome.RESCHEDULED, moved)
        session.say(texts.rescheduled(session.describe(slot, whose)))
        return
    if session.name_missing:
        state.accepted = True
        session.say(texts.ASK_NAME, Asks.NAME)
        return
    booked = yield from _book(session, slot)
    if booked is None:
        yield from searching.lost(session, slot)
        return
    name = session.name
    _note_family(session, name)
    state.others_name = name if state.for_other else None
    state.later_for = name if state.for_other and not state.later_asks else None
    more = [Wish(slot.service, _for(session, whom, slot), state.asked_for, whom, further=True) for whom in state.others]
    state.own = state.own if state.for_other else name
    _achieved(session, Outcome.BOOKED, Appointment(booked, slot.start, slot.professional, slot.service, name))
    state.later = more + state.later
    session.say(texts.booked(session.describe(slot), name, session.clinic))
    session.prepare(slot.service)


def _for(session: Session, whom: str | None, slot: Slot) -> Moment:
    """When another of several people would come: as was said of them, else when the first of them comes."""
    said = session.state.each.get(whom or "", Moment())
    day = Moment(date=slot.start.date())
    return day.merged(Moment(time=slot.start.time()) if said.empty else said)


def _book_instead(session: Session, slot: Slot, target: Appointment) -> Steps:
    """What was to be moved stands no longer, the clinic cancelled it meanwhile: offers the slot as a new booking."""
    state = session.state
    state.purpose, state.target = Purpose.BOOK, None
    if target.patient_name and target.patient_name != session.name:
        state.name, state.for_other = target.patient_name, True
    session.say(texts.GONE)
    yield from searching.offer(session, slot)


def _book(session: Session, slot: Slot) -> Generator[Request, Answer, str | None]:
    """Books the slot kept, taking it again when the hold has lapsed; the appointment's id, or None when it is gone."""
    hold = session.state.hold
    if hold is not None:
        answer = yield Book(hold, session.name)
        if isinstance(answer, Done):
            return hold
    again = yield Hold(slot, session.name)
    if not isinstance(again, Held):
        return None
    answer = yield Book(again.id, session.name)
    return again.id if isinstance(answer, Done) else None


def _achieved(session: Session, outcome: Outcome, about: Appointment) -> None:
    state = session.state
    _forget_relative(session)
    later = state.later[1:] if state.next_one and outcome is Outcome.BOOKED else state.later
    state.reset_flow()
    state.later = [wish for wish in later if wish.service != about.service or wish.further]
    state.done = outcome
    state.last = about


def _note_family(session: Session, name: str | None) -> None:
    """Remembers under which name somebody of the family was booked."""
    state = session.state
    names = state.family.setdefault(state.kin, []) if state.for_other and state.kin and name else []
    if name and name not in names:
        names.append(name)


def _forget_relative(session: Session) -> None:
    """The next booking is for who writes, under their own name."""
    state = session.state
    if state.for_other:
        state.name = state.own
    state.relative = False
    state.kin = None


def ask_other_day(session: Session) -> None:
    """What was offered is declined: another day or hour is asked for."""
    state = session.state
    state.declined = sorted({s.start.date() for s in state.slots})
    state.wished = state.slots[0].start if len(state.slots) == 1 else None
    state.when = Moment()
    state.slots = []
    state.stage = Stage.COLLECTING
    session.say(texts.ASK_OTHER_DAY, Asks.DATE)


def drop(session: Session) -> Steps:
    """The patient no longer wants what was being arranged."""
    yield from searching.release(session)
    _forget_relative(session)
    session.state.reset_flow()
    session.state.forget_later()
    session.state.answered = False
    if session.state.last is None:
        session.state.done = Outcome.NOTHING_BOOKED
    session.say(texts.DROPPED_FURTHER if session.state.done in searching.ARRANGED else texts.DROPPED)
