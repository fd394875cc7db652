"""What holds for every dialogue of these tests, whatever else each of them looks at."""

from __future__ import annotations

import pytest

from atendeai.domain.dialogue import manager
from atendeai.domain.dialogue.session import Session, Turn


@pytest.fixture(autouse=True)
def one_question_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """See that no reply of any dialogue asks more than one thing: a turn's texts are sent as one message."""
    ended = manager.end

    def end(session: Session) -> Turn:
        done = ended(session)
        reply = "\n\n".join(done.replies)
        assert reply.count("?") <= 1, f"two questions in one reply to {session.message.text!r}:\n{reply}"
        return done

    monkeypatch.setattr(manager, "end", end)
