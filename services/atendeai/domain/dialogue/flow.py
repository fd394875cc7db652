"""Messages inside a flow: answers to what was asked, changes of mind, and what is about something else.

Every handler returns whether it took the message; what it leaves is handled as a message of its own, and the open
question is put again afterwards.
"""

import re
from collections.abc import Callable, Generator
from dataclasses import replace

from atendeai.domain.dialogue import booking, changes, texts
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import Answer, Request, Slot, Steps
from atendeai.domain.dialogue.session import Alert, Session, name_answer
from atendeai.domain.dialogue.state import Asks, Purpose, Stage
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.intent import COURTESIES, PROFILE_QUESTIONS, Intent
from atendeai.domain.understanding.intents import is_yes
from atendeai.domain.understanding.when import Moment, When

Taken = Generator[Request, Answer, bool]
_PATIENCE = 3
_SAID = 0.6
"""Above it an intent was said; at or below it was guessed from what else the message holds."""
_WHOLE = 0.9
"""Above it the whole message is a yes or a no and nothing else."""
_WITH_WHOM = re.compile(r"\b(?:com quem|quem (?:e|vai|seria)|qual (?:o |a )?(?:medic[oa]|doutora?|profissional))\b")
_DROPS = re.compile(r"\b(?:deixa (?:para la|quieto)|nao quero mais|desist\w+|depois eu (?:vejo|marco)|outra hora eu)\b")
_COMES = re.compile(
    r"\b(?:eu vou|vou sim|estarei|vou (?:estar|comparecer)|pode confirmar|confirmo|mantem|manter|mantenha|"
    r"deixa? marcad[oa]|nao cancel\w+)\b"
)
"""The patient comes after all."""
_ELSEWHERE = frozenset(
    [Intent.HUMAN, Intent.OPT_OUT, Intent.DATA_REQUEST, Intent.RESULTS, Intent.LIST_APPOINTMENTS, Intent.RUNNING_LATE]
)


def take(session: Session, asked: Asks | None) -> Taken:
    """Takes the message as part of the flow under way; False when it is about something else."""
    if asked is Asks.CONFIRMATION and session.reading.intent in COURTESIES and is_yes(session.norm):
        session.reading = replace(session.reading, intent=Intent.CONFIRM_YES)
    state, intent = session.state, session.reading.intent
    if intent in _ELSEWHERE:
        return False
    if intent in PROFILE_QUESTIONS and not (asked is Asks.SERVICE and intent is Intent.ASK_SERVICE):
        return False
    if state.stage in {Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED} and intent is Intent.CANCEL:
        if not _gives_up(session):
            return False
        yield from booking.drop(session)
        return True
    arranging = state.purpose is Purpose.BOOK and state.stage in {Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED}
    if arranging and session.reading.when.empty and _DROPS.search(session.norm):
        yield from booking.drop(session)
        return True
    _read_as_answer(session, asked)
    handlers: dict[Stage, Callable[[Session, Asks | None], Taken]] = {
        Stage.COLLECTING: _collecting,
        Stage.CHOOSING: _choosing,
        Stage.OFFERED: _offered,
        Stage.PICKING: _picking,
        Stage.CANCELLING: _cancelling,
        Stage.REMINDED: _reminded,
    }
    return (yield from handlers[state.stage](session, asked))


def not_understood(session: Session) -> None:
    """Says so; after a few times in a row a person takes over."""
    session.state.misses += 1
    if session.state.misses >= _PATIENCE:
        session.hand_off(Alert.NOT_UNDERSTOOD, texts.HANDOFF)
    elif session.state.busy:
        session.say(texts.NOT_UNDERSTOOD_HERE)
    else:
        session.say(texts.not_understood())


def _read_as_answer(session: Session, asked: Asks | None) -> None:
    """A bare number answers a question for the hour ("15") or the day ("27")."""
    state = session.state
    norm = session.norm.strip(" .!?")
    if not session.reading.when.empty or not norm.isdigit():
        return
    if state.stage is Stage.CHOOSING and int(norm) > len(state.slots):
        said = f"as {norm}"
    elif state.stage is Stage.COLLECTING and asked in {Asks.TIME, Asks.DATE}:
        said = f"as {norm}" if asked is Asks.TIME else f"dia {norm}"
    else:
        return
    _reread(session, parse(said, session.now, hours=session.clinic.hours or None))


def _reread(session: Session, when: When) -> None:
    session.reading = replace(session.reading, when=when)


def _gives_up(session: Session) -> bool:
    """Whether the patient gives the booking under way up, rather than cancelling an appointment that stands."""
    return (
        session.state.purpose is Purpose.BOOK
        and session.reading.existing.empty
        and not any(word in session.norm.split() for word in ("minha", "meu"))
    )


def _says_nothing(session: Session) -> bool:
    """Whether the message names neither a time nor a service nor a person."""
    return session.reading.when.empty and not session.reading.entities.to_json()


# ---------------------------------------------------------------- collecting


def _collecting(session: Session, asked: Asks | None) -> Taken:
    state, intent = session.state, session.reading.intent
    if asked is Asks.SERVICE:
        _choose_service(session)
    if state.candidates:
        _settle_candidates(session)
    if intent is Intent.CONFIRM_NO and session.reading.when.empty and asked in {Asks.DATE, Asks.SERVICE}:
        yield from booking.drop(session)
        return True
    if intent is Intent.RESCHEDULE and state.purpose is Purpose.BOOK and session.reading.when.empty:
        return False
    session.absorb()
    vague = intent is Intent.OUT_OF_SCOPE and _says_nothing(session) and not booking.leaves_open(session.norm)
    if vague and asked not in {None, Asks.SERVICE}:
        not_understood(session)
        if state.handed_off:
            return True
    yield from booking.advance(session)
    return True


def _choose_service(session: Session) -> None:
    services = booking.offered(session)
    index = chosen_index(session.norm, len(services))
    if index is not None and not entities.match(session.norm, {s.code: s.name for s in services}):
        session.state.service = services[index].code


def _settle_candidates(session: Session) -> None:
    """The answer to "do you mean this or that?"."""
    options = session.state.candidates
    said = session.reading.when
    if said.empty:
        index = chosen_index(session.norm, len(options))
        if index is None and session.reading.intent is Intent.CONFIRM_YES:
            index = 0
        if index is not None:
            _reread(session, When(moment=options[index]))
        return
    moments = list(said.candidates) or [said.moment]
    fitting = [c for c in options if any(m.date is not None and m.date == c.date for m in moments)]
    narrowed = fitting or [c for c in options if any(_inside(c, m) for m in moments)]
    if len(narrowed) == 1:
        hour = Moment(time=moments[0].time, time_from=moments[0].time_from, time_to=moments[0].time_to)
        _reread(session, When(moment=narrowed[0].merged(hour)))


def _inside(option: Moment, span: Moment) -> bool:
    return bool(option.date and span.date_from and span.date_to and span.date_from <= option.date <= span.date_to)


# ---------------------------------------------------------------- one slot offered


def _offered(session: Session, asked: Asks | None) -> Taken:
    state, reading = session.state, session.reading
    slot = state.slots[0]
    same = _same_slot(reading.when, slot)
    if asked is Asks.NAME and (reading.when.empty or same) and (yield from _name_given(session)):
        return True
    renamed = bool(reading.entities.service or reading.entities.professional)
    if not renamed and (
        (same and reading.intent is not Intent.CONFIRM_NO)
        or (reading.when.empty and reading.intent is Intent.CONFIRM_YES)
    ):
        yield from booking.accept(session)
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO:
        yield from booking.release(session)
        _ask_again(session)
    elif renamed or not reading.when.empty:
        yield from booking.release(session)
        if state.purpose is Purpose.BOOK or reading.entities.professional:
            state.professional = state.asked_for
        session.absorb()
        yield from booking.advance(session)
    elif reading.intent in {Intent.RESCHEDULE, Intent.ASK_AVAILABILITY, Intent.BOOK}:
        yield from _other_slots(session)
    else:
        return (yield from _aside(session, slot))
    return True


def _aside(session: Session, slot: Slot) -> Taken:
    """Neither yes, no nor another wish: perhaps the name, or who it is for."""
    state, given = session.state, session.state.name
    session.absorb()
    if state.name != given or (state.for_other and session.name_missing):
        yield from booking.offer(session, slot)
        return True
    if session.reading.intent in COURTESIES:
        return False
    if not _WITH_WHOM.search(session.norm):  # the offer, which names who it is with, is put again by itself
        not_understood(session)
        return True
    yield from booking.offer(session, slot)
    return True


def _name_given(session: Session) -> Taken:
    """Takes the message as the patient's name; False when it is none."""
    state, reading = session.state, session.reading
    if reading.intent in {Intent.CONFIRM_NO, Intent.RESCHEDULE} or reading.intent in COURTESIES:
        return False
    if reading.intent is Intent.CONFIRM_YES and reading.confidence > _WHOLE:
        state.accepted = True
        session.say(texts.ASK_NAME, Asks.NAME)
        return True
    name = name_answer(reading.text.raw)
    if name is None:
        return False
    state.name = name
    if state.accepted or reading.intent is Intent.CONFIRM_YES:
        yield from booking.accept(session)
    else:
        session.say(texts.offer(session.describe(state.slots[0]), name, moving=False), Asks.CONFIRMATION)
    return True


def _ask_again(session: Session) -> None:
    state = session.state
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
    elif index is not None and not fitting:
        yield from booking.offer(session, state.slots[index])
    elif reading.when.empty and reading.intent is Intent.CONFIRM_NO:
        _ask_again(session)
    elif vague and reading.intent in {Intent.CONFIRM_YES, Intent.OUT_OF_SCOPE}:
        session.absorb()
        session.say(texts.WHICH_SLOT, Asks.TIME)
    elif vague and reading.intent in COURTESIES:
        return False
    else:
        session.absorb()
        yield from booking.advance(session, listing=reading.intent is Intent.ASK_AVAILABILITY)
    return True


# ---------------------------------------------------------------- appointments that stand


def _picking(session: Session, _asked: Asks | None) -> Taken:
    if session.reading.intent is Intent.BOOK and session.reading.confidence > _SAID:
        return False
    yield from changes.picking(session)
    return True


def _cancelling(session: Session, _asked: Asks | None) -> Taken:
    intent = session.reading.intent
    if _COMES.search(session.norm) and "cancelamento" not in session.norm and intent is not Intent.CANCEL:
        yield from changes.cancelling(session, sure="confirm" in session.norm and "vou" not in session.norm)
    elif intent in {Intent.CONFIRM_YES, Intent.CANCEL}:
        yield from changes.cancelling(session, sure=True)
    elif intent is Intent.CONFIRM_NO:
        yield from changes.cancelling(session, sure=False)
    elif not session.reading.when.empty and (intent is not Intent.BOOK or session.reading.confidence <= _SAID):
        yield from changes.move_instead(session)
    else:
        return False
    return True


def _reminded(session: Session, _asked: Asks | None) -> Taken:
    intent, wanted = session.reading.intent, session.reading.when
    if _COMES.search(session.norm) and wanted.empty and intent is not Intent.CANCEL:
        session.state.reset_flow()
        yield from changes.confirm(session)
    elif intent is Intent.CANCEL or (intent is Intent.CONFIRM_NO and wanted.empty):
        yield from changes.begin(session, Purpose.CANCEL)
    elif intent in {Intent.RESCHEDULE, Intent.BOOK, Intent.CONFIRM_YES} or not wanted.empty:
        _reread(session, parse(session.norm, session.now, hours=session.clinic.hours or None, role=Role.NEW))
        yield from changes.begin(session, Purpose.RESCHEDULE)
    else:
        return False
    return True
