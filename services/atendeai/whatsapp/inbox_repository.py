"""SQL of what comes in: contacts, messages, statuses. Every statement names its clinic, so one partition is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.whatsapp.content import OPENS_NO_WINDOW
from atendeai.whatsapp.payload import Inbound, Status
from atendeai.whatsapp.people import Identity, Known

_KNOWN = text(
    "SELECT id, number_key, user_id FROM atendeai.whatsapp_contact WHERE clinic_id = :clinic_id"
    " AND (number_key = CAST(:number_key AS text) OR user_id = CAST(:user_id AS text))"
)
_NEW_CONTACT = text(
    "INSERT INTO atendeai.whatsapp_contact (clinic_id, id, wa_id, number_key, user_id, name, created_at, updated_at)"
    " VALUES (:clinic_id, :id, :wa_id, :number_key, :user_id, :name, :now, :now) ON CONFLICT DO NOTHING"
)
_LOSE_NUMBER = text(
    "UPDATE atendeai.whatsapp_contact SET number_key = NULL, updated_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id AND number_key = :number_key"
)
# One round trip: the message, and only if it is new, what it says about the person.
_STORE = text(
    "WITH stored AS ("
    " INSERT INTO atendeai.whatsapp_inbound"
    " (clinic_id, id, wamid, contact_id, kind, text, reply_id, context_wamid, content, media_id, sent_at, received_at,"
    " position)"
    " VALUES (:clinic_id, :id, :wamid, :contact_id, :kind, :text, :reply_id, :context_wamid,"
    " CAST(:content AS jsonb), :media_id, :sent_at, :now, :position)"
    " ON CONFLICT (clinic_id, wamid) DO NOTHING RETURNING id)"
    " UPDATE atendeai.whatsapp_contact SET last_inbound_at = CASE WHEN CAST(:opens_window AS boolean)"
    " THEN greatest(last_inbound_at, :sent_at) ELSE last_inbound_at END,"
    " wa_id = coalesce(CAST(:wa_id AS text), wa_id), number_key = coalesce(CAST(:number_key AS text), number_key),"
    " user_id = coalesce(CAST(:user_id AS text), user_id), name = coalesce(CAST(:name AS text), name),"
    " updated_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :contact_id AND EXISTS (SELECT 1 FROM stored)"
)
_STATUS = text(
    "INSERT INTO atendeai.whatsapp_status"
    " (clinic_id, id, wamid, status, at, error_code, error_title, error_details, received_at)"
    " VALUES (:clinic_id, :id, :wamid, :status, :at, :error_code, :error_title, :error_details, :now)"
    " ON CONFLICT (clinic_id, wamid, status) DO NOTHING"
)
_WAITING = text(
    "SELECT i.id, i.wamid, i.contact_id, i.kind, i.text, i.reply_id, i.sent_at, o.id AS outbound_id,"
    " CASE WHEN i.kind = 'reaction' THEN (o.body -> 'buttons')::text END AS buttons,"
    " c.wa_id, c.user_id, c.name, i.received_at, i.transcribed, r.id AS about_id,"
    " f.id AS media_id, f.state AS media_state, coalesce(f.mime_type, f.declared_type) AS media_type, f.ready_at"
    " FROM atendeai.whatsapp_inbound i"
    " JOIN atendeai.whatsapp_contact c ON c.clinic_id = :clinic_id AND c.id = i.contact_id"
    " LEFT JOIN atendeai.whatsapp_outbound o ON o.clinic_id = :clinic_id AND o.wamid = i.context_wamid"
    " LEFT JOIN atendeai.whatsapp_inbound r ON r.clinic_id = :clinic_id AND r.wamid = i.context_wamid"
    " LEFT JOIN atendeai.whatsapp_media f ON f.clinic_id = :clinic_id AND f.id = i.media_id"
    " WHERE i.clinic_id = :clinic_id AND i.contact_id = :contact_id AND i.handed_on_at IS NULL"
    " ORDER BY i.sent_at, i.received_at, i.position LIMIT :most"
)
_HANDED_ON = text(
    "UPDATE atendeai.whatsapp_inbound SET handed_on_at = :now, refused_status = :refused, typing = :typing"
    " WHERE clinic_id = :clinic_id AND id = :id AND handed_on_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored message that conversation has not taken yet."""

    id: UUID
    wamid: str
    contact_id: UUID
    kind: str
    text: str
    reply_id: str | None
    sent_at: datetime
    outbound_id: UUID | None
    buttons: str | None
    """Of a reaction to an outbound message: its buttons, as JSON."""
    wa_id: str | None
    user_id: str | None
    name: str | None
    received_at: datetime
    transcribed: bool
    about_id: UUID | None
    media_id: UUID | None
    media_state: str | None
    media_type: str | None
    ready_at: datetime | None


async def known(connection: AsyncConnection, clinic_id: UUID, identity: Identity) -> Sequence[Known]:
    """Return the contacts that have this number, in either form, or this user id: at most two."""
    wanted = {"clinic_id": clinic_id, "number_key": identity.key, "user_id": identity.user_id}
    return [Known(*row) for row in await connection.execute(_KNOWN, wanted)]


async def new_contact(connection: AsyncConnection, clinic_id: UUID, identity: Identity, now: datetime) -> UUID | None:
    """Make a contact; None when another transaction made one with the same number or id meanwhile."""
    contact = uuid4()
    made = await connection.execute(
        _NEW_CONTACT,
        {
            "clinic_id": clinic_id,
            "id": contact,
            "wa_id": identity.wa_id,
            "number_key": identity.key,
            "user_id": identity.user_id,
            "name": identity.name,
            "now": now,
        },
    )
    return contact if made.rowcount else None


async def lose_number(
    connection: AsyncConnection, clinic_id: UUID, contact: UUID, number_key: str | None, now: datetime
) -> None:
    """Take a number from a contact, because it has passed to another account."""
    await connection.execute(
        _LOSE_NUMBER, {"clinic_id": clinic_id, "id": contact, "number_key": number_key, "now": now}
    )


async def store_message(
    connection: AsyncConnection, clinic_id: UUID, contact: UUID, message: Inbound, position: int, now: datetime
) -> tuple[UUID, UUID | None] | None:
    """Store a message and what it says about its sender; None when it was there already.

    Returns its id and that of the file which is to be fetched for it.
    """
    new, media = uuid4(), uuid4() if message.file else None
    stored = await connection.execute(
        _STORE,
        {
            "clinic_id": clinic_id,
            "id": new,
            "wamid": message.wamid,
            "media_id": media,
            "opens_window": message.kind not in OPENS_NO_WINDOW,
            "contact_id": contact,
            "kind": message.kind,
            "text": message.text,
            "reply_id": message.reply_id,
            "context_wamid": message.context_wamid,
            "content": message.content,
            "sent_at": message.sent_at,
            "now": now,
            "position": position,
            "wa_id": message.sender.wa_id,
            "number_key": message.sender.key,
            "user_id": message.sender.user_id,
            "name": message.sender.name,
        },
    )
    return (new, media) if stored.rowcount > 0 else None


async def store_status(connection: AsyncConnection, clinic_id: UUID, status: Status, now: datetime) -> bool:
    """Store a status; False when it was there already."""
    stored = await connection.execute(
        _STATUS,
        {
            "clinic_id": clinic_id,
            "id": uuid4(),
            "wamid": status.wamid,
            "status": status.status,
            "at": status.at,
            "error_code": status.error_code,
            "error_title": status.error_title,
            "error_details": status.error_details,
            "now": now,
        },
    )
    return stored.rowcount > 0


async def waiting(connection: AsyncConnection, clinic_id: UUID, contact: UUID, most: int) -> list[Waiting]:
    """Return a person's messages that are still to be handed on, in the order they were written."""
    wanted: dict[str, Any] = {"clinic_id": clinic_id, "contact_id": contact, "most": most}
    return [Waiting(*row) for row in await connection.execute(_WAITING, wanted)]


async def handed_on(
    connection: AsyncConnection,
    clinic_id: UUID,
    message: UUID,
    now: datetime,
    *,
    refused: int | None = None,
    typing: bool = False,
) -> None:
    """Record that conversation took a message (`typing`: and answers it), or (`refused`) that it never will."""
    names = {"id": message, "now": now, "refused": refused, "typing": typing}
    await connection.execute(_HANDED_ON, {"clinic_id": clinic_id, **names})
