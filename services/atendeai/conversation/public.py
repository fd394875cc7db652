"""`/api/v1/conversations`: what the clinic's staff sees and decides. Every reading is in the audit log."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from atendeai.conversation.schemas import Conversation, ConversationPage, Entry, Transcript
from atendeai.conversation.staff_repository import ENTRIES, SORTING, StaffRepository
from atendeai.kit import audit, clock
from atendeai.kit.errors import not_found
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, etag_of, require_match, tagged
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.responses import dumps
from atendeai.kit.tenancy import Tenant, TenantDep

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])

ReaderDep = Annotated[Principal, Depends(permitted("conversations.read"))]
ActorDep = Annotated[Principal, Depends(permitted("conversations.handoff"))]


@router.get("", operation_id="conversations_list")
async def conversations(
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: ReaderDep,
    window: Annotated[Window, paged(SORTING)],
    status: Literal["open", "handed_off"] | None = None,
    alerted: bool = False,
    contact_id: UUID | None = None,
) -> ConversationPage:
    """List conversations by their last message, newest first; ``alerted`` leaves those in which a person must look."""
    rows = await StaffRepository(connection, tenant.id).list_page(
        status=status, alerted=alerted, contact_id=contact_id, window=window
    )
    page, token = window.page(rows, dict)
    items = [_shown(row) for row in page]
    await audit.record(
        connection, tenant.id, reader, "conversation.list", "conversations", {"ids": [str(c.id) for c in items]}
    )
    return ConversationPage(items=items, next_page_token=token)


@router.get(
    "/{conversation_id}",
    operation_id="conversations_get",
    response_model=Conversation,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def one(
    conversation_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: ReaderDep,
    if_none_match: IfNoneMatchDep = None,
) -> Response:
    """Show one conversation, with its ETag, which every message changes too."""
    found, tag = await _found(connection, tenant, conversation_id)
    await audit.record(connection, tenant.id, reader, "conversation.read", f"conversation:{conversation_id}")
    return tagged(found, tag, if_none_match)


@router.get("/{conversation_id}/messages", operation_id="conversations_messages")
async def messages(
    conversation_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: ReaderDep,
    window: Annotated[Window, paged(ENTRIES)],
) -> Transcript:
    """Show what was written and answered, newest first."""
    await _found(connection, tenant, conversation_id)
    rows = await StaffRepository(connection, tenant.id).transcript(conversation_id, window=window)
    page, token = window.page(rows, dict)
    items = [Entry.model_validate(dict(row)) for row in page]
    await audit.record(
        connection,
        tenant.id,
        reader,
        "conversation.messages.read",
        f"conversation:{conversation_id}",
        {"count": len(items)},
    )
    return Transcript(items=items, next_page_token=token)


@router.post(
    "/{conversation_id}/handoff",
    operation_id="conversations_handoff",
    response_model=Conversation,
    responses=problems(412),
)
async def handoff(
    conversation_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    actor: ActorDep,
    if_match: IfMatchDep = None,
) -> Response:
    """Take the conversation over: the attendant keeps quiet from the next message on. Repeating changes nothing.

    Where the attendant had left it to a person already, this says that one has come.
    """
    return await _hand(connection, tenant, actor, conversation_id, if_match, to_person=True)


@router.post(
    "/{conversation_id}/release",
    operation_id="conversations_release",
    response_model=Conversation,
    responses=problems(412),
)
async def release(
    conversation_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    actor: ActorDep,
    if_match: IfMatchDep = None,
) -> Response:
    """Give the conversation back to the attendant. Repeating changes nothing."""
    return await _hand(connection, tenant, actor, conversation_id, if_match, to_person=False)


async def _hand(
    connection: AsyncConnection,
    tenant: Tenant,
    actor: Principal,
    conversation_id: UUID,
    if_match: str | None,
    *,
    to_person: bool,
) -> Response:
    _, tag = await _found(connection, tenant, conversation_id, lock=True)
    require_match(if_match, tag)
    rows = StaffRepository(connection, tenant.id)
    if await rows.hand(conversation_id, to_person=to_person, now=clock.now()):
        action = "conversation.handoff" if to_person else "conversation.release"
        target = f"conversation:{conversation_id}"
        await audit.record(connection, tenant.id, actor, action, target, reason=audit.ASKED_BY_STAFF)
    return tagged(*await _found(connection, tenant, conversation_id))


async def _found(
    connection: AsyncConnection, tenant: Tenant, conversation_id: UUID, *, lock: bool = False
) -> tuple[Conversation, str]:
    row = await StaffRepository(connection, tenant.id).get(conversation_id, lock=lock)
    if row is None:
        raise not_found("conversation")
    shown = _shown(row)
    return shown, etag_of(dumps(shown))


def _shown(row: Mapping[str, Any]) -> Conversation:
    return Conversation.model_validate({name: row[name] for name in Conversation.model_fields})
