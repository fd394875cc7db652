"""What comes after the first of several services wished for at once: asked for once it is booked, one at a time."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import kin, narrowing, offering, people, texts, wishing
from atendeai.domain.dialogue.naming import name_answer, written_as_a_name
from atendeai.domain.dialogue.ports import Answer, Request, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome, Purpose, Wish
from atendeai.domain.understanding.intent import COURTESIES, PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import is_yes
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import When

_NOT_NOW = re.compile(
    r"^\W*(?:(?:nao|por enquanto|por hoje|agora|entao|ah|hum+|mas)\W+)*(?:so|apenas|somente)\b|"
    r"\b(?:agora nao|por enquanto nao|deixa (?:para|pra) (?:la|depois|outr[oa])|deixa quieto|depois eu|"
    r"(?:vejo|marco|decido|falo|aviso) depois|outra hora|nao precisa|nao quero|ja tenho|desist\w+)\b"
)
"""The other one is not wished for, or not yet."""
_CHANGES = re.compile(r"\b(?:remarc|reagend|mud|troc|adi(?:a|e)|antecip|cancel|desmarc)\w*")
_WISHES = frozenset([Intent.CONFIRM_YES, Intent.BOOK, Intent.ASK_AVAILABILITY])
_TIMED = frozenset([Intent.CONFIRM_NO, Intent.OUT_OF_SCOPE, *COURTESIES])
"""With a time beside it, an answer of these kinds is a wish ("hoje não, amanhã")."""


def go_on(session: Session) -> Steps:
    """Goes on with the next one, where something was just arranged or asked about beside it: asks whether to.

    What was wished for with its day beside a cancellation needs no asking: "cancela a limpeza e marca canal pra sexta".
    """
    state = session.state
    cancelled = (state.done, state.last) != session.before and state.done is Outcome.CANCELLED
    wish = state.later[0] if state.later else None
    if cancelled and wish is not None and not wish.when.empty and session.may_ask and not state.handed_off:
        prepare(session, wish)
        yield from wishing.start(session, Purpose.BOOK)
        return
    arranged = (state.done, state.last) != session.before and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}
    aside = session.reading.intent in PROFILE_QUESTIONS and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}
    if (arranged or aside or session.changing) and session.may_ask and not state.handed_off:
        _ask_next(session, beside=arranged or aside)


def _ask_next(session: Session, *, beside: bool = True) -> None:
    """Asks whether to book the next one, if there is one."""
    wish = session.state.later[0] if session.state.later else None
    service = session.clinic.service(wish.service) if wish else None
    if wish is not None and service is not None:
        session.say(texts.next_service(service.name, whom=wish.whom, further=wish.further, beside=beside))
        session.state.invited = session.asking = True


def take(session: Session) -> Generator[Request, Answer, bool]:
    """Takes the answer to it; False when the message is about something else."""
    state, reading = session.state, session.reading
    wish, timed = state.later[0], not reading.when.empty
    if state.topic not in {None, wish.service}:
        return False  # something else was asked about meanwhile, and it was asked whether to book that
    if not timed and (reading.intent is Intent.CONFIRM_NO or _NOT_NOW.search(session.norm)):
        state.later = state.later[1:]
        session.say(texts.NOTED if not state.later else texts.ALL_RIGHT)
        _ask_next(session)
        return True
    name = _name_for(session, wish)
    if name is not None:
        prepare(session, wish)
        state.name = name
        state.for_other = state.for_other or wish.whom is not None
        yield from wishing.start(session, Purpose.BOOK)
        return True
    other = any(service.code != wish.service for service in offering.named(session))
    if not other and not _CHANGES.search(session.norm) and _agrees(session, timed=timed):
        prepare(session, wish)
        yield from wishing.start(session, Purpose.BOOK)
        return True
    if reading.intent in COURTESIES:
        state.forget_later()
    return False


def _name_for(session: Session, wish: Wish) -> str | None:
    """The patient's name, where that is the whole answer to whether to book one for somebody of the family."""
    raw = session.reading.text.raw
    name = name_answer(raw, for_other=True)
    if wish.whom in {None, kin.SELF} or name is None or not session.says_nothing:
        return None
    common = people.is_first_name(fold(name).split()[0])
    alone = session.reading.intent is Intent.OUT_OF_SCOPE and fold(name) == fold(raw.strip(" .!"))
    return name if (common and (alone or written_as_a_name(name))) or (alone and written_as_a_name(raw)) else None


def _agrees(session: Session, *, timed: bool) -> bool:
    intent, norm = session.reading.intent, session.norm
    follows = narrowing.beside_last(session) is not None
    if intent in _WISHES or (intent is Intent.RESCHEDULE and (timed or follows)):
        return True
    return (intent in _TIMED and (timed or follows)) or (intent in COURTESIES and is_yes(norm))


def prepare(session: Session, wish: Wish) -> None:
    """Makes the next one what is to be booked: for whom it is wished for, else for the patient of the one before."""
    state, last = session.state, session.state.last
    state.reset_flow()
    state.next_one = True
    state.service, state.when = wish.service, wish.when
    state.professional = state.asked_for = wish.professional
    if wish.whom is not None:
        state.book_for(wish.whom)
    elif state.later_for is not None:
        state.name, state.for_other = state.later_for, True
        state.kin = next((who for who, names in state.family.items() if state.later_for in names), None)
    elif state.later_asks:
        state.name, state.for_other = None, True
    beside = narrowing.beside_last(session)
    if beside is not None:
        session.reread(When(beside))
    elif last is not None and wish.when.date == last.start.date() and wish.when.time == last.start.time():
        state.when = narrowing.after(session, last)  # both were wished for at one time
