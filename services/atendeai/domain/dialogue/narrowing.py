"""Times said in relation to what is on the table: "mais tarde", "e se for 4?", "quarta" of the week spoken of."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import Appointment
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Stage
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.when import Moment, When

_SAME_HOUR = re.compile(r"\bmesm[oa] (?:hora|horario)\b")
_STEP = timedelta(minutes=30)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SAME_DAY = re.compile(r"\bmesm[oa] dia\b")
_RIGHT_AFTER = re.compile(
    r"\b(?:(?:logo|bem|ja)(?: em)? (?:depois|apos|seguida)|depois del[ae]|em seguida|na sequencia|junto|emendad[oa])\b"
)
_NUMERIC_DAY = re.compile(r"^(?:dia )?(\d{1,2})[.-](\d{1,2})$")
_BARE_HOUR = re.compile(
    r"^\W*(?:(?:e|mas|ou|entao|nao|se|for|fosse|tem|que tal|pode ser|poderia ser|melhor|prefiro|quero|consegue|"
    r"da|pra|para|la pelas|pelas|umas|tipo|so|[oa] das)[\s,]+)+(?:as )?(\d{1,2})\W*$"
)
_DAY_AND_HOUR = re.compile(
    r"^\W*(?:(?:na|a|pode ser|quero|prefiro|melhor|entao|de)\W+)*"
    r"(?P<day>segunda|terca|quarta|quinta|sexta|sabado|domingo)(?:-feira| feira)?,? (?P<hour>\d{1,2})\W*$"
)
_WEEKDAYS = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_BARE_DAY = re.compile(
    r"\bdia (\d{1,2})\b(?! ?(?:/|de\b|d[oe]ss?t?e\b|do mes|do \d|mes))(?!.*\b(?:mes que vem|proximo mes)\b)"
)
_LATER = re.compile(r"\b(?:(?<!\bo )(?<!\ba )mais tarde|mais pro fim|mais para o fim|depois diss?o)\b")
_EARLIER = re.compile(r"\b(?:(?<!\bo )(?<!\ba )mais cedo|antes diss?o)\b")
_NOT_NOW = re.compile(r"\b(?:eu|te|vejo|falo|respondo|aviso|retorno|volto|ligo|ate|confirmo|decido|marco)\b")
_WEEKDAY = re.compile(r"\b(?:segunda|terca|quarta|quinta|sexta|sabado|domingo)\b")
_FIXED_DAY = re.compile(
    r"\b(?:hoje|amanha|proxim[oa]|que vem|[dn]?ess[ae]|[dn]est[ae]|est[ae] (?:semana|mes|segunda|terca|quarta|quinta|"
    r"sexta|sabado|domingo)|agora|daqui|outra semana|semana seguinte|dia \d+|\d+ de [a-z]+|\d+ ?/ ?\d+)\b"
)
_ARRANGED = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED])
_LOOKING = frozenset([Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED])


def relate(session: Session, asked: Asks | None) -> None:
    """Reads the message's time as an answer to what was asked or offered."""
    _numbers(session, asked)
    state = session.state
    several = len(state.slots) > 1
    picks = several and chosen_index(session.norm, len(state.slots)) is not None  # "o mais cedo": of those named
    if state.stage in {Stage.CHOOSING, Stage.OFFERED} and state.slots and not picks:
        days = {s.start.date() for s in state.slots}
        wish = relative(session, state.slots[0].start, state.slots[-1].start) if len(days) == 1 else None
        if wish is not None:
            session.reread(When(moment=wish))
    if state.stage is Stage.COLLECTING and asked is Asks.DATE:
        beside = beside_last(session)
        if beside is not None:
            session.reread(When(beside))
    _at_its_own_hour(session)
    _at_the_hour_declined(session, asked)
    _on_the_day_declined(session, asked)
    _in_the_month(session)
    _in_the_week(session)


def beside_last(session: Session) -> Moment | None:
    """The time said in relation to what was just booked ("no mesmo dia", "logo depois"); None where none is."""
    state, said = session.state, session.reading.when
    if state.last is None or state.done not in _ARRANGED or said.candidates or said.invalid or said.moment.has_day:
        return None
    if _SAME_DAY.search(session.norm):
        return said.moment.merged(Moment(date=state.last.start.date()))
    return after(session, state.last) if _RIGHT_AFTER.search(session.norm) and said.empty else None


def after(session: Session, appointment: Appointment) -> Moment:
    """The rest of the day once an appointment is over."""
    service = session.clinic.service(appointment.service)
    over = appointment.start + (service.duration if service is not None else _STEP)
    return Moment(date=over.date(), time_from=over.time())


def _at_its_own_hour(session: Session) -> None:
    """Reads "mesma hora", said of an appointment that is moved, as its hour, on the day spoken of."""
    state, said = session.state, session.reading.when
    target, about = state.target, {slot.start.date() for slot in state.slots}
    if target is None or not _SAME_HOUR.search(session.norm) or said.invalid or said.moment.has_time or said.candidates:
        return
    day = said.moment if said.moment.has_day or len(about) != 1 else Moment(date=next(iter(about)))
    session.reread(When(day.merged(Moment(time=target.start.time()))))


def _at_the_hour_declined(session: Session, asked: Asks | None) -> None:
    """Reads "no mesmo horário", beside another day or alone, as the hour of what was just declined."""
    state, said = session.state, session.reading.when
    if asked is not Asks.DATE or state.target is not None or not state.declined or state.wished is None:
        return
    if not _SAME_HOUR.search(session.norm) or said.invalid or said.moment.has_time:
        return
    hour = Moment(time=state.wished.time())
    days = tuple(day if day.has_time else day.merged(hour) for day in said.candidates)
    session.reread(When(candidates=days) if days else When(said.moment.merged(hour)))


def relative(session: Session, first: datetime, last: datetime) -> Moment | None:
    """Later than ``last`` or earlier than ``first``, on that day or on the one the message names; None: neither."""
    said, norm = session.reading.when, session.norm
    if said.candidates or said.invalid or said.moment.has_time or _NOT_NOW.search(norm):
        return None
    day = said.moment if said.moment.has_day else Moment(date=last.date())
    if _LATER.search(norm):
        later = last + _STEP
        return day.merged(Moment(time_from=later.time())) if later.date() == last.date() else None
    return day.merged(Moment(time_to=first.time())) if _EARLIER.search(norm) else None


def _numbers(session: Session, asked: Asks | None) -> None:
    """A bare number answers a question for the hour ("15", "e se for 16?") or the day ("27")."""
    state, norm = session.state, session.norm.strip(" .!?")
    numeric = _NUMERIC_DAY.match(norm)
    if numeric is not None and asked in {Asks.DATE, Asks.TIME}:
        _say(session, f"{numeric[1]}/{numeric[2]}")
        return
    if _day_and_hour(session) or not session.reading.when.empty:
        return
    hour = _BARE_HOUR.match(norm)
    if hour is not None and state.stage in {Stage.CHOOSING, Stage.OFFERED} and int(hour[1]) > len(state.slots):
        _say(session, f"as {hour[1]}")
    if not norm.isdigit():
        return
    if state.stage is Stage.CHOOSING and int(norm) > len(state.slots):
        _say(session, f"as {norm}")
    elif state.stage is Stage.COLLECTING and asked in {Asks.TIME, Asks.DATE}:
        _say(session, f"as {norm}" if asked is Asks.TIME else f"dia {norm}")


def _day_and_hour(session: Session) -> bool:
    """Takes "segunda 14" for the hour of a day that was offered, rather than for the 14th."""
    said = _DAY_AND_HOUR.match(session.norm)
    offered = {s.start.date() for s in session.state.slots}
    days = [day for day in offered if said and day.weekday() == _WEEKDAYS.index(said["day"])]
    if said is None or len(days) != 1 or session.reading.when.moment.date in offered:
        return False
    _say(session, f"as {said['hour']}")
    hour = session.reading.when.moment
    session.reread(When(moment=Moment(date=days[0]).merged(hour)))
    return True


def _say(session: Session, words: str) -> None:
    session.reread(parse(words, session.now, hours=session.clinic.hours or None))


def _on_the_day_declined(session: Session, asked: Asks | None) -> None:
    """An hour without a day, after an offer was declined, is meant on that offer's day ("não" … "só à tarde")."""
    declined, said = session.state.declined, session.reading.when.moment
    if asked is not Asks.DATE or not declined or not said.has_time or said.has_day:
        return
    first, last = declined[0], declined[-1]
    day = Moment(date=first) if first == last else Moment(date_from=first, date_to=last)
    session.reread(When(moment=day.merged(said)))


def _in_the_month(session: Session) -> None:
    """A bare "dia 28" lies where the talk is: after an offer for 25/12 it is 28/12, though 28/11 is still to come."""
    said, state = session.reading.when, session.state
    day = said.moment.date.day if said.moment.date is not None else None
    # Of several days ("dia 29 não, muda pra dia 30") the one that is meant.
    found = next((one for one in _BARE_DAY.finditer(session.norm) if int(one[1]) == day), None)
    about = state.slots[0].start.date() if state.slots else state.when.date
    if found is None or about is None or said.moment.date is None or state.stage not in _LOOKING:
        return
    try:
        there = about.replace(day=int(found[1]))
    except ValueError:
        return
    if there > session.today and abs(there - about) < abs(said.moment.date - about):
        session.reread(When(moment=said.moment.merged(Moment(date=there))))


def _in_the_week(session: Session) -> None:
    """A bare weekday is one of the days just offered, else the one in the week or span spoken of.

    So "quinta" after an offer for next week's Wednesday is next week's Thursday, until the booking ends.
    """
    said = session.reading.when
    if session.state.stage not in _LOOKING or not _WEEKDAY.search(session.norm) or _FIXED_DAY.search(session.norm):
        return
    moments = list(said.candidates) or [said.moment]
    days = [m.date for m in moments if m.date is not None]
    if len(days) != len(moments):
        return
    meant: dict[int, Moment] = {}  # by weekday: "quarta" may be today's or the next, "terça ou quinta" are two
    for moment, day in zip(moments, days, strict=True):
        if day.weekday() in meant:
            continue
        found = _spoken_of(session, [d for d in days if d.weekday() == day.weekday()])
        if found is None:
            return
        meant[day.weekday()] = moment.merged(Moment(date=found))
    one, *others = meant.values()
    if not others and one != said.moment:
        session.reread(When(moment=one))
    elif others and list(meant.values()) != moments:
        session.reread(replace(said, candidates=tuple(meant.values())))


def _spoken_of(session: Session, days: list[date]) -> date | None:
    """Which day is meant by a weekday that would by itself be one of ``days``; None when nothing tells."""
    state, weekday = session.state, days[0].weekday()
    offered = sorted({s.start.date() for s in state.slots if s.start.weekday() == weekday})
    if offered:
        return offered[0]
    first, last = state.when.date_from, state.when.date_to
    if first is not None:
        last = last or first + _WEEK - _DAY
        return next((day for day in days if first <= day <= last), None) or _weeks_later(days[0], first, last)
    about = state.when.date or (state.declined[0] if state.declined else None)
    if about is None:
        return None
    first = about - about.weekday() * _DAY
    return first + weekday * _DAY if first > session.today else None  # this week's days need no telling


def _weeks_later(day: date, first: date, last: date) -> date | None:
    while day < first:
        day += _WEEK
    return day if day <= last else None
