"""What comes in: believing it, storing it once, and handing it on in order.

The hot path is one transaction and no call to anybody, shared by the webhooks that arrive together (`ingest`);
everything else is work that the transaction leaves behind.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.db import on_commit, sqlstate
from atendeai.kit.http import ServiceError
from atendeai.kit.metrics import MESSAGES, begun
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import contacts, media_repository, revisions
from atendeai.whatsapp import inbox_repository as inbox
from atendeai.whatsapp.content import ABOUT_OTHERS, alarming
from atendeai.whatsapp.directory import Directory
from atendeai.whatsapp.ingest import Ingest, plain
from atendeai.whatsapp.markers import READ_QUEUE
from atendeai.whatsapp.news import News
from atendeai.whatsapp.outbox import OUTBOUND_QUEUE, Outbox
from atendeai.whatsapp.payload import Change, Inbound
from atendeai.whatsapp.people import Identity, match, move

INBOUND_QUEUE = "whatsapp.inbound"
"""Work keyed by contact: hand on what is waiting."""
MEDIA_QUEUE = "whatsapp.media"
"""Work keyed by file: fetch it."""
HOLD = timedelta(seconds=45)
"""How long a message waits for its file, and what the person wrote after it with it; then it goes on without."""

_BATCH = 20
_LOOKED_THROUGH = 100
"""So many of a person's waiting messages are looked through for an emergency."""
_LONGEST_TURN = timedelta(seconds=150)
"""A turn of conversation ends within its worker's 120 s; a call that it made last may take a little longer."""
_JOIN_WAIT = timedelta(seconds=5)
_TRIES = 3
_STORE_TRIES = 8
_CROSSED = frozenset({"23505", "40P01"})
"""Another webhook met the same person in this very moment: unique_violation, deadlock_detected."""
# Conversation's word on the message itself; everything else (401, 404 while rolling out, 409, 429, 5xx) may pass.
_NEVER = frozenset({400, 413, 415, 422})

CHANGES = begun(
    Counter("atendeai_whatsapp_changes_total", "Changes of webhooks by what became of them.", ("outcome",)),
    *("stored", "duplicate", "news", "ignored", "malformed", "unknown_number", "bad_signature"),
)
_STORED, _DUPLICATE = CHANGES.labels("stored"), CHANGES.labels("duplicate")

log = structlog.get_logger(__name__)


def signed(body: bytes, signature: str | None, app_secret: str) -> bool:
    """Whether `X-Hub-Signature-256` proves that the raw body comes from Meta for the app of this secret.

    An absent secret proves nothing: anybody can compute a signature with an empty key.
    """
    if not app_secret or not signature:
        return False
    expected = "sha256=" + hmac.digest(app_secret.encode(), body, "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "replace"))


def _count(fresh: int, known: int) -> None:
    if fresh:
        _STORED.inc(fresh)
    if known:
        _DUPLICATE.inc(known)


class Inbox:
    """Inbound messages and statuses of the clinics this process serves."""

    def __init__(self, kit: Kit, outbox: Outbox, news: News, directory: Directory) -> None:
        self._kit = kit
        self._ingest = Ingest(kit, INBOUND_QUEUE)
        self._outbox = outbox
        self._news = news
        self._directory = directory

    # ------------------------------------------------------------ believing
    async def verified(
        self, changes: Sequence[Change], body: bytes, signature: str | None, host_clinic: Tenant | None
    ) -> list[tuple[Tenant, list[Change]]]:
        """Return, by clinic, the changes that its own secret signs; the others are dropped and counted.

        A change belongs to the clinic that claims its phone number id, and news of a business account to all whose
        numbers are in it. When the host is a clinic's, that must be the same one.
        """
        proven: dict[UUID, bool] = {}
        accepted: dict[UUID, tuple[Tenant, list[Change]]] = {}
        for change in changes:
            owners = await self._owners(change, host_clinic)
            if not owners:
                CHANGES.labels("unknown_number").inc()
            for tenant in owners:
                if tenant.id not in proven:
                    proven[tenant.id] = signed(body, signature, tenant.config.credentials.whatsapp.app_secret)
                if not proven[tenant.id]:
                    CHANGES.labels("bad_signature").inc()
                    continue
                accepted.setdefault(tenant.id, (tenant, []))[1].append(change)
        return list(accepted.values())

    async def _owners(self, change: Change, host_clinic: Tenant | None) -> list[Tenant]:
        if change.phone_number_id is not None:
            owner = await self._owner(change.phone_number_id, host_clinic)
            return [owner] if owner is not None else []
        account = change.business_account_id
        if host_clinic is not None:
            own = host_clinic.config.settings.whatsapp.business_account_id
            return [host_clinic] if own in (None, account) else []
        return await self._directory.of_business(account) if account and self._kit.settings.shared else []

    async def _owner(self, number: str, host_clinic: Tenant | None) -> Tenant | None:
        if not self._kit.settings.shared:
            ours = host_clinic is not None and host_clinic.config.settings.whatsapp.phone_number_id == number
            return host_clinic if ours else None
        owner = await self._kit.tenants.by_phone(number)
        if owner is None or (host_clinic is not None and host_clinic.id != owner.id):
            return None
        return owner

    # ------------------------------------------------------------ storing
    async def take(self, tenant: Tenant, changes: Sequence[Change]) -> None:
        """Store a clinic's changes: plain messages together with those of other webhooks, the rest by themselves.

        Raises `Unavailable` when the database is away; then nothing is stored and the platform repeats the webhook.
        """
        counted = await self._ingest.take(tenant, changes) if plain(changes) else None
        if counted is None:
            await self.store(tenant, changes)
            return
        _count(*counted)

    async def store(self, tenant: Tenant, changes: Iterable[Change]) -> None:
        """Store a clinic's changes in one transaction, together with the work they cause.

        Two webhooks that learn of one person at once, one by number and one by user id, cannot both be right about
        who is new; the later one then looks again. Raises `Unavailable` when the database is away; then nothing is
        stored and the platform repeats the webhook.
        """
        wanted = list(changes)
        for attempt in range(1, _STORE_TRIES + 1):
            try:
                await self._store(tenant, wanted)
            except DBAPIError as error:
                if sqlstate(error) not in _CROSSED or attempt == _STORE_TRIES:
                    raise
            else:
                return

    async def _store(self, tenant: Tenant, changes: Sequence[Change]) -> None:
        now = clock.now()
        fresh = known = 0
        async with self._kit.database.transaction(tenant) as connection:
            for change in changes:
                if change.about != "messages":
                    applied = await self._news.apply(connection, tenant, change, now)
                    CHANGES.labels("news" if applied else "ignored").inc()
                    continue
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
        _count(fresh, known)

    async def _messages(
        self, connection: AsyncConnection, tenant: Tenant, messages: Sequence[Inbound], now: datetime
    ) -> int:
        # Always in the same order, so that two deliveries of one payload never wait for each other crosswise.
        ordered = sorted(enumerate(messages), key=lambda item: (item[1].sender.key or "", item[1].sender.user_id or ""))
        stored = 0
        for position, message in ordered:
            if message.previous is not None and await contacts.seen(connection, tenant.id, message.wamid):
                continue  # the old number may be somebody else's by now: a repeated webhook moves nobody
            contact = await self._contact(connection, tenant.id, message, now)
            new = await inbox.store_message(connection, tenant.id, contact, message, position, now)
            if new is None:
                continue
            stored += 1
            # First: it holds the contact's work, so that nobody begins to hand anything on while this is decided.
            await enqueue(connection, tenant.id, INBOUND_QUEUE, str(contact))
            await self._stored(connection, tenant.id, contact, message, *new, now)
            on_commit(connection, MESSAGES.labels("inbound", "stored").inc)
        return stored

    async def _stored(
        self,
        connection: AsyncConnection,
        clinic_id: UUID,
        contact: UUID,
        message: Inbound,
        new: UUID,
        media: UUID | None,
        now: datetime,
    ) -> None:
        """See to what a new message entails: its file, or the message that it edits or deletes."""
        if media is not None and message.file is not None:
            await media_repository.expect(
                connection, clinic_id, media, message.kind, message.file, now, inbound=new, contact=contact
            )
            await enqueue(connection, clinic_id, MEDIA_QUEUE, str(media))
        if message.kind in ("edit", "revoke") and message.context_wamid:
            await revisions.apply(
                connection,
                clinic_id,
                contact,
                new,
                queue=INBOUND_QUEUE,
                kind=message.kind,
                words=message.text,
                about=message.context_wamid,
                at=message.sent_at,
                now=now,
            )
        elif message.previous is None:
            await revisions.catch_up(
                connection, clinic_id, contact, new, wamid=message.wamid, sent_at=message.sent_at, now=now
            )

    async def _contact(self, connection: AsyncConnection, clinic_id: UUID, message: Inbound, now: datetime) -> UUID:
        sender = message.sender
        if message.previous is not None:
            moved = await self._moved(connection, clinic_id, message.previous, sender, now)
            if moved is not None:
                return moved
        for _ in range(_TRIES):
            found = match(sender, await inbox.known(connection, clinic_id, sender))
            if found.loses_number:
                await inbox.lose_number(connection, clinic_id, found.loses_number, sender.key, now)
            if found.merges and found.contact:
                await self._join(connection, clinic_id, found.merges, found.contact, now)
            contact = found.contact or await inbox.new_contact(connection, clinic_id, sender, now)
            if contact is not None:
                return contact
        raise RuntimeError("a contact appears and disappears under its number")

    async def _moved(
        self, connection: AsyncConnection, clinic_id: UUID, old: Identity, new: Identity, now: datetime
    ) -> UUID | None:
        """Let a known person go on under their new identity; None when nobody is known under the old one."""
        known_old = await inbox.known(connection, clinic_id, old)
        decided = move(old, new, known_old, await inbox.known(connection, clinic_id, new))
        if decided.mover is None:
            return None
        if decided.loses_number:
            await inbox.lose_number(connection, clinic_id, decided.loses_number, new.key, now)
        for other in decided.joins:
            await self._join(connection, clinic_id, other, decided.mover, now)
        await contacts.renumber(connection, clinic_id, decided.mover, new, now)
        return decided.mover

    async def _join(
        self, connection: AsyncConnection, clinic_id: UUID, contact: UUID, into: UUID, now: datetime
    ) -> None:
        """Make two contacts one; what was queued for the first goes on with the other."""
        await contacts.join(connection, clinic_id, contact, into, now)
        await enqueue(connection, clinic_id, OUTBOUND_QUEUE, str(into))
        # Under the first one's key: after whatever of it is being handed on at this moment.
        await enqueue(connection, clinic_id, INBOUND_QUEUE, str(contact))

    # ------------------------------------------------------------ handing on
    async def hand_on(self, tenant: Tenant, key: str) -> datetime | None:
        """Give conversation what one person wrote, in order. Raises `ServiceError` while it cannot take it.

        What must wait holds back what came after it, but for an emergency.
        """
        contact = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            joining = await contacts.joining(connection, tenant.id, contact, clock.now())
            for other in joining.awaits:
                await enqueue(connection, tenant.id, INBOUND_QUEUE, other)
            messages = await inbox.waiting(connection, tenant.id, contact, _LOOKED_THROUGH)
        if joining.into is not None:
            return await self._tell(tenant, contact, joining.into, joining.told)
        waits = joining.holds or any(_held_until(message) for message in messages)
        alarms = [message for message in messages if waits and alarming(message.kind, message.text)]
        for message in alarms:
            await self._give(tenant, message)
        if joining.holds:
            return clock.now() + _JOIN_WAIT  # or as soon as the others know that it is one person
        rest = [message for message in messages if message not in alarms]
        for message in rest[:_BATCH]:
            held = _held_until(message)
            if held is not None:
                return held
            await self._give(tenant, message)
        return clock.now() if len(rest) > _BATCH else None

    async def _give(self, tenant: Tenant, message: inbox.Waiting) -> None:
        """Give conversation one message, and note what it said of it. Raises `ServiceError` while it cannot take it."""
        refused, typing = await self._offer(tenant, message)
        async with self._kit.database.transaction(tenant) as connection:
            now = clock.now()
            await inbox.handed_on(connection, tenant.id, message.id, now, refused=refused, typing=typing)
            if refused is None:
                await enqueue(connection, tenant.id, READ_QUEUE, str(message.contact_id))
        MESSAGES.labels("inbound", "refused" if refused else "handed_on").inc()

    async def _tell(self, tenant: Tenant, contact: UUID, into: UUID, told: datetime | None) -> datetime | None:
        """Tell the services that keep something under a contact that it is another one. Raises `ServiceError`.

        conversation comes first: a dialogue that is under way under the old id begins again under the new one, and
        what it has booked until then is found by appointment. What it books in its last moments is found when
        appointment is told once more, after the longest that a turn can last.
        """
        now = clock.now()
        if told is not None and now < told + _LONGEST_TURN:
            return max(told + _LONGEST_TURN, now + timedelta(seconds=1))  # what is due is judged by another clock
        for service in ("conversation", "appointment"):
            try:
                await self._kit.services.call(
                    tenant,
                    service,
                    "POST",
                    "/internal/v1/contacts/join",
                    json={"contact_id": str(contact), "into": str(into)},
                )
            except ServiceError as error:
                if error.status not in _NEVER:
                    raise
                log.error("join_refused", service=service, status=error.status, problem=error.slug)  # noqa: TRY400 - as below
        if told is not None:
            return None
        async with self._kit.database.transaction(tenant) as connection:
            await contacts.told(connection, tenant.id, contact, into, now)
            await enqueue(connection, tenant.id, INBOUND_QUEUE, str(into))
        return now + _LONGEST_TURN

    async def _offer(self, tenant: Tenant, message: inbox.Waiting) -> tuple[int | None, bool]:
        """Offer one message; the status of a final refusal (None: taken), and whether conversation is answering it."""
        try:
            said = await self._kit.services.call(
                tenant,
                "conversation",
                "POST",
                "/internal/v1/messages",
                json=_handed(message),
                idempotency_key=message.id,
            )
        except ServiceError as error:
            if error.status not in _NEVER:
                raise
            # One message that conversation will never take must not hold back all that this person writes later.
            log.error(  # noqa: TRY400 - what a stack could add is in the other service
                "message_refused", message_id=str(message.id), status=error.status, problem=error.slug
            )
            return error.status, False
        return None, isinstance(said, dict) and said.get("typing") is True


def _held_until(message: inbox.Waiting) -> datetime | None:
    """Until when a message waits for its file; None when it waits no longer."""
    until = message.received_at + HOLD
    return until if message.media_id and message.ready_at is None and clock.now() < until else None


def _handed(message: inbox.Waiting) -> dict[str, Any]:
    """Return a message as conversation takes it."""
    person = {"wa_id": message.wa_id, "user_id": message.user_id, "name": message.name}
    body: dict[str, Any] = {
        "message_id": message.id,
        "wamid": message.wamid,
        "contact_id": message.contact_id,
        "contact": {name: value for name, value in person.items() if value},
        "kind": message.kind,
        "text": message.text,
        "sent_at": message.sent_at,
    }
    if message.reply_id:
        body["reply_id"] = message.reply_id
    context: dict[str, Any] = {"outbound_id": message.outbound_id}
    if message.kind in ABOUT_OTHERS:
        context["message_id"] = message.about_id
    if message.buttons:
        context["buttons"] = [choice["id"] for choice in orjson.loads(message.buttons)]
    if any(context.values()):
        body["context"] = {name: value for name, value in context.items() if value}
    if message.media_id and message.media_state in ("stored", "waiting"):
        body["media"] = {
            "id": message.media_id,
            "mime_type": message.media_type,
            "transcript": message.transcribed,
        }
    return body
