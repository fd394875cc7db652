"""`/internal/v1`: where whatsapp hands messages on and says which replies are lost. Never routed by the gateway."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation import joining
from atendeai.conversation.answering import Answering
from atendeai.conversation.model_state import ModelStates
from atendeai.conversation.queues import (
    CONVERSATION_QUEUE,
    EMERGENCY_QUEUE,
    OLDEST,
    PREFERENCE_QUEUE,
    REPLY_QUEUE,
    UNATTENDED_QUEUE,
)
from atendeai.conversation.reply_repository import ReplyRepository
from atendeai.conversation.repository import ConversationRepository
from atendeai.conversation.schemas import (
    InboundMessage,
    JoinedInto,
    ModelHealth,
    Shown,
    Taken,
    TakenOver,
    TakeOver,
    Undelivered,
    UndeliveredNotice,
)
from atendeai.conversation.staff_repository import StaffRepository
from atendeai.kit import audit, clock
from atendeai.kit.identity import Principal, service
from atendeai.kit.resources import ConnectionDep, KitDep
from atendeai.kit.schemas import Joined
from atendeai.kit.tenancy import Tenant, TenantDep
from atendeai.kit.work import enqueue

router = APIRouter(prefix="/internal/v1", tags=["internal"])
_OF_WHATSAPP = [Depends(service("whatsapp"))]


@router.post("/messages", status_code=202, operation_id="internal_messages_take", dependencies=_OF_WHATSAPP)
async def messages(
    request: Request, message: InboundMessage, tenant: TenantDep, connection: ConnectionDep, kit: KitDep
) -> Taken:
    """Store a message once and wake its handling; a repeated one changes nothing."""
    answering: Answering = request.app.state.answering
    # PostgreSQL's text holds no NUL; a phone's keyboard has none, a made-up client may.
    body = message.text.replace("\x00", "")
    heard = await answering.hear(message, body)
    received = await ConversationRepository(connection, tenant.id).receive(
        message_id=message.message_id,
        contact_id=message.contact_id,
        contact_name=message.contact.name.replace("\x00", "") if message.contact.name else None,
        kind=message.kind,
        body=body,
        sent_at=message.sent_at,
        now=clock.now(),
        reply_id=heard.reply_id,
        media=message.media.model_dump(mode="json") if message.media else None,
        about=heard.about,
    )
    if received.new and heard.alarming:
        await enqueue(connection, tenant.id, EMERGENCY_QUEUE, str(message.contact_id))
    elif received.new:
        due = heard.due(clock.now(), kit.settings)
        await enqueue(connection, tenant.id, CONVERSATION_QUEUE, str(message.contact_id), due)
    return Taken(
        conversation_id=received.conversation_id,
        message_id=message.message_id,
        typing=received.new and not received.handed_off and heard.wants_answer,
    )


@router.post("/contacts/join", operation_id="internal_contacts_join")
async def join(
    joined: Joined,
    tenant: TenantDep,
    connection: ConnectionDep,
    caller: Annotated[Principal, Depends(service("whatsapp"))],
) -> JoinedInto:
    """Two contacts are one person: what was said with the first goes on under the other, once."""
    found = await joining.join(connection, tenant.id, joined.contact_id, joined.into)
    if found is not None:
        details, target = {"contact_id": str(joined.contact_id), "into": str(joined.into)}, f"conversation:{found}"
        await audit.record(
            connection, tenant.id, caller, "conversation.join", target, details, reason=audit.SAME_PERSON
        )
        for queue in (CONVERSATION_QUEUE, REPLY_QUEUE, PREFERENCE_QUEUE):
            await enqueue(connection, tenant.id, queue, str(joined.into))
    return JoinedInto(conversation_id=found)


@router.post("/undelivered", operation_id="internal_replies_undelivered", dependencies=_OF_WHATSAPP)
async def undelivered(setback: Undelivered, tenant: TenantDep, connection: ConnectionDep) -> Shown:
    """Show staff that a reply will not arrive, once; a reply nobody knows (erased since) changes nothing."""
    error = setback.error.replace("\x00", "")
    rows = ReplyRepository(connection, tenant.id)
    shown = await rows.undelivered(setback.reply_id, setback.outbound_id, error, clock.now())
    return await _shown(connection, tenant, shown=shown)


@router.post("/undelivered-notices", operation_id="internal_notices_undelivered", dependencies=_OF_WHATSAPP)
async def undelivered_notice(setback: UndeliveredNotice, tenant: TenantDep, connection: ConnectionDep) -> Shown:
    """Show staff, where they talk with the person, that a notice will not arrive; who never wrote has no such place."""
    rows = ReplyRepository(connection, tenant.id)
    shown = await rows.notice_undelivered(setback.contact_id, clock.now())
    return await _shown(connection, tenant, shown=shown)


async def _shown(connection: AsyncConnection, tenant: Tenant, *, shown: bool) -> Shown:
    """Say whether staff see an alert that they did not see before, and have it seen how long they leave it."""
    if shown:
        await enqueue(connection, tenant.id, UNATTENDED_QUEUE, OLDEST)
    return Shown(shown=shown)


@router.post("/takeovers", operation_id="internal_conversations_take_over", dependencies=_OF_WHATSAPP)
async def take_over(taking: TakeOver, tenant: TenantDep, connection: ConnectionDep) -> TakenOver:
    """Leave the conversation to whoever of the clinic writes to the contact, as if they had asked for it.

    What they wrote is shown in the transcript, once.
    """
    rows, now = StaffRepository(connection, tenant.id), clock.now()
    found = await rows.of_contact(taking.contact_id)
    if found is None:
        return TakenOver(taken_over=False)
    if taking.message is not None and not await rows.staff_wrote(
        found, taking.contact_id, taking.actor, taking.message, now
    ):
        # It was told before: whoever has released the conversation since keeps it so.
        return TakenOver(taken_over=False)
    wrote_at = taking.message.at if taking.message is not None else None
    news = await rows.hand(found, to_person=True, now=now, wrote_at=wrote_at)
    if news:
        target = f"conversation:{found}"
        await audit.record(
            connection, tenant.id, taking.actor, "conversation.handoff", target, reason="wrote-to-the-patient"
        )
    return TakenOver(taken_over=news)


@router.get("/model", operation_id="internal_model_show", dependencies=[Depends(service("health"))])
async def model(request: Request, tenant: TenantDep) -> ModelHealth:
    """Show how the clinic's external model lately did, as this process saw it."""
    states: ModelStates = request.app.state.model_states
    return states.of(tenant)
