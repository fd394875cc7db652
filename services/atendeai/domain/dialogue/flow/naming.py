"""Whom it is for: the name in an answer, and what is said of the patient beside an offer."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import booking, doubt, misses, renaming, searching, texts
from atendeai.domain.dialogue.naming import name_answer, name_in, own_name, tidy_name, written_as_a_name
from atendeai.domain.dialogue.ports import Answer, Request, Slot
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks
from atendeai.domain.understanding.intent import COURTESIES, Intent

Taken = Generator[Request, Answer, bool]
_WHOLE = 0.9
"""Above it the whole message is a yes or a no and nothing else."""
_WITH_WHOM = re.compile(r"\b(?:com quem|quem (?:e|vai|seria)|qual (?:o |a )?(?:medic[oa]|doutora?|profissional))\b")
_ONLY_A_NAME = 9
_BORN = re.compile(r"\b(?:nascimento|nascid[oa]|cpf|rg|anos)\b")


def took_name(session: Session) -> bool:
    """Takes a message that is nothing but a name for the patient's, though something else was asked."""
    raw = session.reading.text.raw
    if not written_as_a_name(raw) or not session.says_nothing:
        return False
    session.state.name = tidy_name(raw.strip(" .!"))
    return True


def only_a_name(session: Session) -> bool:
    """Whether the time found in an answer is part of a name or a date of birth."""
    raw = session.reading.text.raw
    return written_as_a_name(raw) or (name_in(raw) is not None and bool(_BORN.search(session.norm)))


def aside(session: Session, slot: Slot) -> Taken:
    """Neither yes, no nor another wish: perhaps the name, or who it is for."""
    state, given = session.state, session.state.name
    session.absorb()
    if state.name == given:
        took_name(session)  # the last word was asked, and the name is put right instead
    if state.name != given or (state.for_other and session.name_missing):
        yield from searching.offer(session, slot)
        return True
    if session.reading.intent in COURTESIES:
        return False
    if not _WITH_WHOM.search(session.norm):  # the offer, which names who it is with, is put again by itself
        misses.not_understood(session)
        return True
    yield from searching.offer(session, slot)
    return True


def _own(session: Session) -> bool:
    """Asks once more where who writes gave their own name for the patient's ("me chamo Paulo Reis")."""
    raw = session.reading.text.raw
    own = own_name(raw)
    if (
        own is None
        or session.state.own is not None
        or name_in(raw, for_other=True) is not None
        or len(session.norm.split()) > _ONLY_A_NAME
    ):
        return False
    session.state.own = own
    session.say(texts.ASK_PATIENTS_NAME, Asks.NAME)
    return True


def name_given(session: Session) -> Taken:
    """Takes the message as the patient's name; False when it is none."""
    state, reading = session.state, session.reading
    if state.for_other and _own(session):
        return True
    exchanged = renaming.instead(session)
    if exchanged is None and reading.intent in {Intent.CONFIRM_NO, Intent.RESCHEDULE}:
        return False
    if reading.intent is Intent.CONFIRM_YES and reading.confidence > _WHOLE:
        state.accepted = True
        session.say(texts.ASK_NAME, Asks.NAME)
        return True
    name = exchanged or name_answer(reading.text.raw, for_other=state.for_other)
    if name is None:
        return False
    state.name = name
    if state.accepted or (reading.intent is Intent.CONFIRM_YES and doubt.decided(session.norm)):
        yield from booking.accept(session)
    else:
        session.say(texts.offer(session.describe(state.slots[0]), name), Asks.CONFIRMATION)
    return True
