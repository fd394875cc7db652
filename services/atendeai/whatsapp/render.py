"""A queued message in the Cloud API's form, pure.

Source: developers.facebook.com, "WhatsApp Cloud API: interactive reply buttons / interactive lists / templates /
media". What is too long for a button or a row is cut, never refused: a shortened choice is better than no answer.
"""

from __future__ import annotations

from typing import Any

from atendeai.domain.interactive import BUTTON_TITLE, ROW_TITLE, Choice, described, distinct

LIST_BUTTON = "Ver opções"
CAPTIONED = frozenset({"document", "image", "video"})


def payload(kind: str, body: dict[str, Any], to: dict[str, str], *, opaque: str) -> dict[str, Any]:
    """Build the request: `to` is `{"to": number}` or `{"recipient": user id}`, exactly as Meta gave them.

    The message that is answered is not quoted: a person in a chat does not quote every line either.
    """
    message = _envelope(to, opaque)
    text = body["text"]
    if kind == "text":
        return {**message, "type": "text", "text": {"body": text, "preview_url": False}}
    action = _buttons(body["buttons"]) if kind == "buttons" else _list(body["buttons"])
    shown = {"type": "button" if kind == "buttons" else "list", "body": {"text": text}, "action": action}
    return {**message, "type": "interactive", "interactive": shown}


def template_payload(template: dict[str, Any], to: dict[str, str], *, opaque: str) -> dict[str, Any]:
    """Build the request for a template: `name`, `language`, `parameters` of the body, `payloads` of its buttons."""
    components: list[dict[str, Any]] = []
    if template["parameters"]:
        values = [{"type": "text", "text": value} for value in template["parameters"]]
        components.append({"type": "body", "parameters": values})
    for index, given in enumerate(template["payloads"]):
        press = [{"type": "payload", "payload": given}]
        components.append({"type": "button", "sub_type": "quick_reply", "index": str(index), "parameters": press})
    content = {"name": template["name"], "language": {"code": template["language"]}, "components": components}
    return {**_envelope(to, opaque), "type": "template", "template": content}


def media_payload(
    kind: str, meta_id: str, caption: str, filename: str | None, to: dict[str, str], *, opaque: str
) -> dict[str, Any]:
    """Build the request for a file that Meta already holds under `meta_id`."""
    content: dict[str, Any] = {"id": meta_id}
    if caption and kind in CAPTIONED:
        content["caption"] = caption
    if filename and kind == "document":
        content["filename"] = filename
    return {**_envelope(to, opaque), "type": kind, kind: content}


def _envelope(to: dict[str, str], opaque: str) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **to,
        "biz_opaque_callback_data": opaque,
    }


def _buttons(choices: list[dict[str, str]]) -> dict[str, Any]:
    titles = distinct([choice["title"] for choice in choices], BUTTON_TITLE)
    replies = [{"id": choice["id"], "title": title} for choice, title in zip(choices, titles, strict=True)]
    return {"buttons": [{"type": "reply", "reply": reply} for reply in replies]}


def _list(choices: list[dict[str, str]]) -> dict[str, Any]:
    rows = []
    for choice, title in zip(choices, distinct([choice["title"] for choice in choices], ROW_TITLE), strict=True):
        row = {"id": choice["id"], "title": title}
        description = described(Choice(**choice), title)
        if description:
            row["description"] = description
        rows.append(row)
    return {"button": LIST_BUTTON, "sections": [{"title": "Opções", "rows": rows}]}
