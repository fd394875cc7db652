"""The SQL of conversations. Every statement names its clinic; nothing else here knows SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation.schemas import StaffMessage
from atendeai.domain.interactive import Options
from atendeai.kit.paging import Field, Sorting, Window

_UPSERT = text(
    "INSERT INTO atendeai.conversation AS c (clinic_id, id, contact_id, contact_name, last_message_at, created_at)"
    " VALUES (:clinic_id, :id, :contact_id, :contact_name, :now, :now)"
    " ON CONFLICT (clinic_id, contact_id) DO UPDATE SET"
    " contact_name = coalesce(excluded.contact_name, c.contact_name)"
    " RETURNING id, status"
)
_REWRITE = text(
    # What a turn cut short had taken up stays what it was: the first of its messages names them all.
    "UPDATE atendeai.conversation_message SET text = :text, kind = :kind"
    " WHERE clinic_id = :clinic_id AND id = :id AND conversation_id = :conversation_id AND handled_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM atendeai.conversation_message b WHERE b.clinic_id = :clinic_id"
    " AND b.conversation_id = :conversation_id AND b.handled_at IS NULL"
    " AND (b.id = :id AND b.journal IS NOT NULL"
    " OR jsonb_exists(b.journal -> 'messages', CAST(CAST(:id AS uuid) AS text))))"
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
    "UPDATE atendeai.conversation_message SET handled_at = :now, intent = :intent, journal = NULL"
    " WHERE clinic_id = :clinic_id AND id IN :ids AND handled_at IS NULL"
).bindparams(bindparam("ids", expanding=True))
_SAVE = text(
    "UPDATE atendeai.conversation SET state = CAST(:state AS jsonb), status = :status, outcome = :outcome,"
    " opted_out = :opted_out, alert = coalesce(:alert, alert),"
    " alert_at = CASE WHEN CAST(:alert AS text) IS NULL THEN alert_at ELSE :now END,"
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
_NEXT_PLACE = text(
    "UPDATE atendeai.conversation SET last_position = last_position + 1"
    " WHERE clinic_id = :clinic_id AND id = :id RETURNING last_position"
)
_STAFF_WROTE = text(
    # Under the outbound message's own id; whatsapp has it already, and no message asked for it.
    "INSERT INTO atendeai.reply (clinic_id, id, conversation_id, contact_id, message_id, position, text, purpose,"
    " engine, state, outbound_id, created_at, passed_on_at)"
    " VALUES (:clinic_id, :id, :conversation_id, :contact_id, :id, :position, :text, 'staff',"
    " :actor, 'passed_on', :id, :at, :now)"
)
_STAFF_WORDS = text("SELECT 1 FROM atendeai.reply WHERE clinic_id = :clinic_id AND id = :id")
_QUEUED = text(
    "SELECT id, contact_id, text, options, purpose FROM atendeai.reply"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND state = 'queued' ORDER BY position LIMIT :limit"
)
_PASSED_ON = text(
    # Queued still: whatsapp may have given a reply up before its own answer was written down here.
    "UPDATE atendeai.reply SET state = :state, outbound_id = :outbound_id, error = :error, passed_on_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id AND state = 'queued'"
)
_GIVEN_UP = text(
    "UPDATE atendeai.reply SET state = 'refused', outbound_id = :outbound_id, error = :error"
    " WHERE clinic_id = :clinic_id AND id = :id AND state <> 'refused'"
)
_UNDELIVERED = text(
    # An emergency is graver than that the answer to it did not arrive.
    "UPDATE atendeai.conversation SET alert = 'undelivered', alert_at = :now"
    " WHERE clinic_id = :clinic_id AND alert IS DISTINCT FROM 'emergency'"
    " AND id = (SELECT conversation_id FROM atendeai.reply WHERE clinic_id = :clinic_id AND id = :id)"
)
_OF_CONTACT = text("SELECT id FROM atendeai.conversation WHERE clinic_id = :clinic_id AND contact_id = :contact_id")
_NOTICE_UNDELIVERED = text(
    "UPDATE atendeai.conversation SET alert = 'undelivered', alert_at = :now"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND alert IS DISTINCT FROM 'emergency'"
)
_COLUMNS = (
    "c.id, c.contact_id, c.contact_name, c.status, c.outcome, c.alert, c.alert_at, c.handed_off_at, c.opted_out,"
    " c.opted_out_at, c.consent_at, c.consent_version, c.last_message_at, c.created_at"
)
_ONE = f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id AND c.id = :id"
_LIST = (
    f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id"
    " AND (CAST(:status AS text) IS NULL OR c.status = :status)"
    " AND (NOT :alerted OR c.alert IS NOT NULL)"
    " AND (CAST(:contact_id AS uuid) IS NULL OR c.contact_id = :contact_id)"
)
_TRANSCRIPT = (
    # An account stays when it is deactivated, and so does its name here.
    "SELECT t.*, u.name AS staff_name FROM ("
    "SELECT m.id, m.position, 'patient' AS author, NULL AS staff_id, m.kind, m.text, m.sent_at AS at, m.intent,"
    " CASE WHEN m.handled_at IS NULL THEN 'received' ELSE 'handled' END AS state, NULL AS error,"
    " NULL::jsonb AS options"
    " FROM atendeai.conversation_message m WHERE m.clinic_id = :clinic_id AND m.conversation_id = :id"
    " UNION ALL SELECT r.id, r.position, CASE WHEN r.purpose = 'staff' THEN 'staff' ELSE 'attendant' END,"
    " CASE WHEN r.purpose = 'staff' THEN split_part(r.engine, ':', 2) END,"
    " 'text', r.text, r.created_at, NULL, r.state, r.error, r.options -> 'choices'"
    " FROM atendeai.reply r WHERE r.clinic_id = :clinic_id AND r.conversation_id = :id) t"
    " LEFT JOIN atendeai.user_account u ON u.clinic_id = :clinic_id AND CAST(u.id AS text) = t.staff_id"
)
SORTING = Sorting(
    Field("last_message_at", "c.last_message_at", datetime),
    Field("created_at", "c.created_at", datetime),
    default="-last_message_at",
    tie=Field("id", "c.id", UUID),
)
"""What conversations can be sorted by."""
ENTRIES = Sorting(Field("position", "t.position", int), default="-position", tie=Field("position", "t.position", int))
"""What a transcript can be sorted by: both ways along its order."""
_HAND = text(
    "UPDATE atendeai.conversation SET status = :status, state = state || CAST(:patch AS jsonb),"
    " alert = CASE WHEN :status = 'open' THEN NULL ELSE alert END,"
    " alert_at = CASE WHEN :status = 'open' THEN NULL ELSE alert_at END,"
    # Later than the alert it says that somebody has seen to it since.
    " handed_off_at = CASE WHEN :status = 'handed_off' THEN CASE WHEN handed_off_at > alert_at OR alert IS NULL"
    "  THEN coalesce(handed_off_at, :now) ELSE :now END END,"
    " revision = revision + 1"
    " WHERE clinic_id = :clinic_id AND id = :id"
    " AND (status <> :status OR (alert IS NOT NULL AND (:status = 'open' OR handed_off_at <= alert_at)))"
)
_UNATTENDED = text(
    "SELECT alert = 'emergency' AS emergency, min(alert_at) AS since FROM atendeai.conversation"
    " WHERE clinic_id = :clinic_id AND status = 'handed_off' AND handed_off_at <= alert_at"
    " AND (alert = 'emergency' OR (alert IS NOT NULL AND greatest(handed_off_at, last_message_at) > :lapsed))"
    " GROUP BY 1"
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
    " WHERE m.clinic_id = :clinic_id AND m.conversation_id = :id AND m.handled_at IS NOT NULL"
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
    None; ``engine``: who answered.
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
        reply_id: str | None = None,
        media: Mapping[str, Any] | None = None,
        about: UUID | None = None,
    ) -> Received:
        """Store a message once. ``about``: the message that it edits or deletes, which changes while it waits."""
        found = await self._run(_UPSERT, id=uuid4(), contact_id=contact_id, contact_name=contact_name, now=now)
        conversation, status = found.one()
        # The upsert holds the conversation's row: nobody else stores for this contact meanwhile.
        if (await self._run(_KNOWN, id=message_id)).first() is not None:
            return Received(conversation, new=False, handed_off=status == "handed_off")
        rewritten = False
        if about is not None:
            changed = {"text": body, "kind": "text"} if kind == "edit" else {"text": "", "kind": "revoke"}
            done = await self._run(_REWRITE, id=about, conversation_id=conversation, **changed)
            rewritten = done.rowcount > 0
            body = "" if rewritten else body
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

    # ------------------------------------------------------------ turns
    async def unhandled(self, contact_id: UUID, limit: int, *, lock: bool = False) -> list[Unhandled]:
        """The contact's messages that wait to be handled, oldest first.

        With ``lock``, nobody else changes the conversation until this transaction ends.
        """
        if lock:
            await self._run(_LOCK_CONTACT, contact_id=contact_id)
        rows = (await self._run(_UNHANDLED, contact_id=contact_id, limit=limit)).mappings()
        columns = ("state", "journal", "media")
        return [Unhandled(**{**row, **{name: _loaded(row[name]) for name in columns}}) for row in rows]

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

    # ------------------------------------------------------------ replies
    async def queued_replies(self, contact_id: UUID, limit: int) -> list[Mapping[str, Any]]:
        """Replies to the contact that whatsapp has not got yet, in order."""
        rows = (await self._run(_QUEUED, contact_id=contact_id, limit=limit)).mappings()
        return [{**row, "options": _loaded(row["options"])} for row in rows]

    async def passed_on(self, reply_id: UUID, outbound_id: UUID, now: datetime) -> None:
        """Note that whatsapp has the reply."""
        await self._run(_PASSED_ON, id=reply_id, state="passed_on", outbound_id=outbound_id, error=None, now=now)

    async def refused(self, reply_id: UUID, error: str, now: datetime) -> None:
        """Note that whatsapp will never take the reply, where staff sees it."""
        await self._run(_PASSED_ON, id=reply_id, state="refused", outbound_id=None, error=error, now=now)
        await self._run(_UNDELIVERED, id=reply_id, now=now)

    async def undelivered(self, reply_id: UUID, outbound_id: UUID, error: str, now: datetime) -> bool:
        """Note that whatsapp gave a reply up after taking it, where staff sees it; False when it is known."""
        done = await self._run(_GIVEN_UP, id=reply_id, outbound_id=outbound_id, error=error)
        if done.rowcount:
            await self._run(_UNDELIVERED, id=reply_id, now=now)
        return bool(done.rowcount)

    async def notice_undelivered(self, contact_id: UUID, now: datetime) -> bool:
        """Show staff that a notice to a contact will not arrive; False where there is no conversation to show it in."""
        done = await self._run(_NOTICE_UNDELIVERED, contact_id=contact_id, now=now)
        return bool(done.rowcount)

    # ------------------------------------------------------------ staff
    async def of_contact(self, contact_id: UUID) -> UUID | None:
        """The conversation with a contact, None when there is none."""
        found: UUID | None = (await self._run(_OF_CONTACT, contact_id=contact_id)).scalar_one_or_none()
        return found

    async def get(self, conversation_id: UUID, *, lock: bool = False) -> Mapping[str, Any] | None:
        """One conversation as staff sees it; with ``lock``, nobody else changes it until this transaction ends."""
        statement = text(_ONE + (" FOR UPDATE" if lock else ""))
        row: Mapping[str, Any] | None = (await self._run(statement, id=conversation_id)).mappings().first()
        return row

    async def list_page(
        self, *, status: str | None, alerted: bool, contact_id: UUID | None, window: Window
    ) -> list[Mapping[str, Any]]:
        """Conversations of a window, one more than it shows."""
        behind, values = window.condition()
        rows = await self._run(
            text(f"{_LIST} AND {behind} ORDER BY {window.order_by()} LIMIT :limit"),
            status=status,
            alerted=alerted,
            contact_id=contact_id,
            limit=window.limit,
            **values,
        )
        return list(rows.mappings())

    async def transcript(self, conversation_id: UUID, *, window: Window) -> list[Mapping[str, Any]]:
        """Messages and replies of a window, one more than it shows."""
        behind, values = window.condition()
        statement = text(f"{_TRANSCRIPT} WHERE {behind} ORDER BY {window.order_by()} LIMIT :limit")
        rows = (await self._run(statement, id=conversation_id, limit=window.limit, **values)).mappings()
        return [{**row, "options": _loaded(row["options"]) or []} for row in rows]

    async def hand(self, conversation_id: UUID, *, to_person: bool, now: datetime) -> bool:
        """Give the conversation to a person, or back to the attendant with its alert seen to; False when it was so.

        A person who takes what the attendant left to one sees to its alert. The attendant begins anew: what it did not
        understand before counts no longer.
        """
        patch: dict[str, Any] = {"handed_off": to_person} if to_person else {"handed_off": False, "misses": 0}
        done = await self._run(
            _HAND,
            id=conversation_id,
            status="handed_off" if to_person else "open",
            patch=orjson.dumps(patch).decode(),
            now=now,
        )
        changed: bool = done.rowcount > 0
        return changed

    async def staff_wrote(
        self, conversation_id: UUID, contact_id: UUID, actor: str, message: StaffMessage, now: datetime
    ) -> None:
        """Show in the transcript what a person of the clinic wrote, once. ``actor``: as the audit log names them."""
        await self._run(_LOCK, id=conversation_id)  # a repeated call waits here, and finds the first one's line
        if (await self._run(_STAFF_WORDS, id=message.id)).first() is not None:
            return
        position = (await self._run(_NEXT_PLACE, id=conversation_id)).scalar_one()
        await self._run(
            _STAFF_WROTE,
            id=message.id,
            conversation_id=conversation_id,
            contact_id=contact_id,
            position=position,
            text=message.text,
            actor=actor,
            at=message.at,
            now=now,
        )

    async def unattended(self, lapsed: datetime) -> dict[bool, datetime]:
        """Since when the oldest conversation that was left to a person waits for one: of emergencies (True), of others.

        Others count only where either side wrote since ``lapsed``: the attendant answers again otherwise.
        """
        return {row.emergency: row.since for row in await self._run(_UNATTENDED, lapsed=lapsed)}
