"""SQL of what goes out: the queue of messages, their states, and the health of the channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.responses import dumps
from atendeai.whatsapp.failures import Failure
from atendeai.whatsapp.payload import Status

_CONTACT = text(
    "SELECT coalesce(m.id, c.id) AS id, coalesce(m.wa_id, c.wa_id) AS wa_id, coalesce(m.user_id, c.user_id) AS user_id,"
    " greatest(m.last_inbound_at, c.last_inbound_at) AS last_inbound_at,"
    " c.number_key IS NULL AND c.merged_into IS NULL AND c.wa_id IS NOT NULL AS number_lost,"
    " CASE WHEN m.id IS NULL THEN c.opted_out_at ELSE m.opted_out_at END IS NOT NULL AS opted_out"
    " FROM atendeai.whatsapp_contact c"
    " LEFT JOIN atendeai.whatsapp_contact m ON m.clinic_id = :clinic_id AND m.id = c.merged_into"
    " WHERE c.clinic_id = :clinic_id AND c.id = :id"
)
_ADD = text(
    "INSERT INTO atendeai.whatsapp_outbound (clinic_id, id, idempotency_key, request_hash, contact_id, kind, body,"
    " template, media_id, reply_to, purpose, author, expires_at, state, created_at, due_at)"
    " VALUES (:clinic_id, :id, :key, :hash, :contact_id, :kind, CAST(:body AS jsonb), CAST(:template AS jsonb),"
    " :media_id, :reply_to, :purpose, :author, :expires_at, 'queued', :now, :now)"
    " ON CONFLICT (clinic_id, idempotency_key) DO NOTHING"
)
_ADDED = text(
    "SELECT id, request_hash FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id AND idempotency_key = :key"
)
_HEAD = text(
    "SELECT id, kind, body::text AS body, template::text AS template, as_template, media_id, purpose, state, attempts,"
    " created_at, due_at, expires_at FROM atendeai.whatsapp_outbound"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND state IN ('queued', 'sending')"
    " ORDER BY purpose <> 'emergency', created_at, id LIMIT 1 FOR UPDATE"
)
_BEGIN = text(
    "UPDATE atendeai.whatsapp_outbound SET state = 'sending', attempts = attempts + 1, due_at = :due_at,"
    " as_template = :as_template"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_SENT = text(
    "UPDATE atendeai.whatsapp_outbound SET state = CASE WHEN state = 'sending' THEN 'sent' ELSE state END,"
    " wamid = :wamid, sent_at = coalesce(sent_at, :now),"
    " error_code = CASE WHEN state = 'failed' THEN error_code END,"
    " error_title = CASE WHEN state = 'failed' THEN error_title END,"
    " error_details = CASE WHEN state = 'failed' THEN error_details END"
    " WHERE clinic_id = :clinic_id AND id = :id AND state <> 'queued' AND (wamid IS NULL OR wamid = :wamid)"
)
_AGAIN = text(
    "UPDATE atendeai.whatsapp_outbound SET state = 'queued', wamid = NULL, due_at = :due_at,"
    " error_code = :code, error_title = :title, error_details = :details WHERE clinic_id = :clinic_id AND id = :id"
)
_FALL_BACK = text(
    "UPDATE atendeai.whatsapp_outbound SET state = 'queued', wamid = NULL, due_at = :now, as_template = true"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_UNSURE = text(
    "UPDATE atendeai.whatsapp_outbound SET due_at = :due_at, error_code = :code, error_title = :title,"
    " error_details = :details WHERE clinic_id = :clinic_id AND id = :id AND state = 'sending'"
)
_FAIL = text(
    "UPDATE atendeai.whatsapp_outbound SET state = 'failed', failed_at = :now,"
    " error_code = :code, error_title = :title, error_details = :details"
    " WHERE clinic_id = :clinic_id AND id = :id AND state NOT IN ('delivered', 'read')"
    " RETURNING purpose, author"
)
_WITHDRAW = text(
    "UPDATE atendeai.whatsapp_outbound SET state = 'failed', failed_at = :now,"
    " error_code = :code, error_title = :title, error_details = :details"
    " WHERE clinic_id = :clinic_id AND idempotency_key = ANY(CAST(:keys AS text[])) AND state = 'queued'"
    " RETURNING id"
)
_OF = (
    " coalesce(c.merged_into, o.contact_id) AS contact_id FROM atendeai.whatsapp_outbound o"
    " LEFT JOIN atendeai.whatsapp_contact c ON c.clinic_id = :clinic_id AND c.id = o.contact_id"
    " WHERE o.clinic_id = :clinic_id AND o.id = :id"
)
"""A message with the contact that its own is by now."""
_FAILED = text(
    f"SELECT o.idempotency_key, o.purpose, o.author, o.error_code, o.error_title,{_OF} AND o.state = 'failed'"
)
_WRITTEN = text(
    f"SELECT o.author, coalesce(nullif(o.body->>'text', ''), o.body->>'filename', '') AS text, o.created_at AS at,{_OF}"
)
# `opaque` is what the call gave along (id and attempt): it finds a message whose answer was lost or is not yet written.
_MATCH = (
    "clinic_id = :clinic_id AND (wamid = :wamid OR (id = CAST(:outbound_id AS uuid) AND attempts = :attempt"
    " AND wamid IS NULL AND state = 'sending'))"
)
_ADVANCE = text(
    "UPDATE atendeai.whatsapp_outbound SET state = :state, wamid = coalesce(wamid, :wamid),"  # noqa: S608 - constants
    " sent_at = coalesce(sent_at, :at),"
    " delivered_at = CASE WHEN :state IN ('delivered', 'read') THEN coalesce(delivered_at, :at) ELSE delivered_at END,"
    " read_at = CASE WHEN :state = 'read' THEN coalesce(read_at, :at) ELSE read_at END"
    f" WHERE {_MATCH} AND array_position(ARRAY['queued', 'sending', 'sent', 'failed', 'delivered', 'read'], state)"
    " < array_position(ARRAY['queued', 'sending', 'sent', 'failed', 'delivered', 'read'], :state)"
)
_FIND = text(
    "SELECT id, contact_id, state, attempts, as_template,"  # noqa: S608 - constants
    " template->>'name' AS template, template->>'language' AS language FROM atendeai.whatsapp_outbound"
    f" WHERE {_MATCH} FOR UPDATE"
)
_EARLIER = text(
    "SELECT wamid, status, at, error_code, error_title, error_details FROM atendeai.whatsapp_status"
    " WHERE clinic_id = :clinic_id AND wamid = :wamid"
)
_SENT_SINCE = text("SELECT count(*) FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id AND sent_at >= :since")
_CHANNEL_OK = text(
    "UPDATE atendeai.whatsapp_channel SET error_code = NULL, error_title = NULL, error_details = NULL,"
    " error_at = NULL WHERE clinic_id = :clinic_id AND error_code IS NOT NULL"
)
_CHANNEL_BROKEN = text(
    "INSERT INTO atendeai.whatsapp_channel (clinic_id, id, error_code, error_title, error_details, error_at)"
    " VALUES (:clinic_id, :clinic_id, :code, :title, :details, :now)"
    " ON CONFLICT (clinic_id, id) DO UPDATE SET error_code = excluded.error_code,"
    " error_title = excluded.error_title, error_details = excluded.error_details, error_at = excluded.error_at"
)

_MOST_DIGITS = 9  # of an attempt: what the column holds
_RANK = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a person is reached: the number as Meta gave it, or the user id. `id` is the contact they are by now."""

    id: UUID
    wa_id: str | None
    user_id: str | None
    last_inbound_at: datetime | None
    number_lost: bool
    opted_out: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The message that is next for a person."""

    id: UUID
    kind: str
    body: dict[str, Any]
    template: dict[str, Any] | None
    as_template: bool
    media_id: UUID | None
    purpose: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    """From when on it is worth nothing: a reminder after the appointment, an offer that has passed on."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that an answer or a status is about; `template` is the name of the one it can be sent as."""

    id: UUID
    contact_id: UUID
    state: str
    attempts: int
    as_template: bool
    template: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that was given up: under which key whoever asked for it did so, and the provider's code and words.

    `contact_id` is the contact they are by now.
    """

    key: str
    purpose: str
    author: str
    contact_id: UUID
    error_code: int
    error_title: str


@dataclass(frozen=True, slots=True)
class Written:
    """A message that a person of the clinic wrote: its words, or the name of a file that goes without any.

    `contact_id` is the contact they wrote to by now.
    """

    author: str
    text: str
    at: datetime
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be queued."""

    id: UUID
    key: str
    request_hash: bytes
    contact_id: UUID
    kind: str
    body: dict[str, Any]
    reply_to: UUID | None
    purpose: str
    author: str
    template: dict[str, Any] | None = None
    media_id: UUID | None = None
    expires_at: datetime | None = None


async def recipient(connection: AsyncConnection, clinic_id: UUID, contact: UUID) -> Recipient | None:
    """Return where a contact is reached, following one that was merged; None when there is no such contact."""
    row = (await connection.execute(_CONTACT, {"clinic_id": clinic_id, "id": contact})).one_or_none()
    return Recipient(*row) if row else None


async def add(connection: AsyncConnection, clinic_id: UUID, message: NewMessage, now: datetime) -> tuple[UUID, bytes]:
    """Queue a message once per idempotency key; return the id and the request's hash of the one that is there."""
    await connection.execute(
        _ADD,
        {
            "clinic_id": clinic_id,
            "id": message.id,
            "key": message.key,
            "hash": message.request_hash,
            "contact_id": message.contact_id,
            "kind": message.kind,
            "body": dumps(message.body).decode(),
            "template": dumps(message.template).decode() if message.template else None,
            "media_id": message.media_id,
            "reply_to": message.reply_to,
            "purpose": message.purpose,
            "author": message.author,
            "expires_at": message.expires_at,
            "now": now,
        },
    )
    there = await added(connection, clinic_id, message.key)
    assert there is not None  # noqa: S101 - inserted above, or there before
    return there


async def added(connection: AsyncConnection, clinic_id: UUID, key: str) -> tuple[UUID, bytes] | None:
    """Return the id and the request's hash of the message that was queued under a key."""
    row = (await connection.execute(_ADDED, {"clinic_id": clinic_id, "key": key})).one_or_none()
    return (row.id, bytes(row.request_hash)) if row else None


async def head(connection: AsyncConnection, clinic_id: UUID, contact: UUID) -> Head | None:
    """Return, locked, the message that is next for a person; None when all are sent or given up.

    It is the oldest, but the answer to an emergency waits for nothing that is being tried again.
    """
    row = (await connection.execute(_HEAD, {"clinic_id": clinic_id, "contact_id": contact})).mappings().one_or_none()
    if row is None:
        return None
    template = orjson.loads(row["template"]) if row["template"] else None
    return Head(**{**row, "body": orjson.loads(row["body"]), "template": template})


async def begin(
    connection: AsyncConnection, clinic_id: UUID, message: UUID, due_at: datetime, *, as_template: bool
) -> None:
    """Record that a message is about to be sent; `due_at` is when it is looked at again if nothing more is heard."""
    await connection.execute(
        _BEGIN, {"clinic_id": clinic_id, "id": message, "due_at": due_at, "as_template": as_template}
    )


async def fall_back(connection: AsyncConnection, clinic_id: UUID, message: UUID, now: datetime) -> None:
    """Put a message that came too late for free text back, to go as its template."""
    await connection.execute(_FALL_BACK, {"clinic_id": clinic_id, "id": message, "now": now})


async def sent(connection: AsyncConnection, clinic_id: UUID, message: UUID, wamid: str, now: datetime) -> list[Status]:
    """Record the provider's id; return the statuses that were there before it.

    A status may have overtaken the call's own answer: then the message is where that put it, and stays there.
    """
    await connection.execute(_SENT, {"clinic_id": clinic_id, "id": message, "wamid": wamid, "now": now})
    await connection.execute(_CHANNEL_OK, {"clinic_id": clinic_id})
    rows = await connection.execute(_EARLIER, {"clinic_id": clinic_id, "wamid": wamid})
    return [
        Status(row.wamid, row.status, row.at, None, row.error_code, row.error_title, row.error_details) for row in rows
    ]


async def again(
    connection: AsyncConnection, clinic_id: UUID, message: UUID, failure: Failure, due_at: datetime
) -> None:
    """Put a refused message back, to be sent again at a moment."""
    await connection.execute(_AGAIN, {**_error(clinic_id, message, failure), "due_at": due_at})


async def unsure(
    connection: AsyncConnection, clinic_id: UUID, message: UUID, failure: Failure, due_at: datetime
) -> None:
    """Record that nobody knows whether a message went; it stays `sending` until a status says so, or until `due_at`."""
    await connection.execute(_UNSURE, {**_error(clinic_id, message, failure), "due_at": due_at})


async def fail(
    connection: AsyncConnection, clinic_id: UUID, message: UUID, failure: Failure, now: datetime
) -> tuple[str, str] | None:
    """Give a message up, with the provider's code and words; its purpose and author, None when it arrived after all."""
    values = {**_error(clinic_id, message, failure), "now": now}
    row = (await connection.execute(_FAIL, values)).one_or_none()
    return (str(row.purpose), str(row.author)) if row else None


async def withdraw(
    connection: AsyncConnection, clinic_id: UUID, keys: Sequence[str], why: Failure, now: datetime
) -> list[UUID]:
    """Give up those messages of some keys that wait, in nobody's name but their author's; which."""
    values = {
        "clinic_id": clinic_id,
        "keys": list(keys),
        "code": why.code,
        "title": why.title,
        "details": why.details,
        "now": now,
    }
    return list((await connection.execute(_WITHDRAW, values)).scalars())


async def written(connection: AsyncConnection, clinic_id: UUID, message: UUID) -> Written | None:
    """Return who wrote a message, what, and to whom; None when it was erased."""
    row = (await connection.execute(_WRITTEN, {"clinic_id": clinic_id, "id": message})).one_or_none()
    return None if row is None else Written(*row)


async def failed(connection: AsyncConnection, clinic_id: UUID, message: UUID) -> Failed | None:
    """Return a message that was given up; None when it is not, or arrived since."""
    row = (await connection.execute(_FAILED, {"clinic_id": clinic_id, "id": message})).one_or_none()
    if row is None:
        return None
    return Failed(
        key=str(row.idempotency_key).removeprefix(f"{row.author}:"),
        purpose=row.purpose,
        author=row.author,
        contact_id=row.contact_id,
        error_code=row.error_code or 0,
        error_title=row.error_title or "",
    )


def _error(clinic_id: UUID, message: UUID, failure: Failure) -> dict[str, Any]:
    return {
        "clinic_id": clinic_id,
        "id": message,
        "code": failure.code,
        "title": failure.title,
        "details": failure.details,
    }


def _matching(clinic_id: UUID, status: Status) -> dict[str, Any]:
    outbound_id, attempt = None, 0
    given, _, number = (status.opaque or "").partition(":")
    if number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
        try:
            outbound_id, attempt = UUID(given), int(number)
        except ValueError:
            outbound_id = None
    return {"clinic_id": clinic_id, "wamid": status.wamid, "outbound_id": outbound_id, "attempt": attempt}


async def advance(connection: AsyncConnection, clinic_id: UUID, status: Status) -> bool:
    """Move a message forward to `sent`, `delivered` or `read`, never back; False when nothing moved."""
    state = _RANK.get(status.status)
    if state is None:
        return False
    moved = await connection.execute(_ADVANCE, {**_matching(clinic_id, status), "state": state, "at": status.at})
    return moved.rowcount > 0


async def find(connection: AsyncConnection, clinic_id: UUID, status: Status) -> Found | None:
    """Return, locked, the message a status is about."""
    row = (await connection.execute(_FIND, _matching(clinic_id, status))).one_or_none()
    return Found(*row) if row else None


async def sent_since(connection: AsyncConnection, clinic_id: UUID, since: datetime) -> int:
    """Count the messages sent since a moment."""
    return int((await connection.execute(_SENT_SINCE, {"clinic_id": clinic_id, "since": since})).scalar_one())


async def channel_broken(connection: AsyncConnection, clinic_id: UUID, failure: Failure, now: datetime) -> None:
    """Record that the account itself is refused."""
    await connection.execute(
        _CHANNEL_BROKEN,
        {
            "clinic_id": clinic_id,
            "code": failure.code,
            "title": failure.title,
            "details": failure.details,
            "now": now,
        },
    )
