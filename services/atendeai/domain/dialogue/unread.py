"""What cannot be read: voices, files, stickers, and what WhatsApp does not show."""

from atendeai.domain.dialogue import misses, texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks

READABLE = frozenset(["text", "button", "list", "interactive", "button_reply", "list_reply"])
_HEARD = frozenset(["audio", "voice"])
_NODDED = frozenset(["sticker", "reaction"])


def unreadable(session: Session, asked: Asks | None) -> None:
    """Something without words: asked to write what cannot be heard, handed on what may matter, the rest let be.

    Who goes on speaking may not be able to write: what cannot be heard or shown counts as not understood.
    """
    state = session.state
    kinds = set(session.message.files) or {session.message.kind}
    state.asks = asked
    if kinds <= _NODDED:
        return
    if kinds & _HEARD:
        if not misses.count(session, texts.HANDOFF if session.message.lost else texts.HANDOFF_HEARD):
            session.say(texts.NO_AUDIO)
    elif kinds <= {"unsupported", "unknown"} | READABLE:
        if not misses.count(session):
            session.say(texts.NOT_TEXT)
    else:
        file(session)
        if state.busy and state.question:
            session.say(state.question, asked)


def file(session: Session) -> None:
    """Says what became of what cannot be read: a person has it, or it is to be sent again; either way one looks."""
    lost = session.message.lost
    session.say(texts.FILE if not lost else texts.FILES_LOST if lost < len(session.message.files) else texts.FILE_LOST)
    session.alerts.append(Alert.FILE)
