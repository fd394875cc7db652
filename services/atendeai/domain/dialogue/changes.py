"""What concerns appointments that stand: listing, cancelling, moving, confirming."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import booking, texts, wording
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Cancel,
    Confirm,
    Done,
    Request,
    Steps,
    Upcoming,
)
from atendeai.domain.dialogue.session import Alert, Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import Moment, When

_ALL = re.compile(r"\b(?:tod[ao]s|ambas|ambos|as duas|os dois|as tres|tudo)\b")


def listing(session: Session) -> Steps:
    """Tells the patient what is booked for them."""
    items = yield from _upcoming(session)
    if not items:
        session.say(texts.NO_APPOINTMENTS)
        session.state.invited = True
    elif len(items) == 1:
        session.say(f"Você tem marcado: {_describe(session, items[0])}.")
    else:
        session.say("Você tem marcado:\n" + wording.numbered([_describe(session, a) for a in items]))
    session.state.answered = True


def begin(session: Session, purpose: Purpose) -> Steps:
    """Begins to change an appointment: finds which one is meant."""
    state = session.state
    items = yield from _upcoming(session)
    if not items:
        if purpose is Purpose.RESCHEDULE and not session.reading.when.empty:
            session.say("Não encontrei nenhuma consulta sua marcada; vou procurar um horário novo.")
            yield from booking.start(session, Purpose.BOOK)
            return
        session.say(texts.NO_APPOINTMENTS)
        state.answered = True
        return
    yield from booking.release(session)
    state.reset_flow()
    state.purpose = purpose
    meant = _meant(session, items)
    if len(meant) == 1:
        yield from _with_target(session, meant[0])
        return
    state.stage = Stage.PICKING
    state.targets = list(meant)
    if purpose is Purpose.RESCHEDULE and not session.reading.when.moment.empty:
        state.when = session.reading.when.moment
    session.say(texts.which_appointment([_describe(session, a) for a in meant]), Asks.DATE)


def picking(session: Session) -> Steps:
    """The patient says which of several appointments is meant."""
    state = session.state
    if state.purpose is Purpose.CANCEL and _ALL.search(session.norm):
        state.stage = Stage.CANCELLING
        what = wording.listed(_describe(session, a) for a in state.targets)
        session.say(texts.ask_cancel(what), Asks.CONFIRMATION)
        return
    index = chosen_index(session.norm, len(state.targets))
    meant = [state.targets[index]] if index is not None else _meant(session, state.targets)
    if len(meant) != 1:
        session.say(texts.which_appointment([_describe(session, a) for a in state.targets]), Asks.DATE)
        return
    yield from _with_target(session, meant[0], picked=True)


def cancelling(session: Session, *, sure: bool) -> Steps:
    """The last word on a cancellation."""
    state = session.state
    targets = [state.target] if state.target is not None else list(state.targets)
    if not targets or not sure:
        state.reset_flow()
        session.say(texts.KEPT)
        return
    for target in targets:
        answer = yield Cancel(target.id, "patient")
        if not isinstance(answer, Done):
            session.hand_off(Alert.TROUBLE, texts.TROUBLE)
            return
    state.reset_flow()
    state.done = Outcome.CANCELLED
    state.last = targets[0]
    session.say(texts.cancelled(wording.listed(_describe(session, target) for target in targets)))


def move_instead(session: Session) -> Steps:
    """Asked to confirm a cancellation, the patient names another time: the appointment is moved to it."""
    state, target = session.state, session.state.target
    state.reset_flow()
    if target is not None:
        state.purpose = Purpose.RESCHEDULE
        yield from _with_target(session, target)


def _with_target(session: Session, target: Appointment, *, picked: bool = False) -> Steps:
    """Goes on with the appointment that is meant."""
    state = session.state
    state.target = target
    state.targets = []
    if state.purpose is Purpose.CANCEL:
        state.stage = Stage.CANCELLING
        session.say(texts.ask_cancel(_describe(session, target)), Asks.CONFIRMATION)
        return
    if state.purpose is Purpose.CONFIRM:
        yield from _confirm(session, target)
        return
    state.service = target.service
    if not picked:
        session.absorb()
        state.service = target.service
    if state.professional is None:
        state.professional = target.professional
    if state.when.has_time and not state.when.has_day:
        state.when = state.when.merged(Moment(date=target.start.date()))
    yield from booking.advance(session)


def _confirm(session: Session, target: Appointment) -> Steps:
    answer = yield Confirm(target.id)
    if not isinstance(answer, Done):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)
        return
    session.state.reset_flow()
    session.state.done = Outcome.CONFIRMED
    session.state.last = target
    session.say(texts.confirmed(_describe(session, target)))


def confirm(session: Session) -> Steps:
    """The patient says they will come: the next appointment, or the one they name."""
    items = yield from _upcoming(session)
    if not items:
        session.say(texts.NO_APPOINTMENTS)
        return
    meant = _meant(session, items)
    yield from _confirm(session, meant[0])


def declined(session: Session) -> Steps:
    """The patient says no to a reminder: asks whether to move or to cancel."""
    items = yield from _upcoming(session)
    if not items:
        session.say(texts.NO_APPOINTMENTS)
        return
    session.state.reset_flow()
    session.state.stage = Stage.REMINDED
    session.say(texts.MOVE_OR_CANCEL, Asks.CONFIRMATION)


def _upcoming(session: Session) -> Generator[Request, Answer, list[Appointment]]:
    answer = yield Upcoming()
    items = answer.items if isinstance(answer, Appointments) else ()
    return [a for a in items if a.start > session.now]


def _meant(session: Session, items: list[Appointment]) -> list[Appointment]:
    """Those of ``items`` that fit what the message says about day, hour and professional; all when it says nothing."""
    existing: When = session.reading.existing
    moments = list(existing.candidates) or ([] if existing.moment.empty else [existing.moment])
    fitting = [a for a in items if any(_fits(a, m) for m in moments)]
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


def _fits(appointment: Appointment, moment: Moment) -> bool:
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


def _describe(session: Session, appointment: Appointment) -> str:
    return texts.described(
        session.clinic, appointment.service, appointment.professional, appointment.start, session.today
    )
