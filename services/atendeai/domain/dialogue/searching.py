"""Searching times: what is free for a wish, what is nearest to it, and the one that is offered."""

import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from atendeai.domain.dialogue import texts, wording
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.nearest import NEAREST, by_nearness, not_ruled_out, runs, spread
from atendeai.domain.dialogue.ports import Answer, Cancel, Found, Held, Hold, Nothing, Request, Search, Slot, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, Wish
from atendeai.domain.understanding.when import Moment

ARRANGED = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED])
"""After these something stands that was arranged in this conversation."""
SEARCH_DAYS = 14
"""How far a search goes where the wish sets no end."""
_FURTHER_DAYS = 30
SHOWN = 4
"""So many times are shown to choose from."""
_TRIES = 3
_SPANS = 4
"""So many spans between days that are ruled out are searched."""
_EARLIEST = re.compile(
    r"\b(?:quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data) "
    r"(?:disponivel|livre|que)|primeir[oa] que tiver|urgente|urgencia|(?:assim|logo) que possivel|mais proxim[oa])\b"
)
_LATEST = re.compile(r"\bultim[oa] (?:horario|vaga|hora)\b|\bo mais tarde (?:possivel|que (?:tiver|der))\b")


def soonest(session: Session, wishes: Sequence[Wish]) -> Generator[Request, Answer, Slot | None]:
    """The first slot of several things wished for, within what was said of the time.

    None where the diary does not tell: nothing is free, two are free at the same time, or the calendar is away.
    """
    state = session.state
    first: list[Slot] = []
    for wish in wishes:
        said = state.when.merged(wish.when)
        free: list[Slot] = []
        for moment in [said.merged(candidate) for candidate in state.candidates] or [said]:
            found = yield replace(query(session, moment), service=wish.service, professional=wish.professional)
            if not isinstance(found, Found) or found.reason is Nothing.CALENDAR_UNAVAILABLE:
                return None
            free += [s for s in found.slots if s.start > session.now]
        first += sorted(free, key=lambda s: s.start)[:1]
    first.sort(key=lambda s: s.start)
    tied = len(first) > 1 and first[0].start == first[1].start
    return None if tied or not first else first[0]


def query(session: Session, wish: Moment, *, days: tuple[date, date] | None = None, any_time: bool = False) -> Search:
    """The search for a wish of the flow under way. ``days``: others than it names; ``any_time``: whatever the hour."""
    state = session.state
    if days is not None:
        first, last = days
    elif wish.date is not None:
        first = last = wish.date
    else:
        first = max(wish.date_from or session.today, session.today)
        last = wish.date_to or first + timedelta(days=SEARCH_DAYS)
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


def search(session: Session) -> Steps:
    """Offers what is free for the wish, or what comes nearest to it."""
    state = session.state
    if state.when.date and state.when.time:
        state.wished = datetime.combine(state.when.date, state.when.time)
    found = yield from _free(session, state.when)
    if not isinstance(found, Found):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    slots = [s for s in found.slots if s.start > session.now and s not in session.lost]
    slots = not_ruled_out(slots, session.days_out)
    if not (state.when.time and state.when.date):
        slots = [s for s in slots if not _held_already(session, s)]
    if not slots:
        reason = found.reason or Nothing.FULL
        if not (yield from _otherwise(session, reason)):
            yield from instead(session, reason)
    elif state.when.date and not state.when.time and _LATEST.search(session.norm):
        yield from offer(session, slots[-1])
    elif (state.when.time and state.when.date) or (_EARLIEST.search(session.norm) and not state.when.time):
        yield from offer(session, slots[0])
    else:
        shown = spread(_beside_last(session, slots), SHOWN)
        yield from show(session, shown)


def _free(session: Session, wish: Moment) -> Generator[Request, Answer, Answer]:
    """What is free for a wish; around the weekdays that are ruled out, so that these use up no answer."""
    whole, out = query(session, wish), session.days_out
    spans = runs(whole.date_from, whole.date_to, out)[:_SPANS] if out and wish.date is None else []
    slots: list[Slot] = []
    found: Answer = Found(())
    for begin, until in spans or [(whole.date_from, whole.date_to)]:
        found = yield replace(whole, date_from=begin, date_to=until)
        if not isinstance(found, Found):
            return found
        slots += found.slots
        if found.reason is Nothing.CALENDAR_UNAVAILABLE or len(slots) >= whole.limit:
            break
    return replace(found, slots=tuple(slots)) if isinstance(found, Found) else found


def _otherwise(session: Session, reason: Nothing) -> Generator[Request, Answer, bool]:
    """Offers what would do instead, as the patient said with the wish; whether any of it is free."""
    state = session.state
    others, state.otherwise = state.otherwise, []
    if reason is Nothing.CALENDAR_UNAVAILABLE:
        return False
    for moment in others:
        whole = state.when.merged(moment)
        found = yield query(session, whole)
        slots = [s for s in found.slots if s.start > session.now] if isinstance(found, Found) else []
        if slots:
            sorry = _sorry(session, state.when, reason)
            state.when = whole
            exact = whole.date is not None and whole.time is not None
            yield from show(session, slots[:1] if exact else spread(slots, SHOWN), sorry)
            return True
    return False


def _beside_last(session: Session, slots: Sequence[Slot]) -> Sequence[Slot]:
    """The slots at which the same patient is not somewhere else, having just booked that; all where none is left."""
    state, last = session.state, session.state.last
    service = session.clinic.service(last.service) if last is not None else None
    same = last is not None and (last.patient_name in {None, session.name}) and state.done in ARRANGED
    if last is None or service is None or not same or state.purpose is not Purpose.BOOK:
        return slots
    lasts = {s.code: s.duration for s in session.clinic.services}
    until = last.start + service.duration
    free = [s for s in slots if s.start >= until or s.start + lasts.get(s.service, service.duration) <= last.start]
    return free or slots


def show(session: Session, slots: Sequence[Slot], sorry: str = "") -> Steps:
    """Offers one slot, or lets the patient choose between several. ``sorry``: why they are not what was wished."""
    if len(slots) == 1:
        yield from offer(session, slots[0], lead=f"{sorry} " if sorry else "")
        return
    state = session.state
    yield from release(session)
    state.stage = Stage.CHOOSING
    state.slots = list(slots)
    people = {s.professional for s in slots}
    who = session.clinic.professional(slots[0].professional) if len(people) == 1 else None
    options = [wording.moment(s.start, session.today) if who else _option(session, s) for s in slots]
    whom = who.name if who else None
    again = texts.choices(options, with_whom=whom)
    session.say(texts.choices(options, with_whom=whom, sorry=sorry), Asks.TIME, again=again)


def _option(session: Session, slot: Slot) -> str:
    who = session.clinic.professional(slot.professional)
    return wording.moment(slot.start, session.today) + (f", com {who.name}" if who else "")


def instead(session: Session, reason: Nothing, lead: str | None = None) -> Steps:
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
        (last + timedelta(days=1), last + timedelta(days=SEARCH_DAYS), False),
        (last + timedelta(days=1), last + timedelta(days=_FURTHER_DAYS), True),
    ):
        if until < begin:
            continue
        found = yield query(session, wish, days=(begin, until), any_time=any_time)
        if not isinstance(found, Found):
            break
        if found.reason is Nothing.CALENDAR_UNAVAILABLE and not found.slots:
            session.hand_off(Alert.CALENDAR, texts.NO_CALENDAR)
            return
        slots = [s for s in found.slots if s.start > session.now and s not in session.lost]
        slots = [s for s in not_ruled_out(slots, session.days_out) if not _held_already(session, s)]
        if not slots and reason is Nothing.FULL and begin == first and state.purpose is Purpose.BOOK and state.service:
            state.full = Wish(state.service, wish, state.asked_for)
            lead = f"{lead.rstrip('.')}{texts.WAITLIST_HINT}" if session.clinic.waiting_list else lead
        if slots:
            yield from _offer_nearest(session, slots, wish, lead)
            return
    session.hand_off(Alert.UNANSWERED, f"{lead} {texts.HANDOFF}")


def _held_already(session: Session, slot: Slot) -> bool:
    """Whether an appointment that is to be moved stands in that very slot."""
    target = session.state.target if session.state.purpose is Purpose.RESCHEDULE else None
    if target is None:
        return False
    return (target.service, target.professional, target.start) == (slot.service, slot.professional, slot.start)


def _offer_nearest(session: Session, slots: Sequence[Slot], wish: Moment, lead: str) -> Steps:
    """Offers the slot nearest to the hour that was wished, naming the next ones; without an hour, a choice."""
    at = wish.time or wish.time_from
    if at is None or not wish.time:
        nearest = spread(slots, NEAREST) if at is None else by_nearness(slots, wish, at)
        yield from show(session, sorted(nearest, key=lambda s: s.start), lead)
        return
    first, *others = by_nearness(slots, wish, at)
    yield from offer(session, first, lead=f"{lead} ", also=[s for s in others if s.start.date() == first.start.date()])


def _sorry(session: Session, wish: Moment, reason: Nothing) -> str:
    if reason is Nothing.CLOSED and wish.date and not _open_then(session, wish):
        closed = wording.hours_of(session.clinic, wish.date, session.today)
        return closed if "não abrimos" in closed else f"{closed} Nesse horário não atendemos."
    return f"Não tenho horário livre {wording.wish(wish, session.today, free=True)}."


def _open_then(session: Session, wish: Moment) -> bool:
    """Whether the clinic is open in the hours wished for: then only nothing long enough is left."""
    day, clinic = wish.date, session.clinic
    if day is None:
        return False
    begin, until = (wish.time, wish.time) if wish.time else (wish.time_from or time.min, wish.time_to or time.max)
    return any(begin < closes and opens <= until for opens, closes in clinic.hours_on(day))


def somebody_else(session: Session, slot: Slot) -> Steps:
    """The patient would rather see another professional: at the time first wished for, else at that of the slot."""
    state = session.state
    moving = state.target.id if state.target and state.purpose is Purpose.RESCHEDULE else None
    for at in dict.fromkeys(m for m in (state.wished, slot.start) if m is not None):
        found = yield Search(slot.service, at.date(), at.date(), at.time(), at.time(), moving=moving)
        slots = found.slots if isinstance(found, Found) else ()
        others = [s for s in slots if s.professional != slot.professional and s.start > session.now]
        if others:
            yield from offer(session, others[0])
            return
    who = session.clinic.professional(slot.professional)
    lead = f"Nesse horário só tenho {wording.the(who.name)}. " if who else ""
    yield from offer(session, slot, lead=lead)


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
    if _held_already(session, slot):
        state.stage, state.slots, state.when = Stage.COLLECTING, [], Moment(date=slot.start.date())
        patient = session.patient_of(state.target) if state.target else None
        session.say(texts.stands_there(session.describe(slot, patient)), Asks.DATE)
        return
    if not moving and not (state.hold and state.slots[:1] == [slot]):
        yield from release(session)
        answer = yield Hold(slot, session.name)
        if not isinstance(answer, Held):
            yield from lost(session, slot)
            return
        state.hold = answer.id
    state.stage = Stage.OFFERED
    state.slots = [slot]
    state.professional = slot.professional
    state.when = Moment(date=slot.start.date(), time=slot.start.time())
    what = session.describe(slot, session.patient_of(state.target) if moving and state.target else None)
    if also:
        what += f" (também tenho às {wording.listed([wording.clock(s.start.time()) for s in also], 'ou às')})"
    if moving and state.target is not None:
        question, asks = texts.move(what, wording.moment(state.target.start, session.today)), Asks.CONFIRMATION
    elif session.name_missing:
        question, asks = texts.offer_without_name(what), Asks.NAME
    else:
        question, asks = texts.offer(what, session.name), Asks.CONFIRMATION
    session.say(lead + question, asks, again=question)


def lost(session: Session, slot: Slot) -> Steps:
    """The slot went to somebody else in this very moment: the nearest ones, a few times at most."""
    session.lost.append(slot)
    if len(session.lost) >= _TRIES:
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    session.state.hold = None
    session.state.when = Moment(date=slot.start.date(), time=slot.start.time())
    yield from instead(session, Nothing.FULL, texts.JUST_TAKEN)
