"""Buttons under a reminder or an offer of the waiting list: each acts on exactly the appointment it names.

An old button does what still can be done, and says how things stand otherwise. What was pressed is a text that
somebody sent: it may name anything, and nothing is claimed to be done but what was answered to be.
"""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import diary, searching, texts, whose
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Book,
    Cancel,
    Confirm,
    Decline,
    Done,
    Refused,
    Request,
    Steps,
    Upcoming,
)
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome

_BUTTON = re.compile(r"^(?P<act>confirm|cancel|accept|decline):(?P<appointment>[0-9A-Za-z-]{1,64})$")


def known(pressed: str | None) -> bool:
    """Whether a button's id is one of these."""
    return pressed is not None and bool(_BUTTON.match(pressed))


def press(session: Session) -> Steps:
    """Does what the button says."""
    found = _BUTTON.match(session.message.pressed or "")
    if found is None:
        return
    acts = {"confirm": _confirm, "cancel": _cancel, "accept": _accept, "decline": _decline}
    yield from searching.release(session)
    session.state.reset_flow()
    yield from acts[found["act"]](session, found["appointment"])


def answer_offer(session: Session, offer: str, *, wanted: bool) -> Steps:
    """Does what the buttons under an offer of the waiting list do, for whom says it in words."""
    yield from searching.release(session)
    session.state.reset_flow()
    yield from (_accept if wanted else _decline)(session, offer)


def _confirm(session: Session, key: str) -> Steps:
    standing = yield from _find(session, key)
    if standing is None:
        _over(session, texts.GONE)
        return
    answer = yield Confirm(key)
    if not isinstance(answer, Done):
        yield from _undone(session, key, texts.GONE)
        return
    _achieved(session, Outcome.CONFIRMED, standing)
    session.say(texts.confirmed(diary.told(session, standing)))


def _cancel(session: Session, key: str) -> Steps:
    standing = yield from _find(session, key)
    if standing is None:
        _over(session, texts.GONE)
        return
    answer = yield Cancel(key, "patient")
    if isinstance(answer, Refused) and answer.too_late:
        session.hand_off(Alert.NOTICE, texts.NOTICE)
    elif isinstance(answer, Done):
        _achieved(session, Outcome.CANCELLED, standing)
        session.say(texts.cancelled(diary.told(session, standing)))
    else:
        yield from _undone(session, key, texts.GONE)


def _accept(session: Session, key: str) -> Steps:
    answer = yield Book(key, None)
    booked = yield from _find(session, key)
    if not isinstance(answer, Done) or booked is None:
        lapsed = isinstance(answer, Refused) and answer.lapsed
        _over(session, texts.OFFER_GONE if lapsed else texts.OFFER_OVER)
        return
    _achieved(session, Outcome.BOOKED, booked)
    session.say(texts.booked(diary.describe(session, booked), booked.patient_name, session.clinic))
    session.prepare(booked.service)


def _decline(session: Session, key: str) -> Steps:
    answer = yield Decline(key)
    if isinstance(answer, Done):
        _over(session, texts.OFFER_DECLINED)
    else:
        yield from _undone(session, key, texts.OFFER_OVER)


def _undone(session: Session, key: str, over: str) -> Steps:
    """Says how things stand after a refusal: the appointment may stand all the same, as one that an offer became."""
    if (yield from _find(session, key)) is None:
        _over(session, over)
    else:
        session.say(texts.KEPT)


def _find(session: Session, key: str) -> Generator[Request, Answer, Appointment | None]:
    answer = yield Upcoming()
    items = answer.items if isinstance(answer, Appointments) else ()
    ahead = [a for a in items if a.start > session.now]
    session.state.of_several = whose.several(session, ahead)
    return next((a for a in ahead if a.id == key), None)


def _over(session: Session, text: str) -> None:
    session.say(text)
    session.state.answered = True


def _achieved(session: Session, outcome: Outcome, about: Appointment) -> None:
    """Notes what was achieved; an emergency that a person sees to stays what the conversation is about."""
    if session.state.handed_off and session.state.done is Outcome.EMERGENCY:
        return
    session.state.done = outcome
    session.state.last = about
