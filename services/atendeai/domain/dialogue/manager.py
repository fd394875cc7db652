"""The dialogue manager: from a conversation's state and one message to the next state and the replies.

``turn`` is a generator of requests (``ports``); what drives it carries them out and sends the answers back. Given the
same state, message, clinic, moment and answers it always does the same, so a turn that was cut short can be run again.
"""

from collections.abc import Generator
from copy import deepcopy
from datetime import datetime

from atendeai.domain.dialogue import answers, booking, changes, flow, texts
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.session import Alert, Message, Patient, Session, Turn
from atendeai.domain.dialogue.state import Outcome, Purpose, State
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import understand

_READABLE = frozenset(["text", "button", "list", "interactive", "button_reply", "list_reply"])
_SELF_HARM = ("matar", "suicid", "morrer", "viver", "vida", "cortar", "cortei")


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
    session = Session(
        clinic=clinic,
        now=now,
        state=deepcopy(state),
        message=message,
        reading=understand(message.text, now, hours=clinic.hours or None, names=clinic.names, classifier=classifier),
        patient=patient or Patient(),
    )
    yield from _handle(session)
    return Turn(session.state, session.reading.intent, tuple(session.replies), tuple(session.alerts))


def _handle(session: Session) -> Steps:
    state, intent = session.state, session.reading.intent
    asked, question, invited = state.asks, state.question, state.invited
    state.asks, state.invited = None, False
    if intent is Intent.EMERGENCY:
        _emergency(session)
        return
    if state.handed_off:
        return  # a person has taken over; the machine keeps quiet
    if session.message.kind not in _READABLE:
        session.say(texts.NOT_TEXT)
        state.asks = asked
        return
    topic = next((t for t in session.clinic.handoff_topics if fold(t) and fold(t) in session.norm), None)
    if topic is not None:
        session.hand_off(Alert.TOPIC, texts.HANDOFF_TOPIC)
        return
    taken = state.busy and (yield from flow.take(session, asked))
    if not taken:
        yield from _fresh(session, invited=invited)
    if state.busy and not state.handed_off and state.asks is None and question and session.replies:
        # Something else was answered on the way: put the open question again.
        session.say(question, asked)
    if intent is not Intent.OUT_OF_SCOPE or state.busy:
        state.misses = 0


def _emergency(session: Session) -> None:
    session.say(texts.SELF_HARM if any(word in session.norm for word in _SELF_HARM) else texts.EMERGENCY)
    session.alerts.append(Alert.EMERGENCY)
    session.state.reset_flow()
    session.state.handed_off = True
    session.state.done = Outcome.EMERGENCY
    session.state.last = None


# ---------------------------------------------------------------- outside a flow


def _fresh(session: Session, *, invited: bool = False) -> Steps:
    """Takes the message as the beginning of something. ``invited``: the patient was asked whether to book."""
    state, intent = session.state, session.reading.intent
    if session.message.reminded and intent in PROFILE_QUESTIONS and Intent.CONFIRM_YES in session.reading.shown:
        yield from changes.confirm(session)  # "vou sim, qual o endereço?"
    if (invited or session.message.about) and intent is Intent.CONFIRM_YES:
        intent = Intent.BOOK  # "Quer marcar?" "Quero!"
        state.topic = state.topic or _advertised(session)
    match intent:
        case Intent.BOOK:
            state.reset_flow()
            yield from booking.start(session, Purpose.BOOK)
        case Intent.ASK_AVAILABILITY:
            state.reset_flow()
            state.purpose = Purpose.BOOK
            session.absorb()
            state.answered = True
            yield from booking.advance(session, listing=True)
        case Intent.RESCHEDULE:
            yield from changes.begin(session, Purpose.RESCHEDULE)
        case Intent.CANCEL:
            yield from changes.begin(session, Purpose.CANCEL)
        case Intent.LIST_APPOINTMENTS:
            yield from changes.listing(session)
        case Intent.CONFIRM_YES if session.message.reminded or _says_confirm(session):
            yield from changes.confirm(session)
        case Intent.CONFIRM_NO if session.message.reminded:
            yield from changes.declined(session)
        case _:
            _plain(session)


def _advertised(session: Session) -> str | None:
    """The one service that the campaign answered to was about."""
    services = {s.code: s.name for s in session.clinic.services}
    codes = entities.match(fold(session.message.about or ""), services)
    return codes[0] if len(codes) == 1 else None


def _says_confirm(session: Session) -> bool:
    """Whether a presence is confirmed of the patient's own accord, and not what was just arranged agreed to."""
    if "confirm" not in session.norm:
        return False
    arranged = session.state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}
    return not arranged or any(word in session.norm for word in ("presenca", "comparec", "minha", "meu"))


_HANDED = {
    Intent.HUMAN: (Alert.HUMAN, texts.HANDOFF),
    Intent.RESULTS: (Alert.RESULTS, texts.RESULTS),
    Intent.DATA_REQUEST: (Alert.DATA_REQUEST, texts.DATA_REQUEST),
}


def _plain(session: Session) -> None:
    """What needs nothing from anywhere else."""
    state, intent = session.state, session.reading.intent
    if intent in _HANDED:
        session.hand_off(*_HANDED[intent])
    elif intent in PROFILE_QUESTIONS:
        answers.answer(session, intent)
    elif intent is Intent.OPT_OUT:
        state.reset_flow()
        state.opted_out = True
        state.done = Outcome.OPTED_OUT
        state.last = None
        session.say(texts.OPT_OUT)
    elif intent is Intent.RUNNING_LATE:
        session.say(texts.LATE)
        session.alerts.append(Alert.LATE)
        state.answered = True
    elif intent is Intent.THANKS:
        session.say(texts.THANKS)
        state.answered = True
    elif intent is Intent.GOODBYE:
        session.say(texts.GOODBYE)
        state.answered = True
    elif intent is Intent.GREETING or (intent is Intent.CONFIRM_YES and not state.answered and state.done is None):
        session.say(texts.greeting(session.clinic))
        state.answered = True
    elif intent in {Intent.CONFIRM_YES, Intent.CONFIRM_NO}:
        session.say("Certo! Se precisar de algo mais, é só escrever.")
        state.answered = True
    else:
        flow.not_understood(session)
