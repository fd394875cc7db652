"""The SQL of what staff see and decide: conversations, transcripts, who has one. Every statement names its clinic."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from atendeai.conversation.repository import Rows, loaded
from atendeai.conversation.schemas import StaffMessage
from atendeai.kit.paging import Field, Sorting, Window

_OF_CONTACT = text("SELECT id FROM atendeai.conversation WHERE clinic_id = :clinic_id AND contact_id = :contact_id")
_COLUMNS = (
    "c.id, c.contact_id, c.contact_name, c.status, c.outcome, c.alert, c.alert_at, c.handed_off_at, c.opted_out,"
    " c.opted_out_at, c.consent_at, c.consent_version, c.last_message_at, c.created_at"
)
_ONE = f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id AND c.id = :id"  # noqa: S608 - constants
_LIST = (
    f"SELECT {_COLUMNS} FROM atendeai.conversation c WHERE c.clinic_id = :clinic_id"  # noqa: S608 - constants
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
    # What was written before somebody gave the conversation back is told late, and takes nothing any more.
    " AND (CAST(:wrote_at AS timestamptz) IS NULL OR released_at IS NULL OR released_at < :wrote_at)"
)
_RELEASED = text("UPDATE atendeai.conversation SET released_at = :now WHERE clinic_id = :clinic_id AND id = :id")
_LOCK = text("SELECT 1 FROM atendeai.conversation WHERE clinic_id = :clinic_id AND id = :id FOR UPDATE")
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
_UNATTENDED = text(
    "SELECT alert = 'emergency' AS emergency, min(alert_at) AS since FROM atendeai.conversation"
    " WHERE clinic_id = :clinic_id AND status = 'handed_off' AND handed_off_at <= alert_at"
    " AND (alert = 'emergency' OR (alert IS NOT NULL AND greatest(handed_off_at, last_message_at) > :lapsed))"
    " GROUP BY 1"
)


class StaffRepository(Rows):
    """A clinic's conversations as its staff see them, inside one transaction."""

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
        return [{**row, "options": loaded(row["options"]) or []} for row in rows]

    async def hand(
        self, conversation_id: UUID, *, to_person: bool, now: datetime, wrote_at: datetime | None = None
    ) -> bool:
        """Give the conversation to a person, or back to the attendant with its alert seen to; False when it was so.

        A person who takes what the attendant left to one sees to its alert. The attendant begins anew: what it did not
        understand before counts no longer. ``wrote_at``: when the person wrote who takes it by that; a release since
        then stands.
        """
        patch: dict[str, Any] = {"handed_off": to_person} if to_person else {"handed_off": False, "misses": 0}
        done = await self._run(
            _HAND,
            id=conversation_id,
            status="handed_off" if to_person else "open",
            patch=orjson.dumps(patch).decode(),
            now=now,
            wrote_at=wrote_at,
        )
        if not to_person:
            await self._run(_RELEASED, id=conversation_id, now=now)
        changed: bool = done.rowcount > 0
        return changed

    async def staff_wrote(
        self, conversation_id: UUID, contact_id: UUID, actor: str, message: StaffMessage, now: datetime
    ) -> bool:
        """Show in the transcript what a person of the clinic wrote, once; False when it is shown already.

        ``actor``: as the audit log names them.
        """
        await self._run(_LOCK, id=conversation_id)  # a repeated call waits here, and finds the first one's line
        if (await self._run(_STAFF_WORDS, id=message.id)).first() is not None:
            return False
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
        return True

    async def unattended(self, lapsed: datetime) -> dict[bool, datetime]:
        """Since when the oldest conversation that was left to a person waits for one: of emergencies (True), of others.

        Others count only where either side wrote since ``lapsed``: the attendant answers again otherwise.
        """
        return {row.emergency: row.since for row in await self._run(_UNATTENDED, lapsed=lapsed)}
