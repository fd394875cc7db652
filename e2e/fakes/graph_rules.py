"""What the Cloud API accepts as a message, pure: payload in, the complaint out.

The checks of each kind yield what is wrong in the order the platform looks; the first is what it answers, so a check
may rely on everything above it. Source: developers.facebook.com, "WhatsApp Cloud API: messages" (lengths and counts).
"""

import re
from collections.abc import Container, Iterator
from typing import Any

from fakes import graph_templates
from fakes.graph_templates import Complaint, Templates

MEDIA = frozenset(["audio", "document", "image", "sticker", "video"])
TYPES = MEDIA | {"contacts", "interactive", "location", "reaction", "template", "text"}
BSUID = re.compile(r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$")
BRAZIL = re.compile(r"^55(\d\d)9?([6-9]\d{7})$")
NUMBER = re.compile(r"^\+?\d{7,15}$")


def same_person(number: str) -> str:
    """Return one key for both ways a Brazilian mobile number is written (with its ninth digit or without)."""
    digits = re.sub(r"\D", "", number)
    match = BRAZIL.match(digits)
    return f"55{match[1]}{match[2]}" if match else digits


def recipient_of(payload: dict[str, Any]) -> str | None:
    """Return whom a message is for: `to` (a number) comes before `recipient` (a business-scoped user id)."""
    to, user = payload.get("to"), payload.get("recipient")
    if isinstance(to, str) and to:
        return to
    return user if isinstance(user, str) and user else None


def complaint(
    payload: dict[str, Any], templates: Templates | None, media: Container[str] | None = None
) -> Complaint | None:
    """Say what the platform would refuse in a message; None when nothing.

    `templates` are what the account has, `media` the ids that are known; None accepts every one.
    """
    return next(_message(payload, templates, media), None)


def _message(payload: dict[str, Any], templates: Templates | None, media: Container[str] | None) -> Iterator[Complaint]:
    if payload.get("messaging_product") != "whatsapp":
        yield 100, "The parameter messaging_product is required."
    to = recipient_of(payload)
    if to is None:
        yield 100, "The parameter to is required."
    if not BSUID.match(to or "") and not NUMBER.match(re.sub(r"[\s()-]", "", to or "")):
        yield 131009, "Parameter value is not valid: to"
    if payload.get("recipient_type", "individual") != "individual":
        yield 100, "Param recipient_type must be one of {INDIVIDUAL}"
    kind = payload.get("type", "text")
    if kind not in TYPES:
        yield 100, "Param type must be one of {" + ", ".join(sorted(TYPES)).upper() + "}"
    content: Any = payload.get(kind)
    if not isinstance(content, list if kind == "contacts" else dict) or not content:
        yield _missing(kind)
    if kind in MEDIA:
        yield from _media(kind, content, media)
    yield from _content(kind, content, templates)


def _media(kind: str, content: dict[str, Any], known: Container[str] | None) -> Iterator[Complaint]:
    found = content.get("id")
    if not (found or content.get("link")):
        yield _missing(f"{kind}['id']")
    if found and known is not None and found not in known:
        yield 100, f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
    if len(content.get("caption") or "") > 1024:
        yield 131009, f"Param {kind}['caption'] must be at most 1024 characters long."
    if content.get("caption") and kind in ("audio", "sticker"):
        yield 100, f"Unexpected key 'caption' on param '{kind}'."


def _content(kind: str, content: Any, templates: Templates | None) -> Iterator[Complaint]:
    if kind in MEDIA:
        return
    if kind == "text":
        yield from _bounded(content.get("body"), "text['body']", 4096)
    elif kind == "reaction":
        yield from _bounded(content.get("message_id"), "reaction['message_id']", 1024)
    elif kind == "location" and not {"latitude", "longitude"} <= content.keys():
        yield _missing("location['latitude']")
    elif kind == "template":
        yield from _template(content, templates)
    elif kind == "interactive":
        yield from _interactive(content)


def _missing(what: str) -> Complaint:
    return 131008, f"The parameter {what} is required."


def _bounded(value: Any, what: str, most: int) -> Iterator[Complaint]:
    if not isinstance(value, str) or not value.strip():
        yield _missing(what)
    elif len(value) > most:
        yield 131009, f"Param {what} must be at most {most} characters long."


def _template(template: dict[str, Any], templates: Templates | None) -> Iterator[Complaint]:
    language = template.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    yield from _bounded(template.get("name"), "template['name']", 512)
    yield from _bounded(code, "template['language']['code']", 8)
    if templates is not None:
        yield from graph_templates.sending(template, templates)


def _interactive(interactive: dict[str, Any]) -> Iterator[Complaint]:
    kind, body, action = interactive.get("type"), interactive.get("body"), interactive.get("action")
    if kind not in ("button", "list"):
        yield 100, "Param interactive['type'] must be one of {BUTTON, LIST}"
    text = body.get("text") if isinstance(body, dict) else None
    yield from _bounded(text, "interactive['body']['text']", 1024 if kind == "button" else 4096)
    if not isinstance(action, dict):
        yield _missing("interactive['action']")
    elif kind == "button":
        yield from _buttons(action.get("buttons"))
    else:
        yield from _bounded(action.get("button"), "interactive['action']['button']", 20)
        yield from _sections(action.get("sections"))


def _buttons(buttons: Any) -> Iterator[Complaint]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        yield 131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"
    replies: list[Any] = [
        button.get("reply") for button in buttons if isinstance(button, dict) and button.get("type") == "reply"
    ]
    if len(replies) < len(buttons) or not all(isinstance(reply, dict) for reply in replies):
        yield _missing("interactive['action']['buttons'][]['reply']")
    for reply in replies:
        yield from _bounded(reply.get("id"), "button id", 256)
        yield from _bounded(reply.get("title"), "button title", 20)
    for key in ("id", "title"):
        if len({reply[key] for reply in replies}) < len(replies):
            yield 131009, f"Duplicated button {key}"


def _sections(sections: Any) -> Iterator[Complaint]:
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        yield 131009, "Invalid sections count. Min allowed: 1, Max allowed: 10"
    ids: list[str] = []
    for section in sections:
        rows = section.get("rows") if isinstance(section, dict) else None
        if not isinstance(rows, list) or not rows:
            yield _missing("interactive['action']['sections'][]['rows']")
        if len(sections) > 1:
            yield from _bounded(section.get("title"), "section title", 24)
        for row in rows or []:
            yield from _row(row)
            ids.append(row["id"])
    if len(ids) > 10:
        yield 131009, "Total row count exceed max allowed count: 10"
    if len(set(ids)) < len(ids):
        yield 131009, "Duplicated row ids"


def _row(row: Any) -> Iterator[Complaint]:
    if not isinstance(row, dict):
        yield _missing("row")
    yield from _bounded(row.get("id"), "row id", 200)
    yield from _bounded(row.get("title"), "row title", 24)
    if len(row.get("description") or "") > 72:
        yield 131009, "Param row description must be at most 72 characters long."
