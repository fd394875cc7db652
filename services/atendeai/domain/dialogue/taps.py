"""What a tap on an option leads to: exactly what it picks of the open question.

A tap on an option of an earlier question does nothing, which is said, and the open question is put again; but a time
tapped in an earlier list of the same search is a wish for it, which is looked for and offered like any other.
"""

from collections.abc import Generator
from datetime import timedelta

from atendeai.domain.dialogue import booking, changes, options, searching, standing, texts, topics, waiting, wishing
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.options import Act, Option
from atendeai.domain.dialogue.ports import Answer, Appointment, Request, Slot, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome, Purpose, Stage
from atendeai.domain.understanding.calendar_math import FURTHEST
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import Moment

_A_MOMENT = timedelta(minutes=1)
_LOOKING = frozenset([Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED])


def over(session: Session) -> bool:
    """Says of a tap that picks nothing of the open question that it is over; False for a time still looked for."""
    state = session.state
    if _sought(session) is not None:
        return False
    if _twice(session):
        return True
    asked, question = state.asks or state.paused, state.question
    session.say(texts.TAP_OVER if state.busy or state.invited else texts.TAP_OVER_ALONE)
    if state.busy and asked is not None and question:
        session.say(question, asked)
    return True


def _twice(session: Session) -> bool:
    """Whether an offer was tapped once more that the last tap accepted: a thumb that trembles is told nothing."""
    state = session.state
    arranged = not state.busy and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}
    just = state.done_at is not None and session.now - state.done_at <= _A_MOMENT
    return arranged and just and options.act_of(session.message.pressed) is Act.ACCEPT


def take(session: Session, option: Option | None) -> Generator[Request, Answer, bool]:
    """Does what was tapped; False where that is the word to an invitation, which is answered as one."""
    if option is None:
        yield from _look_for(session)
        return True
    match option.act:
        case Act.YES | Act.NO:
            return False
        case Act.ACCEPT:
            yield from booking.accept(session)
        case Act.OTHER:
            yield from searching.release(session)
            booking.ask_other_day(session)
        case Act.KEEP:
            changes.kept(session)
        case Act.WAIT:
            yield from waiting.ask_or_join(session)
        case Act.CANCEL:
            yield from _cancel(session)
        case Act.MOVE:
            yield from _move(session)
        case _:
            yield from _pick(session, option)
    return True


def _cancel(session: Session) -> Steps:
    """The last word on a cancellation; or what a declined reminder leads to, which is asked for the last word."""
    if session.state.stage is Stage.CANCELLING:
        yield from changes.cancelling(session, sure=True)
    else:
        yield from changes.begin(session, Purpose.CANCEL)


def _move(session: Session) -> Steps:
    if session.state.stage is Stage.CANCELLING:
        yield from changes.move_instead(session)
    else:
        standing.as_new_time(session)
        yield from changes.begin(session, Purpose.RESCHEDULE)


def _pick(session: Session, option: Option) -> Steps:
    """One of several: a slot is offered, an appointment changed, what is to be booked settled on."""
    state = session.state
    match option.what:
        case Slot() as slot:
            yield from searching.offer(session, slot)
        case Appointment() as appointment:
            yield from changes.with_target(session, appointment, picked=True)
        case Moment() as moment:
            state.when = state.when.merged(moment)
            state.candidates, state.any_of_them = [], False
            yield from wishing.advance(session)
        case str() as code if option.act is Act.PROFESSIONAL:
            state.professional = state.asked_for = code
            state.people = []
            yield from wishing.advance(session)
        case str() as code:
            if topics.named(session.clinic.handoff_topics, fold(option.title)):
                session.hand_off(Alert.TOPIC, texts.HANDOFF_TOPIC)
                return
            state.service = code
            state.take_part()
            yield from wishing.advance(session)


def _look_for(session: Session) -> Steps:
    """Looks for a time that was tapped in an earlier list, and offers it where it is free."""
    slot, state = _sought(session), session.state
    if slot is None:
        return
    yield from searching.release(session)
    state.when = Moment(date=slot.start.date(), time=slot.start.time())
    state.candidates, state.any_of_them = [], False
    state.professional = slot.professional
    yield from wishing.advance(session)


def _sought(session: Session) -> Slot | None:
    """The time that was tapped, where the search under way could have found it."""
    state, slot = session.state, options.slot_of(session)
    if slot is None or state.stage not in _LOOKING or slot.service != state.service:
        return None
    if not session.now < slot.start <= session.now + FURTHEST:
        return None
    who = session.clinic.professional(slot.professional)
    return slot if who is not None and slot.service in who.services else None
