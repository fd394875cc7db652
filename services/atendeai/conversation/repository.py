"""The SQL of what patients write and how it is answered. Every statement names its clinic."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation.alerts import gravity_of
from atendeai.domain.interactive import Options

_UPSERT = text(
    "INSERT INTO atendeai.conversation AS c (clinic_id, id, contact_id, contact_name, last_message_at, created_at)"
    " VALUES (:clinic_id, :id, :contact_id, :contact_name, :now, :now)"
    " ON CONFLICT (clinic_id, contact_id) DO UPDATE SET"
    " contact_name = coalesce(excluded.contact_name, c.contact_name)"
    " RETURNING id, status"
)
_REWRITE = text(
    # What a turn cut short had taken up stays what it was: the first of its messages names them all.
    "UPDATE atendeai.conversation_message SET text = :text, kind = 'text'"
    " WHERE clinic_id = :clinic_id AND id = :id AND conversation_id = :conversation_id AND handled_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM atendeai.conversation_message b WHERE b.clinic_id = :clinic_id"
    " AND b.conversation_id = :conversation_id AND b.handled_at IS NULL"
    " AND (b.id = :id AND b.journal IS NOT NULL"
    " OR jsonb_exists(b.journal -> 'messages', CAST(CAST(:id AS uuid) AS text)))) RETURNING true"
)
_WITHDRAW = text(
    # Answered or not, with every edit of it. What a turn has taken up is read on, and emptied with its end.
    "UPDATE atendeai.conversation_message m SET text = '', kind = 'revoke'"
    " WHERE m.clinic_id = :clinic_id AND m.conversation_id = :conversation_id"
    " AND (m.id = :id OR m.kind = 'edit' AND m.media ->> 'about' = CAST(CAST(:id AS uuid) AS text))"
    " AND (m.handled_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM atendeai.conversation_message b"
    "  WHERE b.clinic_id = :clinic_id AND b.conversation_id = :conversation_id AND b.handled_at IS NULL"
    "  AND (b.id = m.id AND b.journal IS NOT NULL OR jsonb_exists(b.journal -> 'messages', CAST(m.id AS text)))))"
    " RETURNING m.handled_at IS NULL"
)
_KNOWN = text("SELECT 1 FROM atendeai.conversation_message WHERE clinic_id = :clinic_id AND id = :id")
_NEXT_POSITION = text(
    # A turn that read other words than those that wait now runs again.
    "UPDATE atendeai.conversation SET last_position = last_position + 1, last_message_at = :now,"
    " revision = revision + CASE WHEN CAST(:rewritten AS boolean) THEN 1 ELSE 0 END"
    " WHERE clinic_id = :clinic_id AND id = :id RETURNING last_position"
)
_ADD_MESSAGE = text(
    "INSERT INTO atendeai.conversation_message"
    " (clinic_id, id, conversation_id, position, kind, text, reply_id, media, sent_at, received_at)"
    " VALUES (:clinic_id, :id, :conversation_id, :position, :kind, :text, :reply_id, CAST(:media AS jsonb),"
    " :sent_at, :now)"
)
_UNHANDLED = text(
    "SELECT c.id AS conversation_id, c.contact_id, c.contact_name, c.state, c.revision, c.handed_off_at, c.consent_at,"
    " c.opted_out, m.id, m.kind, m.text, m.reply_id, m.media, m.received_at, m.journal,"
    " (SELECT max(p.received_at) FROM atendeai.conversation_message p WHERE p.clinic_id = :clinic_id"
    "  AND p.conversation_id = c.id AND p.position < m.position) AS previous_at"
    " FROM atendeai.conversation c JOIN atendeai.conversation_message m"
    " ON m.clinic_id = :clinic_id AND m.conversation_id = c.id"
    " WHERE c.clinic_id = :clinic_id AND c.contact_id = :contact_id AND m.handled_at IS NULL"
    " ORDER BY m.position LIMIT :limit"
)
_LOCK_CONTACT = text(
    "SELECT id FROM atendeai.conversation WHERE clinic_id = :clinic_id AND contact_id = :contact_id FOR UPDATE"
)
_JOURNAL = text(
    "UPDATE atendeai.conversation_message SET journal = CAST(:journal AS jsonb)"
    " WHERE clinic_id = :clinic_id AND id = :id AND handled_at IS NULL"
)
_LOCK = text(
    "SELECT revision, last_position FROM atendeai.conversation WHERE clinic_id = :clinic_id AND id = :id FOR UPDATE"
)
_HANDLED = text(
    "UPDATE atendeai.conversation_message m SET handled_at = :now, intent = :intent, journal = NULL,"
    " text = CASE WHEN EXISTS (SELECT 1 FROM atendeai.conversation_message r WHERE r.clinic_id = :clinic_id"
    "  AND r.conversation_id = m.conversation_id AND r.position > m.position AND r.kind = 'revoke'"
    "  AND r.media ->> 'about' IN (CAST(m.id AS text), m.media ->> 'about')) THEN '' ELSE text END"
    " WHERE m.clinic_id = :clinic_id AND m.id IN :ids AND m.handled_at IS NULL"
).bindparams(bindparam("ids", expanding=True))
_GRAVER = f"{gravity_of('alert')} > {gravity_of('CAST(:alert AS text)')}"
_SAVE = text(
    "UPDATE atendeai.conversation SET state = CAST(:state AS jsonb), status = :status, outcome = :outcome,"
    " opted_out = :opted_out,"
    # What gives way to nothing less grave waits since it was told.
    f" alert = CASE WHEN {_GRAVER} THEN alert ELSE coalesce(CAST(:alert AS text), alert) END,"
    f" alert_at = CASE WHEN CAST(:alert AS text) IS NULL OR {_GRAVER} THEN alert_at ELSE :now END,"
    " handed_off_at = CASE WHEN :status = 'handed_off' THEN coalesce(handed_off_at, :now) END,"
    " opted_out_at = CASE WHEN :opted_out THEN coalesce(opted_out_at, :now) END,"
    " consent_at = CASE WHEN CAST(:consent AS text) IS NULL THEN consent_at ELSE :now END,"
    " consent_version = coalesce(:consent, consent_version),"
    " last_position = :position, revision = revision + 1"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_ADD_REPLY = text(
    "INSERT INTO atendeai.reply"
    " (clinic_id, id, conversation_id, contact_id, message_id, position, text, options, purpose, engine, created_at)"
    " VALUES (:clinic_id, :id, :conversation_id, :contact_id, :message_id, :position, :text,"
    " CAST(:options AS jsonb), :purpose, :engine, :now)"
)
_OPTED_OUT = text(
    "SELECT opted_out FROM atendeai.conversation WHERE clinic_id = :clinic_id AND contact_id = :contact_id"
)
_LATEST = text(
    # A reply and the messages it answers carry the same moment: it is one transaction's.
    "SELECT author, text, private FROM (SELECT m.position, 'patient' AS author, m.text,"
    " NOT EXISTS (SELECT 1 FROM atendeai.reply a WHERE a.clinic_id = :clinic_id AND a.conversation_id = :id"
    "  AND a.created_at = m.handled_at AND a.engine <> 'embedded' AND a.purpose <> 'staff') AS private"
    " FROM atendeai.conversation_message m"
    " WHERE m.clinic_id = :clinic_id AND m.conversation_id = :id AND m.handled_at IS NOT NULL AND m.text <> ''"
    " UNION ALL SELECT r.position, 'attendant', r.text,"
    " EXISTS (SELECT 1 FROM atendeai.conversation_message q WHERE q.clinic_id = :clinic_id"
    "  AND q.id = r.message_id AND q.intent IN :private)"
    " FROM atendeai.reply r WHERE r.clinic_id = :clinic_id AND r.conversation_id = :id AND r.purpose <> 'staff') t"
    " ORDER BY position DESC LIMIT :limit"
).bindparams(bindparam("private", expanding=True))


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A message that waits to be handled, and where its conversation stands."""

    conversation_id: UUID
    contact_id: UUID
    contact_name: str | None
    state: Mapping[str, Any]
    revision: int
    handed_off_at: datetime | None
    consent_at: datetime | None
    opted_out: bool
    id: UUID
    kind: str
    text: str
    reply_id: str | None
    media: Mapping[str, Any] | None
    received_at: datetime
    journal: Mapping[str, Any] | None
    previous_at: datetime | None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was stored: in which conversation, whether now, and whether a person has it."""

    conversation_id: UUID
    new: bool
    handed_off: bool


class Reply(NamedTuple):
    """What is answered. ``options``: what it offers to be tapped."""

    id: UUID
    text: str
    options: Options | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a turn leaves behind. ``alert``: why a person must look, or None.

    ``handled``: the messages it answers; ``consent``: the version of the privacy notice that the reply carries, or
    None; ``engine``: who answered; ``purpose``: ``emergency`` for what whatsapp is to send before all else.
    """

    handled: Sequence[UUID]
    state: Mapping[str, Any]
    status: str
    outcome: str
    opted_out: bool
    intent: str
    alert: str | None
    replies: Sequence[Reply]
    consent: str | None = None
    engine: str = "embedded"
    purpose: str = "reply"


def loaded(value: Any) -> Any:
    """JSON columns arrive as text or decoded, depending on the driver's codecs."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


class Rows:
    """The rows of one clinic inside one transaction."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic = clinic_id

    async def _run(self, statement: Any, **values: Any) -> Any:
        return await self._connection.execute(statement, {"clinic_id": self._clinic, **values})


class ConversationRepository(Rows):
    """Messages as they arrive, and the turns that answer them."""

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
        reply_id: str | None = None,
        media: Mapping[str, Any] | None = None,
        about: UUID | None = None,
    ) -> Received:
        """Store a message once.

        ``about``: the message that it edits, which changes while it waits, or deletes, whose words go in any case.
        """
        found = await self._run(_UPSERT, id=uuid4(), contact_id=contact_id, contact_name=contact_name, now=now)
        conversation, status = found.one()
        # The upsert holds the conversation's row: nobody else stores for this contact meanwhile.
        if (await self._run(_KNOWN, id=message_id)).first() is not None:
            return Received(conversation, new=False, handed_off=status == "handed_off")
        rewritten = False
        if about is not None:
            statement = _REWRITE if kind == "edit" else _WITHDRAW
            changed = {"text": body} if kind == "edit" else {}
            waited = (await self._run(statement, id=about, conversation_id=conversation, **changed)).scalars()
            rewritten = any(waited.all())
            body = "" if rewritten else body
            media = {"about": str(about)}
        position = (await self._run(_NEXT_POSITION, id=conversation, now=now, rewritten=rewritten)).scalar_one()
        await self._run(
            _ADD_MESSAGE,
            id=message_id,
            conversation_id=conversation,
            position=position,
            kind=kind,
            text=body,
            reply_id=reply_id,
            media=None if media is None else orjson.dumps(media).decode(),
            sent_at=sent_at,
            now=now,
        )
        return Received(conversation, new=True, handed_off=status == "handed_off")

    async def unhandled(self, contact_id: UUID, limit: int, *, lock: bool = False) -> list[Unhandled]:
        """The contact's messages that wait to be handled, oldest first.

        With ``lock``, nobody else changes the conversation until this transaction ends.
        """
        if lock:
            await self._run(_LOCK_CONTACT, contact_id=contact_id)
        rows = (await self._run(_UNHANDLED, contact_id=contact_id, limit=limit)).mappings()
        columns = ("state", "journal", "media")
        return [Unhandled(**{**row, **{name: loaded(row[name]) for name in columns}}) for row in rows]

    async def latest(self, conversation_id: UUID, limit: int, private: Collection[str]) -> list[tuple[str, str, bool]]:
        """Author and text of what was said last, oldest first, and whether it is private.

        Private is what a patient wrote in a turn that no model answered, and the answer to a message whose intent is
        one of ``private``.
        """
        rows = (
            await self._run(_LATEST, id=conversation_id, limit=limit, private=[str(intent) for intent in private])
        ).all()
        return [(str(row.author), str(row.text), bool(row.private)) for row in reversed(rows)]

    async def opted_out(self, contact_id: UUID) -> bool:
        """Whether the contact wants no reminders and offers."""
        return bool((await self._run(_OPTED_OUT, contact_id=contact_id)).scalar_one_or_none())

    async def note(self, message: Unhandled, journal: Mapping[str, Any]) -> bool:
        """Keep what a turn was told so far; False when the conversation was changed meanwhile."""
        row = (await self._run(_LOCK, id=message.conversation_id)).one_or_none()
        if row is None or row.revision != message.revision:
            return False
        await self._run(_JOURNAL, id=message.id, journal=orjson.dumps(journal).decode())
        return True

    async def settle(self, message: Unhandled, settled: Settled, now: datetime) -> bool:
        """Write a turn's result; False when the conversation was changed meanwhile and the turn must run again."""
        row = (await self._run(_LOCK, id=message.conversation_id)).one_or_none()
        if row is None or row.revision != message.revision:
            return False  # changed, or joined with another conversation
        done = await self._run(_HANDLED, ids=list(settled.handled), intent=settled.intent, now=now)
        if done.rowcount == 0:
            return True  # handled already: nothing is said twice
        position = row.last_position
        for reply in settled.replies:
            position += 1
            await self._run(
                _ADD_REPLY,
                id=reply.id,
                conversation_id=message.conversation_id,
                contact_id=message.contact_id,
                message_id=message.id,
                position=position,
                text=reply.text,
                options=orjson.dumps(reply.options.to_json()).decode() if reply.options else None,
                purpose=settled.purpose,
                engine=settled.engine,
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
            consent=settled.consent,
            position=position,
            now=now,
        )
        return True
