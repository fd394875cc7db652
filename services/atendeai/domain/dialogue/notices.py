"""Answers to what the clinic sends of its own accord: a reminder or an offer answered, no messages, messages again."""

import re
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime

from atendeai.domain.dialogue import beside, buttons, changes, context, diary, searching, texts
from atendeai.domain.dialogue.ports import Answer, Appointments, Offers, Request, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome
from atendeai.domain.understanding.intent import PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import understand

_RESUMES = re.compile(
    r"\b(?:volt\w+ a (?:me )?(?:receber|mandar|enviar)|(?:quero|queria|posso) (?:voltar a |continuar a )?receber|"
    r"pode(?:m)? (?:voltar a )?(?:me )?(?:mandar|enviar|avisar)|"
    r"reativ\w+|^\W*voltar)\b"
)
_ACTS = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.RESCHEDULE, Intent.CANCEL])
_NOT = re.compile(r"\b(?:nao|nunca|par(?:a|e|em|ar) de|sem)\b")


def wanted_again(session: Session) -> bool:
    """Whether our messages are wanted again, after an opt-out or by name."""
    return bool(_RESUMES.search(session.norm)) and not _NOT.search(session.norm) and _about_notices(session)


def _about_notices(session: Session) -> bool:
    """Whether who wants to receive something means our notices: they are off, or are named."""
    named = re.search(r"\b(?:lembrete|aviso|mensage|notifica)\w*", session.norm)
    return session.state.opted_out or (named is not None and not session.state.busy and "?" not in session.norm)


def look_for_reminder(session: Session, *, asked: bool) -> Steps:
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
    ahead = yield from diary.upcoming(session)
    near = [a for a in ahead if a.start - session.now <= within]
    since = state.heard_at if asked else state.done_at
    told = [(at, a.id) for a in near if (at := a.reminded_at) is not None and _later(at, since)]
    if not told and (asked or not near or state.done is not None):
        return
    if asked:
        yield from searching.release(session)
        state.reset_flow()
    session.message = replace(message, reminded=True)
    session.reminded_of = max(told)[1] if told else near[0].id


def answers_an_offer(session: Session, *, asked: bool) -> Generator[Request, Answer, bool]:
    """Whether a bare yes or no was the answer to a time that the waiting list offers, which is the last thing we said.

    ``asked``: a question of ours is open; then only to an offer that came after it, and what was under way is let go.
    """
    state, reading = session.state, session.reading
    bare = reading.intent in {Intent.CONFIRM_YES, Intent.CONFIRM_NO} and reading.when.empty
    if not bare or session.message.reminded or session.message.about:
        return False
    if asked and not _later(session.now, state.heard_at):
        return False
    answer = yield Offers()
    offers = answer.items if isinstance(answer, Appointments) else ()
    told = [(at, one.id) for one in offers if (at := one.reminded_at) is not None]
    if asked:
        told = [one for one in told if _later(one[0], state.heard_at)]
    elif state.done_at is not None:
        told = [one for one in told if one[0] >= state.done_at]
    if not told:
        return False
    newest, offer = max(told)
    ahead = yield from diary.upcoming(session)
    if any(one.reminded_at is not None and one.reminded_at > newest for one in ahead):
        return False
    yield from buttons.answer_offer(session, offer, wanted=reading.intent is Intent.CONFIRM_YES)
    return True


def _later(one: datetime, other: datetime | None) -> bool:
    """Whether one moment is later than another, to the minute that turns know."""
    return other is None or one.replace(second=0, microsecond=0) > other


def opt_out(session: Session) -> Steps:
    """No more messages are wanted: what was on offer is let go of at once."""
    state = session.state
    yield from searching.release(session)
    state.reset_flow()
    state.forget_later()
    state.opted_out = True
    state.done = Outcome.OPTED_OUT
    state.last = None
    session.say(texts.OPT_OUT)


def opt_out_beside_a_person(session: Session) -> Steps:
    """No more messages are wanted, which needs no person: it holds at once and is said, and the person stays."""
    yield from searching.release(session)
    session.state.opted_out = True
    session.say(texts.OPT_OUT)


def confirmed_beside(session: Session) -> Generator[Request, Answer, bool]:
    """Whether a presence is confirmed before something else is asked for ("confirmo! e marca também …").

    It is noted first, and the rest comes after it.
    """
    state, reading, clinic = session.state, session.reading, session.clinic
    both = beside.after_a_yes(reading.text, cancelling=False) if reading.intent in _ACTS else None
    if both is None or "confirm" not in fold(both[0]) or not (yield from diary.upcoming(session)):
        return False
    session.reading = understand(both[0], session.now, hours=clinic.hours or None, names=clinic.names)
    yield from changes.confirm(session)
    session.reading = reading
    state.pending = both[1] if state.pending is None else f"{state.pending}\n{both[1]}"
    return True


def reminder_answered(session: Session, intent: Intent) -> Generator[Request, Answer, bool]:
    """What an answer to a reminder says besides its intent; whether nothing is left to do."""
    asks = intent in PROFILE_QUESTIONS and Intent.CONFIRM_YES in session.reading.shown
    if asks or (intent is Intent.RUNNING_LATE and "confirm" in session.norm):
        yield from changes.confirm(session)  # "vou sim, qual o endereço?"
        return False
    if session.reading.when.empty or intent not in context.TIMED_ANSWERS:
        return False
    if intent is Intent.BOOK and context.ANOTHER.search(session.norm):
        return False
    return (yield from changes.answer_with_time(session))
