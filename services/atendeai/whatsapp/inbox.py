"""What comes in: believing it, storing it once, and handing it on in order.

The hot path is one transaction and no call to anybody; everything else is work that the transaction leaves behind.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.http import ServiceError
from atendeai.kit.metrics import MESSAGES
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import inbox_repository as inbox
from atendeai.whatsapp.outbox import Outbox
from atendeai.whatsapp.payload import Change, Inbound
from atendeai.whatsapp.people import Identity, match

INBOUND_QUEUE = "whatsapp.inbound"
"""Work keyed by contact: hand on what is waiting."""

_BATCH = 20
_TRIES = 3
# Conversation's word on the message itself; everything else (401, 404 while rolling out, 409, 429, 5xx) may pass.
_NEVER = frozenset({400, 413, 415, 422})

CHANGES = Counter(
    "atendeai_whatsapp_changes_total",
    "Changes of webhooks by what became of them.",
    ("outcome",),
)

log = structlog.get_logger(__name__)


def signed(body: bytes, signature: str | None, app_secret: str) -> bool:
    """Whether `X-Hub-Signature-256` proves that the raw body comes from Meta for the app of this secret.

    An absent secret proves nothing: anybody can compute a signature with an empty key.
    """
    if not app_secret or not signature:
        return False
    expected = "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "replace"))


class Inbox:
    """Inbound messages and statuses of the clinics this process serves."""

    def __init__(self, kit: Kit, outbox: Outbox) -> None:
        self._kit = kit
        self._outbox = outbox

    # ------------------------------------------------------------ believing
    async def verified(
        self, changes: Sequence[Change], body: bytes, signature: str | None, host_clinic: Tenant | None
    ) -> list[tuple[Tenant, list[Change]]]:
        """Return, by clinic, the changes that its own secret signs; the others are dropped and counted.

        A change belongs to the clinic that claims its phone number id. When the host is a clinic's, that must be the
        same one.
        """
        proven: dict[UUID, bool] = {}
        accepted: dict[UUID, tuple[Tenant, list[Change]]] = {}
        for change in changes:
            tenant = await self._owner(change, host_clinic)
            if tenant is None:
                CHANGES.labels("unknown_number").inc()
                continue
            if tenant.id not in proven:
                proven[tenant.id] = signed(body, signature, tenant.config.credentials.whatsapp.app_secret)
            if not proven[tenant.id]:
                CHANGES.labels("bad_signature").inc()
                continue
            accepted.setdefault(tenant.id, (tenant, []))[1].append(change)
        return list(accepted.values())

    async def _owner(self, change: Change, host_clinic: Tenant | None) -> Tenant | None:
        number = change.phone_number_id
        if number is None:
            return host_clinic  # account news: of no number, and of no consequence here
        if not self._kit.settings.shared:
            ours = host_clinic is not None and host_clinic.config.settings.whatsapp.phone_number_id == number
            return host_clinic if ours else None
        owner = await self._kit.tenants.by_phone(number)
        if owner is None or (host_clinic is not None and host_clinic.id != owner.id):
            return None
        return owner

    # ------------------------------------------------------------ storing
    async def store(self, tenant: Tenant, changes: Iterable[Change]) -> None:
        """Store a clinic's changes in one transaction, together with the work they cause.

        Raises `Unavailable` when the database is away; then nothing is stored and the platform repeats the webhook.
        """
        now = clock.now()
        fresh = known = 0
        async with self._kit.database.transaction(tenant) as connection:
            for change in changes:
                if not change.messages and not change.statuses:
                    CHANGES.labels("ignored").inc()
                    continue
                stored = await self._messages(connection, tenant, change.messages, now)
                for status in change.statuses:
                    if await inbox.store_status(connection, tenant.id, status, now):
                        stored += 1
                        await self._outbox.hear(connection, tenant, status, now)
                fresh += stored
                known += len(change.messages) + len(change.statuses) - stored
        CHANGES.labels("stored").inc(fresh)
        CHANGES.labels("duplicate").inc(known)

    async def _messages(
        self, connection: AsyncConnection, tenant: Tenant, messages: Sequence[Inbound], now: datetime
    ) -> int:
        # Always in the same order, so that two deliveries of one payload never wait for each other crosswise.
        ordered = sorted(enumerate(messages), key=lambda item: (item[1].sender.key or "", item[1].sender.user_id or ""))
        stored = 0
        for position, message in ordered:
            contact = await self._contact(connection, tenant.id, message.sender, now)
            if await inbox.store_message(connection, tenant.id, contact, message, position, now):
                stored += 1
                await enqueue(connection, tenant.id, INBOUND_QUEUE, str(contact))
                MESSAGES.labels("inbound", "stored").inc()
        return stored

    async def _contact(self, connection: AsyncConnection, clinic_id: UUID, sender: Identity, now: datetime) -> UUID:
        for _ in range(_TRIES):
            found = match(sender, await inbox.known(connection, clinic_id, sender))
            if found.loses_number:
                await inbox.lose_number(connection, clinic_id, found.loses_number, sender.key, now)
            if found.merges and found.contact:
                await inbox.merge(connection, clinic_id, found.merges, found.contact, now)
            contact = found.contact or await inbox.new_contact(connection, clinic_id, sender, now)
            if contact is not None:
                return contact
        raise RuntimeError("a contact appears and disappears under its number")

    # ------------------------------------------------------------ handing on
    async def hand_on(self, tenant: Tenant, key: str) -> datetime | None:
        """Give conversation what one person wrote, in order. Raises `ServiceError` while it cannot take it."""
        contact = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            messages = await inbox.waiting(connection, tenant.id, contact, _BATCH)
        for message in messages:
            refused = await self._offer(tenant, message)
            async with self._kit.database.transaction(tenant) as connection:
                await inbox.handed_on(connection, tenant.id, message.id, clock.now(), refused)
            MESSAGES.labels("inbound", "refused" if refused else "handed_on").inc()
        return clock.now() if len(messages) == _BATCH else None

    async def _offer(self, tenant: Tenant, message: inbox.Waiting) -> int | None:
        """Offer one message; the status of a final refusal, None when it was taken."""
        person = {"wa_id": message.wa_id, "user_id": message.user_id, "name": message.name}
        body = {
            "message_id": message.id,
            "wamid": message.wamid,
            "contact_id": message.contact_id,
            "contact": {name: value for name, value in person.items() if value},
            "kind": message.kind,
            "text": message.text,
            "sent_at": message.sent_at,
        }
        if message.outbound_id:
            body["context"] = {"outbound_id": message.outbound_id}
        try:
            await self._kit.services.call(
                tenant, "conversation", "POST", "/internal/v1/messages", json=body, idempotency_key=message.id
            )
        except ServiceError as error:
            if error.status not in _NEVER:
                raise
            # One message that conversation will never take must not hold back all that this person writes later.
            log.error(  # noqa: TRY400 - what a stack could add is in the other service
                "message_refused", message_id=str(message.id), status=error.status, problem=error.slug
            )
            return error.status
        return None
