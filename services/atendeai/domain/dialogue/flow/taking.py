"""Hands a message of a flow under way to the room where the flow stands."""

import re
from collections.abc import Callable, Generator
from dataclasses import replace

from atendeai.domain.dialogue import (
    answers,
    beside,
    changes,
    diary,
    doubt,
    giving_up,
    misses,
    narrowing,
    offering,
    renaming,
    searching,
    standing,
)
from atendeai.domain.dialogue.flow import choosing, confirming
from atendeai.domain.dialogue.ports import Answer, Request
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Purpose, Stage
from atendeai.domain.understanding.intent import COURTESIES, PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import is_yes

Taken = Generator[Request, Answer, bool]
_THINKS = (
    r"(?:(?:ah+|bom|entao|ta|esta|ok|certo|beleza|tranquilo|fazer o que|nesse caso|pronto|agora|por mim|e|eh|gostei|"
    r"infelizmente)[\s,.!]+)"
)
_AGREES = re.compile(
    rf"^\W*{_THINKS}*(?:sim|confirma\w*|confirmo|pode (?:confirmar|marcar|agendar|fechar|ser)|marca\w*|"
    r"agend\w+|fech\w+|ta (?:bom|otimo)|(?:esta|tudo) bem|vamos|(?:vou )?quer(?:o|er)|aceito|por favor)\b|"
    r"^\W*[✅✔👌👍🙏🆗]"
)
"""A yes that comes after a word or two of thinking."""
_DOES = re.compile(r"\b(?:marc|marqu|agend|reserv|confirm|fech)\w*")
_BUT = re.compile(r"\b(?:nao|outr[oa]|mas|mais|tem|antes|depois|tambem|qual|quais|\w*\?)\b|\?")
_FEW_WORDS = 6
_LOOKING = frozenset([Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED])
_ELSEWHERE = frozenset(
    [Intent.HUMAN, Intent.OPT_OUT, Intent.DATA_REQUEST, Intent.RESULTS, Intent.LIST_APPOINTMENTS, Intent.RUNNING_LATE]
)


def take(session: Session, asked: Asks | None) -> Taken:
    """Takes the message as part of the flow under way; False when it is about something else."""
    if asked is Asks.CONFIRMATION and (
        (session.reading.intent in COURTESIES and is_yes(session.norm)) or _agrees(session)
    ):
        session.reading = replace(session.reading, intent=Intent.CONFIRM_YES)
    state, intent = session.state, session.reading.intent
    corrected = renaming.corrected(session, asked)
    if corrected is not None:
        state.name = corrected
        yield from searching.offer(session, state.slots[0])
        return True
    elsewhere = intent in _ELSEWHERE or (intent is Intent.OUT_OF_SCOPE and offering.asks_advice(session.norm))
    if elsewhere or (intent is Intent.RESCHEDULE and (yield from diary.stands_already(session))):
        return False
    if (yield from changes.another_named(session)):
        return True
    if _answers(session):
        intent = Intent.BOOK
        session.reading = replace(session.reading, intent=intent)
    if intent in PROFILE_QUESTIONS and not (asked is Asks.SERVICE and intent is Intent.ASK_SERVICE):
        if not _says_more(session, asked):
            return False
        if answers.states_plan(session):
            answers.note_plan(session)
        else:
            answers.answer(session, intent)
        decided = asked is Asks.CONFIRMATION and session.reading.when.empty and doubt.decided(session.norm)
        intent = Intent.CONFIRM_YES if decided else Intent.BOOK
        session.reading = replace(session.reading, intent=intent)
    given_up = yield from giving_up.take(session)
    if given_up is not None:
        return given_up
    narrowing.relate(session, asked)
    handlers: dict[Stage, Callable[[Session, Asks | None], Taken]] = {
        Stage.COLLECTING: choosing.collecting,
        Stage.CHOOSING: choosing.among,
        Stage.OFFERED: confirming.offered,
        Stage.PICKING: standing.picking,
        Stage.CANCELLING: standing.cancelling,
        Stage.REMINDED: standing.reminded,
        Stage.LISTING: _not_ours,
    }
    return (yield from handlers[state.stage](session, asked))


def _answers(session: Session) -> bool:
    """Whether what sounds like a question about the clinic is an answer of its own."""
    intent, looking = session.reading.intent, session.state.stage in _LOOKING
    if intent is Intent.ASK_SERVICE:
        return looking and session.names_professional  # "tem com a Dra. Ana?"
    timed = not session.reading.when.empty
    return intent is Intent.ASK_HOURS and timed and not beside.asks(session.norm)  # "segunda tô de plantão. terça"


def _says_more(session: Session, asked: Asks | None) -> bool:
    """Whether a question also brings something for the flow: a time, the name, or the last word."""
    state, reading = session.state, session.reading
    if state.stage not in _LOOKING:
        return False
    if reading.intent is not Intent.ASK_HOURS and not reading.when.empty and not reading.when.invalid:
        return True
    if session.given_name is not None:
        return True
    bearing = reading.intent in {Intent.ASK_ADDRESS, Intent.ASK_HOURS, Intent.ASK_SERVICE}
    return bearing and asked is Asks.CONFIRMATION and doubt.decided(session.norm)


def _not_ours(session: Session, _asked: Asks | None) -> Taken:
    """What the waiting list did not take is about something else."""
    if session.reading.intent is Intent.OUT_OF_SCOPE:
        misses.not_understood(session)
        return True
    yield from ()
    return False


def _agrees(session: Session) -> bool:
    """Whether an answer to a request for the last word is a yes that is none by itself ("agende, por favor")."""
    reading, norm = session.reading, session.norm
    if not session.says_nothing or len(norm.split()) > _FEW_WORDS or _BUT.search(norm):
        return False
    if reading.intent is Intent.BOOK:
        return session.state.purpose is Purpose.BOOK and bool(_DOES.search(norm))
    return reading.intent is Intent.OUT_OF_SCOPE and bool(_AGREES.search(norm))
