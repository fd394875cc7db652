"""What for, with whom, on which day, and which of several slots: answers while a slot is looked for."""

import re
from collections.abc import Generator, Sequence

from atendeai.domain.dialogue import alternatives, booking, changes, misses, pairs, searching, subject, texts, wishing
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.choice import chosen_index, names_slot, sooner
from atendeai.domain.dialogue.flow import naming
from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.dialogue.nearest import days_ruled_out, not_ruled_out
from atendeai.domain.dialogue.ports import Answer, Request
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Purpose, State
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import COURTESIES, Intent
from atendeai.domain.understanding.when import When

Taken = Generator[Request, Answer, bool]
_ORDINAL_WORDS = 3
_EITHER = re.compile(r"\b(?:tanto faz|qualquer (?:um|uma)|as duas|os dois|ambos|ambas|nessa ordem)\b")
"""Said to "which first?": the order is left to the clinic."""
_BOTH = re.compile(r"\b(?:as duas|os dois|ambos|ambas|tod[oa]s)\b")
_DIGIT = re.compile(r"\d")
_UNSURE = re.compile(
    r"^\W*(?:ah |hum+ |bom |eu )*(?:nao (?:sei|tenho certeza)|sei la)\b(?!.*\b(?:depois|aviso|ainda|vejo|"
    r"outra hora)\b)"
)
_AGE = re.compile(
    r"^\W*(?:(?:ele|ela|o bebe|a bebe|[a-z]+) )?(?:tem|fez|faz|com|esta com) (?:so |quase )?[\da-z]+ "
    r"(?:anos?|mes|meses|aninhos?)\b"
)
_ABOUT_WHAT = frozenset([Asks.SERVICE, Asks.PROFESSIONAL])
"""Questions for what is to be booked, and with whom."""


def collecting(session: Session, asked: Asks | None) -> Taken:
    """Takes what is still missing before slots can be looked for: what for, with whom, when."""
    state, intent = session.state, session.reading.intent
    if intent in {Intent.THANKS, Intent.GOODBYE} and session.says_nothing:
        return False
    known = _known(state)
    if (yield from _earliest(session, asked)):
        return True
    _choose(session, asked)
    if _picked_none(session, asked) or (yield from _undecided(session, asked)):
        return True
    if intent is Intent.RESCHEDULE and state.purpose is Purpose.BOOK and session.reading.when.empty:
        return False
    changes.said_when(session)
    beside_it = asked in _ABOUT_WHAT or session.given_name is not None
    unsettled = beside_it and session.reading.when.empty
    days = (state.candidates, state.any_of_them) if unsettled else ([], False)
    session.absorb()
    if not state.candidates:
        state.candidates, state.any_of_them = days  # those named before the question still hold
    if _known(state) == known and not _leaves_open(session) and session.says_nothing:
        _nothing_learnt(session, asked)
        if state.handed_off:
            return True
    yield from wishing.advance(session, listing=bool(days_ruled_out(session.norm)))
    return True


def _leaves_open(session: Session) -> bool:
    """Whether the patient leaves the day to the clinic, or but for those that will not do."""
    return wishing.leaves_open(session.norm) or bool(days_ruled_out(session.norm))


def _undecided(session: Session, asked: Asks | None) -> Taken:
    """Takes "não sei" to the question for the service or the day, and a no to either."""
    state = session.state
    unsure = bool(_UNSURE.search(session.norm)) and session.reading.when.empty
    if unsure and asked is Asks.SERVICE:
        session.hand_off(Alert.UNANSWERED, texts.HELP_CHOOSING)
        return True
    if unsure and asked is Asks.DATE and state.target is None:
        yield from wishing.advance(session, listing=True)
        return True
    refused = session.reading.intent is Intent.CONFIRM_NO and session.says_nothing and not session.names_another_kind
    refused = refused and not (speaks_for_another(session.norm) or session.given_name)  # "não, é pra minha mãe"
    refused = refused and not days_ruled_out(session.norm)  # "não posso quarta nem quinta": the others will do
    if refused and asked in {Asks.DATE, Asks.SERVICE}:
        yield from booking.drop(session)
        return True
    if state.candidates and wishing.leaves_open(session.norm) and session.reading.when.empty:
        session.reread(When(candidates=tuple(state.candidates)))  # "tanto faz": both are looked through
    return False


def _picked_none(session: Session, asked: Asks | None) -> bool:
    """Takes a bare yes to "this or that?": it picks none, and the question stays open."""
    state = session.state
    options: dict[Asks | None, Sequence[object]] = {
        Asks.DATE: state.candidates,
        Asks.TIME: state.candidates,
        Asks.PROFESSIONAL: state.people,
        Asks.SERVICE: state.between,
    }
    ways = options.get(asked)
    if not ways or not alternatives.only_agreed(session):
        return False
    if misses.count(session):
        return True
    if asked is Asks.PROFESSIONAL:
        alternatives.people_again(session)
    elif asked is Asks.SERVICE:
        session.say(state.question or texts.ask_service(subject.offered(session)), asked)
    else:
        alternatives.moments_again(session)
    return True


def _known(state: State) -> tuple[object, ...]:
    """What a message may add to while something is being collected."""
    found = (state.service, state.professional, state.people, list(state.between))
    return (*found, state.when, state.name, state.for_other, state.candidates)


def _nothing_learnt(session: Session, asked: Asks | None) -> None:
    """An answer that is none: a name given before it was asked, or something that was not understood."""
    if session.unknown_service:
        misses.count(session, texts.HELP_CHOOSING)
    elif _AGE.search(session.norm) or _says_what_is_known(session):
        return  # "ele tem 4 anos", "queria fazer a limpeza", said on the way: nothing to answer
    elif (
        not naming.took_name(session)
        and asked is not None
        and session.reading.intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_YES}
    ):
        misses.not_understood(session)


def _says_what_is_known(session: Session) -> bool:
    """Whether the message only names once more the service that is being arranged."""
    return session.state.service in entities.match(session.norm, session.clinic.told_apart)


def _choose(session: Session, asked: Asks | None) -> None:
    """The answer to "which of these?"."""
    state = session.state
    if asked is Asks.SERVICE:
        _choose_service(session)
    if asked is Asks.PROFESSIONAL and session.reading.when.empty and not sooner(session.norm):
        index = chosen_index(session.norm, len(state.people))
        if index is not None:
            state.professional = state.asked_for = state.people[index]
    if state.candidates:
        alternatives.settle(session, asked)


def _earliest(session: Session, asked: Asks | None) -> Taken:
    """Takes "a mais cedo" to "which of these?": the one that is free first is offered; asked again where none is."""
    state, norm = session.state, session.norm
    services = asked is Asks.SERVICE and state.between and pairs.picked(norm, subject.offered(session)) is None
    people = asked is Asks.PROFESSIONAL and state.people and not session.names_professional
    if not sooner(norm) or not (services or people):
        return False
    state.when = state.when.merged(session.reading.when.moment)
    if not (yield from wishing.offer_soonest(session)) and not misses.count(session):
        session.say(state.question or texts.ask_service(subject.offered(session)), asked)
    return True


def _choose_service(session: Session) -> None:
    state, services = session.state, subject.offered(session)
    if state.between or not entities.match(session.norm, {s.code: s.name for s in services}):
        index = None if sooner(session.norm) else chosen_index(session.norm, len(services))
        code = pairs.picked(session.norm, services)
        alike = pairs.sharing(session.norm, services) if state.either and code is None else []
        if len(alike) > 1:
            state.between = [s.code for s in alike]  # "o exame", where two of three are
        if code is None and (index is not None or (state.between and _EITHER.search(session.norm))):
            code = services[index or 0].code
            if len(session.norm.split()) <= _ORDINAL_WORDS:
                session.reread(When())  # "a segunda" is no Monday here, "as duas" no hour
        state.service = code or state.service
    if state.either and _BOTH.search(session.norm):
        state.either = False
    anew = pairs.named(session.clinic, session.norm, session.now)
    if anew is not None:  # all of them once more, perhaps with other days: what was said of each goes with it alone
        state.parts = anew.wishes
        session.reread(When())
    state.take_part()


def among(session: Session, _asked: Asks | None) -> Taken:
    """Takes the answer to several slots that were offered: one of them, none, or another wish."""
    state, reading = session.state, session.reading
    fitting = [s for s in state.slots if names_slot(reading.when, s)]
    index = chosen_index(session.norm, len(state.slots))
    vague = reading.when.empty and session.says_nothing
    left = not_ruled_out(state.slots, days_ruled_out(session.norm))
    if vague and 0 < len(left) < len(state.slots):
        yield from searching.show(session, left)  # "qualquer dia menos segunda"
    elif vague and days_ruled_out(session.norm):
        yield from wishing.other_days(session)
    elif len(fitting) == 1:
        yield from searching.offer(session, fitting[0])
    elif index is not None and not fitting and (reading.when.empty or not _DIGIT.search(session.norm)):
        yield from searching.offer(session, state.slots[index])
    elif vague and reading.intent is not Intent.CONFIRM_NO and wishing.leaves_open(session.norm):
        yield from searching.offer(session, state.slots[0])
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO:
        booking.ask_other_day(session)
    elif vague and reading.intent in {Intent.CONFIRM_YES, Intent.OUT_OF_SCOPE}:
        given = state.name
        session.absorb()
        if state.name == given and reading.intent is Intent.OUT_OF_SCOPE and not naming.took_name(session):
            misses.not_understood(session)
        else:
            session.say(texts.WHICH_SLOT, Asks.TIME)
    elif vague and reading.intent in COURTESIES:
        return False
    else:
        session.absorb()
        yield from wishing.advance(session, listing=reading.intent is Intent.ASK_AVAILABILITY)
    return True
