"""`/internal/v1`: what the other services of the clinic ask of this one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from atendeai.kit import audit, clock
from atendeai.kit.errors import invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, service
from atendeai.kit.openapi import problems
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import TenantDep
from atendeai.whatsapp import contacts
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp.channel import ChannelDep
from atendeai.whatsapp.outbox import WITHDRAWN
from atendeai.whatsapp.queueing import queue
from atendeai.whatsapp.schemas import (
    Channel,
    KnownContact,
    Outbound,
    Preferences,
    PreferencesKept,
    Queued,
    Withdrawal,
    Withdrawn,
)

router = APIRouter(prefix="/internal/v1", tags=["internal"])


@router.post(
    "/outbound",
    status_code=202,
    operation_id="internal_outbound_queue",
    response_model=Queued,
    responses=problems(409),
)
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


@router.post("/outbound/withdraw", operation_id="internal_outbound_withdraw")
async def withdraw(
    withdrawal: Withdrawal,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service())],
) -> Withdrawn:
    """Take back messages of the caller's own that wait; what is being sent, or was, stays as it is."""
    keys = [f"{caller.actor}:{key}" for key in withdrawal.keys]
    withdrawn = await outbox.withdraw(connection, tenant.id, keys, WITHDRAWN, clock.now())
    if withdrawn:
        details = {"ids": list(map(str, withdrawn))}
        await audit.record(
            connection, tenant.id, caller, "whatsapp.message.withdraw", "messages", details, reason="subject-changed"
        )
    return Withdrawn(withdrawn=len(withdrawn))


@router.put(
    "/contacts/{contact_id}/preferences", operation_id="internal_contacts_prefer", response_model=PreferencesKept
)
async def preferences(
    contact_id: UUID,
    wish: Preferences,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service())],
) -> JSON:
    """Record whether a person wants reminders and offers; answers to what they write go in any case."""
    changed = await contacts.prefer(connection, tenant.id, contact_id, opted_out=wish.opted_out, now=clock.now())
    if changed is None:
        raise not_found("contact")
    if changed:
        action, target = f"contact.opt-{'out' if wish.opted_out else 'in'}", f"contact:{contact_id}"
        await audit.record(connection, tenant.id, caller, action, target, reason=audit.ASKED_BY_PATIENT)
    return JSON({"contact_id": contact_id, "opted_out": wish.opted_out})


@router.get("/contacts/{contact_id}", operation_id="internal_contacts_get")
async def contact(
    contact_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service())],
) -> KnownContact:
    """Say whether there is such a contact, which one it is by now, and when staff last wrote to it."""
    del caller  # proven by the dependency
    found = await contacts.known(connection, tenant.id, contact_id)
    if found is None:
        raise not_found("contact")
    return KnownContact(id=found, staff_wrote_at=await contacts.staff_wrote_at(connection, tenant.id, found))


@router.get("/channel", operation_id="internal_channel_read")
async def channel(tenant: TenantDep, channels: ChannelDep, caller: Annotated[Principal, Depends(service())]) -> Channel:
    """Say how the clinic's channel is."""
    del caller  # proven by the dependency; nothing depends on who it is
    return await channels.read(tenant)
