"""What concerns appointments that stand: listing, cancelling, moving, confirming."""

import re
from collections.abc import Generator, Sequence

from atendeai.domain.dialogue import booking, narrowing, shifts, texts, wording
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Cancel,
    Confirm,
    Done,
    Refused,
    Request,
    Steps,
    Upcoming,
)
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import Moment, When

_LATE_MINUTES = 240
"""An appointment that began so long ago may be the one somebody is late for."""
_ALL = re.compile(r"\b(?:tod[ao]s|ambas|ambos|as duas|os dois|as tres|tudo)\b")
_SAME_TIME = re.compile(
    r"\b(?:n?[oa] )?mesm[oa] (?:hora|horario)\b|\b(?:mantem|mantendo|manter|mantenha) (?:o |esse |"
    r"a )?(?:mesm[oa] )?(?:horario|"
    r"hora)\b|\b(?:horario|hora) (?:pode ser|continua|fica) [oa] mesm[oa]\b|\b(?:so|apenas) (?:mud\w+|troc\w+|"
    r"alter\w+)(?: \w+)? "
    r"(?:o |de )?(?:dia|data)\b"
)
_CANNOT = re.compile(r"\bnao (?:(?:vou )?(?:posso|consig\w+|poderei|poder|dou conta)|da\b|vai dar|dara|tenho como|vou)")
_SAME_DAY = re.compile(
    r"\b(?:n?[oa] )?mesmo dia\b|\b(?:mantem|mantendo|manter|mantenha) (?:o |esse |a )?(?:mesm[oa] )?(?:dia|data)\b|"
    r"\b(?:so|apenas) (?:mud\w+|troc\w+|alter\w+)(?: \w+)? (?:o |a |de )?(?:horario|hora)\b"
)


def listing(session: Session) -> Steps:
    """Tells the patient what is booked for them."""
    items = yield from upcoming(session)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
    elif len(items) == 1:
        session.say(f"Você tem marcado: {describe(session, items[0])}.")
    else:
        session.say("Você tem marcado:\n" + wording.numbered([describe(session, a) for a in items]))
    session.state.answered = True


def begin(session: Session, purpose: Purpose) -> Steps:
    """Begins to change an appointment: finds which one is meant."""
    state = session.state
    items = yield from upcoming(session)
    if not items:
        if purpose is Purpose.RESCHEDULE and not session.reading.when.empty:
            session.say("Não encontrei nenhuma consulta sua marcada; vou procurar um horário novo.")
            yield from booking.start(session, Purpose.BOOK)
            return
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
        state.answered = True
        return
    yield from booking.release(session)
    state.reset_flow()
    state.purpose = purpose
    everything = purpose is Purpose.CANCEL and len(items) > 1 and bool(_ALL.search(session.norm))
    meant = items if everything and session.reading.existing.moment.date is None else _meant(session, items)
    if len(meant) > 1 and state.last is not None and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED}:
        meant = [a for a in meant if a.id == state.last.id] or meant  # what was arranged a moment ago
    if len(meant) == 1:
        yield from with_target(session, meant[0])
        return
    state.targets = list(meant)
    if everything:
        _ask_for_all(session)
        return
    state.stage = Stage.PICKING
    if purpose is Purpose.RESCHEDULE and not session.reading.when.moment.empty:
        state.when = session.reading.when.moment
    session.say(texts.which_appointment([describe(session, a) for a in meant]), Asks.DATE)


def picking(session: Session) -> Steps:
    """The patient says which of several appointments is meant."""
    state = session.state
    if state.purpose is Purpose.CANCEL and _ALL.search(session.norm):
        _ask_for_all(session)
        return
    index = chosen_index(session.norm, len(state.targets))
    meant = [state.targets[index]] if index is not None else _meant(session, state.targets)
    if len(meant) != 1:
        session.say(texts.which_appointment([describe(session, a) for a in state.targets]), Asks.DATE)
        return
    yield from with_target(session, meant[0], picked=True)


def _ask_for_all(session: Session) -> None:
    session.state.stage = Stage.CANCELLING
    what = wording.listed(describe(session, a) for a in session.state.targets)
    session.say(texts.ask_cancel(what), Asks.CONFIRMATION)


def cancelling(session: Session, *, sure: bool) -> Steps:
    """The last word on a cancellation."""
    state = session.state
    targets = [state.target] if state.target is not None else list(state.targets)
    if not targets or not sure:
        kept(session)
        return
    for target in targets:
        answer = yield Cancel(target.id, "patient")
        if isinstance(answer, Refused) and answer.too_late:
            session.hand_off(Alert.NOTICE, texts.NOTICE)
            return
        if not isinstance(answer, Done):
            session.hand_off(Alert.TROUBLE, texts.TROUBLE)
            return
    state.reset_flow()
    state.done = Outcome.CANCELLED
    state.last = targets[0]
    session.say(texts.cancelled(wording.listed(describe(session, target) for target in targets)))


def names_one(session: Session) -> bool:
    """Whether the message names one of several appointments about to be cancelled ("não, só a de amanhã")."""
    targets = session.state.targets
    return len(targets) > 1 and not _ALL.search(session.norm) and len(_meant(session, targets)) == 1


def kept(session: Session) -> None:
    """The patient leaves what stands as it is."""
    session.state.reset_flow()
    session.say(texts.KEPT)


def move_instead(session: Session) -> Steps:
    """Asked to confirm a cancellation, the patient names another time: the appointment is moved to it."""
    state, target = session.state, session.state.target
    state.reset_flow()
    if target is not None:
        state.purpose = Purpose.RESCHEDULE
        yield from with_target(session, target)


def with_target(session: Session, target: Appointment, *, picked: bool = False) -> Steps:
    """Goes on with the appointment that is meant."""
    state = session.state
    state.target = target
    state.targets = []
    if state.purpose is Purpose.CANCEL:
        state.stage = Stage.CANCELLING
        movable = bool(_CANNOT.search(session.norm)) and "cancel" not in session.norm
        session.say(texts.ask_cancel(describe(session, target), movable=movable), Asks.CONFIRMATION)
        return
    if state.purpose is Purpose.CONFIRM:
        yield from _confirm(session, target)
        return
    state.service = target.service
    said_when(session)
    if not picked:
        session.absorb()
        state.service = target.service
    if state.professional is None:
        state.professional = target.professional
    shifted = narrowing.relative(session, target.start, target.start)
    if shifted is not None:
        state.when = state.when.merged(shifted)
    keeps_hour = bool(_SAME_TIME.search(session.norm)) and not state.when.has_time
    if keeps_hour:
        state.when = state.when.merged(Moment(time=target.start.time()))
    if state.when.has_time and not state.when.has_day and not keeps_hour:
        state.when = state.when.merged(Moment(date=target.start.date()))
    yield from booking.advance(session)


def said_when(session: Session) -> None:
    """Reads a time that is said by the appointment to be moved: "adiar uma semana", "no mesmo dia"."""
    target, said = session.state.target, session.reading.when
    if target is None:
        return
    shifted = shifts.shifted(session.norm, target.start)
    if shifted is not None:
        session.reread(When(moment=shifted))
    elif _SAME_DAY.search(session.norm) and said.moment.date is None and not said.candidates:
        session.reread(When(moment=Moment(date=target.start.date()).merged(said.moment)))
    elif _SAME_TIME.search(session.norm) and not said.moment.has_time and not said.invalid:
        hour = Moment(time=target.start.time())
        session.reread(When(said.moment.merged(hour) if not said.candidates else Moment(), _at(said.candidates, hour)))


def _at(days: Sequence[Moment], hour: Moment) -> tuple[Moment, ...]:
    return tuple(day if day.has_time else day.merged(hour) for day in days)


def _confirm(session: Session, target: Appointment) -> Steps:
    answer = yield Confirm(target.id)
    if not isinstance(answer, Done):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    session.state.reset_flow()
    session.state.done = Outcome.CONFIRMED
    session.state.last = target
    session.say(texts.confirmed(describe(session, target)))


def confirm(session: Session) -> Steps:
    """The patient says they will come: to the one they name, were reminded of last, or come to next."""
    items = yield from upcoming(session)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
        return
    meant = _meant(session, items)
    yield from _confirm(session, next((a for a in meant if a.id == session.reminded_of), meant[0]))


def answer_with_time(session: Session) -> Generator[Request, Answer, bool]:
    """An answer to a reminder that names a time: the appointment's own confirms it, another moves it.

    False when the patient has no appointment.
    """
    items = yield from upcoming(session)
    said = session.reading.when
    moments = list(said.candidates) or [said.moment]
    if not items:
        return False
    if any(fits(items[0], m) for m in moments):
        yield from _confirm(session, items[0])
    else:
        yield from begin(session, Purpose.RESCHEDULE)
    return True


def ruled_out(session: Session) -> Generator[Request, Answer, bool]:
    """Whether the message rules out the time of an appointment that stands ("amanhã não consigo, tem sexta?")."""
    said = session.reading.existing
    moments = list(said.candidates) or ([] if said.moment.empty else [said.moment])
    if not _CANNOT.search(session.norm) or not moments:
        return False
    items = yield from upcoming(session)
    return any(fits(a, m) for a in items for m in moments)


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


def declined(session: Session) -> Steps:
    """The patient says no to a reminder: asks whether to move or to cancel."""
    items = yield from upcoming(session)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
        return
    session.state.reset_flow()
    session.state.stage = Stage.REMINDED
    session.say(texts.MOVE_OR_CANCEL, Asks.CONFIRMATION)


def upcoming(session: Session) -> Generator[Request, Answer, list[Appointment]]:
    """The patient's appointments that lie ahead, soonest first."""
    answer = yield Upcoming()
    items = answer.items if isinstance(answer, Appointments) else ()
    return [a for a in items if a.start > session.now]


def _meant(session: Session, items: list[Appointment]) -> list[Appointment]:
    """Those of ``items`` that fit what the message says about day, hour and professional; all when it says nothing."""
    existing: When = session.reading.existing
    moments = list(existing.candidates) or ([] if existing.moment.empty else [existing.moment])
    fitting = [a for a in items if any(fits(a, m) for m in moments)]
    if fitting:
        return fitting
    named = [
        a for a in items if (who := session.clinic.professional(a.professional)) and _mentions(session.norm, who.name)
    ]
    if named:
        return named
    telling = {s.code: s.name for s in session.clinic.services if set(fold(s.name).split()) - GENERIC}
    codes = match(session.norm, telling)
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


def describe(session: Session, appointment: Appointment) -> str:
    """An appointment in words."""
    return texts.described(
        session.clinic, appointment.service, appointment.professional, appointment.start, session.today
    )
