"""Which messages are answered together, when, and as what one message they are read; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from atendeai.conversation import reactions
from atendeai.conversation.repository import Unhandled
from atendeai.domain.dialogue.session import Message
from atendeai.domain.understanding.emergency import is_emergency
from atendeai.domain.understanding.normalise import normalise
from atendeai.kit.settings import Settings

_WORDS = frozenset(["text", "button", "list", "interactive", "button_reply", "list_reply"])
ABOUT_OTHERS = frozenset(["edit", "revoke"])
"""They change an earlier message, while it waits; an edit that comes later is a correction like any other."""
_UNANSWERED = frozenset(["reaction", "sticker", "system", "revoke"])
"""A sticker, a changed number, something deleted: nothing that waits for an answer. A sign does under a question."""
_FILES = frozenset(["audio", "voice", "image", "video", "document"])
_NAMED = frozenset(["location", "contacts"])
"""What comes as their text names a place or somebody else; it is nothing that the patient said."""


def quiet(settings: Settings) -> timedelta:
    """How long nothing must have come from a patient before they are answered."""
    return timedelta(seconds=settings.reply_quiet_seconds)


def urgent(reply_id: str | None, text: str) -> bool:
    """Whether a message is answered at once: an emergency, or a button or its sign, nobody's unfinished sentence."""
    return reactions.stands_alone(reply_id) or is_emergency(normalise(text).norm)


def due_at(waiting: Sequence[Unhandled], now: datetime, settings: Settings) -> datetime | None:
    """When to answer what waits; None: now."""
    if any(urgent(m.reply_id, m.text) for m in waiting):
        return None
    last = waiting[-1].received_at + quiet(settings)
    longest = waiting[0].received_at + timedelta(seconds=settings.reply_wait_seconds)
    due = min(last, longest)
    return due if due > now else None


def together(waiting: Sequence[Unhandled]) -> list[Unhandled]:
    """The first of them that are answered as one. What a turn cut short had taken up stays what it was.

    A button stands alone: it acts on its appointment or answers its question, whatever else was written around it.
    """
    kept = (waiting[0].journal or {}).get("messages")
    if kept:
        return [m for m in waiting if str(m.id) in kept]
    first = waiting[0]
    if reactions.stands_alone(first.reply_id):
        return [first]
    batch: list[Unhandled] = []
    for message in waiting:
        if reactions.stands_alone(message.reply_id):
            break
        batch.append(message)
    return batch


def as_one(batch: Sequence[Unhandled], *, remind_within: timedelta | None = None) -> Message | None:
    """The messages as the dialogue reads them: their texts on lines of their own; None when none wants an answer."""
    spoken = [m for m in batch if wants_answer(m.kind, m.text) or _answers(m)]
    if not spoken:
        return None
    texts = [words for m in spoken if (words := _words(m)) and m.kind not in _NAMED]
    files = tuple(m.kind for m in spoken if not _has_words(m))
    return Message(
        "\n".join(texts),
        kind="text" if texts else files[0] if files else spoken[0].kind,
        pressed=spoken[0].reply_id,
        reminded=_refuses(spoken[0]),
        files=files,
        lost=sum(m.kind in _FILES and m.media is None for m in spoken),
        remind_within=remind_within,
    )


def wants_answer(kind: str, text: str) -> bool:
    """Whether a message of that kind is answered at all."""
    return kind not in _UNANSWERED and not (kind == "edit" and not text.strip())


def _answers(message: Unhandled) -> bool:
    """Whether it is a sign under a question of the clinic's (see `reactions.stands_for`)."""
    return message.kind == reactions.KIND and message.reply_id is not None


def _refuses(message: Unhandled) -> bool:
    return _answers(message) and reactions.doubted(message.reply_id) is not None


def _words(message: Unhandled) -> str:
    if _answers(message):
        return reactions.NO if _refuses(message) else reactions.YES
    return message.text.strip()


def _has_words(message: Unhandled) -> bool:
    spoken = message.kind in _WORDS or message.kind == "edit" or _answers(message)
    return spoken or bool((message.media or {}).get("transcript"))
