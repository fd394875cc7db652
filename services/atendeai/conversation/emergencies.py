"""Emergencies among what waits: found and answered from their own words, without asking anybody; pure."""

from collections.abc import Sequence
from datetime import datetime

from atendeai.conversation.batch import as_one, wants_answer
from atendeai.conversation.repository import Unhandled
from atendeai.domain.dialogue import manager, options
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.session import Patient, Turn
from atendeai.domain.dialogue.state import State
from atendeai.domain.understanding import judge
from atendeai.domain.understanding.emergency import is_emergency
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import normalise


def alarming(kind: str, text: str, reply_id: str | None) -> bool:
    """Whether a message by itself says that somebody is in danger now: a tapped option ("Exame de sangue") never."""
    return not options.known(reply_id) and wants_answer(kind, text) and judge.alarming(text)


def among(waiting: Sequence[Unhandled]) -> list[Unhandled]:
    """The emergencies among what waits: they are answered before all else, as one.

    What no rule sees, only the classifier, must sound like one beside what it was written with, too: the second half
    of a sentence ("quero um exame", "de sangue") may by itself sound like anything.
    """
    found = [m for m in waiting if alarming(m.kind, m.text, m.reply_id)]
    if any(is_emergency(normalise(m.text).norm) for m in found):
        return found
    whole = as_one(waiting) if found else None
    return found if whole is not None and judge.alarming(whole.text) else []


def answered(batch: Sequence[Unhandled], state: State, clinic: Clinic, now: datetime, patient: Patient) -> Turn | None:
    """The answer to emergencies; None where the dialogue reads something else in them, or would have to ask anybody.

    ``now``: the clinic's wall-clock time, without a zone.
    """
    message = as_one(batch)
    if message is None:
        return None
    steps = manager.turn(state, message, clinic, now, patient)
    try:
        next(steps)
    except StopIteration as stop:
        result: Turn = stop.value
        return result if result.intent is Intent.EMERGENCY else None
    steps.close()
    return None
