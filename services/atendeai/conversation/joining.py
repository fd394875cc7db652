"""Two contacts that turn out to be one person: their conversations become one.

The SQL of it is here rather than with the rest, because nothing else touches two conversations at once.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation.alerts import gravity_of

# Always in one order, so that two joins at once do not wait for each other.
_LOCK = text(
    "SELECT id, contact_id, last_position FROM atendeai.conversation"
    " WHERE clinic_id = :clinic_id AND contact_id IN (:contact_id, :into) ORDER BY id FOR UPDATE"
)
_RENAME = text(
    "UPDATE atendeai.conversation SET contact_id = :into, revision = revision + 1"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
# What both said, in the order of time, behind every position that either has used: no number is taken twice meanwhile.
_NUMBERED = text(
    "SELECT id, CAST(:base AS bigint) + row_number() OVER (ORDER BY at, position, id) AS position FROM ("
    " SELECT id, position, received_at AS at FROM atendeai.conversation_message"
    "  WHERE clinic_id = :clinic_id AND conversation_id IN (:gone, :kept)"
    " UNION ALL SELECT id, position, created_at FROM atendeai.reply"
    "  WHERE clinic_id = :clinic_id AND conversation_id IN (:gone, :kept)) t"
)
_MOVE_MESSAGE = text(
    "UPDATE atendeai.conversation_message SET conversation_id = :kept, position = :position"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_MOVE_REPLY = text(
    "UPDATE atendeai.reply SET conversation_id = :kept, contact_id = :into, position = :position"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_REPLIES = text(
    "UPDATE atendeai.reply SET contact_id = :into WHERE clinic_id = :clinic_id AND contact_id = :contact_id"
)
# What was said last counts for where the dialogue stands; a person's hand-off, an alert and a refusal are never lost.
_ABSORB = text(
    "UPDATE atendeai.conversation k SET"  # noqa: S608 - constants
    " state = CASE WHEN g.last_message_at > k.last_message_at THEN g.state ELSE k.state END"
    "  || jsonb_build_object('handed_off', 'handed_off' IN (k.status, g.status)),"
    " status = CASE WHEN 'handed_off' IN (k.status, g.status) THEN 'handed_off' ELSE 'open' END,"
    " handed_off_at = greatest(k.handed_off_at, g.handed_off_at), released_at = greatest(k.released_at, g.released_at),"
    " outcome = CASE WHEN g.last_message_at > k.last_message_at THEN g.outcome ELSE k.outcome END,"
    f" alert = CASE WHEN {gravity_of('g.alert')} > {gravity_of('k.alert')} THEN g.alert"
    "  ELSE coalesce(k.alert, g.alert) END,"
    " alert_at = greatest(k.alert_at, g.alert_at),"
    " opted_out = k.opted_out OR g.opted_out, opted_out_at = coalesce(k.opted_out_at, g.opted_out_at),"
    " consent_at = coalesce(k.consent_at, g.consent_at),"
    " consent_version = coalesce(k.consent_version, g.consent_version),"
    " contact_name = coalesce(k.contact_name, g.contact_name),"
    " created_at = least(k.created_at, g.created_at), last_message_at = greatest(k.last_message_at, g.last_message_at),"
    " last_position = :last_position, revision = k.revision + 1"
    " FROM atendeai.conversation g"
    " WHERE k.clinic_id = :clinic_id AND k.id = :kept AND g.clinic_id = :clinic_id AND g.id = :gone"
)
_DROP = text("DELETE FROM atendeai.conversation WHERE clinic_id = :clinic_id AND id = :gone")


async def join(connection: AsyncConnection, clinic_id: UUID, contact: UUID, into: UUID) -> UUID | None:
    """Let what was said with one contact go on under another; the conversation it now is, None when there was none.

    Both histories become one in the order of time. Done again, it changes nothing.
    """
    names = {"clinic_id": clinic_id, "contact_id": contact, "into": into}
    rows = {row.contact_id: row for row in (await connection.execute(_LOCK, names)).all()}
    gone, kept = rows.get(contact), rows.get(into)
    if gone is None:
        return None
    if kept is None:
        await connection.execute(_RENAME, {**names, "id": gone.id})
        await connection.execute(_REPLIES, names)
        return UUID(str(gone.id))
    pair = {"clinic_id": clinic_id, "gone": gone.id, "kept": kept.id}
    base = max(gone.last_position, kept.last_position)
    numbered = (await connection.execute(_NUMBERED, {**pair, "base": base})).all()
    if numbered:
        moves = [{**pair, "into": into, "id": row.id, "position": row.position} for row in numbered]
        await connection.execute(_MOVE_MESSAGE, moves)
        await connection.execute(_MOVE_REPLY, moves)
    await connection.execute(_ABSORB, {**pair, "last_position": base + len(numbered)})
    await connection.execute(_DROP, pair)
    return UUID(str(kept.id))
