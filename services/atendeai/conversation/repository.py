"""The SQL of conversations. Every statement names its clinic; nothing else here knows SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_UPSERT = text(
    "INSERT INTO atendeai.conversation AS c (clinic_id, id, contact_id, contact_name, last_message_at, created_at)"
    " VALUES (:clinic_id, :id, :contact_id, :contact_name, :now, :now)"
    " ON CONFLICT (clinic_id, contact_id) DO UPDATE SET"
    " contact_name = coalesce(excluded.contact_name, c.contact_name)"
    " RETURNING id"
)
_KNOWN = text("SELECT 1 FROM atendeai.conversation_message WHERE clinic_id = :clinic_id AND id = :id")
_NEXT_POSITION = text(
    "UPDATE atendeai.conversation SET last_position = last_position + 1, last_message_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id RETURNING last_position"
)
_ADD_MESSAGE = text(
    "INSERT INTO atendeai.conversation_message"
    " (clinic_id, id, conversation_id, position, kind, text, sent_at, received_at)"
    " VALUES (:clinic_id, :id, :conversation_id, :position, :kind, :text, :sent_at, :now)"
)
_UNHANDLED = text(
    "SELECT c.id AS conversation_id, c.contact_id, c.contact_name, c.state, c.revision, c.handed_off_at,"
    " m.id, m.kind, m.text, m.received_at, m.journal,"
    " (SELECT max(p.received_at) FROM atendeai.conversation_message p WHERE p.clinic_id = :clinic_id"
    "  AND p.conversation_id = c.id AND p.position < m.position) AS previous_at"
    " FROM atendeai.conversation c JOIN atendeai.conversation_message m"
    " ON m.clinic_id = :clinic_id AND m.conversation_id = c.id"
    " WHERE c.clinic_id = :clinic_id AND c.contact_id = :contact_id AND m.handled_at IS NULL"
    " ORDER BY m.position LIMIT 1"
)
_JOURNAL = text(
    "UPDATE atendeai.conversation_message SET journal = CAST(:journal AS jsonb)"
    " WHERE clinic_id = :clinic_id AND id = :id AND handled_at IS NULL"
)
_LOCK = text(
    "SELECT revision, last_position FROM atendeai.conversation WHERE clinic_id = :clinic_id AND id = :id FOR UPDATE"
)
_HANDLED = text(
    "UPDATE atendeai.conversation_message SET handled_at = :now, intent = :intent, journal = NULL"
    " WHERE clinic_id = :clinic_id AND id = :id AND handled_at IS NULL"
)
_SAVE = text(
    "UPDATE atendeai.conversation SET state = CAST(:state AS jsonb), status = :status, outcome = :outcome,"
    " opted_out = :opted_out, alert = coalesce(:alert, alert),"
    " alert_at = CASE WHEN CAST(:alert AS text) IS NULL THEN alert_at ELSE :now END,"
    " handed_off_at = CASE WHEN :status = 'handed_off' THEN coalesce(handed_off_at, :now) END,"
    " last_position = :position, revision = revision + 1"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_ADD_REPLY = text(
    "INSERT INTO atendeai.reply"
    " (clinic_id, id, conversation_id, contact_id, message_id, position, text, purpose, created_at)"
    " VALUES (:clinic_id, :id, :conversation_id, :contact_id, :message_id, :position, :text, :purpose, :now)"
)
_QUEUED = text(
    "SELECT id, contact_id, text, purpose FROM atendeai.reply"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND state = 'queued' ORDER BY position LIMIT :limit"
)
_PASSED_ON = text(
    "UPDATE atendeai.reply SET state = :state, outbound_id = :outbound_id, error = :error, passed_on_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_UNDELIVERED = text(
    "UPDATE atendeai.conversation SET alert = 'undelivered', alert_at = :now"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id"
)
_COLUMNS = (
    "c.id, c.contact_id, c.contact_name, c.status, c.outcome, c.alert, c.alert_at, c.handed_off_at, c.opted_out,"
    " c.last_message_at, c.created_at"
)
_ONE = text(f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id AND c.id = :id")
_LIST = text(
    f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id"
    " AND (CAST(:status AS text) IS NULL OR c.status = :status)"
    " AND (NOT :alerted OR c.alert IS NOT NULL)"
    " AND (CAST(:contact_id AS uuid) IS NULL OR c.contact_id = :contact_id)"
    " AND (CAST(:before_at AS timestamptz) IS NULL OR (c.last_message_at, c.id) < (:before_at, :before_id))"
    " ORDER BY c.last_message_at DESC, c.id DESC LIMIT :limit"
)
_TRANSCRIPT = text(
    "SELECT * FROM (SELECT m.id, m.position, 'patient' AS author, m.kind, m.text, m.sent_at AS at, m.intent,"
    " CASE WHEN m.handled_at IS NULL THEN 'received' ELSE 'handled' END AS state, NULL AS error"
    " FROM atendeai.conversation_message m"
    " WHERE m.clinic_id = :clinic_id AND m.conversation_id = :id AND m.position < :before"
    " UNION ALL SELECT r.id, r.position, 'attendant', 'text', r.text, r.created_at, NULL, r.state, r.error"
    " FROM atendeai.reply r WHERE r.clinic_id = :clinic_id AND r.conversation_id = :id AND r.position < :before) t"
    " ORDER BY position DESC LIMIT :limit"
)
_HAND = text(
    "UPDATE atendeai.conversation SET status = :status, state = state || CAST(:patch AS jsonb),"
    " alert = CASE WHEN :status = 'open' THEN NULL ELSE alert END,"
    " alert_at = CASE WHEN :status = 'open' THEN NULL ELSE alert_at END,"
    " handed_off_at = CASE WHEN :status = 'handed_off' THEN coalesce(handed_off_at, :now) END,"
    " revision = revision + 1"
    " WHERE clinic_id = :clinic_id AND id = :id"
    " AND (status <> :status OR (:status = 'open' AND alert IS NOT NULL))"
)


@dataclass(frozen=True, slots=True)
class Unhandled:
    """The oldest message of a contact that waits to be handled, and where its conversation stands."""

    conversation_id: UUID
    contact_id: UUID
    contact_name: str | None
    state: Mapping[str, Any]
    revision: int
    handed_off_at: datetime | None
    id: UUID
    kind: str
    text: str
    received_at: datetime
    journal: Mapping[str, Any] | None
    previous_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a turn leaves behind. ``alert``: why a person must look, or None."""

    state: Mapping[str, Any]
    status: str
    outcome: str
    opted_out: bool
    intent: str
    alert: str | None
    replies: Sequence[tuple[UUID, str]]
    purpose: str = "reply"


def _loaded(value: Any) -> Any:
    """JSON columns arrive as text or decoded, depending on the driver's codecs."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


class ConversationRepository:
    """The rows of one clinic inside one transaction."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic = clinic_id

    async def _run(self, statement: Any, **values: Any) -> Any:
        return await self._connection.execute(statement, {"clinic_id": self._clinic, **values})

    # ------------------------------------------------------------ what patients write
    async def receive(
        self,
        *,
        message_id: UUID,
        contact_id: UUID,
        contact_name: str | None,
        kind: str,
        body: str,
        sent_at: datetime,
        now: datetime,
    ) -> tuple[UUID, bool]:
        """Store a message once; the conversation's id, and whether the message was new."""
        found = await self._run(_UPSERT, id=uuid4(), contact_id=contact_id, contact_name=contact_name, now=now)
        conversation: UUID = found.scalar_one()
        # The upsert holds the conversation's row: nobody else stores for this contact meanwhile.
        if (await self._run(_KNOWN, id=message_id)).first() is not None:
            return conversation, False
        position = (await self._run(_NEXT_POSITION, id=conversation, now=now)).scalar_one()
        await self._run(
            _ADD_MESSAGE,
            id=message_id,
            conversation_id=conversation,
            position=position,
            kind=kind,
            text=body,
            sent_at=sent_at,
            now=now,
        )
        return conversation, True

    # ------------------------------------------------------------ turns
    async def next_unhandled(self, contact_id: UUID) -> Unhandled | None:
        """The contact's oldest message that waits to be handled."""
        row = (await self._run(_UNHANDLED, contact_id=contact_id)).mappings().first()
        if row is None:
            return None
        values = dict(row)
        return Unhandled(**{**values, "state": _loaded(values["state"]), "journal": _loaded(values["journal"])})

    async def note(self, message_id: UUID, journal: Mapping[str, Any]) -> None:
        """Keep what a turn was told so far."""
        await self._run(_JOURNAL, id=message_id, journal=orjson.dumps(journal).decode())

    async def settle(self, message: Unhandled, settled: Settled, now: datetime) -> bool:
        """Write a turn's result; False when the conversation was changed meanwhile and the turn must run again."""
        row = (await self._run(_LOCK, id=message.conversation_id)).one()
        if row.revision != message.revision:
            return False
        done = await self._run(_HANDLED, id=message.id, intent=settled.intent, now=now)
        if done.rowcount == 0:
            return True  # handled already: nothing is said twice
        position = row.last_position
        for reply_id, reply in settled.replies:
            position += 1
            await self._run(
                _ADD_REPLY,
                id=reply_id,
                conversation_id=message.conversation_id,
                contact_id=message.contact_id,
                message_id=message.id,
                position=position,
                text=reply,
                purpose=settled.purpose,
                now=now,
            )
        await self._run(
            _SAVE,
            id=message.conversation_id,
            state=orjson.dumps(settled.state).decode(),
            status=settled.status,
            outcome=settled.outcome,
            opted_out=settled.opted_out,
            alert=settled.alert,
            position=position,
            now=now,
        )
        return True

    # ------------------------------------------------------------ replies
    async def queued_replies(self, contact_id: UUID, limit: int) -> list[Mapping[str, Any]]:
        """Replies to the contact that whatsapp has not got yet, in order."""
        return list((await self._run(_QUEUED, contact_id=contact_id, limit=limit)).mappings())

    async def passed_on(self, reply_id: UUID, outbound_id: UUID, now: datetime) -> None:
        """Note that whatsapp has the reply."""
        await self._run(_PASSED_ON, id=reply_id, state="passed_on", outbound_id=outbound_id, error=None, now=now)

    async def refused(self, reply_id: UUID, contact_id: UUID, error: str, now: datetime) -> None:
        """Note that whatsapp will never take the reply, where staff sees it."""
        await self._run(_PASSED_ON, id=reply_id, state="refused", outbound_id=None, error=error, now=now)
        await self._run(_UNDELIVERED, contact_id=contact_id, now=now)

    # ------------------------------------------------------------ staff
    async def get(self, conversation_id: UUID) -> Mapping[str, Any] | None:
        """One conversation as staff sees it."""
        row: Mapping[str, Any] | None = (await self._run(_ONE, id=conversation_id)).mappings().first()
        return row

    async def list_page(
        self,
        *,
        status: str | None,
        alerted: bool,
        contact_id: UUID | None,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Mapping[str, Any]]:
        """Conversations by their last message, newest first; ``before`` continues behind the last one seen."""
        rows = await self._run(
            _LIST,
            status=status,
            alerted=alerted,
            contact_id=contact_id,
            before_at=before[0] if before else None,
            before_id=before[1] if before else None,
            limit=limit,
        )
        return list(rows.mappings())

    async def transcript(self, conversation_id: UUID, *, before: int, limit: int) -> list[Mapping[str, Any]]:
        """Messages and replies before a position, newest first."""
        return list((await self._run(_TRANSCRIPT, id=conversation_id, before=before, limit=limit)).mappings())

    async def hand(self, conversation_id: UUID, *, to_person: bool, now: datetime) -> bool:
        """Give the conversation to a person, or back to the attendant with its alert seen to; False when it was so."""
        done = await self._run(
            _HAND,
            id=conversation_id,
            status="handed_off" if to_person else "open",
            patch=orjson.dumps({"handed_off": to_person}).decode(),
            now=now,
        )
        changed: bool = done.rowcount > 0
        return changed
