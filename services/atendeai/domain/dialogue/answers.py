"""Answers read off the clinic's profile: hours, address, prices, plans, services."""

from atendeai.domain.dialogue import texts, wording
from atendeai.domain.dialogue.clinic import Service
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Outcome
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold


def answer(session: Session, intent: Intent) -> None:
    """Says what the profile knows; what it does not know is passed to a person, without ending the conversation."""
    say = {
        Intent.ASK_HOURS: _hours,
        Intent.ASK_ADDRESS: _address,
        Intent.ASK_PRICE: _price,
        Intent.ASK_INSURANCE: _insurance,
        Intent.ASK_SERVICE: _service,
    }[intent]
    say(session)
    named = _named(session)
    if len(named) == 1 and not session.state.busy:
        session.state.topic = named[0].code
    session.state.answered = True
    if session.state.done is Outcome.NOTHING_BOOKED:
        session.state.done = None


def _unknown(session: Session, text: str) -> None:
    session.say(text)
    session.alerts.append(Alert.UNANSWERED)


def _hours(session: Session) -> None:
    clinic, day = session.clinic, session.reading.when.moment.date
    if not clinic.hours:
        _unknown(session, texts.NO_HOURS)
    elif day is not None:
        session.say(wording.hours_of(clinic.hours, day, session.today, clinic.holidays))
    else:
        session.say(f"Nosso horário de atendimento: {wording.week(clinic.hours)}.")


def _address(session: Session) -> None:
    if session.clinic.address:
        session.say(f"Estamos em: {session.clinic.address}.")
    else:
        _unknown(session, texts.NO_ADDRESS)


def _named(session: Session) -> list[Service]:
    codes = entities.match(session.norm, {s.code: s.name for s in session.clinic.services})
    return [s for s in session.clinic.services if s.code in codes]


def _price(session: Session) -> None:
    named = _named(session)
    if not named and session.state.service:
        named = [s for s in session.clinic.services if s.code == session.state.service]
    services = named or list(session.clinic.services)
    priced = [s for s in services if s.price]
    if not priced:
        _unknown(session, "Não tenho esse valor aqui, mas já pedi à nossa equipe que informe.")
    elif len(priced) == 1:
        session.say(f"{priced[0].name}: {wording.price(str(priced[0].price))}.")
    else:
        session.say("Nossos valores:\n" + "\n".join(f"• {s.name}: {wording.price(str(s.price))}" for s in priced))


def _insurance(session: Session) -> None:
    plans, said = session.clinic.insurance, session.reading.entities.insurance
    if not plans:
        session.say("No momento atendemos apenas particular.")
    elif said is None:
        session.say(f"Atendemos {wording.listed(plans)}, e também particular.")
    elif any(fold(said) in fold(plan) or fold(plan) in fold(said) for plan in plans):
        session.say(f"Sim, atendemos {said}.")
    else:
        session.say(f"Não atendemos {said}. Trabalhamos com {wording.listed(plans)}, e também particular.")


def _service(session: Session) -> None:
    named = _named(session)
    said = session.reading.entities.service
    names = wording.listed(s.name for s in session.clinic.services)
    if len(named) == 1:
        service = named[0]
        who = [p.name for p in session.clinic.professionals if service.code in p.services]
        minutes = int(service.duration.total_seconds() // 60)
        with_whom = f" com {wording.listed(who, 'ou')}" if who else ""
        session.say(f"Sim, temos {service.name}{with_whom}. Dura cerca de {minutes} minutos. Quer marcar?")
        session.state.invited = True
    elif said is not None and not named and names:
        session.say(f"Não temos {said} por aqui. Atendemos: {names}.")
    elif names and not named and "quais" not in session.norm and session.norm.split()[:1] != ["o"]:
        _unknown(session, f"Atendemos: {names}. Sobre essa dúvida, já pedi à nossa equipe que responda por aqui.")
    elif names:
        session.say(f"Atendemos: {names}.")
    else:
        _unknown(session, texts.HANDOFF)
