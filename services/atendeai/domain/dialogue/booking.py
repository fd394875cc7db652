"""Finding a slot, offering it, and booking it (or moving an appointment to it)."""

import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from atendeai.domain.dialogue import narrowing, subject, texts, wording
from atendeai.domain.dialogue.choice import sooner
from atendeai.domain.dialogue.nearest import NEAREST, by_nearness, not_ruled_out, spread
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Book,
    Cancel,
    Done,
    Found,
    Held,
    Hold,
    Nothing,
    Refused,
    Request,
    Reschedule,
    Search,
    Slot,
    Steps,
    Upcoming,
)
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, Wish
from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.when import Moment, When

_ARRANGED = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED])
_SEARCH_DAYS = 14
_FURTHER_DAYS = 30
_SHOWN = 4
_TRIES = 3
_SOONEST = re.compile(
    r"\b(?:(?:voces?|quem) (?:que )?(?:decide|escolhe|sabe)m?|"
    r"quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data|"
    r"dia) (?:disponivel|livre|que tiver)|"
    r"primeir[oa] que tiver|qualquer (?:dia|horario|hora|data)|tanto faz|quando (?:tiver|puder|der|"
    r"der certo)|mais proxim[oa]|urgente|logo que possivel|assim que possivel|"
    r"data mais proxima|proxima vaga|quando tem|para quando)\b"
)
_EARLIEST = re.compile(
    r"\b(?:quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data) "
    r"(?:disponivel|livre|que)|primeir[oa] que tiver|urgente|urgencia|(?:assim|logo) que possivel|mais proxim[oa])\b"
)
_STANDING = r"(?:minha |meu )?(?:outr[oa] )?(?:consulta|exame|retorno|sessao|horario)"
_BESIDE_STANDING = re.compile(
    rf"\bmesm[oa] (?:dia|data) (?:d[ao]|que (?:a|o|tenho|ja tenho)(?: a| o)?) {_STANDING}\b|"
    rf"\b(?:antes|depois) d[ao] {_STANDING}\b.{{0,20}}\bmesmo dia\b"
)
_BEFORE_IT = re.compile(r"\bantes\b")
_AFTER_IT = re.compile(r"\b(?:depois|apos)\b")
_LATEST = re.compile(r"\bultim[oa] (?:horario|vaga|hora)\b|\bo mais tarde (?:possivel|que (?:tiver|der))\b")
_AGAIN = re.compile(r"\b(?:de novo|novamente|outra vez|de volta|mesm[oa]|volta\w*)\b")
_SAME = re.compile(r"\bmesm[oa] (?:hora|horario|dia)\b|\bde volta\b|\bvolta\w* (?:a|o)\b")


def start(session: Session, purpose: Purpose) -> Steps:
    """Begins to look for a slot with what the message says."""
    state = session.state
    state.purpose = purpose
    state.stage = Stage.COLLECTING
    beside = narrowing.beside_last(session)
    if beside is not None:
        session.reread(When(beside))
    session.absorb()
    asked_about, state.person = session.clinic.professional(state.person), None
    if asked_about is not None and state.professional is None and state.service in {None, *asked_about.services}:
        state.professional = state.asked_for = asked_about.code
    undone = state.last if state.done is Outcome.CANCELLED and _AGAIN.search(session.norm) else None
    if undone is not None and state.service is None:  # "pode marcar de novo no mesmo horário?", just cancelled
        state.service, state.professional = undone.service, state.professional or undone.professional
        if not state.when.has_day and _SAME.search(session.norm):
            state.when = Moment(date=undone.start.date(), time=undone.start.time())
    yield from advance(session)


def advance(session: Session, *, listing: bool = False) -> Steps:
    """Takes the next step towards a slot: asks for what is missing, or searches and offers.

    ``listing``: the patient only asked what is free; without a day, the coming days are shown.
    """
    state = session.state
    state.stage = Stage.COLLECTING
    if state.either and state.service is None and sooner(session.norm) and (yield from offer_soonest(session)):
        return
    if not subject.settled(session):
        return
    gone_by = _hour_gone_by(session) if session.invalid_time else None
    if gone_by is not None:
        state.when = gone_by
        yield from _instead(session, Nothing.CLOSED, texts.GONE_BY)
        return
    if session.invalid_time:
        state.when = Moment(time=state.when.time, time_from=state.when.time_from, time_to=state.when.time_to)
        session.say(texts.INVALID_DATE, Asks.DATE)
        return
    if state.candidates:
        yield from _candidates(session)
        return
    if not state.when.has_day and state.when.has_time and state.last is not None and state.done is Outcome.BOOKED:
        state.when = state.when.merged(Moment(date=state.last.start.date()))  # "e pra minha filha às 15h30?"
    if not state.when.has_day and state.purpose is Purpose.BOOK and _BESIDE_STANDING.search(session.norm):
        yield from _on_the_day_of_another(session)
    if not state.when.has_day and (listing or _SOONEST.search(session.norm)):
        state.when = state.when.merged(
            Moment(date_from=session.today, date_to=session.today + timedelta(days=_SEARCH_DAYS))
        )
    if not state.when.has_day:
        session.say(texts.ask_day(wording.wish(state.when, session.today)), Asks.DATE)
        return
    yield from _search(session)


def _on_the_day_of_another(session: Session) -> Steps:
    """Takes "no mesmo dia da minha consulta" for the day of the one appointment that stands, before or after it."""
    answer = yield Upcoming()
    ahead = [a for a in answer.items if a.start > session.now] if isinstance(answer, Appointments) else []
    if len(ahead) != 1:
        return
    state, one = session.state, ahead[0]
    service = session.clinic.service(one.service)
    over = one.start + (service.duration if service is not None else timedelta())
    day = Moment(date=one.start.date())
    if not state.when.has_time and _BEFORE_IT.search(session.norm):
        day = day.merged(Moment(time_to=one.start.time()))
    elif not state.when.has_time and _AFTER_IT.search(session.norm):
        day = day.merged(Moment(time_from=over.time()))
    state.when = state.when.merged(day)


def _hour_gone_by(session: Session) -> Moment | None:
    """The time of today that the message names and that has gone by; None where another day is what cannot be."""
    role = Role.NEW if session.state.purpose is Purpose.RESCHEDULE else Role.WANTED
    morning = datetime.combine(session.today, time.min)
    said = parse(session.norm, morning, hours=session.clinic.hours or None, role=role).moment
    last = said.time or said.time_to
    return said if said.date == session.today and last is not None and last <= session.now.time() else None


def leaves_open(norm: str) -> bool:
    """Whether the patient leaves the day to the clinic ("qualquer dia", "o quanto antes")."""
    return bool(_SOONEST.search(norm))


def _candidates(session: Session) -> Steps:
    """A time that may be meant in several ways: searched when the patient leaves the choice, else asked back."""
    state = session.state
    if not state.any_of_them and not leaves_open(session.norm):
        session.say(
            texts.ask_which_moment([wording.wish(c, session.today) for c in state.candidates]),
            Asks.DATE if any(c.has_day for c in state.candidates) else Asks.TIME,
        )
        return
    slots: list[Slot] = []
    for moment in state.candidates:
        whole = state.when.merged(moment)
        if not whole.has_day:
            state.candidates, state.any_of_them = [], False
            state.when = whole
            session.say(texts.ASK_DAY, Asks.DATE)
            return
        found = yield _query(session, whole)
        if isinstance(found, Found):
            ahead = [s for s in found.slots if s.start > session.now]
            slots.extend(spread(ahead, 1 if whole.time else 2))
    chosen = sorted({s.start: s for s in reversed(slots)}.values(), key=lambda s: s.start)[:_SHOWN]
    state.when = state.when.merged(state.candidates[0])
    state.candidates, state.any_of_them = [], False
    if chosen:
        yield from show(session, chosen)
    else:
        yield from _instead(session, Nothing.FULL)


def offer_soonest(session: Session) -> Generator[Request, Answer, bool]:
    """Offers the first slot of what is to be chosen between: services, or professionals.

    False where the diary does not tell which that is.
    """
    state = session.state
    if state.between:
        said = {part.service: part for part in state.parts}
        wishes = [said.get(code) or Wish(code, Moment(), state.professional) for code in state.between]
    else:
        wishes = [Wish(state.service or "", Moment(), code) for code in state.people]
    slot = yield from _soonest(session, wishes)
    if slot is None:
        return False
    if state.people:
        state.professional = state.asked_for = slot.professional
    state.service, state.people = slot.service, []
    state.take_part()
    if subject.settled(session):
        state.candidates, state.any_of_them = [], False
        yield from offer(session, slot)
    return True


def _soonest(session: Session, wishes: Sequence[Wish]) -> Generator[Request, Answer, Slot | None]:
    """The first slot of several things wished for, within what was said of the time.

    None where the diary does not tell: nothing is free, two are free at the same time, or the calendar is away.
    """
    state = session.state
    first: list[Slot] = []
    for wish in wishes:
        said = state.when.merged(wish.when)
        free: list[Slot] = []
        for moment in [said.merged(candidate) for candidate in state.candidates] or [said]:
            found = yield replace(_query(session, moment), service=wish.service, professional=wish.professional)
            if not isinstance(found, Found) or found.reason is Nothing.CALENDAR_UNAVAILABLE:
                return None
            free += [s for s in found.slots if s.start > session.now]
        first += sorted(free, key=lambda s: s.start)[:1]
    first.sort(key=lambda s: s.start)
    tied = len(first) > 1 and first[0].start == first[1].start
    return None if tied or not first else first[0]


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
    if state.when.date and state.when.time:
        state.wished = datetime.combine(state.when.date, state.when.time)
    found = yield _query(session, state.when)
    if not isinstance(found, Found):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    slots = [s for s in found.slots if s.start > session.now and s not in session.lost]
    slots = not_ruled_out(slots, session.norm)
    if not slots:
        reason = found.reason or Nothing.FULL
        if not (yield from _otherwise(session, reason)):
            yield from _instead(session, reason)
    elif state.when.date and not state.when.time and _LATEST.search(session.norm):
        yield from offer(session, slots[-1])
    elif (state.when.time and state.when.date) or (_EARLIEST.search(session.norm) and not state.when.time):
        yield from offer(session, slots[0])
    else:
        shown = spread(_beside_last(session, slots), _SHOWN)
        yield from show(session, shown)


def _otherwise(session: Session, reason: Nothing) -> Generator[Request, Answer, bool]:
    """Offers what would do instead, as the patient said with the wish; whether any of it is free."""
    state = session.state
    others, state.otherwise = state.otherwise, []
    if reason is Nothing.CALENDAR_UNAVAILABLE:
        return False
    for moment in others:
        whole = state.when.merged(moment)
        found = yield _query(session, whole)
        slots = [s for s in found.slots if s.start > session.now] if isinstance(found, Found) else []
        if slots:
            sorry = _sorry(session, state.when, reason)
            state.when = whole
            exact = whole.date is not None and whole.time is not None
            yield from show(session, slots[:1] if exact else spread(slots, _SHOWN), sorry)
            return True
    return False


def _beside_last(session: Session, slots: Sequence[Slot]) -> Sequence[Slot]:
    """The slots at which the same patient is not somewhere else, having just booked that; all where none is left."""
    state, last = session.state, session.state.last
    service = session.clinic.service(last.service) if last is not None else None
    same = last is not None and (last.patient_name in {None, session.name}) and state.done in _ARRANGED
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
        if not slots and reason is Nothing.FULL and begin == first and state.purpose is Purpose.BOOK and state.service:
            state.full = Wish(state.service, wish, state.asked_for)
            lead = f"{lead.rstrip('.')}{texts.WAITLIST_HINT}" if session.clinic.waiting_list else lead
        if slots:
            yield from _offer_nearest(session, slots, wish, lead)
            return
    session.hand_off(Alert.UNANSWERED, f"{lead} {texts.HANDOFF}")


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
        if isinstance(answer, Refused) and answer.too_late:
            session.hand_off(Alert.NOTICE, texts.NOTICE)
            return
        if not isinstance(answer, Done):
            target = state.target
            ahead = yield Upcoming()
            stands = not isinstance(ahead, Appointments) or any(a.id == target.id for a in ahead.items)
            if not stands and target.start > session.now:
                yield from _book_instead(session, slot, target)
            else:
                yield from _lost(session, slot)
            return
        moved = Appointment(state.target.id, slot.start, slot.professional, slot.service, state.target.patient_name)
        whose = session.patient_of(moved)
        _achieved(session, Outcome.RESCHEDULED, moved)
        session.say(texts.rescheduled(session.describe(slot, whose)))
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
    _note_family(session, name)
    state.others_name = name if state.for_other else None
    state.later_for = name if state.for_other and not state.later_asks else None
    more = [Wish(slot.service, _for(session, whom, slot), state.asked_for, whom, further=True) for whom in state.others]
    state.own = state.own if state.for_other else name
    _achieved(session, Outcome.BOOKED, Appointment(booked, slot.start, slot.professional, slot.service, name))
    state.later = more + state.later
    session.say(texts.booked(session.describe(slot), name, session.clinic))
    session.prepare(slot.service)


def _for(session: Session, whom: str | None, slot: Slot) -> Moment:
    """When another of several people would come: as was said of them, else when the first of them comes."""
    said = session.state.each.get(whom or "", Moment())
    day = Moment(date=slot.start.date())
    return day.merged(Moment(time=slot.start.time()) if said.empty else said)


def _book_instead(session: Session, slot: Slot, target: Appointment) -> Steps:
    """What was to be moved stands no longer, the clinic cancelled it meanwhile: offers the slot as a new booking."""
    state = session.state
    state.purpose, state.target = Purpose.BOOK, None
    if target.patient_name and target.patient_name != session.name:
        state.name, state.for_other = target.patient_name, True
    session.say(texts.GONE)
    yield from offer(session, slot)


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
    state = session.state
    _forget_relative(session)
    later = state.later[1:] if state.next_one and outcome is Outcome.BOOKED else state.later
    state.reset_flow()
    state.later = [wish for wish in later if wish.service != about.service or wish.further]
    state.done = outcome
    state.last = about


def _note_family(session: Session, name: str | None) -> None:
    """Remembers under which name somebody of the family was booked."""
    state = session.state
    names = state.family.setdefault(state.kin, []) if state.for_other and state.kin and name else []
    if name and name not in names:
        names.append(name)


def _forget_relative(session: Session) -> None:
    """The next booking is for who writes, under their own name."""
    state = session.state
    if state.for_other:
        state.name = state.own
    state.relative = False
    state.kin = None


def ask_other_day(session: Session) -> None:
    """What was offered is declined: another day or hour is asked for."""
    state = session.state
    state.declined = sorted({s.start.date() for s in state.slots})
    state.wished = state.slots[0].start if len(state.slots) == 1 else None
    state.when = Moment()
    state.slots = []
    state.stage = Stage.COLLECTING
    session.say(texts.ASK_OTHER_DAY, Asks.DATE)


def drop(session: Session) -> Steps:
    """The patient no longer wants what was being arranged."""
    yield from release(session)
    _forget_relative(session)
    session.state.reset_flow()
    session.state.forget_later()
    session.state.answered = False
    if session.state.last is None:
        session.state.done = Outcome.NOTHING_BOOKED
    session.say(texts.DROPPED_FURTHER if session.state.done in _ARRANGED else texts.DROPPED)
