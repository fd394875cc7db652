"""`/internal/v1`: what the other services of the clinic ask of this one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from atendeai.kit import clock
from atendeai.kit.errors import invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, service
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import TenantDep
from atendeai.whatsapp import contacts
from atendeai.whatsapp.channel import ChannelDep
from atendeai.whatsapp.queueing import queue
from atendeai.whatsapp.schemas import Channel, Outbound, Preferences

router = APIRouter(prefix="/internal/v1")


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


@router.put("/contacts/{contact_id}/preferences")
async def preferences(
    contact_id: UUID,
    wish: Preferences,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service())],
) -> JSON:
    """Record whether a person wants reminders and offers; answers to what they write go in any case."""
    del caller  # proven by the dependency
    if not await contacts.prefer(connection, tenant.id, contact_id, opted_out=wish.opted_out, now=clock.now()):
        raise not_found("contact")
    return JSON({"contact_id": contact_id, "opted_out": wish.opted_out})


@router.get("/channel")
async def channel(tenant: TenantDep, channels: ChannelDep, caller: Annotated[Principal, Depends(service())]) -> Channel:
    """Say how the clinic's channel is."""
    del caller  # proven by the dependency; nothing depends on who it is
    return await channels.read(tenant)
