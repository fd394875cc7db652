"""SQL of what people take back: messages that they edit or delete, in whichever order these things arrive.

Source: developers.facebook.com, "WhatsApp Business Platform: webhooks reference" (`edit` within 15 minutes, `revoke`
within two days). A deleted message is erased here too, its file included: the person withdrew it (LGPD, art. 18).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_ORIGINAL = text(
    "SELECT id, handed_on_at IS NOT NULL AS handed_on FROM atendeai.whatsapp_inbound"
    " WHERE clinic_id = :clinic_id AND wamid = :wamid FOR UPDATE"
)
# Whoever holds the work may be giving conversation the message at this very moment.
_BEING_HANDED_ON = text(
    "SELECT lease_token IS NOT NULL FROM atendeai.work WHERE clinic_id = :clinic_id AND queue = :queue AND key = :key"
)
_LATER = text(
    "SELECT id, kind, text, sent_at, handed_on_at IS NOT NULL AS handed_on FROM atendeai.whatsapp_inbound"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND kind IN ('edit', 'revoke')"
    " AND context_wamid = :wamid AND sent_at >= :sent_at ORDER BY kind = 'revoke' DESC, sent_at DESC LIMIT 1"
)
_EDIT = text(
    "UPDATE atendeai.whatsapp_inbound SET text = :text, edited_at = :at WHERE clinic_id = :clinic_id AND id = :id"
    " AND revoked_at IS NULL AND (edited_at IS NULL OR edited_at <= :at)"
)
_REVOKE = text(
    "UPDATE atendeai.whatsapp_inbound SET text = '', content = '{}'::jsonb, reply_id = NULL, revoked_at = :at"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_ERASE_EDITS = text(
    "UPDATE atendeai.whatsapp_inbound SET text = '', content = '{}'::jsonb"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND kind = 'edit' AND context_wamid = :wamid"
)
_ERASE_FILE = text(
    "UPDATE atendeai.whatsapp_media SET state = 'erased', content = NULL, size = 0, filename = NULL,"
    " ready_at = coalesce(ready_at, :now) WHERE clinic_id = :clinic_id AND inbound_id = :id"
)
_SETTLED = text(
    "UPDATE atendeai.whatsapp_inbound SET handed_on_at = coalesce(handed_on_at, :now)"
    " WHERE clinic_id = :clinic_id AND id IN (:one, :other)"
)


async def apply(
    connection: AsyncConnection,
    clinic_id: UUID,
    contact: UUID,
    revision: UUID,
    *,
    queue: str,
    kind: str,
    words: str,
    about: str,
    at: datetime,
    now: datetime,
) -> None:
    """Apply an edit or a deletion that was stored as `revision` to the message it is about, if that is there.

    While conversation has not been given that message, it gets the new words only, or nothing at all; otherwise the
    revision is handed on like any message. So it is while somebody is handing on what the contact wrote: whether
    conversation has it by then nobody can tell, and it takes a revision of what it does not know as nothing. The
    contact's work of `queue` must have been enqueued in this transaction, which keeps others from beginning.
    """
    original = (await connection.execute(_ORIGINAL, {"clinic_id": clinic_id, "wamid": about})).one_or_none()
    if original is None:
        return
    await _change(connection, clinic_id, contact, original.id, kind=kind, words=words, about=about, at=at, now=now)
    if original.handed_on:
        return
    work = {"clinic_id": clinic_id, "queue": queue, "key": str(contact)}
    if (await connection.execute(_BEING_HANDED_ON, work)).scalar():
        settled = [original.id] if kind == "revoke" else []  # once given, or never any more
    else:
        # An edited message goes out with its new words; a deleted one not at all.
        settled = [revision, original.id] if kind == "revoke" else [revision]
    if settled:
        names = {"clinic_id": clinic_id, "one": settled[0], "other": settled[-1], "now": now}
        await connection.execute(_SETTLED, names)


async def catch_up(
    connection: AsyncConnection,
    clinic_id: UUID,
    contact: UUID,
    message: UUID,
    *,
    wamid: str,
    sent_at: datetime,
    now: datetime,
) -> None:
    """Apply to a message that was just stored what had overtaken it."""
    names = {"clinic_id": clinic_id, "contact_id": contact, "wamid": wamid, "sent_at": sent_at}
    later = (await connection.execute(_LATER, names)).one_or_none()
    if later is None:
        return
    await _change(
        connection,
        clinic_id,
        contact,
        message,
        kind=later.kind,
        words=later.text,
        about=wamid,
        at=later.sent_at,
        now=now,
    )
    # Conversation knows already, or need not know: either way one of the two is enough.
    told_by_revision = later.handed_on or later.kind == "revoke"
    gone = message if told_by_revision else later.id
    await connection.execute(
        _SETTLED,
        {"clinic_id": clinic_id, "one": gone, "other": later.id if later.kind == "revoke" else gone, "now": now},
    )


async def _change(
    connection: AsyncConnection,
    clinic_id: UUID,
    contact: UUID,
    message: UUID,
    *,
    kind: str,
    words: str,
    about: str,
    at: datetime,
    now: datetime,
) -> None:
    names: dict[str, Any] = {"clinic_id": clinic_id, "id": message, "at": at}
    if kind == "edit":
        await connection.execute(_EDIT, {**names, "text": words})
        return
    await connection.execute(_REVOKE, names)
    await connection.execute(_ERASE_EDITS, {"clinic_id": clinic_id, "contact_id": contact, "wamid": about})
    await connection.execute(_ERASE_FILE, {"clinic_id": clinic_id, "id": message, "now": now})
