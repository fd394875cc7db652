"""The dialogue manager: from a conversation's state and one message to the next state and the replies.

``turn`` is a generator of requests (``ports``); what drives it carries them out and sends the answers back. Given the
same state, message, clinic, moment and answers it always does the same, so a turn that was cut short can be run again.
"""

import re
from collections.abc import Generator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from atendeai.domain.dialogue import (
    answers,
    asides,
    booking,
    buttons,
    changes,
    context,
    flow,
    misses,
    texts,
    tone,
    waiting,
)
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.reading import read
from atendeai.domain.dialogue.session import Alert, Message, Patient, Session, Turn
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, State
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.normalise import fold

_READABLE = frozenset(["text", "button", "list", "interactive", "button_reply", "list_reply"])
_HEARD = frozenset(["audio", "voice"])
_NODDED = frozenset(["sticker", "reaction"])
_RESUMES = re.compile(
    r"\b(?:volt\w+ a (?:me )?(?:receber|mandar|enviar)|(?:quero|queria|posso) (?:voltar a |continuar a )?receber|"
    r"pode(?:m)? (?:voltar a )?(?:me )?(?:mandar|enviar|avisar)|"
    r"reativ\w+|^\W*voltar)\b"
)
_NOT = re.compile(r"\b(?:nao|nunca|par(?:a|e|em|ar) de|sem)\b")
_SELF_HARM = re.compile(
    r"\b(?:suicid\w+|(?:me|se) (?:matar|mato|mata|enforc\w+|jog(?:ar|o|ou)|cort(?:ar|ei|o|ou|ando))|"
    r"cort\w+ os pulsos|"
    r"(?:quer\w*|vontade de|pens\w+ em|melhor|prefiro|vou) (?:eu )?(?:morrer|sumir|nao existir)|"
    r"(?:tirar|acabar com|dar fim (?:a|na)) (?:a )?(?:minha |propria |sua )?(?:propria )?vida|"
    r"(?:sem vontade de|nao (?:quero|aguento|consigo)(?: mais)?|desisti de|para que) viver|nao acordar|"
    r"tom\w+ (?:\w+ ){0,3}(?:remedios?|comprimidos?|cartelas?|veneno) (?:\w+ )?(?:para|e) (?:\w+ )?(?:morrer|dormir)|"
    r"(?:automutil\w+|me machucar de proposito))\b"
)
"""Whole words: "grávida" holds "vida"."""
_CALLED = re.compile(
    r"\b(?:ja|estou|estamos|acabei de) (?:lig\w+|cham\w+|(?:no|indo|a caminho)\b.{0,20}(?:samu|hospital|pronto))"
)
_NO_EMERGENCY = re.compile(
    r"\bnao (?:e|era|foi|se trata de) (?:uma |nenhuma )?(?:emergencia|urgencia|nada disso)|"
    r"\balarme falso\b|\bfoi engano\b"
)


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
    return Session(
        clinic=clinic,
        now=now,
        state=deepcopy(state),
        message=message,
        reading=read(message, state, clinic, now, classifier),
        patient=patient or Patient(),
    )


def end(session: Session) -> Turn:
    """What the turn led to, in the persona's tone."""
    replies = tuple(tone.spoken(reply, session.clinic.persona.tone) for reply in session.replies)
    return Turn(session.state, session.reading.intent, replies, tuple(session.alerts))


def _handle(session: Session) -> Steps:
    state = session.state
    asked, question, invited = state.asks or state.paused, state.question, state.invited
    state.asks, state.paused, state.invited, state.conversing = None, None, False, False
    if _after_emergency(session):
        return
    if session.reading.intent is Intent.EMERGENCY:
        _emergency(session)
        return
    if buttons.known(session.message.pressed):
        yield from buttons.press(session)
        return
    if state.handed_off or _settled_at_once(session, asked):
        return  # a person has taken over and the machine keeps quiet; or there is nothing more to it
    taken = (yield from waiting.take(session, asked)) or asides.take(session, asked)
    taken = taken or (state.busy and (yield from flow.take(session, asked)))
    if not taken:
        yield from _look_for_reminder(session, invited=invited)
        yield from _fresh(session, invited=invited)
    open_ = state.busy and not state.handed_off and state.asks is None and state.paused is None
    if open_ and session.reading.intent in {Intent.THANKS, Intent.GOODBYE} and state.stage is Stage.COLLECTING:
        state.paused = asked  # thanked is taken leave of: the question waits
    elif open_ and question and session.replies:
        # Something else was answered on the way: put the open question again.
        if asked is Asks.SERVICE and state.service is not None:
            yield from booking.advance(session)
        else:
            session.say(question, asked)
    if not session.missed:
        state.misses = 0


def _settled_at_once(session: Session, asked: Asks | None) -> bool:
    """Whether the message needs no reading: it has no words, is a topic for a person, or takes an opt-out back."""
    state = session.state
    if not session.norm.strip() or session.message.kind not in _READABLE:
        _unreadable(session, asked)
        return True
    if session.message.files:
        session.say(texts.FILE)
        session.alerts.append(Alert.FILE)
    if _RESUMES.search(session.norm) and not _NOT.search(session.norm) and _about_notices(session):
        state.opted_out = False
        state.done, state.answered = None, True
        session.say(texts.RESUMED)
        return True
    topic = next((t for t in session.clinic.handoff_topics if fold(t) and fold(t) in session.norm), None)
    if topic is not None:
        session.hand_off(Alert.TOPIC, texts.HANDOFF_TOPIC)
    return topic is not None


def _about_notices(session: Session) -> bool:
    """Whether who wants to receive something means our notices: they are off, or are named."""
    named = re.search(r"\b(?:lembrete|aviso|mensage|notifica)\w*", session.norm)
    return session.state.opted_out or (named is not None and not session.state.busy and "?" not in session.norm)


def _unreadable(session: Session, asked: Asks | None) -> None:
    """Something without words: asked to write what cannot be heard, handed on what may matter, the rest let be."""
    state = session.state
    kinds = set(session.message.files) or {session.message.kind}
    state.asks = asked
    if kinds <= _NODDED:
        return
    if kinds & _HEARD:
        session.say(texts.NO_AUDIO)
    elif kinds <= {"unsupported", "unknown"} | _READABLE:
        session.say(texts.NOT_TEXT)
    else:
        session.say(texts.FILE)
        session.alerts.append(Alert.FILE)
        if state.busy and state.question:
            session.say(state.question, asked)


def _after_emergency(session: Session) -> bool:
    """What is said right after an emergency gets a word of its own: help was called, or it was none."""
    if not session.state.handed_off or session.state.done is not Outcome.EMERGENCY:
        return False
    if _NO_EMERGENCY.search(session.norm):
        session.say(texts.NO_EMERGENCY)
        return True
    if _CALLED.search(session.norm):
        session.say(texts.HELP_CALLED)
        return True
    return False


def _emergency(session: Session) -> None:
    session.say(texts.SELF_HARM if _SELF_HARM.search(session.norm) else texts.EMERGENCY)
    session.alerts.append(Alert.EMERGENCY)
    session.state.reset_flow()
    session.state.handed_off = True
    session.state.done = Outcome.EMERGENCY
    session.state.last = None


# ---------------------------------------------------------------- outside a flow


def _look_for_reminder(session: Session, *, invited: bool) -> Steps:
    """A bare yes or no that answers nothing of ours answers the reminder of an appointment that is near."""
    within, message = session.message.remind_within, session.message
    bare = session.reading.intent in {Intent.CONFIRM_YES, Intent.CONFIRM_NO} and session.state.done is None
    if within is None or invited or message.reminded or message.about or session.state.busy or not bare:
        return
    ahead = yield from changes.upcoming(session)
    if ahead and ahead[0].start - session.now <= within:
        session.message = replace(message, reminded=True)


def _fresh(session: Session, *, invited: bool = False) -> Steps:
    """Takes the message as the beginning of something. ``invited``: the patient was asked whether to book."""
    state, intent = session.state, context.meant(session)
    if (invited or session.message.about) and intent is Intent.CONFIRM_YES:
        intent = Intent.BOOK  # "Quer marcar?" "Quero!"
        state.topic = state.topic or _advertised(session)
    if intent in _BESIDE_QUESTIONS:
        answers.beside(session)
    about_people = intent in _ABOUT_PEOPLE and answers.works_here(session)
    if about_people or (session.message.reminded and (yield from _reminder_answered(session, intent))):
        return
    if (
        not session.message.reminded
        and intent in {Intent.BOOK, Intent.ASK_AVAILABILITY}
        and (yield from changes.ruled_out(session))
    ):
        intent = Intent.RESCHEDULE
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
        case _:
            yield from _answer_or_say(session, intent)


def _answer_or_say(session: Session, intent: Intent) -> Steps:
    """A yes or no to a reminder, or what needs nothing from anywhere else."""
    reminded = session.message.reminded
    if intent is Intent.CONFIRM_YES and (reminded or _says_confirm(session)):
        yield from changes.confirm(session)
    elif intent is Intent.CONFIRM_NO and reminded:
        yield from changes.declined(session)
    elif intent is Intent.RUNNING_LATE:
        yield from changes.late(session)
    else:
        _plain(session, intent)


def _reminder_answered(session: Session, intent: Intent) -> Generator[Request, Answer, bool]:
    """What an answer to a reminder says besides its intent; whether nothing is left to do."""
    beside = intent in PROFILE_QUESTIONS and Intent.CONFIRM_YES in session.reading.shown
    if beside or (intent is Intent.RUNNING_LATE and "confirm" in session.norm):
        yield from changes.confirm(session)  # "vou sim, qual o endereço?"
        return False
    if session.reading.when.empty or intent not in context.TIMED_ANSWERS:
        return False
    if intent is Intent.BOOK and context.ANOTHER.search(session.norm):
        return False
    return (yield from changes.answer_with_time(session))


_ABOUT_PEOPLE = frozenset(
    [Intent.ASK_AVAILABILITY, Intent.ASK_SERVICE, Intent.ASK_HOURS, Intent.BOOK, Intent.OUT_OF_SCOPE]
)
_BESIDE_QUESTIONS = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.RESCHEDULE])


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
    Intent.DATA_REQUEST: (Alert.DATA_REQUEST, texts.DATA_REQUEST),
}


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
    elif intent is Intent.OPT_OUT:
        state.reset_flow()
        state.opted_out = True
        state.done = Outcome.OPTED_OUT
        state.last = None
        session.say(texts.OPT_OUT)
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
        session.say(texts.NOTED)
        state.answered = True
    else:
        misses.not_understood(session)
