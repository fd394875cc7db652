"""Putting a message into the queue: once per key, and never against a person's wish."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.errors import Problem, conflict, not_found
from atendeai.kit.responses import dumps
from atendeai.kit.work import enqueue
from atendeai.whatsapp import contacts
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp.outbox import OUTBOUND_QUEUE, unasked
from atendeai.whatsapp.schemas import Outbound


async def queue(connection: AsyncConnection, clinic_id: UUID, message: Outbound, *, key: str, author: str) -> UUID:
    """Queue a message once per key and wake the sender; the id of the one that is queued under the key.

    Raises a problem: 404 for an unknown contact, 409 `opted-out` for a reminder or an offer to somebody who asked for
    no more of them, 422 when the key was used for another message.
    """
    to = await outbox.recipient(connection, clinic_id, message.contact_id)
    if to is None:
        raise not_found("contact")
    body: dict[str, Any] = {"text": message.text}
    if message.buttons:
        body["buttons"] = [choice.model_dump(exclude_none=True) for choice in message.buttons]
    content: list[Any] = [message.kind, body]
    template = None
    if message.template is not None:
        template = {**message.template.model_dump(), "text": message.template.text()}
        content.append(template)
    new = outbox.NewMessage(
        id=uuid4(),
        key=key,
        request_hash=_hash(message.contact_id, content),
        contact_id=to.id,
        kind=message.kind,
        body=body,
        template=template,
        reply_to=message.reply_to,
        purpose=message.purpose,
        author=author,
        expires_at=message.expires_at,
    )
    if to.opted_out and unasked(message.purpose) and await outbox.added(connection, clinic_id, key) is None:
        raise conflict(
            "opted-out",
            "This person asked for no more messages of this kind; answers to what they write still go.",
            title="The person opted out",
        )

    async def is_same(known: bytes) -> bool:
        """Whether it was asked for under another id of the same person, who has been joined since."""
        ids = await contacts.one_person(connection, clinic_id, to.id)
        return any(known == _hash(one, content) for one in ids)

    return await put(connection, clinic_id, new, is_same)


def _hash(contact: UUID, content: list[Any]) -> bytes:
    return hashlib.sha256(dumps([str(contact), *content])).digest()


async def put(
    connection: AsyncConnection,
    clinic_id: UUID,
    new: outbox.NewMessage,
    is_same: Callable[[bytes], Awaitable[bool]] | None = None,
) -> UUID:
    """Queue what was checked. Raises a 422 problem when the key was used for another message.

    `is_same` may know the hash of one that differs from its own as that of the same message.
    """
    stored, request_hash = await outbox.add(connection, clinic_id, new, clock.now())
    if request_hash != new.request_hash and not (is_same is not None and await is_same(request_hash)):
        raise Problem(
            422,
            "idempotency-key-reused",
            "The idempotency key was used for another request",
            "Use a new Idempotency-Key for a new message.",
            errors=[{"field": "Idempotency-Key", "reason": "already used with a different message"}],
        )
    if stored == new.id:
        await enqueue(connection, clinic_id, OUTBOUND_QUEUE, str(new.contact_id))
    return stored
