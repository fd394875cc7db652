"""`/internal/v1`: what the other services of the clinic ask of this one."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.errors import Problem, invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, service
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.responses import JSON, dumps
from atendeai.kit.tenancy import TenantDep
from atendeai.kit.work import enqueue
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp.channel import ChannelDep
from atendeai.whatsapp.outbox import OUTBOUND_QUEUE
from atendeai.whatsapp.schemas import Channel, Outbound

router = APIRouter(prefix="/internal/v1")


async def queue(connection: AsyncConnection, clinic_id: UUID, message: Outbound, *, key: str, author: str) -> UUID:
    """Queue a message once per key and wake the sender.

    Raises a problem: 404 for an unknown contact, 422 when the key was used for another message.
    """
    if await outbox.recipient(connection, clinic_id, message.contact_id) is None:
        raise not_found("contact")
    body: dict[str, Any] = {"text": message.text}
    if message.buttons:
        body["buttons"] = [choice.model_dump() for choice in message.buttons]
    content = [str(message.contact_id), message.kind, body]
    new = outbox.NewMessage(
        id=uuid4(),
        key=key,
        request_hash=hashlib.sha256(dumps(content)).digest(),
        contact_id=message.contact_id,
        kind=message.kind,
        body=body,
        reply_to=message.reply_to,
        purpose=message.purpose,
        author=author,
    )
    stored, request_hash = await outbox.add(connection, clinic_id, new, clock.now())
    if request_hash != new.request_hash:
        raise Problem(
            422,
            "idempotency-key-reused",
            "The idempotency key was used for another request",
            "Use a new Idempotency-Key for a new message.",
            errors=[{"field": "Idempotency-Key", "reason": "already used with a different message"}],
        )
    if stored == new.id:
        await enqueue(connection, clinic_id, OUTBOUND_QUEUE, str(message.contact_id))
    return stored


@router.post("/outbound", status_code=202)
async def outbound(
    message: Outbound,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service())],
    idempotency_key: IdempotencyKeyDep = None,
) -> JSON:
    """Queue a message to a contact; a repeated key gives the first message's id."""
    if idempotency_key is None:
        raise invalid("Idempotency-Key", "required, so that a repeated call does not send twice")
    stored = await queue(connection, tenant.id, message, key=f"{caller.actor}:{idempotency_key}", author=caller.actor)
    return JSON({"outbound_id": stored}, 202)


@router.get("/channel")
async def channel(tenant: TenantDep, channels: ChannelDep, caller: Annotated[Principal, Depends(service())]) -> Channel:
    """Say how the clinic's channel is."""
    del caller  # proven by the dependency; nothing depends on who it is
    return await channels.read(tenant)
