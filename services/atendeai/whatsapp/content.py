"""What a message says, pure: its kind, what of it can be read, what it is about, and the file it carries.

Kinds are Meta's own, but for what a person pressed (`button`, `list`). Source: developers.facebook.com, "WhatsApp
Business Platform: webhooks reference, messages" (one page for each type).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atendeai.whatsapp.fields import dicts, identifier, phone, words
from atendeai.whatsapp.people import Identity

MEDIA = frozenset({"audio", "document", "image", "sticker", "video"})
ABOUT_OTHERS = frozenset({"edit", "reaction", "revoke"})
"""Kinds that are about another message: its id is their context."""
OPENS_NO_WINDOW = frozenset({"system", "edit", "revoke"})
"""Kinds after which free text is not allowed any longer than before: nobody wrote something new."""
_NO_WORDS = frozenset({"location", "contacts", "reaction", "system"})
"""Kinds whose text are names of places and people, a sign, or WhatsApp's own words."""
_MOST_ID = 256
_CHANGED_NUMBER = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})


@dataclass(frozen=True, slots=True)
class File:
    """A file that a message carries, to be fetched by Meta's id."""

    meta_id: str
    mime_type: str | None
    filename: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """`text` is what the attendant can read; `about` the id of the message that this one edits, deletes or likes."""

    kind: str
    text: str = ""
    reply_id: str | None = None
    about: str | None = None
    file: File | None = None


def read(raw: dict[str, Any]) -> Content:  # noqa: PLR0911 - one line for each kind
    """Read a message of any type; one that is not known has its kind and nothing else."""
    kind = words(raw, "type") or "unknown"
    content = raw.get(kind)
    if kind in MEDIA:
        return Content(kind, words(content, "caption") or "", file=_file(content))
    if kind == "interactive":
        return _chosen(content)
    if kind == "edit":
        return _edited(content)
    if kind == "button":  # a quick reply of a template
        return Content(kind, words(content, "text") or "", (words(content, "payload") or "")[:_MOST_ID] or None)
    if kind == "reaction":
        return Content(kind, words(content, "emoji") or "", about=identifier(content, "message_id"))
    if kind == "revoke":
        return Content(kind, about=identifier(content, "original_message_id"))
    if kind == "location":
        return Content(kind, ", ".join(filter(None, (words(content, "name"), words(content, "address")))))
    if kind == "contacts":
        names = (words(person.get("name"), "formatted_name") for person in dicts(raw, "contacts"))
        return Content(kind, ", ".join(filter(None, names)))
    if kind in ("text", "order"):
        return Content(kind, words(content, "body" if kind == "text" else "text") or "")
    return Content(kind)


def alarming(kind: str, text: str) -> bool:
    """Whether a message says in the person's own words that somebody is in danger now."""
    if not text or kind in _NO_WORDS:
        return False
    # Asked only where something must wait: a process that starts need not compile the signs, nor read the classifier.
    from atendeai.domain.understanding import judge  # noqa: PLC0415 - see above

    return judge.alarming(text)


def moved(raw: dict[str, Any]) -> tuple[Identity, Identity] | None:
    """Return who a person was and who they are now, where the system says that they changed number or user id."""
    system = raw.get("system")
    if words(raw, "type") != "system" or words(system, "type") not in _CHANGED_NUMBER:
        return None
    new = Identity(phone(system, "wa_id") or phone(system, "new_wa_id"), identifier(system, "user_id"))
    before = identifier(system, "previous_user_id")
    old = Identity(phone(raw, "from"), before)
    if not (new.wa_id or new.user_id) or not (old.wa_id or old.user_id):
        return None
    return old, new


def _file(content: Any) -> File | None:
    meta_id = identifier(content, "id")
    if meta_id is None:
        return None
    mime_type, filename = words(content, "mime_type"), words(content, "filename")
    return File(meta_id, mime_type[:128] if mime_type else None, filename[:240] if filename else None)


def _chosen(content: Any) -> Content:
    for name, shown in (("button_reply", "button"), ("list_reply", "list")):
        reply = content.get(name) if isinstance(content, dict) else None
        if isinstance(reply, dict):
            return Content(shown, words(reply, "title") or "", (words(reply, "id") or "")[:_MOST_ID] or None)
    return Content("interactive")


def _edited(content: Any) -> Content:
    message = content.get("message") if isinstance(content, dict) else None
    # An edit of an edit is no message of the platform's: read no deeper.
    text = read(message).text if isinstance(message, dict) and words(message, "type") != "edit" else ""
    return Content("edit", text, about=identifier(content, "original_message_id"))
