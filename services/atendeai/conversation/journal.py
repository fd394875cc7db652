"""What a turn was told, step by step: enough to run it again to the same end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from atendeai.conversation.repository import Unhandled
from atendeai.domain.dialogue.ports import Answer, Request, answer_from_json, answer_to_json, request_to_json


class Journal:
    """The moment a turn began, the messages it took up, and all it was told since: by other services and by a model."""

    def __init__(self, batch: Sequence[Unhandled], now: datetime) -> None:
        kept = batch[0].journal or {}
        self.now = datetime.fromisoformat(kept["now"]) if kept else now.astimezone(UTC)
        self._messages: list[str] = list(kept.get("messages", ())) or [str(m.id) for m in batch]
        self._steps: list[dict[str, Any]] = list(kept.get("steps", ()))
        self._said: list[dict[str, Any] | None] = list(kept.get("said", ()))
        self.unsaved = not kept

    def told(self, step: int, request: Request) -> Answer | None:
        """What was answered at this step before; None when nothing was, or something else was asked."""
        if step >= len(self._steps):
            return None
        if self._steps[step]["asked"] != request_to_json(request):
            del self._steps[step:]  # the code or the clinic's profile changed in between: ask anew from here
            return None
        return answer_from_json(self._steps[step]["told"])

    def add(self, request: Request, answer: Answer) -> None:
        """Remember an answer."""
        self._steps.append({"asked": request_to_json(request), "told": answer_to_json(answer)})
        self.unsaved = True

    def said(self, turn: int) -> tuple[bool, dict[str, Any] | None]:
        """Whether a model answered this time before, and what; None stands for its failure."""
        return (True, self._said[turn]) if turn < len(self._said) else (False, None)

    def add_said(self, answer: dict[str, Any] | None) -> None:
        """Remember what a model answered, so that a turn run again takes the same way."""
        self._said.append(answer)
        self.unsaved = True

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"now": self.now.isoformat(), "messages": self._messages, "steps": self._steps, "said": self._said}
