"""`/api/v1/whatsapp`: what people of the clinic see and send."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Response
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import audit, clock
from atendeai.kit.errors import conflict, invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep, Reply, idempotent
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.tenancy import Tenant, TenantDep
from atendeai.kit.work import enqueue
from atendeai.whatsapp import media_repository
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp.channel import ChannelDep
from atendeai.whatsapp.media_types import SENT_AS
from atendeai.whatsapp.outbox import window_open
from atendeai.whatsapp.queueing import put, queue
from atendeai.whatsapp.render import CAPTIONED
from atendeai.whatsapp.schemas import (
    Channel,
    Contact,
    MediaInfo,
    Message,
    MessageError,
    MessagePage,
    Offered,
    Outbound,
    Sent,
    StaffMessage,
)
from atendeai.whatsapp.takeovers import TAKEOVER_QUEUE

router = APIRouter(prefix="/api/v1/whatsapp", tags=["whatsapp"])

ReaderDep = Annotated[Principal, Depends(permitted("messages.read"))]
AuthorDep = Annotated[Principal, Depends(permitted("messages.send"))]


@router.get("/messages", operation_id="whatsapp_messages_list")
async def messages(
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: ReaderDep,
    window: Annotated[Window, paged(staff.SORTING)],
    contact_id: UUID | None = None,
    direction: Literal["inbound", "outbound"] | None = None,
    state: Literal["queued", "sending", "sent", "delivered", "read", "failed"] | None = None,
) -> MessagePage:
    """List messages, newest first. `state` selects outbound ones. Every reading is in the audit log."""
    person_of = await outbox.recipient(connection, tenant.id, contact_id) if contact_id else None
    rows = await staff.messages(
        connection,
        tenant.id,
        contact_id=person_of.id if person_of else contact_id,
        direction=direction,
        state=state,
        window=window,
    )
    page, token = window.page(rows, dict)
    target = f"contact:{contact_id}" if contact_id else "messages"
    await audit.record(connection, tenant.id, reader, "whatsapp.messages.read", target, {"count": len(page)})
    items = [
        Message(
            id=row["id"],
            direction=row["direction"],
            contact=Contact(id=row["contact_id"], name=row["name"], wa_id=row["wa_id"], user_id=row["user_id"]),
            kind=row["kind"],
            text=row["text"],
            options=[Offered.model_validate(choice) for choice in orjson.loads(row["options"] or b"[]")],
            at=row["at"],
            state=row["state"],
            author=row["author"],
            error=_error(row["error_code"], row["error_title"], row["error_details"]),
            media=_media(row),
            edited_at=row["edited_at"],
            revoked_at=row["revoked_at"],
        )
        for row in page
    ]
    return MessagePage(items=items, next_page_token=token)


def _error(code: int | None, title: str | None, details: str | None) -> MessageError | None:
    return None if code is None else MessageError(code=code, title=title, details=details)


def _media(row: RowMapping) -> MediaInfo | None:
    if row["media_id"] is None or row["media_state"] is None:
        return None
    return MediaInfo(
        id=row["media_id"],
        state=row["media_state"],
        mime_type=row["mime_type"],
        filename=row["filename"],
        size=row["size"],
        problem=row["problem"],
    )


@router.post(
    "/messages", status_code=202, operation_id="whatsapp_messages_send", response_model=Sent, responses=problems(409)
)
async def send(
    message: StaffMessage,
    tenant: TenantDep,
    connection: ConnectionDep,
    author: AuthorDep,
    idempotency_key: IdempotencyKeyDep = None,
) -> Response:
    """Send free text, or an uploaded file, to a contact whose 24-hour window is open; 409 when it is not.

    Whoever writes takes the conversation over: the attendant keeps quiet until it is released or neither side writes.
    """

    async def run() -> Reply:
        stored = await _queued(connection, tenant, author, message, f"{author.actor}:{idempotency_key or uuid4()}")
        return Reply(202, Sent(id=stored, state="queued").model_dump(mode="json"))

    reply = await idempotent(
        connection,
        clinic_id=tenant.id,
        scope=f"whatsapp.messages:{author.actor}",
        key=idempotency_key,
        request=message,
        run=run,
    )
    return reply.response()


async def _queued(
    connection: AsyncConnection, tenant: Tenant, author: Principal, message: StaffMessage, key: str
) -> UUID:
    """Queue a message and have the conversation taken over, once per key. Raises a problem: 404, 409, 422."""
    to = await outbox.recipient(connection, tenant.id, message.contact_id)
    if to is None:
        raise not_found("contact")
    if not window_open(to.last_inbound_at, clock.now()):
        raise conflict(
            "outside-window",
            "More than 24 hours have passed since this person's last message. They must write first, or be sent a"
            " template.",
            title="Outside the 24-hour window",
        )
    # A message is kept longer than the answer to its key is.
    known = await outbox.added(connection, tenant.id, key)
    if message.media_id is not None:
        stored = await _file(connection, tenant.id, message, message.media_id, to.id, key=key, author=author.actor)
    else:
        wanted = Outbound(contact_id=message.contact_id, text=message.text, purpose="staff")
        stored = await queue(connection, tenant.id, wanted, key=key, author=author.actor)
    if known is None:
        await enqueue(connection, tenant.id, TAKEOVER_QUEUE, str(stored))
        await audit.record(
            connection,
            tenant.id,
            author,
            "whatsapp.message.send",
            f"contact:{message.contact_id}",
            {"id": str(stored)},
            reason=audit.ASKED_BY_STAFF,
        )
    return stored


async def _file(
    connection: AsyncConnection,
    clinic_id: UUID,
    message: StaffMessage,
    media_id: UUID,
    contact: UUID,
    *,
    key: str,
    author: str,
) -> UUID:
    """Queue an uploaded file. Raises a problem: 404 for one that is not there, 422 for words that it cannot carry."""
    media = await media_repository.get(connection, clinic_id, media_id)
    if media is None or media.state != "stored":
        raise not_found("file", "There is no such file, or its upload is not complete.")
    kind, _ = SENT_AS.get(media.mime_type or "", ("", 0))
    if not kind:
        raise invalid("media_id", f"{media.mime_type} cannot be sent")
    if message.text and kind not in CAPTIONED:
        raise invalid("text", f"a message of kind {kind} carries no text; send it by itself")
    return await put(
        connection,
        clinic_id,
        outbox.NewMessage(
            id=uuid4(),
            key=key,
            request_hash=hashlib.sha256(f"{message.contact_id}|{media_id}|{message.text}".encode()).digest(),
            contact_id=contact,
            kind=kind,
            body={"text": message.text, "filename": media.filename},
            reply_to=None,
            purpose="staff",
            author=author,
            media_id=media_id,
        ),
    )


@router.get("/status", operation_id="whatsapp_status")
async def status(tenant: TenantDep, channels: ChannelDep, reader: ReaderDep) -> Channel:
    """Say how the clinic's channel is: its token, the account's last refusal, what is waiting."""
    del reader  # proven by the dependency; any role may know
    return await channels.read(tenant)
