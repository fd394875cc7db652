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
    beside,
    booking,
    buttons,
    changes,
    context,
    following,
    misses,
    options,
    renaming,
    taps,
    texts,
    tone,
    topics,
    waiting,
)
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.flow import taking
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.reading import read
from atendeai.domain.dialogue.session import Alert, Message, Patient, Session, Turn
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, State, Wish
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, QUESTIONS, Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding, understand

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
    message = options.in_words(message)
    return Session(
        clinic=clinic,
        now=now,
        state=deepcopy(state),
        message=message,
        reading=read(message, state, clinic, now, classifier),
        patient=patient or Patient(),
        before=(state.done, state.last),
        changing=state.purpose in {Purpose.RESCHEDULE, Purpose.CANCEL},
    )


def end(session: Session) -> Turn:
    """What the turn led to, in the persona's tone."""
    state, message = session.state, session.message
    if (state.done, state.last) != session.before or message.reminded or buttons.known(message.pressed):
        state.done_at = session.now
    state.heard_at = session.now
    replies = tuple(tone.spoken(reply, session.clinic.persona.tone) for reply in session.replies)
    return Turn(state, session.reading.intent, replies, tuple(session.alerts), options.offered(session))


def _handle(session: Session) -> Steps:
    state = session.state
    tap, option = options.known(session.message.pressed), options.tapped(session)
    if tap and (state.handed_off or (option is None and taps.over(session))):
        return
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
    if not tap and (state.busy or invited):
        yield from _look_for_reminder(session, asked=True)
    if not tap or not (yield from taps.take(session, option)):
        yield from _answered(session, asked, question, invited=invited)
    yield from _next_change(session)
    following.ask(session)
    if not session.missed:
        state.misses = 0


def _answered(session: Session, asked: Asks | None, question: str | None, *, invited: bool) -> Steps:
    """Answers what no button, emergency or person has answered, and puts a question that is still open again."""
    state = session.state
    comes_back = invited and bool(state.later) and not state.busy and session.reminded_of is None
    if comes_back and (yield from following.take(session)):
        return
    taken = session.reminded_of is None and (yield from _taken(session, asked))
    if not taken:
        if not (state.busy or invited or session.reminded_of):
            yield from _look_for_reminder(session, asked=False)
        yield from _fresh(session, invited=invited and session.reminded_of is None)
    if state.busy and not state.handed_off and state.asks is None and state.paused is None:
        yield from _put_again(session, asked, question)


def _put_again(session: Session, asked: Asks | None, question: str | None) -> Steps:
    """Something else was answered on the way: puts the question that is still open again."""
    state = session.state
    if session.reading.intent in {Intent.THANKS, Intent.GOODBYE} and state.stage is Stage.COLLECTING:
        state.paused = asked  # thanked is taken leave of: the question waits
    elif question and session.replies:
        if asked is Asks.SERVICE and state.service is not None:
            yield from booking.advance(session)
        else:
            session.say(question, asked)


def _taken(session: Session, asked: Asks | None) -> Generator[Request, Answer, bool]:
    """Whether the message belongs to what is under way, or needs no more than a word."""
    taken = (yield from waiting.take(session, asked)) or asides.take(session, asked)
    return taken or (session.state.busy and (yield from taking.take(session, asked)))


def _settled_at_once(session: Session, asked: Asks | None) -> bool:
    """Whether the message needs no reading: it has no words, is a topic for a person, or takes an opt-out back."""
    state = session.state
    if not session.norm.strip() or session.message.kind not in _READABLE:
        _unreadable(session, asked)
        return True
    if session.message.files:
        _file(session)
    if _RESUMES.search(session.norm) and not _NOT.search(session.norm) and _about_notices(session):
        state.opted_out = False
        state.done, state.answered = None, True
        session.say(texts.RESUMED)
        return True
    for_a_person = topics.named(session.clinic.handoff_topics, session.norm)
    if for_a_person:
        session.hand_off(Alert.TOPIC, texts.HANDOFF_TOPIC)
    return for_a_person


def _about_notices(session: Session) -> bool:
    """Whether who wants to receive something means our notices: they are off, or are named."""
    named = re.search(r"\b(?:lembrete|aviso|mensage|notifica)\w*", session.norm)
    return session.state.opted_out or (named is not None and not session.state.busy and "?" not in session.norm)


def _unreadable(session: Session, asked: Asks | None) -> None:
    """Something without words: asked to write what cannot be heard, handed on what may matter, the rest let be.

    Who goes on speaking may not be able to write: what cannot be heard or shown counts as not understood.
    """
    state = session.state
    kinds = set(session.message.files) or {session.message.kind}
    state.asks = asked
    if kinds <= _NODDED:
        return
    if kinds & _HEARD:
        if not misses.count(session, texts.HANDOFF if session.message.lost else texts.HANDOFF_HEARD):
            session.say(texts.NO_AUDIO)
    elif kinds <= {"unsupported", "unknown"} | _READABLE:
        if not misses.count(session):
            session.say(texts.NOT_TEXT)
    else:
        _file(session)
        if state.busy and state.question:
            session.say(state.question, asked)


def _file(session: Session) -> None:
    """Says what became of what cannot be read: a person has it, or it is to be sent again; either way one looks."""
    lost = session.message.lost
    session.say(texts.FILE if not lost else texts.FILES_LOST if lost < len(session.message.files) else texts.FILE_LOST)
    session.alerts.append(Alert.FILE)


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
    session.state.forget_later()
    session.state.handed_off = True
    session.state.done = Outcome.EMERGENCY
    session.state.last = None


# ---------------------------------------------------------------- outside a flow


def _look_for_reminder(session: Session, *, asked: bool) -> Steps:
    """A bare yes or no that answers nothing of ours answers the reminder of an appointment that is near.

    Once something was achieved only one that was sent since: "ok" just after a booking answers no reminder before it.
    ``asked``: a question of ours is open; then only one that came after it, and what was under way is let go of.
    """
    state, message = session.state, session.message
    within, bare = message.remind_within, session.reading.intent in {Intent.CONFIRM_YES, Intent.CONFIRM_NO}
    if within is None or message.reminded or message.about or not bare:
        return
    if asked and not (session.reading.when.empty and state.heard_at and _later(session.now, state.heard_at)):
        return
    ahead = yield from changes.upcoming(session)
    near = [a for a in ahead if a.start - session.now <= within]
    since = state.heard_at if asked else state.done_at
    told = [(at, a.id) for a in near if (at := a.reminded_at) is not None and _later(at, since)]
    if not told and (asked or not near or state.done is not None):
        return
    if asked:
        yield from booking.release(session)
        state.reset_flow()
    session.message = replace(message, reminded=True)
    session.reminded_of = max(told)[1] if told else near[0].id


def _later(one: datetime, other: datetime | None) -> bool:
    """Whether one moment is later than another, to the minute that turns know."""
    return other is None or one.replace(second=0, microsecond=0) > other


def _fresh(session: Session, *, invited: bool = False) -> Steps:
    """Takes the message as the beginning of something. ``invited``: the patient was asked whether to book."""
    state, intent = session.state, _meant(session, invited=invited)
    if intent in _BESIDE_QUESTIONS:
        answers.beside(session)
    about_people = intent in _ABOUT_PEOPLE and answers.works_here(session)
    if about_people or (session.message.reminded and (yield from _reminder_answered(session, intent))):
        return
    if renaming.late(session):
        session.hand_off(Alert.HUMAN, texts.HANDOFF_NAME)
        return
    if (
        not session.message.reminded
        and intent in {Intent.BOOK, Intent.ASK_AVAILABILITY}
        and (yield from changes.ruled_out(session))
    ):
        intent = Intent.RESCHEDULE
    intent, wishes = _set_apart(session, _first_change(session, intent))
    match intent:
        case Intent.BOOK:
            state.reset_flow()
            yield from booking.start(session, Purpose.BOOK)
        case Intent.ASK_AVAILABILITY:
            yield from _show_free(session)
        case Intent.RESCHEDULE:
            yield from changes.begin(session, Purpose.RESCHEDULE)
        case Intent.CANCEL:
            state.later, state.later_for, state.later_asks = wishes, None, False
            yield from changes.begin(session, Purpose.CANCEL)
        case Intent.LIST_APPOINTMENTS:
            yield from changes.listing(session)
            yield from _other_questions(session, intent)
        case _:
            yield from _answer_or_say(session, intent)
            yield from _beside_notices(session, intent)
            yield from _other_questions(session, intent)


def _other_questions(session: Session, answered: Intent) -> Steps:
    """Answers what else is asked in the same message ("onde fica? vocês fazem botox?"), each thing once."""
    if answered not in QUESTIONS or session.state.handed_off:
        return
    reading = session.reading
    alike = {answered, *(_ANSWERED_TOGETHER if answered in PROFILE_QUESTIONS else ())}
    for part in beside.questions(reading.text):
        session.reading = _reread(session, part)
        intent, sure = session.reading.intent, session.reading.confidence >= _SURELY_ASKED
        open_already = intent is Intent.ASK_AVAILABILITY and not session.may_ask
        if intent in alike or intent not in QUESTIONS or not sure or open_already:
            continue
        before, alerts = len(session.replies), len(session.alerts)
        if intent is Intent.LIST_APPOINTMENTS:
            yield from changes.listing(session)
        elif intent is Intent.ASK_AVAILABILITY:
            yield from _show_free(session)
        else:
            answers.answer(session, intent)
        if set(session.replies[before:]) <= set(session.replies[:before]):
            del session.replies[before:], session.alerts[alerts:]  # it was answered with the first
    session.replies.sort(key=lambda reply: "?" in reply)  # a question of ours comes last
    session.reading = reading


def _show_free(session: Session) -> Steps:
    """The patient asks what is free."""
    state = session.state
    state.reset_flow()
    state.purpose = Purpose.BOOK
    session.absorb()
    state.answered = True
    yield from booking.advance(session, listing=True)


def _next_change(session: Session) -> Steps:
    """Goes on with another change that was asked for in the same message, once the one before it has come to an end."""
    state, reading = session.state, session.reading
    if state.pending is None or not session.changing or not session.may_ask or state.handed_off:
        return
    said, state.pending = state.pending, None
    session.reading = _reread(session, said)
    yield from _begin_change(session)
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
    match session.reading.intent:
        case Intent.BOOK:
            yield from booking.start(session, Purpose.BOOK)
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
    return intent


def _answer_or_say(session: Session, intent: Intent) -> Steps:
    """A yes or no to a reminder, or what needs nothing from anywhere else."""
    reminded = session.message.reminded
    if intent is Intent.CONFIRM_YES and (reminded or _says_confirm(session)):
        yield from changes.confirm(session)
    elif intent is Intent.CONFIRM_NO and reminded:
        yield from changes.declined(session)
    elif intent is Intent.RUNNING_LATE:
        yield from changes.late(session)
    elif intent is Intent.OPT_OUT:
        yield from _opt_out(session)
    elif intent is Intent.DATA_REQUEST:
        session.pass_on(texts.DATA_REQUEST, Alert.DATA_REQUEST)
        if session.state.last is None:
            session.state.done = Outcome.HANDED_OFF  # the request is; everything else is answered as before
    else:
        _plain(session, intent)


def _opt_out(session: Session) -> Steps:
    """No more messages are wanted: what was on offer is let go of at once."""
    state = session.state
    yield from booking.release(session)
    state.reset_flow()
    state.forget_later()
    state.opted_out = True
    state.done = Outcome.OPTED_OUT
    state.last = None
    session.say(texts.OPT_OUT)


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
}


_STANDING = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED, Outcome.CONFIRMED])
"""After these a no that answers nothing leaves an appointment standing, which is said."""


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
        misses.not_understood(session)
