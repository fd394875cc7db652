"""`/api/v1/conversations`: what the clinic's staff sees and decides. Every reading is in the audit log."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation.repository import ConversationRepository
from atendeai.conversation.schemas import Conversation, Conversations, Entry, Transcript
from atendeai.kit import audit, clock
from atendeai.kit.errors import invalid, not_found
from atendeai.kit.identity import Principal, person
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.tenancy import Tenant, TenantDep

router = APIRouter(prefix="/api/v1/conversations")

StaffDep = Annotated[Principal, Depends(person())]
_LAST_POSITION = 2**62


def _encode(at: datetime, conversation_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{conversation_id}".encode()).decode()


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, conversation_id = base64.urlsafe_b64decode(cursor).decode().partition("|")
        return datetime.fromisoformat(at), UUID(conversation_id)
    except (ValueError, binascii.Error):
        raise invalid("cursor", "use what an earlier page gave as next_cursor") from None


@router.get("")
async def conversations(
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: StaffDep,
    status: Literal["open", "handed_off"] | None = None,
    alerted: bool = False,
    contact_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Conversations:
    """List conversations by their last message, newest first; ``alerted`` leaves those in which a person must look."""
    rows = await ConversationRepository(connection, tenant.id).list_page(
        status=status,
        alerted=alerted,
        contact_id=contact_id,
        before=_decode(cursor) if cursor else None,
        limit=limit + 1,
    )
    items = [Conversation.model_validate(dict(row)) for row in rows[:limit]]
    await audit.record(
        connection, tenant.id, reader, "conversation.list", "conversations", {"ids": [str(c.id) for c in items]}
    )
    last = items[-1] if len(rows) > limit else None
    return Conversations(items=items, next_cursor=_encode(last.last_message_at, last.id) if last else None)


@router.get("/{conversation_id}")
async def one(conversation_id: UUID, tenant: TenantDep, connection: ConnectionDep, reader: StaffDep) -> Conversation:
    """Show one conversation."""
    found = await _found(connection, tenant, conversation_id)
    await audit.record(connection, tenant.id, reader, "conversation.read", f"conversation:{conversation_id}")
    return found


@router.get("/{conversation_id}/messages")
async def messages(
    conversation_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: StaffDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int, Query(ge=1, le=_LAST_POSITION)] = _LAST_POSITION,
) -> Transcript:
    """Show what was written and answered, newest first."""
    await _found(connection, tenant, conversation_id)
    rows = await ConversationRepository(connection, tenant.id).transcript(
        conversation_id, before=before, limit=limit + 1
    )
    items = [Entry.model_validate(dict(row)) for row in rows[:limit]]
    await audit.record(
        connection,
        tenant.id,
        reader,
        "conversation.messages.read",
        f"conversation:{conversation_id}",
        {"count": len(items)},
    )
    return Transcript(items=items, next_before=items[-1].position if len(rows) > limit else None)


@router.post("/{conversation_id}/handoff")
async def handoff(conversation_id: UUID, tenant: TenantDep, connection: ConnectionDep, actor: StaffDep) -> Conversation:
    """Take the conversation over: the attendant keeps quiet from the next message on. Repeating changes nothing."""
    return await _hand(connection, tenant, actor, conversation_id, to_person=True)


@router.post("/{conversation_id}/release")
async def release(conversation_id: UUID, tenant: TenantDep, connection: ConnectionDep, actor: StaffDep) -> Conversation:
    """Give the conversation back to the attendant. Repeating changes nothing."""
    return await _hand(connection, tenant, actor, conversation_id, to_person=False)


async def _hand(
    connection: AsyncConnection, tenant: Tenant, actor: Principal, conversation_id: UUID, *, to_person: bool
) -> Conversation:
    await _found(connection, tenant, conversation_id)
    rows = ConversationRepository(connection, tenant.id)
    if await rows.hand(conversation_id, to_person=to_person, now=clock.now()):
        action = "conversation.handoff" if to_person else "conversation.release"
        await audit.record(connection, tenant.id, actor, action, f"conversation:{conversation_id}")
    return await _found(connection, tenant, conversation_id)


async def _found(connection: AsyncConnection, tenant: Tenant, conversation_id: UUID) -> Conversation:
    row = await ConversationRepository(connection, tenant.id).get(conversation_id)
    if row is None:
        raise not_found("conversation")
    return Conversation.model_validate(dict(row))
