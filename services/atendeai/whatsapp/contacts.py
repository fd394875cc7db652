"""SQL of people: their wishes, and a number that changes hands or is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.whatsapp.people import Identity

# Both rows of who was joined into another: the one that was told of, and the one that they are by now.
_PREFER = text(
    "WITH before AS (SELECT id, opted_out_at FROM atendeai.whatsapp_contact WHERE clinic_id = :clinic_id"
    " AND (id = :id OR id ="
    " (SELECT c.merged_into FROM atendeai.whatsapp_contact c WHERE c.clinic_id = :clinic_id AND c.id = :id))"
    " ORDER BY id FOR UPDATE)"
    " UPDATE atendeai.whatsapp_contact k"
    " SET opted_out_at = CASE WHEN :opted_out THEN coalesce(k.opted_out_at, :now) END, updated_at = :now"
    " FROM before WHERE k.clinic_id = :clinic_id AND k.id = before.id"
    " RETURNING (before.opted_out_at IS NOT NULL) <> :opted_out AS changed"
)
_KNOWN = text(
    "SELECT coalesce(c.merged_into, c.id) FROM atendeai.whatsapp_contact c"
    " WHERE c.clinic_id = :clinic_id AND c.id = :id"
)
_ONE_PERSON = text(
    "SELECT id FROM atendeai.whatsapp_contact WHERE clinic_id = :clinic_id AND (id = :id OR merged_into = :id)"
)
_STAFF_WROTE = text(
    "SELECT created_at FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id AND contact_id = :id"
    " AND purpose = 'staff' ORDER BY created_at DESC LIMIT 1"
)
_MARKETING = text(
    "UPDATE atendeai.whatsapp_contact SET marketing_stopped_at ="
    " CASE WHEN :stopped THEN coalesce(marketing_stopped_at, :now) END, updated_at = :now"
    " WHERE clinic_id = :clinic_id AND (number_key = CAST(:number_key AS text) OR user_id = CAST(:user_id AS text))"
)
# Whoever turns out to be somebody known gives up what identifies them; their wish to be left alone goes along.
_JOIN = text(
    "WITH gone AS (UPDATE atendeai.whatsapp_contact SET user_id = NULL, number_key = NULL, merged_into = :into,"
    " join_told_at = NULL, updated_at = :now WHERE clinic_id = :clinic_id AND id = :id"
    " RETURNING opted_out_at, last_inbound_at)"
    " UPDATE atendeai.whatsapp_contact c SET opted_out_at = coalesce(c.opted_out_at, gone.opted_out_at),"
    " last_inbound_at = greatest(c.last_inbound_at, gone.last_inbound_at), updated_at = :now"
    " FROM gone WHERE c.clinic_id = :clinic_id AND c.id = :into"
)
# All that was under the one goes on under the other: what waits keeps its order, and staff read one history.
_FOLLOW = tuple(
    text(f"UPDATE atendeai.{table} SET {column} = :into WHERE clinic_id = :clinic_id AND {column} = :id")  # noqa: S608 - constants
    for table, column in (
        ("whatsapp_contact", "merged_into"),
        ("whatsapp_inbound", "contact_id"),
        ("whatsapp_outbound", "contact_id"),
        ("whatsapp_media", "contact_id"),
    )
)
_RENUMBER = text(
    "UPDATE atendeai.whatsapp_contact SET wa_id = coalesce(CAST(:wa_id AS text), wa_id),"
    " number_key = coalesce(CAST(:number_key AS text), number_key),"
    " user_id = coalesce(CAST(:user_id AS text), user_id), updated_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_JOINING = text(
    "SELECT c.merged_into, c.join_told_at AS told,"
    " ARRAY(SELECT CAST(g.id AS text) FROM atendeai.whatsapp_contact g WHERE g.clinic_id = :clinic_id"
    "  AND g.merged_into = c.id AND g.merged_into IS NOT NULL AND g.join_told_at IS NULL) AS awaits,"
    " EXISTS (SELECT 1 FROM atendeai.whatsapp_contact g WHERE g.clinic_id = :clinic_id AND g.merged_into = c.id"
    "  AND g.merged_into IS NOT NULL AND g.join_told_at IS NULL AND g.updated_at > :lately) AS holds"
    " FROM atendeai.whatsapp_contact c WHERE c.clinic_id = :clinic_id AND c.id = :id"
)
# Only of the contact it was told of: it may have been joined further meanwhile.
_TOLD = text(
    "UPDATE atendeai.whatsapp_contact SET join_told_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id AND merged_into = :into"
)
_HELD = timedelta(minutes=1)
_SEEN = text("SELECT 1 FROM atendeai.whatsapp_inbound WHERE clinic_id = :clinic_id AND wamid = :wamid")


async def known(connection: AsyncConnection, clinic_id: UUID, contact_id: UUID) -> UUID | None:
    """Return the contact that this one is by now; None when there is none."""
    found: UUID | None = (await connection.execute(_KNOWN, {"clinic_id": clinic_id, "id": contact_id})).scalar()
    return found


async def one_person(connection: AsyncConnection, clinic_id: UUID, contact: UUID) -> list[UUID]:
    """Return a contact and those that were joined into it."""
    return list((await connection.execute(_ONE_PERSON, {"clinic_id": clinic_id, "id": contact})).scalars())


async def staff_wrote_at(connection: AsyncConnection, clinic_id: UUID, contact: UUID) -> datetime | None:
    """Return when a person of the clinic last wrote to a contact; None when nobody did."""
    at: datetime | None = (await connection.execute(_STAFF_WROTE, {"clinic_id": clinic_id, "id": contact})).scalar()
    return at


async def prefer(
    connection: AsyncConnection, clinic_id: UUID, contact: UUID, *, opted_out: bool, now: datetime
) -> bool | None:
    """Record whether a person wants messages that they did not ask for. Whether that is new; None for no contact."""
    names = {"clinic_id": clinic_id, "id": contact, "opted_out": opted_out, "now": now}
    changed = (await connection.execute(_PREFER, names)).scalars().all()
    return any(changed) if changed else None


async def marketing(
    connection: AsyncConnection, clinic_id: UUID, person: Identity, *, stopped: bool, now: datetime
) -> bool:
    """Record that a person stopped, or resumed, marketing messages of this business; False when nobody knows them."""
    names = {
        "clinic_id": clinic_id,
        "number_key": person.key,
        "user_id": person.user_id,
        "stopped": stopped,
        "now": now,
    }
    return (await connection.execute(_MARKETING, names)).rowcount > 0


async def join(connection: AsyncConnection, clinic_id: UUID, contact: UUID, into: UUID, now: datetime) -> None:
    """Point a contact at another that is the same person, who takes over number, messages and files."""
    names = {"clinic_id": clinic_id, "id": contact, "into": into}
    await connection.execute(_JOIN, {**names, "now": now})
    for statement in _FOLLOW:
        await connection.execute(statement, names)


@dataclass(frozen=True, slots=True)
class Joining:
    """Where a contact stands: joined into which other one, and when the other services were told of it.

    `awaits`: contacts that were joined into this one, of which the other services are not told yet; `holds`: lately, so
    that what this one writes waits for it. A service that cannot be told for a minute does not silence the person.
    """

    into: UUID | None = None
    told: datetime | None = None
    awaits: tuple[str, ...] = ()
    holds: bool = False


async def joining(connection: AsyncConnection, clinic_id: UUID, contact: UUID, now: datetime) -> Joining:
    """Say whether a contact was joined into another, or is one that others were joined into just now."""
    names = {"clinic_id": clinic_id, "id": contact, "lately": now - _HELD}
    row = (await connection.execute(_JOINING, names)).first()
    return Joining(row.merged_into, row.told, tuple(row.awaits), row.holds) if row else Joining()


async def told(connection: AsyncConnection, clinic_id: UUID, contact: UUID, into: UUID, now: datetime) -> None:
    """Note that the other services know that a contact is another one by now."""
    await connection.execute(_TOLD, {"clinic_id": clinic_id, "id": contact, "into": into, "now": now})


async def renumber(
    connection: AsyncConnection, clinic_id: UUID, contact: UUID, identity: Identity, now: datetime
) -> None:
    """Give a contact the identity it has from now on; what is None stays as it was."""
    names = {"wa_id": identity.wa_id, "number_key": identity.key, "user_id": identity.user_id}
    await connection.execute(_RENUMBER, {"clinic_id": clinic_id, "id": contact, "now": now, **names})


async def seen(connection: AsyncConnection, clinic_id: UUID, wamid: str) -> bool:
    """Whether a message is stored already."""
    return (await connection.execute(_SEEN, {"clinic_id": clinic_id, "wamid": wamid})).first() is not None
