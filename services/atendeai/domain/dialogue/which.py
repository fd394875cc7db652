"""Which of the appointments that stand a message means: by whose it is, its day, its hour, its service; pure."""

import re

from atendeai.domain.dialogue import excepting, pairs, whose
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import Appointment
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome, Purpose
from atendeai.domain.understanding.entities import match
from atendeai.domain.understanding.when import Moment, When

SEVERAL = 2
"""So many appointments are several."""
ALL = re.compile(
    r"\b(?:tod[ao]s|(?:ambas|ambos|[ao]s (?:duas|dois))(?P<two>)|[ao]s tres(?P<three>)|"
    r"tudo(?! (?:bem|bom|certo|ok|joia|otimo)))\b(?! (?:horas?|h|hs|e meia|e \d|da (?:tarde|manha|madrugada))\b)"
)
"""All of several are meant, perhaps so many."""
_AT_AN_HOUR = re.compile(r"\bàs (?:duas|três|tres)\b", re.IGNORECASE)
"""Written with its accent it is an hour; "as duas" is both of them."""
_THE_OTHER = re.compile(r"^\W*(?:(?:e|agora|entao|ok|certo|isso)\W+)*(?:a|o) outr[oa]\b")


def meant(session: Session, items: list[Appointment]) -> list[Appointment]:
    """Those of ``items`` that fit the patient, day, hour and professional in the message; all when it says nothing."""
    theirs = whose.narrowed(session, items)
    items = theirs.items or items if theirs is not None else items
    existing: When = session.reading.existing
    moments = list(existing.candidates) or ([] if existing.moment.empty else [existing.moment])
    fitting = [a for a in items if any(fits(a, m) for m in moments)]
    days = {m.date for m in moments} - {session.reading.when.moment.date}
    if not fitting and session.state.purpose is Purpose.RESCHEDULE:
        fitting = [a for a in items if a.start.date() in days]  # "a de quinta pra sexta 9h": the hour is the new one
    if fitting:
        return fitting
    named = [
        a for a in items if (who := session.clinic.professional(a.professional)) and _mentions(session.norm, who.name)
    ]
    if named:
        return named
    codes = match(session.norm, session.clinic.told_apart)
    booked = [s for s in session.clinic.services if any(a.service == s.code for a in items)]
    others = session.state.last is not None or session.state.pending is not None
    if others and not codes:
        codes = [s.code for s in pairs.sharing(session.norm, booked)]  # "a consulta", where it was an exam just now
    return [a for a in items if a.service in codes] or list(items)


def fits(appointment: Appointment, moment: Moment) -> bool:
    """Whether an appointment lies where a moment says, as far as that goes."""
    day, at = appointment.start.date(), appointment.start.time()
    if moment.date is not None and moment.date != day:
        return False
    if moment.date_from is not None and day < moment.date_from:
        return False
    if moment.date_to is not None and day > moment.date_to:
        return False
    return moment.time is None or moment.time == at


def _mentions(norm: str, name: str) -> bool:
    return bool(match(norm, {"it": name}, exact=True))


def just_arranged(session: Session, items: list[Appointment]) -> list[Appointment]:
    """Of one person's appointments the one arranged a moment ago is moved; of several people's it is asked."""
    state = session.state
    moved = state.purpose is Purpose.RESCHEDULE and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}
    last = state.last
    one = last is not None and all(whose.same(a.patient_name or "", last.patient_name or "") for a in items)
    if last is not None and _THE_OTHER.search(session.norm):
        return [a for a in items if a.id != last.id] or items  # "a outra quarta às 9h", of two to be moved
    return [a for a in items if moved and one and last is not None and a.id == last.id] or items


def all_of(session: Session, count: int) -> bool:
    """Whether the message means all of so many appointments: "todas", or "as duas" of two."""
    found = ALL.search(session.norm)
    if found is None or count < SEVERAL or _AT_AN_HOUR.search(session.reading.text.raw):
        return False
    said = 2 if found["two"] is not None else 3 if found["three"] is not None else count
    return said == count


def names_one(session: Session) -> bool:
    """Whether the message names one of several appointments about to be cancelled ("não, só a de amanhã")."""
    targets = session.state.targets
    return len(targets) > 1 and not ALL.search(session.norm) and len(meant(session, targets)) == 1


def names_some(session: Session) -> bool:
    """Whether the message tells some of the appointments at hand from the others."""
    targets = session.state.targets
    return chosen_index(session.norm, len(targets)) is not None or len(meant(session, targets)) < len(targets)


def excepts(session: Session) -> bool:
    """Whether some of several appointments at hand are left alone, and others still to be cancelled."""
    targets = session.state.targets
    return len(targets) > 1 and bool(excepting.left(session, targets, meant))
