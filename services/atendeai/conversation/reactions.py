"""A sign under a message of the clinic's that asks something: the answer that it stands for; pure.

A reminder that asks and an offer of a freed time carry buttons. A sign of consent under one of them is its button of
consent. A refusal under a reminder undoes nothing: it is a slip of the thumb too often, so the patient is asked what
they want. Under an offer it does nothing: the offer has its own button, and lapses by itself.
"""

import re
from collections.abc import Sequence

from atendeai.domain.dialogue import buttons, changes, diary, options, searching, texts
from atendeai.domain.dialogue.ports import Steps
from atendeai.domain.dialogue.session import Session

KIND = "reaction"
YES, NO = "sim", "não"
"""The words for which a sign is read."""
_CONSENTS = frozenset("👍👌✅✔☑🆗🙏❤")
"""The signs that are a yes when they are typed, and the heart, which under a question is nothing else."""
_REFUSES = frozenset("👎❌")
_SHADES = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
"""Tones of skin, and whether a sign is shown in colour: they change no meaning."""
_DOUBT = re.compile(r"^doubt:(?P<appointment>[0-9A-Za-z-]{1,64})$")


def stands_for(sign: str, choices: Sequence[str]) -> str | None:
    """What a sign presses of the buttons under a message: one of them, or ``doubt:`` and the appointment's id.

    None where it answers nothing: the message asks nothing, the sign is another, or was taken back (empty).
    """
    bare = _SHADES.sub("", sign)
    offered = {choice.partition(":")[0]: choice for choice in choices if buttons.known(choice)}
    if bare in _CONSENTS:
        return offered.get("confirm") or offered.get("accept")
    if bare in _REFUSES and "confirm" in offered:
        return f"doubt:{offered['confirm'].partition(':')[2]}"
    return None


def doubted(pressed: str | None) -> str | None:
    """The id of the appointment whose reminder was answered with a refusal; None where it was not."""
    found = _DOUBT.match(pressed or "")
    return found["appointment"] if found else None


def stands_alone(pressed: str | None) -> bool:
    """Whether a message says by itself what it picks or acts on, whatever else was written around it."""
    return buttons.known(pressed) or options.known(pressed) or doubted(pressed) is not None


def ask(session: Session, appointment: str) -> Steps:
    """Asks whether to move or to cancel, unless a person has the conversation; says so where it stands no more."""
    state = session.state
    if state.handed_off:
        return
    yield from searching.release(session)
    state.reset_flow()
    state.misses = 0
    ahead = yield from diary.upcoming(session)
    if any(one.id == appointment for one in ahead):
        yield from changes.declined(session)
    else:
        session.say(texts.GONE)
        state.answered = True
