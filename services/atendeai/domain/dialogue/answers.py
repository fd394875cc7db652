"""Answers read off the clinic's profile: hours, address, prices, plans, services."""

import re
from collections.abc import Sequence
from datetime import date

from atendeai.domain.dialogue import offering, people, plans, prices, subject, texts, wording
from atendeai.domain.dialogue.clinic import Professional
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome, Stage
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.holidays import is_holiday
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold

_TOGETHER = (Intent.ASK_INSURANCE, Intent.ASK_PRICE, Intent.ASK_ADDRESS, Intent.ASK_HOURS)
"""Questions that are answered beside another one; the others are too easily seen where they were not meant."""
_PRIVATE = re.compile(r"\bparticular\b|\bsem (?:plano|convenio)\b|\bnao tenho (?:plano|convenio)\b")
_MONEY = re.compile(r"\b(?:quanto|precos?|valor\w*|custa\w*|fica|sai|aceita\w*|atende\w*|tem|faz\w*|qual|como)\b")
_LONGEST_STATEMENT = 7
_AMENITIES = re.compile(r"\b(?:estacion\w+|elevador|acessib\w+|cadeirante|rampa|metro|onibus|wi-?fi)\b")
_WAY = re.compile(r"\b(?:onde|enderecos?|localiza\w+|rua|bairro|cheg\w+|mapa|como (?:vou|ir|faco))\b")
_WORKS = re.compile(r"\b(?:atend\w*|trabalh\w*|esta|vai|fica|vem|consulta)\b")
_HOLIDAYS = re.compile(r"\bferiad(?:o|os|ao)\b")
_PREPARES = re.compile(
    r"\b(?:precis\w+|tem que|tenho que|devo|necessario|o que|se (?:e|tem))\b[^.!?]{0,25}\b(?:jejum|preparo|levar|"
    r"acompanhante)\b|\b(?:precis\w+|tem|qual(?: e)? o) (?:algum )?preparo\b"
)
_APART = re.compile(r"[?.!;,\n]+|\b(?:e|ou)\b")
"""Between the days that are asked about."""
_BETWEEN = re.compile(r"\bentre\b")
_DAYS = re.compile(r"\bdias? (\d{1,2}) e (?:dia )?(\d{1,2})\b(?! ?h)(?P<month>(?: de [a-z]+)?)")
_OPEN_NOW = re.compile(
    r"\b(?:ainda|agora|ja|hoje)\b.{0,15}\b(?:atend\w+|abert[oa]s?|abre|funcion\w+)\b|"
    r"\b(?:estao|esta|tao|ta) (?:atendendo|abert[oa]s?|funcionando)\b"
)


def answer(session: Session, intent: Intent) -> None:
    """Says what the profile knows; what it does not know is passed to a person, without ending the conversation.

    Several questions in one message are answered together.
    """
    say = {
        Intent.ASK_HOURS: _hours,
        Intent.ASK_ADDRESS: _address,
        Intent.ASK_PRICE: prices.answer,
        Intent.ASK_INSURANCE: _insurance,
        Intent.ASK_SERVICE: offering.answer,
    }
    session.note_relative()
    say[intent](session)
    if intent is Intent.ASK_PRICE:
        offering.duration(session)
    for other in _TOGETHER:
        if other in session.reading.shown and other is not intent and intent is not Intent.ASK_SERVICE:
            say[other](session)
    if intent is not Intent.ASK_SERVICE:
        _preparation_beside(session)
    about = offering.named(session)
    if len(about) == 1 and not session.state.busy:
        session.state.topic = about[0].code
    elif len(about) == 1 and session.state.service is None and session.state.stage is Stage.COLLECTING:
        session.state.service = about[0].code
    session.state.answered = True
    if session.state.done is Outcome.NOTHING_BOOKED:
        session.state.done = None


def works_here(session: Session) -> bool:
    """Answers whether somebody works here ("a Dra. Paula atende aí?"); False where that is not asked."""
    clinic, state = session.clinic, session.state
    own, session.stranger = people.asked_about(clinic, session.reading.text)
    asked = (own or session.stranger) and session.reading.when.empty and not offering.named(session)
    if not asked:
        return False
    if own is not None:
        offered = [s.name for s in clinic.services if s.code in own.services]
        session.invite(texts.works_here(own.name, offered))
        state.person = own.code
        state.topic = next(iter(own.services)) if len(own.services) == 1 else state.topic
    else:
        session.invite(subject.not_here(session), texts.WITH_SOMEBODY_ELSE)
    state.answered = True
    return True


def beside(session: Session) -> None:
    """Answers what is asked about price, plans or the way beside a wish to book or to change something."""
    shown = session.reading.shown
    if session.reading.entities.insurance is not None or _states_private(session):
        note_plan(session)
    elif Intent.ASK_INSURANCE in shown:
        _insurance(session)
    if Intent.ASK_PRICE in shown and not _states_private(session):
        prices.answer(session)
    if Intent.ASK_ADDRESS in shown:
        _address(session)
    _preparation_beside(session)


def _preparation_beside(session: Session) -> None:
    """Answers how to prepare where that is asked beside something else ("quanto é? preciso levar algo?")."""
    if not _PREPARES.search(session.norm) or texts.DOUBT_PASSED_ON in session.replies:
        return
    named, default = offering.named(session), session.clinic.usual_visit()
    told = [s for s in named or ([default] if default else []) if s.preparation]
    for service in told:
        session.prepare(service.code)
    if not told:
        session.pass_on(texts.DOUBT_PASSED_ON)


def doubt_beside(session: Session, service: str) -> None:
    """Passes on a doubt that came with a last word ("sim! preciso levar algo?"), unless the preparation answered it."""
    about = session.clinic.service(service)
    told = about is not None and about.preparation is not None and session.state.done is Outcome.BOOKED
    if "?" in session.norm and offering.PREPARATION.search(session.norm) and not told:
        session.pass_on(texts.DOUBT_PASSED_ON)


def plan_stated(session: Session) -> bool:
    """Whether the message says how the patient pays, and nothing else ("é particular", "tenho Unimed")."""
    reading = session.reading
    few = len(session.norm.split()) <= _LONGEST_STATEMENT and reading.when.empty and not reading.entities.service
    return few and states_plan(session)


def states_plan(session: Session) -> bool:
    """Whether the message says how the patient pays, and asks nothing about it."""
    stated = session.reading.entities.insurance is not None or _states_private(session)
    return stated and "?" not in session.norm and not _MONEY.search(session.norm)


def _states_private(session: Session) -> bool:
    return bool(_PRIVATE.search(session.norm)) and "?" not in session.norm and not _MONEY.search(session.norm)


def note_plan(session: Session) -> None:
    """Remembers the plan that was named, and says once whether it is accepted."""
    said = session.reading.entities.insurance
    private = said is None or plans.PRIVATE in fold(said)
    plan = plans.PRIVATE if said is None or private else plans.written(session.clinic, said)
    if plan != session.state.insurance:
        session.state.insurance = plan
        if private:
            session.say(texts.PRIVATE)
        else:
            _insurance(session)


def _days(session: Session) -> list[date]:
    """The days that are asked about, in order ("sábado e domingo", "sábado? e no natal?"); of two the nearer."""
    if _BETWEEN.search(session.norm):
        return []
    norm = _DAYS.sub(r"dia \1\g<month> e dia \2\g<month>", session.norm)
    said = [parse(part, session.now, hours=session.clinic.hours or None) for part in _APART.split(norm)]
    moments = [(when.candidates or (when.moment,))[0] for when in said]
    return list(dict.fromkeys(moment.date for moment in moments if moment.date is not None))


def _hours(session: Session) -> None:
    clinic, people, days = session.clinic, _asked_of(session), _days(session)
    if people:
        for who in people:
            hours = wording.every_week(clinic.hours if who.hours is None else who.hours)
            if hours:
                session.say(texts.works(who.name, hours))
            else:
                session.pass_on(texts.NO_HOURS)
    elif not clinic.hours:
        session.pass_on(texts.NO_HOURS)
    elif len(days) > 1:
        for day in days:
            _hours_on(session, day)
        _holidays_beside(session, days)
    else:
        _hours_of_one(session, session.reading.when.moment.date)


def _hours_on(session: Session, day: date) -> None:
    """The hours of one day; of a holiday that the clinic says nothing of they are a person's to say."""
    if session.clinic.undeclared_holiday(day):
        session.pass_on(texts.holiday_hours(wording.sentence(wording.on(day, session.today))))
    else:
        session.say(wording.hours_of(session.clinic, day, session.today))


def _holidays_beside(session: Session, days: Sequence[date]) -> None:
    """Passes on the question for holidays in general that comes with days which are none."""
    holidays = session.clinic.holidays
    if _HOLIDAYS.search(session.norm) and not any(day in holidays or is_holiday(day) for day in days):
        session.pass_on(texts.HOLIDAYS)  # "abrem domingo? e no feriado?"


def _hours_of_one(session: Session, day: date | None) -> None:
    """The hours of ``day``, of this moment, or of the week."""
    clinic, now = session.clinic, asks_now(session)
    if clinic.undeclared_holiday(day or session.today) and (day is not None or now):
        _hours_on(session, day or session.today)
    elif now and day in {None, session.today}:
        _now(session)
    elif day is not None:
        _hours_on(session, day)
        _holidays_beside(session, [day])
    elif _HOLIDAYS.search(session.norm):
        session.pass_on(texts.HOLIDAYS)
    else:
        session.say(f"Nosso horário de atendimento: {wording.week(clinic.hours)}.")


def asks_now(session: Session) -> bool:
    """Whether the patient asks if the clinic is open at this moment."""
    return bool(_OPEN_NOW.search(session.norm))


def _now(session: Session) -> None:
    """Whether the clinic is open at this moment, and when it closes or opens."""
    clinic, now = session.clinic, session.now
    opens = wording.opens_again(clinic, now)
    closes = [b for a, b in clinic.hours_on(now.date()) if a <= now.time() < b]
    if opens is not None:
        session.say(texts.closed_now(opens))
    elif closes:
        session.say(texts.open_now(wording.clock(closes[0])))


def _asked_of(session: Session) -> list[Professional]:
    """Those whose hours are asked for: by name, or who do what is named; none when the clinic's are."""
    clinic = session.clinic
    if not (clinic.hours or any(p.hours for p in clinic.professionals)) or not _WORKS.search(session.norm):
        return []
    by_name = entities.match(session.norm, {p.code: p.name for p in clinic.professionals}, exact=True)
    services = {s.code for s in offering.named(session)}
    return [p for p in clinic.professionals if (p.code in by_name if by_name else bool(services & p.services))]


def _address(session: Session) -> None:
    address = session.clinic.address
    amenity = _AMENITIES.search(session.norm)
    if amenity and not (address and _AMENITIES.search(fold(address))):
        if address and _WAY.search(session.norm):
            session.say(texts.address(address))
        session.pass_on(texts.DOUBT_PASSED_ON)
    elif address:
        session.say(texts.address(address))
    else:
        session.pass_on(texts.NO_ADDRESS)


def _insurance(session: Session) -> None:
    taken, said = session.clinic.insurance, session.reading.entities.insurance
    several = list(dict.fromkeys(plans.written(session.clinic, s) for s in entities.plans(session.reading.text, taken)))
    if not taken:
        session.say(texts.PRIVATE_ONLY)
    elif len(several) > 1:
        ours = [plan for plan in several if plan in taken]
        session.say(texts.plans(ours, [plan for plan in several if plan not in taken], taken))
    elif said is None or plans.PRIVATE in fold(said):
        session.say(f"Atendemos {wording.listed(taken)}, e também particular.")
    elif plans.accepted(session.clinic, said):
        session.say(f"Sim, atendemos {plans.written(session.clinic, said)}.")
    else:
        session.say(texts.plan_not_taken(plans.written(session.clinic, said), taken))
