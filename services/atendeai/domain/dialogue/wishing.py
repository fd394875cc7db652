"""Reading a wish: what is to be booked, for when, and what is missing before times are looked for."""

import re
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, time, timedelta

from atendeai.domain.dialogue import narrowing, searching, subject, texts, wording
from atendeai.domain.dialogue.choice import sooner
from atendeai.domain.dialogue.nearest import spread
from atendeai.domain.dialogue.ports import Answer, Appointments, Found, Nothing, Request, Slot, Steps, Upcoming
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, Wish
from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.when import Moment, When

_SOONEST = re.compile(
    r"\b(?:(?:voces?|quem) (?:que )?(?:decide|escolhe|sabe)m?|"
    r"quanto antes|mais rapido possivel|o mais (?:cedo|rapido|breve)|primeir[oa] (?:horario|vaga|data|"
    r"dia) (?:disponivel|livre|que tiver)|"
    r"primeir[oa] que tiver|qualquer (?:dia|horario|hora|data|uma?\b)|tanto faz|quando (?:tiver|puder|der|"
    r"der certo)|mais proxim[oa]|urgente|logo que possivel|assim que possivel|"
    r"data mais proxima|proxima vaga|quando tem|para quando)\b"
)
_STANDING = r"(?:minha |meu )?(?:outr[oa] )?(?:consulta|exame|retorno|sessao|horario)"
_BESIDE_STANDING = re.compile(
    rf"\bmesm[oa] (?:dia|data) (?:d[ao]|que (?:a|o|tenho|ja tenho)(?: a| o)?) {_STANDING}\b|"
    rf"\b(?:antes|depois) d[ao] {_STANDING}\b.{{0,20}}\bmesmo dia\b"
)
_BEFORE_IT = re.compile(r"\bantes\b")
_AFTER_IT = re.compile(r"\b(?:depois|apos)\b")
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
        yield from searching.instead(session, Nothing.CLOSED, texts.GONE_BY)
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
    others = bool(state.ruled_out) and state.purpose is Purpose.BOOK  # any day but those
    if not state.when.has_day and (listing or others or _SOONEST.search(session.norm)):
        state.when = state.when.merged(
            Moment(date_from=session.today, date_to=session.today + timedelta(days=searching.SEARCH_DAYS))
        )
    if not state.when.has_day:
        session.say(texts.ask_day(wording.wish(state.when, session.today)), Asks.DATE)
        return
    yield from searching.search(session)


def other_days(session: Session) -> Steps:
    """Offers other days than those that the message rules out, at the hour that is spoken of."""
    state = session.state
    yield from searching.release(session)
    if state.when.date is not None:
        state.when = replace(state.when, date=None)
    state.slots = []
    session.absorb()
    yield from advance(session, listing=True)


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
        found = yield searching.query(session, whole)
        if isinstance(found, Found):
            ahead = [s for s in found.slots if s.start > session.now]
            slots.extend(spread(ahead, 1 if whole.time else 2))
    chosen = sorted({s.start: s for s in reversed(slots)}.values(), key=lambda s: s.start)[: searching.SHOWN]
    state.when = state.when.merged(state.candidates[0])
    state.candidates, state.any_of_them = [], False
    if chosen:
        yield from searching.show(session, chosen)
    else:
        yield from searching.instead(session, Nothing.FULL)


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
    slot = yield from searching.soonest(session, wishes)
    if slot is None:
        return False
    if state.people:
        state.professional = state.asked_for = slot.professional
    state.service, state.people = slot.service, []
    state.take_part()
    if subject.settled(session):
        state.candidates, state.any_of_them = [], False
        yield from searching.offer(session, slot)
    return True
