"""`/api/v1/whatsapp`: what people of the clinic see and send."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query

from atendeai.kit import audit, clock
from atendeai.kit.errors import conflict, invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep
from atendeai.kit.identity import Principal, person
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import TenantDep
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp.channel import ChannelDep
from atendeai.whatsapp.internal import queue
from atendeai.whatsapp.outbox import window_open
from atendeai.whatsapp.schemas import Channel, Contact, Message, MessageError, Messages, Outbound, StaffMessage

router = APIRouter(prefix="/api/v1/whatsapp")

PersonDep = Annotated[Principal, Depends(person())]


def _cursor(value: str | None) -> tuple[datetime, UUID] | None:
    if value is None:
        return None
    at, _, message = value.partition("|")
    try:
        return datetime.fromisoformat(at), UUID(message)
    except ValueError:
        raise invalid("before", "use what an earlier page gave as `next`") from None


@router.get("/messages")
async def messages(
    tenant: TenantDep,
    connection: ConnectionDep,
    reader: PersonDep,
    contact_id: UUID | None = None,
    direction: Literal["inbound", "outbound"] | None = None,
    state: Literal["queued", "sending", "sent", "delivered", "read", "failed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> Messages:
    """List messages, newest first. `state` selects outbound ones. Every reading is in the audit log."""
    rows = await staff.messages(
        connection,
        tenant.id,
        contact_id=contact_id,
        direction=direction,
        state=state,
        before=_cursor(before),
        most=limit,
    )
    target = f"contact:{contact_id}" if contact_id else "messages"
    await audit.record(connection, tenant.id, reader, "whatsapp.messages.read", target, {"count": len(rows)})
    items = [
        Message(
            id=row["id"],
            direction=row["direction"],
            contact=Contact(id=row["contact_id"], name=row["name"], wa_id=row["wa_id"], user_id=row["user_id"]),
            kind=row["kind"],
            text=row["text"],
            at=row["at"],
            state=row["state"],
            author=row["author"],
            error=_error(row["error_code"], row["error_title"], row["error_details"]),
        )
        for row in rows
    ]
    last = items[-1] if len(items) == limit else None
    return Messages(items=items, next=f"{last.at.isoformat()}|{last.id}" if last else None)


def _error(code: int | None, title: str | None, details: str | None) -> MessageError | None:
    return None if code is None else MessageError(code=code, title=title, details=details)


@router.post("/messages", status_code=202)
async def send(
    message: StaffMessage,
    tenant: TenantDep,
    connection: ConnectionDep,
    author: PersonDep,
    idempotency_key: IdempotencyKeyDep = None,
) -> JSON:
    """Send free text to a contact whose 24-hour window is open; 409 when it is not."""
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
    key = f"{author.actor}:{idempotency_key or uuid4()}"
    wanted = Outbound(contact_id=message.contact_id, text=message.text, purpose="staff")
    stored = await queue(connection, tenant.id, wanted, key=key, author=author.actor)
    await audit.record(
        connection, tenant.id, author, "whatsapp.message.send", f"contact:{message.contact_id}", {"id": str(stored)}
    )
    return JSON({"id": stored, "state": "queued"}, 202)


@router.get("/status")
async def status(tenant: TenantDep, channels: ChannelDep, reader: PersonDep) -> Channel:
    """Say how the clinic's channel is: its token, the account's last refusal, what is waiting."""
    del reader  # proven by the dependency; any role may know
    return await channels.read(tenant)
