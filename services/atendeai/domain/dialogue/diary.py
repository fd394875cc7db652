"""What the patient has in the diary: looking it up, telling it, and whether a message speaks of it."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import texts, which, whose
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.ports import Answer, Appointment, Appointments, Request, Steps, Upcoming
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Purpose
from atendeai.domain.understanding.entities import match
from atendeai.domain.understanding.when import Moment

_LATE_MINUTES = 240
"""An appointment that began so long ago may be the one somebody is late for."""
CANNOT = re.compile(r"\bnao (?:(?:vou )?(?:posso|consig\w+|poderei|poder|dou conta)|da\b|vai dar|dara|tenho como|vou)")
_OF_MINE = re.compile(
    r"\b(?:minha|meu) (?:consulta|sessao|exame|retorno|horario|avaliacao|terapia|limpeza)\b|"
    r"\b(?:eu )?tenho (?:(?:uma?|a|o|minha|meu) )?[a-z]{3,}(?: [a-z]+){0,3} "
    r"(?:hoje|amanha|segunda|terca|quarta|quinta|sexta|sabado|dia \d)"
)
_WISHED = re.compile(
    r"\b(?:marcar?|marque|agendar?|agende|quero|queria|gostaria|preciso|cancel\w+|desmar\w+|confirm\w+)\b"
)
_HAS = re.compile(
    r"\b(?:tenho|tinha|temos|tinhamos|ficou|esta|estava|estao|foi)\b[^.?!]{0,40}\b(?:marcad|agendad)[oa]s?\b|"
    r"\b(?:eu )?(?:ja )?(?:marquei|agendei|marcamos|agendamos)\b|"
    r"\btenho (?:\w+ ){0,2}(?:coisas?|consultas?|exames?|horarios?|sess(?:ao|oes))\b|"
    r"\b(?:minha|meu) (?:[a-z]+ ){1,3}(?:e|esta|ficou|era|seria)\b|\b(?:consulta|exame|sessao|retorno|horario) "
    r"d[aeo] \w+ e\b"
)
"""Words for what one has already."""
_MINE_IS = re.compile(
    r"\b(?:minha|meu) (?:consulta|sessao|exame|retorno|horario|avaliacao|terapia)\b(?: [a-z.]+){0,5} "
    r"(?:e|esta|ficou|era) (?:(?:marcad[oa]|agendad[oa]|para|n[ao]|dia|as) )*(?:hoje|amanha|segunda|terca|quarta|"
    r"quinta|"
    r"sexta|sabado|domingo|\d)"
)
_MOVES = re.compile(r"\b(?:remarc|reagend)\w*")


def upcoming(session: Session) -> Generator[Request, Answer, list[Appointment]]:
    """The patient's appointments that lie ahead, soonest first."""
    answer = yield Upcoming()
    items = answer.items if isinstance(answer, Appointments) else ()
    ahead = [a for a in items if a.start > session.now]
    session.state.of_several = whose.several(session, ahead)
    return ahead


def told(session: Session, appointment: Appointment) -> str:
    """An appointment in words, with its patient's name where there are several."""
    return texts.described(
        session.clinic,
        appointment.service,
        appointment.professional,
        appointment.start,
        session.today,
        session.patient_of(appointment),
    )


def describe(session: Session, appointment: Appointment) -> str:
    """An appointment in words, without the name of anybody but who works here."""
    return texts.described(
        session.clinic, appointment.service, appointment.professional, appointment.start, session.today
    )


def listing(session: Session) -> Steps:
    """Tells the patient what is booked for them."""
    items = yield from upcoming(session)
    who = whose.narrowed(session, items)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
    elif who is not None and not who.items:
        session.say(f"{texts.nobodys(who.said)} {texts.standing([told(session, a) for a in items])}")
    else:
        shown = who.items if who else items
        session.say(texts.standing([told(session, a) for a in shown]))
        spoken = [a for a in shown if _named(session, a)] or shown
        session.state.spoken = spoken[0].id if len(spoken) == 1 else None
    session.state.answered = True


def late(session: Session) -> Steps:
    """Somebody is on the way: the reception is told, and the patient when nothing is booked for today."""
    answer = yield Upcoming(begun=_LATE_MINUTES)
    items = answer.items if isinstance(answer, Appointments) else ()
    today = [a for a in items if a.start.date() == session.today]
    ahead = [a for a in items if a.start > session.now]
    if today or session.message.reminded:
        session.say(texts.LATE)
    else:
        session.say(texts.late_without(describe(session, ahead[0]) if ahead else None))
    session.alerts.append(Alert.LATE)
    session.state.answered = True


def ruled_out(session: Session) -> Generator[Request, Answer, bool]:
    """Whether the message rules out the time of an appointment that stands ("amanhã não consigo, tem sexta?")."""
    said = session.reading.existing
    moments = list(said.candidates) or ([] if said.moment.empty else [said.moment])
    if not CANNOT.search(session.norm) or not moments:
        return False
    items = yield from upcoming(session)
    return any(which.fits(a, m) for a in items for m in moments)


def of_standing(session: Session) -> Generator[Request, Answer, bool]:
    """Whether the message speaks of an appointment that stands and wishes for no other, nor asks anything.

    "Minha sessão de amanhã com a Ana, a empresa me mandou pro Rio"; "tenho RPG segunda 17h e marcaram reunião em cima".
    """
    said, norm = session.reading.existing, session.norm
    moments = [m for m in (said.moment, *said.candidates, session.reading.when.moment) if m.date is not None]
    if not moments or "?" in norm or not _OF_MINE.search(norm) or _WISHED.search(norm):
        return False
    items = yield from upcoming(session)
    return any(which.fits(a, m) for a in items for m in moments)


def tells(session: Session) -> Generator[Request, Answer, bool]:
    """Whether the message does nothing but name appointments that stand ("a consulta do Bernardo é amanhã às 11, né?").

    What lies exactly where one of the patient's lies is no wish for another, nor is what they say they have.
    """
    norm = session.norm
    moments = _moments(session)
    has = _HAS.search(norm) is not None
    if _WISHED.search(norm) or not (has or any(m.date is not None for m in moments)):
        return False
    items = yield from upcoming(session)
    codes = set(match(norm, session.clinic.told_apart))
    if codes and not has and codes.isdisjoint(a.service for a in items):
        return False  # of another service
    dated = [m for m in moments if m.date is not None]
    there = [a for a in items if any(which.fits(a, m) for m in dated)]
    exact = any(m.time is not None for m in dated)
    if dated and _MINE_IS.search(norm):
        return True  # at a time when nothing lies: what does is told
    if dated:
        return bool(there) and (has or (exact and (not codes or any(a.service in codes for a in there))))
    return bool(codes)


def _named(session: Session, appointment: Appointment) -> bool:
    """Whether the message says when an appointment is, or what for."""
    at = [m for m in _moments(session) if m.date is not None]
    if at:
        return any(which.fits(appointment, m) for m in at)
    return appointment.service in match(session.norm, session.clinic.told_apart)


def _moments(session: Session) -> list[Moment]:
    said, wanted = session.reading.existing, session.reading.when
    return [m for m in (said.moment, *said.candidates, wanted.moment, *wanted.candidates) if not m.empty]


def stands_already(session: Session) -> Generator[Request, Answer, bool]:
    """Whether "remarca" is said of what stands though the same was about to be booked ("então remarca pra sexta")."""
    state = session.state
    if state.purpose is not Purpose.BOOK or not _MOVES.search(session.norm):
        return False
    items = yield from upcoming(session)
    return any(a.service == state.service and not (state.for_other and whose.is_own(session, a)) for a in items)
