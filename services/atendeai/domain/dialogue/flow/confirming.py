"""One slot is offered: the last word on it, a yes that is taken back, another wish instead."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import answers, booking, doubt, misses, renaming, searching, texts, wishing
from atendeai.domain.dialogue.choice import names_slot
from atendeai.domain.dialogue.flow import naming
from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.dialogue.nearest import days_ruled_out
from atendeai.domain.dialogue.ports import Answer, Request, Slot, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Purpose
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.when import Moment

Taken = Generator[Request, Answer, bool]
_SOMEBODY_ELSE = re.compile(
    r"\b(?:(?:outr[oa]|qualquer|nenhum outr[oa]) (?:medic[oa]|doutora?|dra?|profissional|dentista|pessoa|"
    r"especialista)|"
    r"com outr[oa]|outr[oa] que atend\w+)\b(?! (?:dia|data|hora|horario|semana))"
)


def offered(session: Session, asked: Asks | None) -> Taken:
    """Takes the answer to one slot that was offered: the last word, the name, or another wish."""
    state, reading = session.state, session.reading
    slot = state.slots[0]
    if _SOMEBODY_ELSE.search(session.norm) and not reading.entities.professional:
        yield from searching.somebody_else(session, slot)
        return True
    same = names_slot(reading.when, slot)
    moves = state.purpose is Purpose.BOOK and reading.intent is Intent.RESCHEDULE
    agrees = (same and reading.intent is not Intent.CONFIRM_NO and not moves) or (
        reading.when.empty and reading.intent is Intent.CONFIRM_YES
    )
    if renaming.for_another(session, asked) and (reading.when.empty or same):
        yield from searching.offer(session, slot)
        return True
    if agrees and doubt.takes_back(session.norm):
        yield from _yes_and_no(session)
        return True
    if (
        asked is Asks.NAME
        and (reading.when.empty or same or naming.only_a_name(session))
        and (yield from naming.name_given(session))
    ):
        return True
    if reading.when.empty and speaks_for_another(session.norm) and not state.for_other:
        return (yield from naming.aside(session, slot))  # "não sou eu o paciente, é meu pai"
    return (yield from _settled(session, slot, agrees=agrees))


def _settled(session: Session, slot: Slot, *, agrees: bool) -> Taken:
    """Takes the last word itself, or the wish that comes in its place. ``agrees``: it is a yes, whatever is beside."""
    state, reading = session.state, session.reading
    renamed = bool(reading.entities.service) or session.names_professional or session.names_another_kind
    if not renamed and agrees:
        yield from booking.accept(session)
        answers.doubt_beside(session, slot.service)
    elif reading.when.empty and not renamed and days_ruled_out(session.norm):
        yield from wishing.other_days(session)
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO and not renamed:
        yield from searching.release(session)
        booking.ask_other_day(session)
    elif renamed or not reading.when.empty:
        yield from searching.release(session)
        if state.purpose is Purpose.BOOK or session.names_professional:
            state.professional = state.asked_for
        session.absorb()
        yield from wishing.advance(session)
    elif reading.intent in {Intent.RESCHEDULE, Intent.ASK_AVAILABILITY, Intent.BOOK} and session.given_name is None:
        yield from _other_slots(session)
    else:
        return (yield from naming.aside(session, slot))
    return True


def _yes_and_no(session: Session) -> Steps:
    """A yes that is taken back in the same breath: nothing is booked; another day is asked for, or the same again."""
    session.state.accepted = False
    if doubt.declines(session.norm):
        yield from searching.release(session)
        booking.ask_other_day(session)
    elif not misses.count(session):
        session.say(texts.YES_OR_NO)


def _other_slots(session: Session) -> Steps:
    """Shows what else is free that day ("tem outro horário?")."""
    state = session.state
    yield from searching.release(session)
    state.when = Moment(date=state.when.date, date_from=state.when.date_from, date_to=state.when.date_to)
    state.slots = []
    yield from wishing.advance(session, listing=True)
