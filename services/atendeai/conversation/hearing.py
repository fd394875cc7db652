"""What is heard in a message as it is taken: what it presses, whether it is answered, and how soon; pure."""

from datetime import datetime

from atendeai.conversation import emergencies, reactions
from atendeai.conversation.batch import ABOUT_OTHERS, quiet, urgent, wants_answer
from atendeai.conversation.schemas import InboundMessage
from atendeai.kit.settings import Settings


class Heard:
    """A message, by what it says itself. ``body``: its text as it is kept."""

    def __init__(self, message: InboundMessage, body: str) -> None:
        self._kind, self._body = message.kind, body
        self.reply_id = _pressed(message, body)
        """The button that was pressed, or that a sign under its message stands for."""
        self.about = message.context.message_id if message.context and message.kind in ABOUT_OTHERS else None
        """The earlier message that it changes."""

    @property
    def alarming(self) -> bool:
        """Whether it says that somebody is in danger now."""
        return emergencies.alarming(self._kind, self._body, self.reply_id)

    def due(self, now: datetime, settings: Settings) -> datetime | None:
        """When to answer it, if nothing follows; None: now."""
        return None if urgent(self.reply_id, self._body) else now + quiet(settings)

    @property
    def wants_answer(self) -> bool:
        """Whether it is answered at all."""
        return wants_answer(self._kind, self._body)


def _pressed(message: InboundMessage, body: str) -> str | None:
    if message.kind == reactions.KIND:
        return reactions.stands_for(body, message.context.buttons) if message.context else None
    return message.reply_id.replace("\x00", "") if message.reply_id else None
