"""What concerns appointments that stand: listing, cancelling, moving, confirming."""

import re
from collections.abc import Generator, Sequence

from atendeai.domain.dialogue import (
    diary,
    excepting,
    following,
    narrowing,
    offering,
    reasons,
    searching,
    shifts,
    texts,
    which,
    whose,
    wishing,
    wording,
)
from atendeai.domain.dialogue.alert import Alert
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
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage
from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.when import Moment, When

UNTOLD = "patient"
"""The reason of a cancellation of which the patient told none."""
_SAID = 0.6
"""Above it an intent was said; at or below it was guessed from what else the message holds."""
_ACTS = {Intent.CANCEL: Purpose.CANCEL, Intent.RESCHEDULE: Purpose.RESCHEDULE}
_SAME_TIME = re.compile(
    r"\b(?:n?[oa] )?mesm[oa] (?:hora|horario)\b|\b(?:mantem|mantendo|manter|mantenha) (?:o |esse |"
    r"a )?(?:mesm[oa] )?(?:horario|"
    r"hora)\b|\b(?:horario|hora) (?:pode ser|continua|fica) [oa] mesm[oa]\b|\b(?:so|apenas) (?:mud\w+|troc\w+|"
    r"alter\w+)(?: \w+)? "
    r"(?:o |de )?(?:dia|data)\b"
)
_SAME_DAY = re.compile(
    r"\b(?:n?[oa] )?mesmo dia\b|\b(?:mantem|mantendo|manter|mantenha) (?:o |esse |a )?(?:mesm[oa] )?(?:dia|data)\b|"
    r"\b(?:so|apenas) (?:mud\w+|troc\w+|alter\w+)(?: \w+)? (?:o |a |de )?(?:horario|hora)\b"
)


def begin(session: Session, purpose: Purpose, when: Moment | None = None) -> Steps:
    """Begins to change an appointment: finds which one is meant. ``when``: the new time, said before."""
    state = session.state
    session.changing = True
    items = yield from diary.upcoming(session)
    if purpose is Purpose.CANCEL and _undone_just_now(session):
        session.say(texts.undone_already([diary.told(session, a) for a in items]))
        return
    who = whose.narrowed(session, items)
    if not items or (who is not None and not who.items):
        yield from _nothing_to_change(session, purpose, items, who.said if who else None)
        return
    yield from searching.release(session)
    told_before, spoken = state.reason, state.spoken
    state.reset_flow()
    state.purpose = purpose
    state.reason = reasons.why(session.reading.text) or told_before if purpose is Purpose.CANCEL else None
    state.when = when or state.when
    left = excepting.left(session, items, which.meant) if purpose is Purpose.CANCEL else None
    if left is not None:
        yield from _all_but(session, items, left)
        return
    theirs = who.items if who is not None else items
    everything = which.all_of(session, len(theirs))
    said = session.reading.existing.moment
    meant = list(theirs) if everything and said.date is None and not said.date_from else which.meant(session, theirs)
    if len(meant) > 1 and not everything:
        meant = [a for a in meant if a.id == spoken] or which.just_arranged(session, meant)
    if len(meant) == 1:
        yield from with_target(session, meant[0])
        return
    state.targets = list(meant)
    if everything and purpose is Purpose.CANCEL:
        _ask_for_all(session)
        return
    state.stage = Stage.PICKING
    if purpose is Purpose.RESCHEDULE and not session.reading.when.moment.empty:
        state.when = state.when.merged(session.reading.when.moment)
    _ask_which(session, one_by_one=everything)


def _undone_just_now(session: Session) -> bool:
    """Whether a cancellation was just carried out and the message only says so again ("pode cancelar")."""
    just = session.state.done is Outcome.CANCELLED and session.reading.when.empty and session.says_nothing
    return just and _SAID_AGAIN.search(session.norm) is not None


_SAID_AGAIN = re.compile(
    r"^\W*(?:(?:sim|ok|isso|entao|por favor|ja|e|ta|certo)\W+)*(?:pode(?:m)? )?(?:cancel(?:a|ar|e|ado|ada|em)|"
    r"desmarc(?:a|ar)|desmarque)(?:\W+(?:el[ea]|sim|por favor|entao|isso|ja|obrigad[oa]|ne|mesmo|para mim))*\W*$"
)


def _nothing_to_change(session: Session, purpose: Purpose, items: Sequence[Appointment], who: str | None) -> Steps:
    """Nothing is booked, or nothing for who was named (``who``): what is booked for others is left alone."""
    state = session.state
    sorry = texts.nobodys(who) if who else texts.NO_APPOINTMENTS
    if items:
        yield from searching.release(session)
        state.reset_flow()
        state.answered = True
        session.say(f"{sorry} {texts.standing([diary.told(session, a) for a in items])}")
        return
    if state.later and session.reading.when.empty:
        session.say(sorry)
        following.prepare(session, state.later[0])
        state.purpose = Purpose.BOOK
        yield from wishing.advance(session)
        return
    state.relative = state.relative or who is not None  # what is then booked is for them
    if purpose is Purpose.RESCHEDULE and not session.reading.when.empty:
        session.say(f"{sorry.rstrip('.')}; vou procurar um horário novo.")
        yield from wishing.start(session, Purpose.BOOK)
        return
    named = offering.named(session)
    state.topic = named[0].code if len(named) == 1 else state.topic
    session.invite(sorry, texts.WANTS_ONE)
    state.answered = True


def _ask_which(session: Session, *, one_by_one: bool = False) -> None:
    question = texts.which_appointment([diary.told(session, a) for a in session.state.targets])
    session.say(f"{texts.MOVES_ONE_BY_ONE} {question}" if one_by_one else question, Asks.DATE, again=question)


def another_named(session: Session) -> Generator[Request, Answer, bool]:
    """Takes a message that says whose appointment is meant, where another's is at hand ("não, a do Pedro")."""
    state, reading = session.state, session.reading
    if state.purpose not in {Purpose.CANCEL, Purpose.RESCHEDULE}:
        return False
    if reading.intent is Intent.BOOK and reading.confidence > _SAID:
        return False
    at_hand = [state.target] if state.target is not None else list(state.targets)
    everything = state.purpose is Purpose.CANCEL and bool(which.ALL.search(session.norm))
    items = (yield from diary.upcoming(session)) if state.of_several or everything else at_hand
    who = whose.narrowed(session, items)
    ids = {a.id for a in at_hand}
    others = who is not None and not ids & {a.id for a in who.items}
    mine = state.target is not None and whose.speaks_of_own(session) and not whose.is_own(session, state.target)
    more = everything and len(at_hand) == 1 and which.all_of(session, len(items))
    if not at_hand or not (others or (mine and state.of_several) or more):
        return False
    purpose = _ACTS.get(reading.intent, state.purpose)
    moving = purpose is state.purpose is Purpose.RESCHEDULE
    yield from begin(session, purpose, state.when if moving else None)
    return True


def picking(session: Session) -> Steps:
    """The patient says which of several appointments is meant."""
    state = session.state
    left = excepting.left(session, state.targets, which.meant) if state.purpose is Purpose.CANCEL else None
    if left is not None:
        yield from _all_but(session, state.targets, left)
        return
    everything = which.all_of(session, len(state.targets))
    if state.purpose is Purpose.CANCEL and everything:
        _ask_for_all(session)
        return
    index = chosen_index(session.norm, len(state.targets))
    meant = [state.targets[index]] if index is not None else which.meant(session, state.targets)
    if len(meant) != 1:
        _ask_which(session, one_by_one=everything)
        return
    yield from with_target(session, meant[0], picked=True)


def _all_but(session: Session, items: Sequence[Appointment], left: list[Appointment]) -> Steps:
    """Asks about those that are ``left`` of ``items``, or which, where it is not plain which ones stay."""
    state = session.state
    if len(left) == 1:
        yield from with_target(session, left[0])
        return
    if not left and len(items) < which.SEVERAL:
        kept(session)
        return
    state.target, state.targets = None, left or list(items)
    if left:
        _ask_for_all(session)
        return
    state.stage = Stage.PICKING
    _ask_which(session)


def _ask_for_all(session: Session) -> None:
    session.state.stage = Stage.CANCELLING
    session.say(texts.ask_cancel(_together(session, session.state.targets)), Asks.CONFIRMATION)


def _together(session: Session, items: Sequence[Appointment]) -> str:
    """Several in one sentence; of several people each on a line of its own."""
    each = [diary.told(session, a) for a in items]
    apart = session.state.of_several and len(each) >= which.SEVERAL
    return "".join(f"\n• {one}" for one in each) if apart else wording.listed(each)


def cancelling(session: Session, *, sure: bool) -> Steps:
    """The last word on a cancellation."""
    state = session.state
    targets = [state.target] if state.target is not None else list(state.targets)
    if not targets or not sure:
        kept(session)
        return
    if (yield from _changed_meanwhile(session, targets)):
        return
    undone: list[Appointment] = []
    answer: Answer = Done()
    reason = reasons.why(session.reading.text) or state.reason or UNTOLD
    for target in targets:
        answer = yield Cancel(target.id, reason)
        if not isinstance(answer, Done):
            break
        undone.append(target)
    if undone:
        state.reset_flow()
        state.done = Outcome.CANCELLED
        state.last = undone[0]
        session.say(texts.cancelled(_together(session, undone)))
    if isinstance(answer, Refused) and answer.too_late:
        session.hand_off(Alert.NOTICE, texts.NOTICE)
    elif not isinstance(answer, Done):
        session.hand_off(Alert.TROUBLE, texts.TROUBLE)


def ask_again(session: Session, target: Appointment) -> None:
    """Asks once more for the last word on a cancellation."""
    session.say(texts.ask_cancel(diary.told(session, target)), Asks.CONFIRMATION)


def _changed_meanwhile(session: Session, targets: Sequence[Appointment]) -> Generator[Request, Answer, bool]:
    """Whether the clinic moved or cancelled what the patient was asked about: asks about it anew, or says so."""
    state = session.state
    answer = yield Upcoming()
    now = {a.id: a for a in answer.items} if isinstance(answer, Appointments) else {t.id: t for t in targets}
    standing = [now[t.id] for t in targets if t.id in now]
    if [_place(a) for a in standing] == [_place(t) for t in targets] or any(t.start <= session.now for t in targets):
        return False
    if not standing:
        state.reset_flow()
        session.say(texts.GONE)
        state.answered = True
        return True
    state.target, state.targets = (standing[0], []) if len(standing) == 1 else (None, standing)
    state.stage = Stage.CANCELLING
    session.say(texts.ask_cancel(wording.listed(diary.told(session, a) for a in standing)), Asks.CONFIRMATION)
    return True


def _place(appointment: Appointment) -> tuple[object, ...]:
    return appointment.id, appointment.start, appointment.professional, appointment.service


def kept(session: Session) -> None:
    """The patient leaves what stands as it is."""
    several = len(session.state.targets) > 1
    session.state.reset_flow()
    session.say(texts.KEPT_ALL if several else texts.KEPT)


def move_instead(session: Session) -> Steps:
    """Asked to confirm a cancellation, the patient names another time: the appointment is moved to it.

    Of several it is asked which.
    """
    state, target, targets = session.state, session.state.target, session.state.targets
    state.reset_flow()
    state.purpose = Purpose.RESCHEDULE
    if target is not None:
        yield from with_target(session, target)
        return
    state.stage, state.targets = Stage.PICKING, targets
    state.when = session.reading.when.moment
    _ask_which(session)


def with_target(session: Session, target: Appointment, *, picked: bool = False) -> Steps:
    """Goes on with the appointment that is meant."""
    state = session.state
    state.target = target
    state.targets = []
    if state.purpose is Purpose.CANCEL:
        state.stage = Stage.CANCELLING
        state.reason = reasons.why(session.reading.text) or state.reason
        movable = bool(diary.CANNOT.search(session.norm)) and "cancel" not in session.norm
        session.say(texts.ask_cancel(diary.told(session, target), movable=movable), Asks.CONFIRMATION)
        return
    if state.purpose is Purpose.CONFIRM:
        yield from _confirm(session, target)
        return
    state.service = target.service
    said_when(session)
    if not picked or _says_another_time(session, target):
        session.absorb()
        state.service = target.service
    if state.professional is None:
        state.professional = target.professional
    shifted = narrowing.relative(session, target.start, target.start)
    if shifted is not None:
        state.when = state.when.merged(shifted)
    keeps_hour = bool(_SAME_TIME.search(session.norm)) and state.when.time in {None, target.start.time()}
    keeps_hour = keeps_hour and state.when.time_from is state.when.time_to is None
    if keeps_hour:
        state.when = state.when.merged(Moment(time=target.start.time()))
    if state.when.has_time and not state.when.has_day and not keeps_hour:
        state.when = state.when.merged(Moment(date=target.start.date()))
    yield from wishing.advance(session)


def _says_another_time(session: Session, target: Appointment) -> bool:
    """Whether the message that picks an appointment also says when it is to be ("a da Bia, pra sexta de tarde")."""
    said = parse(session.norm, session.now, hours=session.clinic.hours or None, role=Role.NEW)
    moments = said.candidates or (said.moment,)
    if said.empty or any(which.fits(target, moment) for moment in moments):
        return False
    session.reread(said)
    return True


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
    session.say(texts.confirmed(diary.told(session, target)))


def confirm(session: Session) -> Steps:
    """The patient says they will come: to the one they name, were reminded of last, or come to next."""
    items = yield from diary.upcoming(session)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
        return
    who = whose.narrowed(session, items)
    if who is not None and not who.items:
        yield from _nothing_to_change(session, Purpose.CONFIRM, items, who.said)
        return
    meant = which.meant(session, items)
    yield from _confirm(session, next((a for a in meant if a.id == session.reminded_of), meant[0]))


def answer_with_time(session: Session) -> Generator[Request, Answer, bool]:
    """An answer to a reminder that names a time: the appointment's own confirms it, another moves it.

    False when the patient has no appointment.
    """
    items = yield from diary.upcoming(session)
    said = session.reading.when
    moments = list(said.candidates) or [said.moment]
    if not items:
        return False
    if any(which.fits(items[0], m) for m in moments):
        yield from _confirm(session, items[0])
    else:
        yield from begin(session, Purpose.RESCHEDULE)
    return True


def declined(session: Session) -> Steps:
    """The patient says no to a reminder: asks whether to move or to cancel."""
    items = yield from diary.upcoming(session)
    if not items:
        session.invite(texts.NO_APPOINTMENTS, texts.WANTS_ONE)
        return
    session.state.reset_flow()
    session.state.reason = reasons.why(session.reading.text)
    session.state.stage = Stage.REMINDED
    session.say(texts.MOVE_OR_CANCEL, Asks.CONFIRMATION)
