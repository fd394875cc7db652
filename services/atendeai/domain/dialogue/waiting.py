"""The waiting list: offered where a day is full, joined on the patient's word."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import booking, texts, wording
from atendeai.domain.dialogue.ports import Answer, Done, JoinWaitlist, Request, Steps
from atendeai.domain.dialogue.session import Alert, Session, name_answer
from atendeai.domain.dialogue.state import Asks, Outcome, Stage, Wish
from atendeai.domain.understanding.when import Moment

_WANTS = re.compile(
    r"\b(?:lista de espera|fila de espera|(?:me )?(?:avis\w+|cham\w+)[^.?!]{0,20}?\b(?:se|quando|caso)\b[^.?!]{0,20}?"
    r"(?:abr\w+|surg\w+|aparec\w+|vag\w+|desist\w+|cancel\w+)|"
    r"(?:coloc\w+|po[em]|bota|quero|pode|entr\w+|fic\w+)[^.?!]{0,25}?\b(?:lista|fila|espera)\b)\b"
)
_LEAVES = re.compile(
    r"\b(?:tir\w+|remov\w+|exclu\w+|retir\w+|sair|saio|cancel\w+|desist\w+)\b[^.?!]{0,25}?\b(?:lista|fila)\b"
)
_REFUSES = re.compile(r"\bnao\b[^.?!]{0,20}\b(?:lista|fila|espera)\b")


def take(session: Session, asked: Asks | None) -> Generator[Request, Answer, bool]:
    """Takes the message when the patient wants to wait, or gives the name for it."""
    state = session.state
    if state.stage is Stage.LISTING and asked is Asks.NAME:
        name = name_answer(session.reading.text.raw, for_other=state.for_other)
        if name is not None:
            state.name = name
            yield from join(session)
            return True
        return False
    if _LEAVES.search(session.norm) and ("espera" in session.norm or "fila" in session.norm or state.full is not None):
        # Which of several wishes is meant a person sees at once; the patient is told what happens, not that it did.
        session.say(texts.LEAVES_WAITLIST)
        session.alerts.append(Alert.UNANSWERED)
        state.answered = True
        return True
    if not session.clinic.waiting_list or not _WANTS.search(session.norm) or _REFUSES.search(session.norm):
        return False
    if state.full is None and state.service is not None and state.when.has_day:
        state.full = Wish(state.service, state.when, state.asked_for)
    if state.full is None:
        return False
    yield from ask_or_join(session)
    return True


def ask_or_join(session: Session) -> Steps:
    """Joins for what was wished, or asks for the name first."""
    yield from booking.release(session)
    if session.name_missing:
        session.state.stage = Stage.LISTING
        session.say(texts.ASK_NAME, Asks.NAME)
        return
    yield from join(session)


def join(session: Session) -> Steps:
    """Joins for what was wished."""
    state, wish = session.state, session.state.full
    if wish is None:
        return
    when = wish.when
    first = max(when.date or when.date_from or session.today, session.today)
    answer = yield JoinWaitlist(
        service=wish.service,
        date_from=first,
        date_to=max(first, when.date or when.date_to or first),
        patient_name=session.name or "Paciente",
        professional=wish.professional,
    )
    state.reset_flow()
    state.full = None
    if state.last is None:
        state.done = Outcome.NOTHING_BOOKED
    if isinstance(answer, Done):
        days = wording.wish(Moment(date=when.date, date_from=when.date_from, date_to=when.date_to), session.today)
        session.say(texts.waitlisted(days))
    else:
        session.say(texts.WAITLIST_FAILED)
        session.alerts.append(Alert.UNANSWERED)
