"""Finding a slot, offering it, and booking it (or moving an appointment to it)."""

import re
from collections.abc import Generator, Sequence
from datetime import date, datetime, time, timedelta

from atendeai.domain.dialogue import texts, wording
from atendeai.domain.dialogue.clinic import Service
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Book,
    Cancel,
    Done,
    Found,
    Held,
    Hold,
    Nothing,
    Request,
    Reschedule,
    Search,
    Slot,
    Steps,
)
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage
from atendeai.domain.understanding.entities import match
from atendeai.domain.understanding.when import Moment

_SEARCH_DAYS = 14
_FURTHER_DAYS = 30
_SHOWN = 4
_NEAREST = 3
_TRIES = 3
_SOONEST = re.compile(
    r"\b(?:quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data|"
    r"dia) (?:disponivel|livre|que tiver)|"
    r"primeir[oa] que tiver|qualquer (?:dia|horario|hora|data)|tanto faz|quando (?:tiver|puder|der|"
    r"der certo)|mais proxim[oa]|urgente|logo que possivel|assim que possivel|"
    r"data mais proxima|proxima vaga|quando tem|para quando)\b"
)
_EARLIEST = re.compile(
    r"\b(?:quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data) "
    r"(?:disponivel|livre|que)|primeir[oa] que tiver|urgente|urgencia|(?:assim|logo) que possivel|mais proxim[oa])\b"
)
_ALTERNATIVES = re.compile(r"\b(?:ou|tanto .* quanto)\b")


def start(session: Session, purpose: Purpose) -> Steps:
    """Begins to look for a slot with what the message says."""
    state = session.state
    state.purpose = purpose
    state.stage = Stage.COLLECTING
    session.absorb()
    yield from advance(session)


def advance(session: Session, *, listing: bool = False) -> Steps:
    """Takes the next step towards a slot: asks for what is missing, or searches and offers.

    ``listing``: the patient only asked what is free; without a day, the coming days are shown.
    """
    state = session.state
    state.stage = Stage.COLLECTING
    if not _service_settled(session):
        return
    if session.invalid_time:
        state.when = Moment(time=state.when.time, time_from=state.when.time_from, time_to=state.when.time_to)
        session.say(texts.INVALID_DATE, Asks.DATE)
        return
    if state.candidates:
        yield from _candidates(session)
        return
    if not state.when.has_day and (listing or _SOONEST.search(session.norm)):
        state.when = state.when.merged(
            Moment(date_from=session.today, date_to=session.today + timedelta(days=_SEARCH_DAYS))
        )
    if not state.when.has_day:
        session.say(texts.ASK_DAY, Asks.DATE)
        return
    yield from _search(session)


def _service_settled(session: Session) -> bool:
    """Whether service and professional are known and fit together; asks otherwise."""
    state, clinic = session.state, session.clinic
    if session.unknown_service and state.service is None:
        session.say(texts.no_such_service(session.unknown_service, clinic), Asks.SERVICE)
        return False
    who = clinic.professional(state.professional)
    if state.service is None and state.topic is not None:
        topic = state.topic
        if clinic.service(topic) is not None and (who is None or topic in who.services):
            state.service = topic
    if state.service is None:
        default = clinic.default_service()
        if who is not None and len(who.services) == 1:
            state.service = next(iter(who.services))
        elif default is not None and (who is None or default.code in who.services):
            state.service = default.code
        elif not clinic.services:
            session.hand_off(Alert.UNANSWERED, texts.HANDOFF)
            return False
        else:
            session.say(texts.ask_service(offered(session)), Asks.SERVICE)
            return False
    if who is not None and state.service not in who.services:
        what = clinic.service(state.service)
        if what is not None and named_now(session, who.code):
            session.say(texts.not_by(who.name, what.name))
        state.professional = state.asked_for = None
    return True


def leaves_open(norm: str) -> bool:
    """Whether the patient leaves the day to the clinic ("qualquer dia", "o quanto antes")."""
    return bool(_SOONEST.search(norm))


def offered(session: Session) -> list[Service]:
    """The services to choose from: those of the professional who was named, or all."""
    who = session.clinic.professional(session.state.professional)
    return [s for s in session.clinic.services if who is None or s.code in who.services]


def named_now(session: Session, code: str) -> bool:
    """Whether this very message names that professional."""
    who = session.clinic.professional(code)
    return who is not None and bool(match(session.norm, {code: who.name}, exact=True))


def _candidates(session: Session) -> Steps:
    """A time that may be meant in several ways: searched when the patient leaves the choice, else asked back."""
    state = session.state
    if not _ALTERNATIVES.search(session.norm):
        session.say(
            texts.ask_which_moment([wording.wish(c, session.today) for c in state.candidates]),
            Asks.DATE if any(c.has_day for c in state.candidates) else Asks.TIME,
        )
        return
    slots: list[Slot] = []
    for moment in state.candidates:
        whole = state.when.merged(moment)
        if not whole.has_day:
            state.candidates = []
            state.when = whole
            session.say(texts.ASK_DAY, Asks.DATE)
            return
        found = yield _query(session, whole)
        if isinstance(found, Found):
            slots.extend(_spread(found.slots, 1 if whole.time else 2))
    chosen = sorted({s.start: s for s in reversed(slots)}.values(), key=lambda s: s.start)[:_SHOWN]
    state.when = state.when.merged(state.candidates[0])
    state.candidates = []
    if chosen:
        yield from _show(session, chosen, "Tenho estes horários:")
    else:
        yield from _instead(session, Nothing.FULL)


def _query(session: Session, wish: Moment, *, days: tuple[date, date] | None = None, any_time: bool = False) -> Search:
    state = session.state
    if days is not None:
        first, last = days
    elif wish.date is not None:
        first = last = wish.date
    else:
        first = max(wish.date_from or session.today, session.today)
        last = wish.date_to or first + timedelta(days=_SEARCH_DAYS)
    begin, until = (wish.time, wish.time) if wish.time else (wish.time_from, wish.time_to)
    if any_time:
        begin = until = None
    return Search(
        service=state.service or "",
        date_from=first,
        date_to=max(first, last),
        time_from=begin,
        time_to=until,
        professional=state.professional,
        moving=state.target.id if state.target and state.purpose is Purpose.RESCHEDULE else None,
    )


def _search(session: Session) -> Steps:
    state = session.state
    found = yield _query(session, state.when)
    if not isinstance(found, Found):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    slots = [s for s in found.slots if s.start > session.now and s not in session.lost]
    if not slots:
        yield from _instead(session, found.reason or Nothing.FULL)
    elif (state.when.time and state.when.date) or (_EARLIEST.search(session.norm) and not state.when.time):
        yield from offer(session, slots[0])
    else:
        shown = _spread(slots, _SHOWN)
        yield from _show(session, shown, "Tenho estes horários:")


def _spread(slots: Sequence[Slot], count: int) -> list[Slot]:
    """A few slots that differ: one of each of the first days, or spread over the only day."""
    distinct = list({s.start: s for s in reversed(slots)}.values())
    distinct.sort(key=lambda s: s.start)
    if len(distinct) <= count:
        return distinct
    days = sorted({s.start.date() for s in distinct})
    if len(days) >= count:
        return [next(s for s in distinct if s.start.date() == d) for d in days[:count]]
    step = (len(distinct) - 1) / max(1, count - 1)
    return [distinct[round(i * step)] for i in range(count)]


def _show(session: Session, slots: Sequence[Slot], lead: str) -> Steps:
    """Offers one slot, or lets the patient choose between several."""
    if len(slots) == 1:
        yield from offer(session, slots[0])
        return
    state = session.state
    yield from release(session)
    state.stage = Stage.CHOOSING
    state.slots = list(slots)
    same_service = texts.choices(lead, [_option(session, s) for s in slots])
    session.say(same_service, Asks.TIME)


def _option(session: Session, slot: Slot) -> str:
    who = session.clinic.professional(slot.professional)
    return wording.moment(slot.start, session.today) + (f", com {who.name}" if who else "")


def _instead(session: Session, reason: Nothing, lead: str | None = None) -> Steps:
    """Nothing fits the wish: the nearest slots, on the same day or after it."""
    state, today = session.state, session.today
    if reason is Nothing.CALENDAR_UNAVAILABLE:
        session.hand_off(Alert.CALENDAR, texts.NO_CALENDAR)
        return
    wish = state.when
    first = wish.date or max(wish.date_from or today, today)
    last = wish.date or wish.date_to or first
    if lead is None:
        lead = _sorry(session, wish, reason)
    for begin, until, any_time in (
        (first, last, True),
        (last + timedelta(days=1), last + timedelta(days=_SEARCH_DAYS), False),
        (last + timedelta(days=1), last + timedelta(days=_FURTHER_DAYS), True),
    ):
        if until < begin:
            continue
        found = yield _query(session, wish, days=(begin, until), any_time=any_time)
        if not isinstance(found, Found):
            break
        if found.reason is Nothing.CALENDAR_UNAVAILABLE and not found.slots:
            session.hand_off(Alert.CALENDAR, texts.NO_CALENDAR)
            return
        slots = [s for s in found.slots if s.start > session.now and s not in session.lost]
        if slots:
            yield from _offer_nearest(session, slots, wish, lead)
            return
    session.hand_off(Alert.UNANSWERED, f"{lead} {texts.HANDOFF}")


def _offer_nearest(session: Session, slots: Sequence[Slot], wish: Moment, lead: str) -> Steps:
    """Offers the slot nearest to the hour that was wished, naming the next ones; without an hour, a choice."""
    at = wish.time or wish.time_from
    if at is None or not wish.time:
        nearest = _spread(slots, _NEAREST) if at is None else _by_nearness(slots, wish, at)
        yield from _show(session, sorted(nearest, key=lambda s: s.start), f"{lead} Os mais próximos são:")
        return
    first, *others = _by_nearness(slots, wish, at)
    yield from offer(session, first, lead=f"{lead} ", also=[s for s in others if s.start.date() == first.start.date()])


def _by_nearness(slots: Sequence[Slot], wish: Moment, at: time) -> list[Slot]:
    target = datetime.combine(wish.date or slots[0].start.date(), at)
    distinct = {s.start: s for s in reversed(slots)}.values()
    return sorted(distinct, key=lambda s: (abs(s.start - target), s.start))[:_NEAREST]


def _sorry(session: Session, wish: Moment, reason: Nothing) -> str:
    if reason is Nothing.CLOSED and wish.date:
        closed = wording.hours_of(session.clinic.hours, wish.date, session.today, session.clinic.holidays)
        return closed if "não abrimos" in closed else f"{closed} Nesse horário não atendemos."
    return f"Não tenho horário livre {wording.wish(wish, session.today)}."


def release(session: Session) -> Steps:
    """Lets go of the slot that was kept, if any; that it had lapsed already does not matter."""
    if session.state.hold is not None:
        yield Cancel(session.state.hold, "released")
        session.state.hold = None


def offer(session: Session, slot: Slot, *, lead: str = "", also: Sequence[Slot] = ()) -> Steps:
    """Offers one concrete slot, kept for the patient meanwhile.

    ``lead``: what to say before it; ``also``: others worth naming beside it.
    """
    state = session.state
    moving = state.purpose is Purpose.RESCHEDULE
    if not moving and not (state.hold and state.slots[:1] == [slot]):
        yield from release(session)
        answer = yield Hold(slot, session.name)
        if not isinstance(answer, Held):
            yield from _lost(session, slot)
            return
        state.hold = answer.id
    state.stage = Stage.OFFERED
    state.slots = [slot]
    state.professional = slot.professional
    state.when = Moment(date=slot.start.date(), time=slot.start.time())
    what = session.describe(slot)
    if also:
        what += f" (também tenho às {wording.listed([wording.clock(s.start.time()) for s in also], 'ou às')})"
    if not moving and session.name_missing:
        session.say(lead + texts.offer_without_name(what), Asks.NAME)
    else:
        session.say(lead + texts.offer(what, session.name, moving=moving), Asks.CONFIRMATION)


def _lost(session: Session, slot: Slot) -> Steps:
    """The slot went to somebody else in this very moment: the nearest ones, a few times at most."""
    session.lost.append(slot)
    if len(session.lost) >= _TRIES:
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    session.state.hold = None
    session.state.when = Moment(date=slot.start.date(), time=slot.start.time())
    yield from _instead(session, Nothing.FULL, texts.JUST_TAKEN)


def accept(session: Session) -> Steps:
    """The patient's last word on the slot offered: books it, or moves the appointment."""
    state = session.state
    slot = state.slots[0]
    if state.purpose is Purpose.RESCHEDULE and state.target is not None:
        answer = yield Reschedule(state.target.id, slot)
        if not isinstance(answer, Done):
            yield from _lost(session, slot)
            return
        moved = Appointment(state.target.id, slot.start, slot.professional, slot.service, state.target.patient_name)
        _achieved(session, Outcome.RESCHEDULED, moved)
        session.say(texts.rescheduled(session.describe(slot)))
        return
    if session.name_missing:
        state.accepted = True
        session.say(texts.ASK_NAME, Asks.NAME)
        return
    booked = yield from _book(session, slot)
    if booked is None:
        yield from _lost(session, slot)
        return
    name = session.name
    _achieved(session, Outcome.BOOKED, Appointment(booked, slot.start, slot.professional, slot.service, name))
    session.say(texts.booked(session.describe(slot), name, session.clinic))


def _book(session: Session, slot: Slot) -> Generator[Request, Answer, str | None]:
    """Books the slot kept, taking it again when the hold has lapsed; the appointment's id, or None when it is gone."""
    hold = session.state.hold
    if hold is not None:
        answer = yield Book(hold, session.name)
        if isinstance(answer, Done):
            return hold
    again = yield Hold(slot, session.name)
    if not isinstance(again, Held):
        return None
    answer = yield Book(again.id, session.name)
    return again.id if isinstance(answer, Done) else None


def _achieved(session: Session, outcome: Outcome, about: Appointment) -> None:
    session.state.reset_flow()
    session.state.done = outcome
    session.state.last = about


def drop(session: Session) -> Steps:
    """The patient no longer wants what was being arranged."""
    yield from release(session)
    session.state.reset_flow()
    session.state.answered = False
    if session.state.last is None:
        session.state.done = Outcome.NOTHING_BOOKED
    session.say(texts.DROPPED)
