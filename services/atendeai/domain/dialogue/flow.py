"""Messages inside a flow: answers to what was asked, changes of mind, and what is about something else.

Every handler returns whether it took the message; what it leaves is handled as a message of its own, and the open
question is put again afterwards.
"""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from atendeai.domain.dialogue import (
    alternatives,
    answers,
    booking,
    changes,
    doubt,
    giving_up,
    misses,
    narrowing,
    pairs,
    renaming,
    standing,
    subject,
    texts,
)
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.dialogue.naming import name_answer, name_in, tidy_name, written_as_a_name
from atendeai.domain.dialogue.ports import Answer, Request, Slot, Steps
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Asks, Purpose, Stage, State
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import COURTESIES, PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import is_yes
from atendeai.domain.understanding.when import Moment, When

Taken = Generator[Request, Answer, bool]
_SAID = 0.6
"""Above it an intent was said; at or below it was guessed from what else the message holds."""
_WHOLE = 0.9
"""Above it the whole message is a yes or a no and nothing else."""
_WITH_WHOM = re.compile(r"\b(?:com quem|quem (?:e|vai|seria)|qual (?:o |a )?(?:medic[oa]|doutora?|profissional))\b")
_SOMEBODY_ELSE = re.compile(
    r"\b(?:(?:outr[oa]|qualquer|nenhum outr[oa]) (?:medic[oa]|doutora?|dra?|profissional|dentista|pessoa|"
    r"especialista)|"
    r"com outr[oa]|outr[oa] que atend\w+)\b(?! (?:dia|data|hora|horario|semana))"
)
_UNSURE = re.compile(
    r"^\W*(?:ah |hum+ |bom |eu )*(?:nao (?:sei|tenho certeza)|sei la)\b(?!.*\b(?:depois|aviso|ainda|vejo|"
    r"outra hora)\b)"
)
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
_ORDINAL_WORDS = 3
_EITHER = re.compile(r"\b(?:tanto faz|qualquer (?:um|uma)|as duas|os dois|ambos|ambas|nessa ordem)\b")
"""Said to "which first?": the order is left to the clinic."""
_BOTH = re.compile(r"\b(?:as duas|os dois|ambos|ambas|tod[oa]s)\b")
_DOES = re.compile(r"\b(?:marc|marqu|agend|reserv|confirm|fech)\w*")
_BUT = re.compile(r"\b(?:nao|outr[oa]|mas|mais|tem|antes|depois|tambem|qual|quais|\w*\?)\b|\?")
_DIGIT = re.compile(r"\d")
_BORN = re.compile(r"\b(?:nascimento|nascid[oa]|cpf|rg|anos)\b")
_AGE = re.compile(
    r"^\W*(?:(?:ele|ela|o bebe|a bebe|[a-z]+) )?(?:tem|fez|faz|com|esta com) (?:so |quase )?[\da-z]+ "
    r"(?:anos?|mes|meses|aninhos?)\b"
)
_FEW_WORDS = 6
_DECIDED = re.compile(r"^\W*(?:sim|pode (?:ser|marcar|confirmar|agendar)|confirmo|confirmado|fechado|quero)\b")
"""A yes that stands beside a question about the way or the hours ("sim, e qual o endereço?")."""
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
        yield from booking.offer(session, state.slots[0])
        return True
    if intent in _ELSEWHERE:
        return False
    if (yield from changes.another_named(session)):
        return True
    if intent is Intent.ASK_SERVICE and state.stage in _LOOKING and session.names_professional:
        intent = Intent.BOOK  # "tem com a Dra. Ana?"
        session.reading = replace(session.reading, intent=intent)
    if intent in PROFILE_QUESTIONS and not (asked is Asks.SERVICE and intent is Intent.ASK_SERVICE):
        if not _says_more(session, asked):
            return False
        answers.answer(session, intent)
        decided = asked is Asks.CONFIRMATION and session.reading.when.empty and _DECIDED.search(session.norm)
        intent = Intent.CONFIRM_YES if decided else Intent.BOOK
        session.reading = replace(session.reading, intent=intent)
    given_up = yield from giving_up.take(session)
    if given_up is not None:
        return given_up
    narrowing.relate(session, asked)
    handlers: dict[Stage, Callable[[Session, Asks | None], Taken]] = {
        Stage.COLLECTING: _collecting,
        Stage.CHOOSING: _choosing,
        Stage.OFFERED: _offered,
        Stage.PICKING: standing.picking,
        Stage.CANCELLING: standing.cancelling,
        Stage.REMINDED: standing.reminded,
        Stage.LISTING: _not_ours,
    }
    return (yield from handlers[state.stage](session, asked))


def _says_more(session: Session, asked: Asks | None) -> bool:
    """Whether a question also brings something for the flow: a time, the name, or the last word."""
    state, reading = session.state, session.reading
    if state.stage not in _LOOKING:
        return False
    if reading.intent is not Intent.ASK_HOURS and not reading.when.empty and not reading.when.invalid:
        return True
    if name_in(reading.text.raw, for_other=state.for_other) is not None:
        return True
    bearing = reading.intent in {Intent.ASK_ADDRESS, Intent.ASK_HOURS, Intent.ASK_SERVICE}
    return bearing and asked is Asks.CONFIRMATION and bool(_DECIDED.search(session.norm))


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
    if not _says_nothing(session) or len(norm.split()) > _FEW_WORDS or _BUT.search(norm):
        return False
    if reading.intent is Intent.BOOK:
        return session.state.purpose is Purpose.BOOK and bool(_DOES.search(norm))
    return reading.intent is Intent.OUT_OF_SCOPE and bool(_AGREES.search(norm))


def _says_nothing(session: Session) -> bool:
    """Whether the message names neither a time nor a service nor a person."""
    return session.reading.when.empty and not session.reading.entities.to_json()


# ---------------------------------------------------------------- collecting


def _collecting(session: Session, asked: Asks | None) -> Taken:
    state, intent = session.state, session.reading.intent
    if intent in {Intent.THANKS, Intent.GOODBYE} and _says_nothing(session):
        return False
    known = _known(state)
    _choose(session, asked)
    if _picked_none(session, asked) or (yield from _undecided(session, asked)):
        return True
    if intent is Intent.RESCHEDULE and state.purpose is Purpose.BOOK and session.reading.when.empty:
        return False
    changes.said_when(session)
    session.absorb()
    if _known(state) == known and not booking.leaves_open(session.norm) and _says_nothing(session):
        _nothing_learnt(session, asked)
        if state.handed_off:
            return True
    yield from booking.advance(session)
    return True


def _undecided(session: Session, asked: Asks | None) -> Taken:
    """Takes "não sei" to the question for the service or the day, and a no to either."""
    state = session.state
    unsure = bool(_UNSURE.search(session.norm)) and session.reading.when.empty
    if unsure and asked is Asks.SERVICE:
        session.hand_off(Alert.UNANSWERED, texts.HELP_CHOOSING)
        return True
    if unsure and asked is Asks.DATE and state.target is None:
        yield from booking.advance(session, listing=True)
        return True
    refused = session.reading.intent is Intent.CONFIRM_NO and _says_nothing(session)
    if refused and asked in {Asks.DATE, Asks.SERVICE}:
        yield from booking.drop(session)
        return True
    if state.candidates and booking.leaves_open(session.norm) and session.reading.when.empty:
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
    elif _AGE.search(session.norm):
        return  # "ele tem 4 anos", said on the way: nothing to answer
    elif (
        not _took_name(session)
        and asked is not None
        and session.reading.intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_YES}
    ):
        misses.not_understood(session)


def _took_name(session: Session) -> bool:
    """Takes a message that is nothing but a name for the patient's, though something else was asked."""
    raw = session.reading.text.raw
    if not written_as_a_name(raw) or not _says_nothing(session):
        return False
    session.state.name = tidy_name(raw.strip(" .!"))
    return True


def _choose(session: Session, asked: Asks | None) -> None:
    """The answer to "which of these?"."""
    state = session.state
    if asked is Asks.SERVICE:
        _choose_service(session)
    if asked is Asks.PROFESSIONAL and session.reading.when.empty:
        index = chosen_index(session.norm, len(state.people))
        if index is not None:
            state.professional = state.asked_for = state.people[index]
    if state.candidates:
        alternatives.settle(session)


def _choose_service(session: Session) -> None:
    state, services = session.state, subject.offered(session)
    if state.between or not entities.match(session.norm, {s.code: s.name for s in services}):
        index = chosen_index(session.norm, len(services))
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
    said = next((part for part in state.parts if part.service == state.service), None)
    if said is not None:
        state.when = state.when.merged(said.when)
        state.professional = state.asked_for = said.professional


# ---------------------------------------------------------------- one slot offered


def _offered(session: Session, asked: Asks | None) -> Taken:
    state, reading = session.state, session.reading
    slot = state.slots[0]
    if _SOMEBODY_ELSE.search(session.norm) and not reading.entities.professional:
        yield from booking.somebody_else(session, slot)
        return True
    same = _same_slot(reading.when, slot)
    agrees = (same and reading.intent is not Intent.CONFIRM_NO) or (
        reading.when.empty and reading.intent is Intent.CONFIRM_YES
    )
    if agrees and doubt.takes_back(session.norm):
        yield from _yes_and_no(session)
        return True
    if (
        asked is Asks.NAME
        and (reading.when.empty or same or _only_a_name(session))
        and (yield from _name_given(session))
    ):
        return True
    if reading.when.empty and speaks_for_another(session.norm) and not state.for_other:
        return (yield from _aside(session, slot))  # "não sou eu o paciente, é meu pai"
    renamed = bool(reading.entities.service) or session.names_professional
    if not renamed and agrees:
        yield from booking.accept(session)
        answers.doubt_beside(session, slot.service)
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO and not renamed:
        yield from booking.release(session)
        _ask_again(session)
    elif renamed or not reading.when.empty:
        yield from booking.release(session)
        if state.purpose is Purpose.BOOK or session.names_professional:
            state.professional = state.asked_for
        session.absorb()
        yield from booking.advance(session)
    elif reading.intent in {Intent.RESCHEDULE, Intent.ASK_AVAILABILITY, Intent.BOOK}:
        yield from _other_slots(session)
    else:
        return (yield from _aside(session, slot))
    return True


def _yes_and_no(session: Session) -> Steps:
    """A yes that is taken back in the same breath: nothing is booked; another day is asked for, or the same again."""
    session.state.accepted = False
    if doubt.declines(session.norm):
        yield from booking.release(session)
        _ask_again(session)
    elif not misses.count(session):
        session.say(texts.YES_OR_NO)


def _only_a_name(session: Session) -> bool:
    """Whether the time found in an answer is part of a name or a date of birth."""
    raw = session.reading.text.raw
    return written_as_a_name(raw) or (name_in(raw) is not None and bool(_BORN.search(session.norm)))


def _aside(session: Session, slot: Slot) -> Taken:
    """Neither yes, no nor another wish: perhaps the name, or who it is for."""
    state, given = session.state, session.state.name
    session.absorb()
    if state.name == given:
        _took_name(session)  # the last word was asked, and the name is put right instead
    if state.name != given or (state.for_other and session.name_missing):
        yield from booking.offer(session, slot)
        return True
    if session.reading.intent in COURTESIES:
        return False
    if not _WITH_WHOM.search(session.norm):  # the offer, which names who it is with, is put again by itself
        misses.not_understood(session)
        return True
    yield from booking.offer(session, slot)
    return True


def _name_given(session: Session) -> Taken:
    """Takes the message as the patient's name; False when it is none."""
    state, reading = session.state, session.reading
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
    if state.accepted or (reading.intent is Intent.CONFIRM_YES and _DECIDED.search(session.norm)):
        yield from booking.accept(session)
    else:
        session.say(texts.offer(session.describe(state.slots[0]), name), Asks.CONFIRMATION)
    return True


def _ask_again(session: Session) -> None:
    state = session.state
    state.declined = sorted({s.start.date() for s in state.slots})
    state.wished = state.slots[0].start if len(state.slots) == 1 else None
    state.when = Moment()
    state.slots = []
    state.stage = Stage.COLLECTING
    session.say(texts.ASK_OTHER_DAY, Asks.DATE)


def _same_slot(when: When, slot: Slot) -> bool:
    """Whether a time is named and is that of the slot, as far as it goes."""
    moments = list(when.candidates) or ([] if when.moment.empty else [when.moment])
    return any(
        m.date in {None, slot.start.date()}
        and m.time in {None, slot.start.time()}
        and not (m.date_from or m.date_to or m.time_from or m.time_to)
        for m in moments
    )


def _other_slots(session: Session) -> Steps:
    """Shows what else is free that day ("tem outro horário?")."""
    state = session.state
    yield from booking.release(session)
    state.when = Moment(date=state.when.date, date_from=state.when.date_from, date_to=state.when.date_to)
    state.slots = []
    yield from booking.advance(session, listing=True)


# ---------------------------------------------------------------- several slots offered


def _choosing(session: Session, _asked: Asks | None) -> Taken:
    state, reading = session.state, session.reading
    fitting = [s for s in state.slots if _same_slot(reading.when, s)]
    index = chosen_index(session.norm, len(state.slots))
    vague = reading.when.empty and _says_nothing(session)
    if len(fitting) == 1:
        yield from booking.offer(session, fitting[0])
    elif index is not None and not fitting and (reading.when.empty or not _DIGIT.search(session.norm)):
        yield from booking.offer(session, state.slots[index])
    elif vague and reading.intent is not Intent.CONFIRM_NO and booking.leaves_open(session.norm):
        yield from booking.offer(session, state.slots[0])
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO:
        _ask_again(session)
    elif vague and reading.intent in {Intent.CONFIRM_YES, Intent.OUT_OF_SCOPE}:
        given = state.name
        session.absorb()
        if state.name == given and reading.intent is Intent.OUT_OF_SCOPE and not _took_name(session):
            misses.not_understood(session)
        else:
            session.say(texts.WHICH_SLOT, Asks.TIME)
    elif vague and reading.intent in COURTESIES:
        return False
    else:
        session.absorb()
        yield from booking.advance(session, listing=reading.intent is Intent.ASK_AVAILABILITY)
    return True
