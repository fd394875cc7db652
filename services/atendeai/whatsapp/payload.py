"""The webhook's JSON, pure: bytes in, changes out. Nothing here decides whether to believe them.

Source: developers.facebook.com, "WhatsApp Cloud API: webhooks", fields `messages` (messages and statuses).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from atendeai.kit.schemas import EARLIEST_YEAR, NAME_LIMIT, shows_something
from atendeai.whatsapp import content
from atendeai.whatsapp.content import File
from atendeai.whatsapp.fields import dicts, identifier, phone, words
from atendeai.whatsapp.people import Identity

MOST_TEXT = 8192
"""Characters kept of a message's text; the platform itself allows 4096."""

MOST_CHANGES = 1000
"""Meta puts no more updates into one payload (developers.facebook.com, "Webhooks: getting started")."""

_INT4 = range(-(2**31), 2**31)


class NotAWebhookError(ValueError):
    """The body is not JSON, or not the shape of a webhook; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a person. `text` is empty for kinds that carry none the attendant could read.

    `previous` is who `sender` was before, where the system says that a person changed number or user id.
    """

    wamid: str
    sender: Identity
    kind: str
    text: str
    sent_at: datetime
    context_wamid: str | None
    reply_id: str | None
    content: str = field(repr=False)
    """The message as it came, as JSON; `{}` where that cannot be written again (nested too deeply, a number without
    bounds): what was read of it is kept all the same."""
    file: File | None = None
    previous: Identity | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message that was sent. `opaque` is what the call had given along."""

    wamid: str
    status: str
    at: datetime
    opaque: str | None = None
    error_code: int | None = None
    error_title: str | None = None
    error_details: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change: which of the business's numbers (or which business account) it is about, and what happened there."""

    phone_number_id: str | None
    business_account_id: str | None = None
    about: str = "messages"
    """Which field of the webhook it came in."""
    value: dict[str, Any] = field(default_factory=dict, repr=False)
    """What came, for fields other than `messages`."""
    messages: tuple[Inbound, ...] = ()
    statuses: tuple[Status, ...] = ()


def parse(body: bytes, now: datetime) -> list[Change]:
    """Read a webhook; parts that cannot be understood are left out, times ahead of `now` are cut to it.

    Raises `NotAWebhookError`.
    """
    document = _load(body)
    entries = document.get("entry") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise NotAWebhookError("entry: a list is required")
    changes: list[Change] = []
    for entry in entries:
        for change in dicts(entry, "changes"):
            value = change.get("value")
            if isinstance(value, dict):
                changes.append(_change(value, now, identifier(entry, "id"), words(change, "field") or "messages"))
            if len(changes) > MOST_CHANGES:
                raise NotAWebhookError(f"entry: more than {MOST_CHANGES} changes")
    return changes


def _load(body: bytes) -> Any:
    try:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            # A lone surrogate (half an emoji) is not UTF-8, but a person did send it: kept as a replacement character.
            return _clean(json.loads(body))
        return _clean(document) if b"\\u0000" in body else document
    except (ValueError, RecursionError) as error:
        raise NotAWebhookError("the body is not JSON, or nested too deeply") from error


def _clean(value: Any) -> Any:
    """Replace what PostgreSQL's text cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _written(raw: dict[str, Any]) -> str:
    try:
        return orjson.dumps(raw).decode()
    except orjson.JSONEncodeError:
        return "{}"


def _change(value: dict[str, Any], now: datetime, account: str | None, field: str) -> Change:
    number = words(value.get("metadata"), "phone_number_id")
    if field != "messages":
        return Change(number, account, field[:64], value)
    contacts = dicts(value, "contacts")
    messages = (_message(raw, contacts, now) for raw in dicts(value, "messages"))
    statuses = (_status(raw, now) for raw in dicts(value, "statuses"))
    return Change(
        phone_number_id=number,
        business_account_id=account,
        messages=tuple(message for message in messages if message),
        statuses=tuple(status for status in statuses if status),
    )


def _moment(raw: dict[str, Any], now: datetime) -> datetime:
    try:
        given = datetime.fromtimestamp(int(raw["timestamp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return now
    # What no service takes for a moment says nothing: the message was written, and is not lost for it.
    return min(given, now) if given.year >= EARLIEST_YEAR else now


def _sender(raw: dict[str, Any], contacts: list[dict[str, Any]]) -> Identity | None:
    wa_id, user_id = phone(raw, "from"), identifier(raw, "from_user_id")
    for contact in contacts:
        same_number = wa_id is not None and words(contact, "wa_id") == wa_id
        same_user = user_id is not None and words(contact, "user_id") == user_id
        if same_number or same_user or len(contacts) == 1:
            shown = (words(contact.get("profile"), key) for key in ("name", "username"))
            name = next((one for one in shown if one and shows_something(one)), None)
            return Identity(
                wa_id or phone(contact, "wa_id"),
                user_id or identifier(contact, "user_id"),
                name[:NAME_LIMIT] if name else None,
            )
    return Identity(wa_id, user_id) if wa_id or user_id else None


def _message(raw: dict[str, Any], contacts: list[dict[str, Any]], now: datetime) -> Inbound | None:
    moved = content.moved(raw)
    previous, sender = moved or (None, _sender(raw, contacts))
    wamid = identifier(raw, "id")
    if wamid is None or sender is None or not (sender.wa_id or sender.user_id):
        return None
    said = content.read(raw)
    return Inbound(
        wamid=wamid,
        sender=sender,
        kind=said.kind[:64],
        text=said.text[:MOST_TEXT],
        sent_at=_moment(raw, now),
        context_wamid=said.about or identifier(raw.get("context"), "id"),
        reply_id=said.reply_id,
        content=_written(raw),
        file=said.file,
        previous=previous,
    )


def _status(raw: dict[str, Any], now: datetime) -> Status | None:
    wamid, status = identifier(raw, "id"), words(raw, "status")
    if wamid is None or status is None:
        return None
    errors = dicts(raw, "errors")
    error = errors[0] if errors else {}
    code = error.get("code")
    return Status(
        wamid=wamid,
        status=status[:32],
        at=_moment(raw, now),
        opaque=identifier(raw, "biz_opaque_callback_data"),
        error_code=code if type(code) is int and code in _INT4 else None,
        error_title=words(error, "title") or words(error, "message"),
        error_details=words(error.get("error_data"), "details") or words(error, "message"),
    )
