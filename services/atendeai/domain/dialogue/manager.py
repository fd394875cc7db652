"""The dialogue manager: from a conversation's state and one message to the next state and the replies.

``turn`` is a generator of requests (``ports``); what drives it carries them out and sends the answers back. Given the
same state, message, clinic, moment and answers it always does the same, so a turn that was cut short can be run again.
"""

from collections.abc import Generator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from atendeai.domain.dialogue import (
    asides,
    buttons,
    danger,
    following,
    fresh,
    notices,
    options,
    renaming,
    taps,
    texts,
    tone,
    topics,
    unread,
    waiting,
    wishing,
)
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.flow import agreeing, taking
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.reading import read
from atendeai.domain.dialogue.session import Message, Patient, Session, Turn
from atendeai.domain.dialogue.state import Asks, Purpose, Stage, State
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import Classifier

_CHANGING = frozenset([Stage.PICKING, Stage.CANCELLING])


def turn(
    state: State,
    message: Message,
    clinic: Clinic,
    now: datetime,
    patient: Patient | None = None,
    *,
    classifier: Classifier | None = None,
) -> Generator[Request, Answer, Turn]:
    """Handles one message. ``now``: the clinic's wall-clock time, without a zone. ``state`` is not changed."""
    session = begin(state, message, clinic, now, patient, classifier=classifier)
    yield from _handle(session)
    return end(session)


def begin(
    state: State,
    message: Message,
    clinic: Clinic,
    now: datetime,
    patient: Patient | None = None,
    *,
    classifier: Classifier | None = None,
) -> Session:
    """A turn about to be handled: the message is read, nothing is done yet."""
    message = options.in_words(message)
    return Session(
        clinic=clinic,
        now=now,
        state=deepcopy(state),
        message=message,
        reading=read(message, state, clinic, now, classifier),
        patient=patient or Patient(),
        before=(state.done, state.last),
        resting=state.paused is not None,
        changing=state.purpose in {Purpose.RESCHEDULE, Purpose.CANCEL},
    )


def end(session: Session) -> Turn:
    """What the turn led to, in the persona's tone; nothing is said twice."""
    state, message = session.state, session.message
    if (state.done, state.last) != session.before or message.reminded or buttons.known(message.pressed):
        state.done_at = session.now
    state.heard_at = session.now
    state.wondered = session.reading.intent.value if session.reading.intent in PROFILE_QUESTIONS else None
    replies = tuple(tone.spoken(reply, session.clinic.persona.tone) for reply in dict.fromkeys(session.replies))
    return Turn(state, session.reading.intent, replies, tuple(session.alerts), options.offered(session))


def _handle(session: Session) -> Steps:
    state = session.state
    tap, option = options.known(session.message.pressed), options.tapped(session)
    if tap and (state.handed_off or (option is None and taps.over(session))):
        return
    asked, question, invited = state.asks or state.paused, state.question, state.invited
    state.asks, state.paused, state.invited, state.conversing = None, None, False, False
    if danger.settles(session):
        return
    if buttons.known(session.message.pressed):
        yield from buttons.press(session)
        return
    if state.handed_off and session.reading.intent is Intent.OPT_OUT:
        yield from notices.opt_out_beside_a_person(session)
        return
    if state.handed_off or _settled_at_once(session, asked):
        return  # a person has taken over and the machine keeps quiet; or there is nothing more to it
    if tap:
        taken = yield from taps.take(session, option)
    else:
        taken = yield from _to_a_notice(session, asked, invited=invited)
    if not taken:
        yield from _answered(session, asked, question, invited=invited)
    yield from fresh.next_change(session)
    yield from following.go_on(session)
    if not session.missed:
        state.misses = 0


def _to_a_notice(session: Session, asked: Asks | None, *, invited: bool) -> Generator[Request, Answer, bool]:
    """Whether nothing is left to do, as the message answered an offer; an answer to a reminder is noted as such."""
    busy = session.state.busy or invited
    if (yield from notices.answers_an_offer(session, asked=busy or asked is not None)):
        return True
    if busy:
        yield from notices.look_for_reminder(session, asked=True)
    return False


def _answered(session: Session, asked: Asks | None, question: str | None, *, invited: bool) -> Steps:
    """Answers what no button, emergency or person has answered, and puts a question that is still open again."""
    state = session.state
    comes_back = invited and bool(state.later) and not state.busy and session.reminded_of is None
    if comes_back and (yield from following.take(session)):
        return
    both = agreeing.apart(session, asked) if session.reminded_of is None else None
    if both is not None:
        agreed, rest = both
        if rest:
            state.pending = rest if state.pending is None else f"{state.pending}\n{rest}"
        session.reading = read(replace(session.message, text=agreed), state, session.clinic, session.now)
    taken = session.reminded_of is None and (yield from _taken(session, asked))
    if not taken:
        if not (state.busy or invited or session.reminded_of):
            yield from notices.look_for_reminder(session, asked=False)
        open_to_it = state.busy or invited
        if open_to_it or not (yield from notices.confirmed_beside(session)):
            yield from fresh.take(session, invited=invited and session.reminded_of is None)
    if state.busy and not state.handed_off and state.asks is None and state.paused is None:
        yield from _put_again(session, asked, question)


def _put_again(session: Session, asked: Asks | None, question: str | None) -> Steps:
    """Something else was answered on the way: puts the question that is still open again."""
    state = session.state
    rests = session.resting or state.stage is Stage.COLLECTING
    if session.reading.intent in {Intent.THANKS, Intent.GOODBYE} and rests:
        state.paused = asked  # thanked is taken leave of: the question waits
    elif question and session.replies:
        if asked is Asks.SERVICE and state.service is not None:
            yield from wishing.advance(session)
        else:
            session.say(question, asked)


def _taken(session: Session, asked: Asks | None) -> Generator[Request, Answer, bool]:
    """Whether the message belongs to what is under way, or needs no more than a word."""
    if session.state.stage in _CHANGING and renaming.in_my_place(session):
        return False
    taken = (yield from waiting.take(session, asked)) or asides.take(session, asked)
    return taken or (session.state.busy and (yield from taking.take(session, asked)))


def _settled_at_once(session: Session, asked: Asks | None) -> bool:
    """Whether the message needs no reading: it has no words, is a topic for a person, or takes an opt-out back."""
    state = session.state
    if not session.norm.strip() or session.message.kind not in unread.READABLE:
        unread.unreadable(session, asked)
        return True
    if session.message.files:
        unread.file(session)
    if notices.wanted_again(session):
        state.opted_out = False
        state.done, state.answered = None, True
        session.say(texts.RESUMED)
        return True
    for_a_person = topics.named(session.clinic.handoff_topics, session.norm)
    if for_a_person:
        session.hand_off(Alert.TOPIC, texts.HANDOFF_TOPIC)
    return for_a_person
