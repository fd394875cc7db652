"""Messages that lead nowhere: said to be so, counted, and after a few in a row left to a person."""

from atendeai.domain.dialogue import texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.session import Session

_PATIENCE = 3


def not_understood(session: Session) -> None:
    """Says so; after a few times in a row a person takes over."""
    if not count(session):
        session.say(texts.NOT_UNDERSTOOD_HERE if session.state.busy else texts.not_understood())


def count(session: Session, text: str = texts.HANDOFF) -> bool:
    """Counts a message that led nowhere. Whether a person takes over, which ``text`` then says."""
    session.missed = True
    session.state.misses += 1
    if session.state.misses < _PATIENCE:
        return False
    session.hand_off(Alert.NOT_UNDERSTOOD, text)
    return True
