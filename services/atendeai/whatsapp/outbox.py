"""What goes out: queued durably, sent in order per person, each failure treated as its class asks.

A message is sent at most once knowingly. The Graph API has no idempotency keys, so one doubt remains: when the request
went out and no answer came back (a broken connection, a crash between the call and its record), the message stays
`sending`. A status webhook that names it settles the doubt; if none comes within `failures.unsure_pause`, it is sent
again, as often as what was refused: an answer that comes twice once in a great while is better than a patient left
waiting.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.clinic_config import ClinicConfig
from atendeai.kit.errors import Unavailable
from atendeai.kit.metrics import MESSAGES
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp.failures import (
    MOST_ATTEMPTS,
    OUTSIDE_WINDOW,
    WINDOW,
    Course,
    Failure,
    pause,
    reported,
    unsure_pause,
)
from atendeai.whatsapp.graph import Accepted, GraphClient, Outcome, Refused, Unsure
from atendeai.whatsapp.pacing import Pacing
from atendeai.whatsapp.payload import Status
from atendeai.whatsapp.render import media_payload, payload, template_payload
from atendeai.whatsapp.setbacks import SETBACK_QUEUE, concerns
from atendeai.whatsapp.templates import TEMPLATE_CODES, why_refused

OUTBOUND_QUEUE = "whatsapp.outbound"
"""Work keyed by contact: send what is queued."""

QUOTA = Failure(0, "The clinic's daily quota of messages is used up", "Raise spec.quota.messagesPerDay.")
EXPIRED = Failure(0, "It was too late to be sent", "The channel was not working until this message was worth nothing.")
OPTED_OUT = Failure(0, "The person asked for no more messages of this kind")
WITHDRAWN = Failure(0, "It was taken back before it was sent", "What it was about had changed.")
UNPROVEN = Failure(0, "Nobody knows whether it was sent", "No attempt was answered, and no status came of any.")
NO_ADDRESS = Failure(0, "The contact has neither a number nor a user id", "The number has passed to somebody else.")
_MOST_IN_A_ROW = 20
_SEND_SECONDS = 30
_RECORD_TRIES = 6

log = structlog.get_logger(__name__)


def window_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether free text may be sent to a person who last wrote at that moment."""
    return last_inbound_at is not None and now - last_inbound_at < WINDOW


def outside_window() -> Failure:
    """Describe what the platform would answer, so that the call can be spared."""
    return Failure(
        OUTSIDE_WINDOW,
        "Re-engagement message",
        "More than 24 hours have passed since the person's last message; only a template may be sent.",
    )


def _request(head: outbox.Head, to: outbox.Recipient, *, templated: bool) -> dict[str, Any]:
    address = {"to": to.wa_id} if to.wa_id else {"recipient": to.user_id or ""}
    opaque = f"{head.id}:{head.attempts + 1}"
    if templated and head.template is not None:
        return template_payload(head.template, address, opaque=opaque)
    if head.media_id is not None:
        caption, filename = str(head.body.get("text") or ""), head.body.get("filename")
        return media_payload(head.kind, "", caption, filename, address, opaque=opaque)
    return payload(head.kind, head.body, address, opaque=opaque)


class Uploader(Protocol):
    """Whoever can give a file to Meta."""

    async def upload(self, tenant: Tenant, media_id: UUID) -> str | Failure:
        """Return Meta's id of a file, or why it was not taken."""


EMERGENCY = "emergency"
"""The purpose of an answer to an emergency: it overtakes what waits for its person, and the quota does not hold it."""


def unasked(purpose: str) -> bool:
    """Whether such messages come without the person having written: who opted out gets none."""
    return purpose in ("reminder", "waitlist")


class Outbox:
    """Outbound messages of the clinics this process serves."""

    def __init__(self, kit: Kit, graph: GraphClient, files: Uploader) -> None:
        self._kit = kit
        self._graph = graph
        self._files = files
        self._pacing = Pacing(kit.cache)

    async def send_next(self, tenant: Tenant, key: str) -> datetime | None:
        """Send what is queued for one person, in order; return when to look again."""
        contact = UUID(key)
        for _ in range(_MOST_IN_A_ROW):
            message = await self._begin(tenant, contact)
            if message is None or isinstance(message, datetime):
                return message
            head, request = message
            outcome = await self._send(tenant, head, request)
            again = await self._recorded(tenant, contact, head, outcome)
            if again is not None:
                return again
        return clock.now()

    async def _send(self, tenant: Tenant, head: outbox.Head, request: dict[str, Any]) -> Outcome:
        if head.media_id is not None and not head.as_template:
            given = await self._files.upload(tenant, head.media_id)
            if isinstance(given, Failure):
                return Refused(given)
            request[head.kind]["id"] = given
        return await self._graph.send(tenant.config, request)

    # ------------------------------------------------------------ before the call
    async def _begin(self, tenant: Tenant, contact: UUID) -> tuple[outbox.Head, dict[str, Any]] | datetime | None:
        """Mark the next message as being sent and build its request; a moment when it is not due, None when none is."""
        while True:
            now = clock.now()
            found = await self._next(tenant, contact, now)
            if found is None or isinstance(found, datetime):
                return found
            head, to = found
            # Between two transactions: while Redis hangs, nobody who waits for it may hold a connection or a lock.
            wait = await self._pacing.take(tenant.id, to.id, now)
            if wait is not None:
                return now + wait
            begun = await self._mark(tenant, contact, head, to, now)
            if begun is not None:
                return begun

    async def _next(
        self, tenant: Tenant, contact: UUID, now: datetime
    ) -> tuple[outbox.Head, outbox.Recipient] | datetime | None:
        """Return what is to be sent next, and to whom; what will never go is given up on the way."""
        while True:
            async with self._kit.database.transaction(tenant) as connection:
                head = await outbox.head(connection, tenant.id, contact)
                if head is None:
                    return None
                if head.due_at > now:
                    return head.due_at
                to = await outbox.recipient(connection, tenant.id, contact)
                # Due again after the last attempt: a status had the whole of its pause to prove it.
                unproven = head.state == "sending" and head.attempts >= MOST_ATTEMPTS
                refused = UNPROVEN if unproven else await self._refused(connection, tenant.config, head, to, now)
                if refused is None and to is not None:
                    return head, to
                await self._give_up(connection, tenant, head.id, refused or NO_ADDRESS, now)
            MESSAGES.labels("outbound", "failed").inc()

    async def _mark(
        self, tenant: Tenant, contact: UUID, head: outbox.Head, to: outbox.Recipient, now: datetime
    ) -> tuple[outbox.Head, dict[str, Any]] | None:
        """Note that a message is being sent and build its request; None when it is no longer as it was."""
        async with self._kit.database.transaction(tenant) as connection:
            if await outbox.head(connection, tenant.id, contact) != head:
                return None  # a status has proven it meanwhile
            if head.state == "sending":
                log.warning("sending_again", message_id=str(head.id), attempts=head.attempts)
            # Looked at again after the call has certainly ended, should this process die in it.
            due = clock.now() + timedelta(seconds=_SEND_SECONDS)
            templated = head.as_template or not window_open(to.last_inbound_at, now)
            await outbox.begin(connection, tenant.id, head.id, due, as_template=templated)
        return replace(head, as_template=templated), _request(head, to, templated=templated)

    async def _refused(
        self,
        connection: AsyncConnection,
        config: ClinicConfig,
        head: outbox.Head,
        to: outbox.Recipient | None,
        now: datetime,
    ) -> Failure | None:
        if to is None or to.number_lost or not (to.wa_id or to.user_id):
            return NO_ADDRESS
        if to.opted_out and unasked(head.purpose):
            return OPTED_OUT
        if head.expires_at is not None and head.expires_at <= now:
            return EXPIRED
        if head.template is None and not window_open(to.last_inbound_at, now):
            return outside_window()
        quota = config.settings.quota.messages_per_day
        if quota is not None and head.purpose != EMERGENCY:
            midnight = now.astimezone(config.tz).replace(hour=0, minute=0, second=0, microsecond=0)
            if await outbox.sent_since(connection, config.clinic_id, midnight) >= quota:
                return QUOTA
        return None

    # ------------------------------------------------------------ after the call
    async def _recorded(self, tenant: Tenant, contact: UUID, head: outbox.Head, outcome: Outcome) -> datetime | None:
        """Write down what came of a call; while the database is away keep trying, or the message would go twice."""
        for attempt in range(_RECORD_TRIES):
            try:
                async with self._kit.database.transaction(tenant) as connection:
                    return await self._record(connection, tenant, contact, head, outcome)
            except Unavailable:
                if attempt + 1 == _RECORD_TRIES:
                    raise
                await asyncio.sleep(min(8.0, 0.5 * 2**attempt))
        raise AssertionError("unreachable")

    async def _record(
        self, connection: AsyncConnection, tenant: Tenant, contact: UUID, head: outbox.Head, outcome: Outcome
    ) -> datetime | None:
        now = clock.now()
        if isinstance(outcome, Accepted):
            MESSAGES.labels("outbound", "sent").inc()
            for status in await outbox.sent(connection, tenant.id, head.id, outcome.wamid, now):
                await self.hear(connection, tenant, status, now)
            return None
        if isinstance(outcome, Unsure):
            MESSAGES.labels("outbound", "unsure").inc()
            due = now + unsure_pause(head.attempts + 1, random.random())  # noqa: S311 - jitter
            await outbox.unsure(connection, tenant.id, head.id, outcome.failure, due)
            return due
        template = head.template or {}
        tried = outbox.Found(
            id=head.id,
            contact_id=contact,
            state="sending",
            attempts=head.attempts + 1,
            as_template=head.as_template,
            template=template.get("name"),
            language=template.get("language"),
        )
        return await self._refuse(connection, tenant, tried, outcome.failure, now)

    async def _refuse(
        self, connection: AsyncConnection, tenant: Tenant, tried: outbox.Found, failure: Failure, now: datetime
    ) -> datetime | None:
        """Put a refused message back or give it up; return when it is due again."""
        course = failure.course
        if course is Course.OUTSIDE_WINDOW and tried.template and not tried.as_template:
            # The platform's clock decides: what it no longer takes as free text goes as its template.
            await outbox.fall_back(connection, tenant.id, tried.id, now)
            return now
        if course is Course.SLOW_DOWN:
            await self._pacing.slow_down(tenant.id, now)
        wait = pause(course, tried.attempts, random.random())  # noqa: S311 - jitter
        if wait is not None:
            due = now + wait
            await outbox.again(connection, tenant.id, tried.id, failure, due)
            MESSAGES.labels("outbound", "retried").inc()
            return due
        if tried.template and failure.code in TEMPLATE_CODES:
            failure = await why_refused(connection, tenant.id, tried.template, tried.language or "", failure)
        await self._give_up(connection, tenant, tried.id, failure, now)
        MESSAGES.labels("outbound", "failed").inc()
        log.warning("message_failed", message_id=str(tried.id), code=failure.code, course=course.value)
        if course is Course.CHANNEL_BROKEN:
            await outbox.channel_broken(connection, tenant.id, failure, now)
        return None

    async def _give_up(
        self, connection: AsyncConnection, tenant: Tenant, message: UUID, failure: Failure, now: datetime
    ) -> None:
        """Record that a message will not arrive, and leave work behind that says so to who answers the person."""
        given_up = await outbox.fail(connection, tenant.id, message, failure, now)
        # Who asked for no more of these is not to be called about one either.
        if given_up is not None and concerns(*given_up) and failure is not OPTED_OUT:
            await enqueue(connection, tenant.id, SETBACK_QUEUE, str(message))

    # ------------------------------------------------------------ statuses
    async def hear(self, connection: AsyncConnection, tenant: Tenant, status: Status, now: datetime) -> None:
        """Apply a status that was stored for the first time; in any order, never backwards."""
        if status.status != "failed":
            await outbox.advance(connection, tenant.id, status)
            return
        found = await outbox.find(connection, tenant.id, status)
        if found is None or found.state in ("delivered", "read", "failed"):
            return
        failure = reported(status.error_code, status.error_title, status.error_details)
        due = await self._refuse(connection, tenant, found, failure, now)
        if due is not None:
            await enqueue(connection, tenant.id, OUTBOUND_QUEUE, str(found.contact_id), due)
