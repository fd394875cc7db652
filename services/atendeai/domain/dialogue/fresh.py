"""A message that begins something, with what else it asks for: nothing is under way, or it is about something else."""

import re
from collections.abc import Collection, Generator
from dataclasses import replace

from atendeai.domain.dialogue import (
    answers,
    beside,
    changes,
    context,
    diary,
    kin,
    misses,
    notices,
    offering,
    pairs,
    renaming,
    texts,
    wishing,
)
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome, Purpose, State, Wish
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, QUESTIONS, Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding, understand

_SURELY_ASKED = 0.7
_ANSWERED_TOGETHER = frozenset([Intent.ASK_PRICE, Intent.ASK_INSURANCE, Intent.ASK_ADDRESS, Intent.ASK_HOURS])
"""Questions that are answered with any other of them."""
_CHANGES = frozenset([Intent.RESCHEDULE, Intent.CANCEL])
_WANTS_NONE = re.compile(
    r"\bnao (?:quero|preciso|vou|desejo|pretendo)(?: mais)? (?:marcar|agendar)\b"
    r"(?!.*(?:\?|\b(?:com|mas|so|sem|e sim|quero|queria|prefiro|pode|posso|preciso|gostaria|melhor)\b))"
)
"""No booking is wished for, whatever day is named with it: "não quero marcar consulta amanhã às 10h"."""
_ABOUT_PEOPLE = frozenset(
    [Intent.ASK_AVAILABILITY, Intent.ASK_SERVICE, Intent.ASK_HOURS, Intent.BOOK, Intent.OUT_OF_SCOPE]
)
_INTRODUCES = frozenset([Intent.GREETING, Intent.OUT_OF_SCOPE])
"""What a message says that tells who writes, and asks for nothing yet."""
_BESIDE_QUESTIONS = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.RESCHEDULE])
_ABOUT_A_TIME = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.OUT_OF_SCOPE])
_COMPLAINS = re.compile(
    r"\b(?:reclam\w+|pessim[oa]s?|horrivel|horroros[oa]|absurdo|descaso|desrespeito|falta de (?:respeito|educacao|"
    r"profissionalismo)|vergonha|indignad\w+|insatisfeit\w+|decepcion\w+|mal atendid\w+|(?:des|mal)tratad\w+|"
    r"maltrat\w+|"
    r"humilhad\w+|ofendid\w+|grosseir\w+|gross[oa]s?|mal educad\w+|procon|advogad\w+|process(?:ar|o)|denunci\w+|"
    r"ouvidoria|"
    r"ninguem (?:me |nos )?(?:atende\w*|respond\w+|retorn\w+|resolv\w+|cham\w+)|esper(?:ei|amos|ando) (?:mais de |"
    r"por )?(?:\d+|"
    r"uma|duas|tres|horas)|cobr\w+ (?:\w+ ){0,3}(?:errad\w*|duas vezes|2 vezes|a mais|em dobro|indevid\w*)|"
    r"inaceitavel|"
    r"dinheiro de volta|nunca mais (?:volto|piso|marco)|pior (?:clinica|atendimento|experiencia))\b"
)
_PRAISES = re.compile(r"\b(?:elogi\w+|parabens|parabenizar)\b(?!.*\b(?:mas|porem|reclam\w+)\b)")
_HANDED = {
    Intent.HUMAN: (Alert.HUMAN, texts.HANDOFF),
    Intent.RESULTS: (Alert.RESULTS, texts.RESULTS),
}
_STANDING = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED, Outcome.CONFIRMED])
"""After these a no that answers nothing leaves an appointment standing, which is said."""


def take(session: Session, *, invited: bool = False) -> Steps:
    """Takes the message as the beginning of something. ``invited``: the patient was asked whether to book."""
    state, intent = session.state, _meant(session, invited=invited)
    if intent in _BESIDE_QUESTIONS:
        answers.beside(session)
    about_people = intent in _ABOUT_PEOPLE and answers.works_here(session)
    if about_people or (session.message.reminded and (yield from notices.reminder_answered(session, intent))):
        return
    if renaming.late(session) or renaming.in_my_place(session):
        session.hand_off(Alert.HUMAN, texts.HANDOFF_NAME)
        return
    intent = yield from _of_the_diary(session, intent)
    intent, wishes = _set_apart(session, _first_change(session, intent))
    match intent:
        case Intent.BOOK:
            state.reset_flow()
            _one_after_the_other(session)
            yield from wishing.start(session, Purpose.BOOK)
        case Intent.ASK_AVAILABILITY:
            yield from _show_free(session)
        case Intent.RESCHEDULE:
            yield from changes.begin(session, Purpose.RESCHEDULE)
        case Intent.CANCEL:
            state.later, state.later_for, state.later_asks = wishes, None, False
            yield from changes.begin(session, Purpose.CANCEL)
        case Intent.LIST_APPOINTMENTS:
            yield from diary.listing(session)
            yield from _other_questions(session, intent)
        case _:
            yield from _answer_or_say(session, intent)
            yield from _beside_notices(session, intent)
            yield from _other_questions(session, intent)


def _one_after_the_other(session: Session) -> None:
    """Keeps the second of two times of one service for after the first ("consulta quinta 10h e outra sexta 10h")."""
    both = pairs.twice(session.clinic, session.norm, session.now)
    if both is not None:
        first, session.state.pending = both
        session.reread(first)


def _of_the_diary(session: Session, intent: Intent) -> Generator[Request, Answer, Intent]:
    """The intent, seen that the time named may be that of an appointment that stands: it cannot be kept, or is told."""
    if session.message.reminded or intent not in _ABOUT_A_TIME:
        return intent
    if (yield from diary.ruled_out(session)) or (yield from diary.of_standing(session)):
        return Intent.RESCHEDULE
    return Intent.LIST_APPOINTMENTS if (yield from diary.tells(session)) else intent


def _other_questions(session: Session, answered: Intent) -> Steps:
    """Answers what else is asked in the same message ("onde fica? vocês fazem botox?"), each thing once.

    What nobody knows is passed to a person, and it is said what that is.
    """
    if answered not in QUESTIONS or session.state.handed_off:
        return
    reading = session.reading
    alike = {answered, *(_ANSWERED_TOGETHER if answered in PROFILE_QUESTIONS else ())}
    unknown: list[str] = []
    for part in beside.questions(reading.text):
        session.reading = _reread(session, part)
        intent, sure = session.reading.intent, session.reading.confidence >= _SURELY_ASKED
        if intent is Intent.OUT_OF_SCOPE or (intent in QUESTIONS and not sure):
            unknown += [part] if beside.asks(session.norm) else []
        elif intent in PROFILE_QUESTIONS:
            unknown += [part] if not _answer_part(session, intent, alike) else []
        elif intent not in alike and intent is Intent.LIST_APPOINTMENTS:
            yield from diary.listing(session)
        elif intent not in alike and intent is Intent.ASK_AVAILABILITY and session.may_ask:
            yield from _show_free(session)
    if unknown:
        session.replies[:] = [reply for reply in session.replies if reply != texts.DOUBT_PASSED_ON]
        session.pass_on(texts.doubts_passed_on(unknown))
    session.replies.sort(key=lambda reply: "?" in reply)  # a question of ours comes last
    session.reading = reading


def _answer_part(session: Session, intent: Intent, alike: Collection[Intent]) -> bool:
    """Answers one question of several, unless it was answered with the first; False where nobody knows."""
    before, alerts, topic = len(session.replies), len(session.alerts), session.state.topic
    answers.answer(session, intent)
    said = session.replies[before:]
    known = texts.DOUBT_PASSED_ON not in said
    if not known or intent in alike or set(said) <= set(session.replies[:before]):
        del session.replies[before:], session.alerts[alerts:]
        session.state.topic = topic
    return known


def _show_free(session: Session) -> Steps:
    """The patient asks what is free."""
    state = session.state
    state.reset_flow()
    state.purpose = Purpose.BOOK
    session.absorb()
    state.answered = True
    yield from wishing.advance(session, listing=True)


def next_change(session: Session) -> Steps:
    """Goes on with what else was asked for in the same message, once the one before it has come to an end."""
    state, reading = session.state, session.reading
    ended = session.changing or (state.done, state.last) != session.before
    if state.pending is None or not ended or not session.may_ask or state.handed_off:
        return
    said, state.pending = state.pending, None
    session.reading = _reread(session, said)
    if session.reading.intent in _CHANGES:
        yield from _begin_change(session)
    else:
        yield from take(session)
    session.reading = reading


def _begin_change(session: Session) -> Steps:
    """Begins the change that part of the message, read by itself, asks for; nothing where it asks for none."""
    if session.reading.intent in _CHANGES:
        intent, _ = _set_apart(session, _first_change(session, session.reading.intent))
        yield from changes.begin(session, Purpose.CANCEL if intent is Intent.CANCEL else Purpose.RESCHEDULE)


def _beside_notices(session: Session, intent: Intent) -> Steps:
    """Goes on with what was asked for beside the end of our messages, or the data: a change, a booking, a person."""
    if intent not in {Intent.OPT_OUT, Intent.DATA_REQUEST}:
        return
    said, reading = beside.beside_notices(session.reading.text, session.now), session.reading
    if said is None:
        return
    session.reading = _reread(session, said)
    wanted = session.reading.intent
    if wanted is Intent.CONFIRM_YES and beside.books(session.norm):
        wanted = Intent.BOOK  # "e marca": by itself it would be a yes, and nothing was asked
    match wanted:
        case Intent.BOOK:
            yield from wishing.start(session, Purpose.BOOK)
        case Intent.ASK_AVAILABILITY:
            yield from _show_free(session)
        case _ if beside.wants_a_person(session.norm):
            session.hand_off(Alert.HUMAN, texts.HANDOFF)
        case _:
            yield from _begin_change(session)
    session.reading = reading


def _reread(session: Session, said: str) -> Understanding:
    """Part of the message read by itself."""
    return understand(said, session.now, hours=session.clinic.hours or None, names=session.clinic.names)


def _first_change(session: Session, intent: Intent) -> Intent:
    """Of changes asked for at once the first is begun, and the others kept for after it: what the first is."""
    if intent not in _CHANGES:
        return intent
    both = beside.two_changes(session.clinic, session.reading.text, session.now)
    session.state.pending = (both[1] or None) if both is not None else None
    if both is None:
        return intent
    session.reading = _reread(session, both[0])
    return session.reading.intent if session.reading.intent in _CHANGES else intent


def _set_apart(session: Session, intent: Intent) -> tuple[Intent, list[Wish]]:
    """Keeps what is wished for anew beside a change for after it: what the rest means, and the wishes."""
    clinic, reading = session.clinic, session.reading
    if intent not in {*_CHANGES, Intent.BOOK}:
        return intent, []
    wishes, rest = beside.wished_for(clinic, reading.text, session.now)
    again = _reread(session, rest) if wishes else reading
    if not wishes or again.intent not in _CHANGES:
        return intent, []
    session.reading = replace(again, shown=reading.shown)
    codes = {wish.service for wish in wishes}
    session.state.later = [*wishes, *(wish for wish in session.state.later if wish.service not in codes)]
    return again.intent, wishes


def _meant(session: Session, *, invited: bool) -> Intent:
    """The intent of a message that begins something."""
    state, intent = session.state, context.meant(session)
    if (invited or session.message.about) and intent is Intent.CONFIRM_YES:
        state.topic = state.topic or _advertised(session)
        return Intent.BOOK  # "Quer marcar?" "Quero!"
    if intent is Intent.BOOK and _WANTS_NONE.search(session.norm):
        return Intent.CONFIRM_NO
    if intent in _INTRODUCES and kin.introduces(session.norm):
        state.relative = True  # what is then booked is for them
        return Intent.GREETING
    if intent in _INTRODUCES and (name := session.given_name) is not None:
        state.name = state.name or name
        if answers.states_plan(session):
            answers.note_plan(session)
        return Intent.GREETING
    return intent


def _answer_or_say(session: Session, intent: Intent) -> Steps:
    """A yes or no to a reminder, or what needs nothing from anywhere else."""
    reminded = session.message.reminded
    if intent is Intent.CONFIRM_YES and (reminded or _says_confirm(session)):
        yield from changes.confirm(session)
    elif intent is Intent.CONFIRM_NO and reminded:
        yield from changes.declined(session)
    elif intent is Intent.RUNNING_LATE:
        yield from diary.late(session)
    elif intent is Intent.OPT_OUT:
        yield from notices.opt_out(session)
    elif intent is Intent.DATA_REQUEST:
        session.pass_on(texts.DATA_REQUEST, Alert.DATA_REQUEST)
        if session.state.last is None:
            session.state.done = Outcome.HANDED_OFF  # the request is; everything else is answered as before
    else:
        _plain(session, intent)


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


def _opens_with_a_yes(state: State, intent: Intent) -> bool:
    """Whether a conversation begins with a yes, which answers nothing."""
    return intent is Intent.CONFIRM_YES and not state.busy and not state.answered and state.done is None


def _plain(session: Session, intent: Intent) -> None:
    """What needs nothing from anywhere else."""
    state = session.state
    if intent is Intent.HUMAN and _PRAISES.search(session.norm):
        session.hand_off(Alert.HUMAN, texts.PRAISE)
    elif intent is Intent.HUMAN and _COMPLAINS.search(session.norm):
        session.hand_off(Alert.HUMAN, texts.SORRY)
    elif intent in _HANDED:
        session.hand_off(*_HANDED[intent])
    elif intent in PROFILE_QUESTIONS:
        answers.answer(session, intent)
    elif intent is Intent.THANKS:
        session.say(texts.THANKS)
        state.answered = True
    elif intent is Intent.GOODBYE:
        session.say(texts.GOODBYE)
        state.answered = True
    elif intent is Intent.GREETING or _opens_with_a_yes(state, intent):
        session.say(texts.HELLO if state.busy else texts.greeting(session.clinic))
        state.answered = True
    elif intent in {Intent.CONFIRM_YES, Intent.CONFIRM_NO}:
        stands = intent is Intent.CONFIRM_NO and state.done in _STANDING and not state.busy
        session.say(texts.STANDS if stands else texts.NOTED_HERE if state.busy else texts.NOTED)
        state.answered = True
    else:
        _not_placed(session)


def _not_placed(session: Session) -> None:
    """What is none of it: a question for a doctor, a story that may have been an emergency, or not understood."""
    if offering.asks_advice(session.norm):
        session.pass_on(texts.ADVICE)
        session.state.answered = True
    elif session.reading.doubtful and session.may_ask:
        session.invite(texts.CAN_BOOK)
    else:
        misses.not_understood(session)
