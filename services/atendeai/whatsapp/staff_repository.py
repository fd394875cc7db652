"""SQL of what staff and the operator look at: pages of messages, and the channel's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window
from atendeai.kit.responses import dumps

# Both halves are cut to what the page can need before they are joined to contacts and files.
_MESSAGES = (
    "WITH page AS ("
    "(SELECT * FROM (SELECT id, 'inbound' AS direction, contact_id, kind, text, sent_at AS at,"
    "  CASE WHEN handed_on_at IS NULL THEN 'received' WHEN refused_status IS NULL THEN 'handed_on' ELSE 'refused' END"
    "  AS state, NULL AS author, NULL::integer AS error_code, NULL AS error_title, NULL AS error_details,"
    "  media_id, edited_at, revoked_at, NULL AS options"
    " FROM atendeai.whatsapp_inbound"
    " WHERE clinic_id = :clinic_id AND (CAST(:contact_id AS uuid) IS NULL OR contact_id = :contact_id)"
    "  AND CAST(:direction AS text) IS DISTINCT FROM 'outbound' AND CAST(:state AS text) IS NULL) p"
    " WHERE {behind} ORDER BY {order} LIMIT :most)"
    " UNION ALL "
    "(SELECT * FROM (SELECT id, 'outbound' AS direction, contact_id,"
    "  CASE WHEN as_template THEN 'template' ELSE kind END AS kind,"
    "  CASE WHEN as_template THEN coalesce(template->>'text', body->>'text') ELSE body->>'text' END AS text,"
    "  created_at AS at, state, author, error_code, error_title, error_details, media_id,"
    "  NULL::timestamptz AS edited_at, NULL::timestamptz AS revoked_at,"
    "  CASE WHEN NOT as_template THEN (body->'buttons')::text END AS options"
    " FROM atendeai.whatsapp_outbound"
    " WHERE clinic_id = :clinic_id AND (CAST(:contact_id AS uuid) IS NULL OR contact_id = :contact_id)"
    "  AND CAST(:direction AS text) IS DISTINCT FROM 'inbound'"
    "  AND (CAST(:state AS text) IS NULL OR state = :state)) p"
    " WHERE {behind} ORDER BY {order} LIMIT :most))"
    " SELECT p.*, c.name, c.wa_id, c.user_id, f.state AS media_state, f.filename, f.problem, f.size,"
    " coalesce(f.mime_type, f.declared_type) AS mime_type FROM page p"
    " JOIN atendeai.whatsapp_contact c ON c.clinic_id = :clinic_id AND c.id = p.contact_id"
    " LEFT JOIN atendeai.whatsapp_media f ON f.clinic_id = :clinic_id AND f.id = p.media_id"
    " ORDER BY {order} LIMIT :most"
)
SORTING = Sorting(Field("at", "p.at", datetime), default="-at", tie=Field("id", "p.id", UUID))
"""What messages can be sorted by."""
_CHANNEL = text(
    "SELECT h.error_code, h.error_title, h.error_details, h.error_at, h.token_valid, h.token_checked_at,"
    " h.token_problem, h.token_expires_at, h.quality_rating, h.messaging_limit, h.account_event,"
    " h.account_checked_at, h.templates_synced_at,"
    " h.templates_problem,"
    " (SELECT count(*) FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id"
    "  AND state IN ('queued', 'sending')) AS waiting,"
    " (SELECT max(sent_at) FROM atendeai.whatsapp_inbound WHERE clinic_id = :clinic_id) AS last_inbound_at,"
    " (SELECT max(sent_at) FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id) AS last_sent_at,"
    " (SELECT count(*) FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id"
    "  AND created_at > now() - interval '15 minutes' AND state IN ('sent', 'delivered', 'read')) AS recently_sent,"
    " (SELECT count(*) FROM atendeai.whatsapp_outbound WHERE clinic_id = :clinic_id"
    "  AND created_at > now() - interval '15 minutes' AND state = 'failed') AS recently_failed"
    " FROM (SELECT 1) AS one LEFT JOIN atendeai.whatsapp_channel h ON h.clinic_id = :clinic_id AND h.id = :clinic_id"
)
_TOKEN = text(
    "INSERT INTO atendeai.whatsapp_channel AS h (clinic_id, id, token_valid, token_checked_at, token_problem,"
    " token_expires_at)"
    " VALUES (:clinic_id, :clinic_id, :valid, :now, :problem, :ends)"
    " ON CONFLICT (clinic_id, id) DO UPDATE SET token_valid = excluded.token_valid,"
    " token_checked_at = excluded.token_checked_at, token_problem = excluded.token_problem,"
    " token_expires_at = excluded.token_expires_at,"
    " error_code = CASE WHEN :mended THEN NULL ELSE h.error_code END,"
    " error_title = CASE WHEN :mended THEN NULL ELSE h.error_title END,"
    " error_details = CASE WHEN :mended THEN NULL ELSE h.error_details END,"
    " error_at = CASE WHEN :mended THEN NULL ELSE h.error_at END"
)

_STANDING = text(
    "INSERT INTO atendeai.whatsapp_channel AS h (clinic_id, id, quality_rating, messaging_limit)"
    " VALUES (:clinic_id, :clinic_id, :rating, :limit)"
    " ON CONFLICT (clinic_id, id) DO UPDATE SET"
    " quality_rating = coalesce(excluded.quality_rating, h.quality_rating),"
    " messaging_limit = coalesce(excluded.messaging_limit, h.messaging_limit)"
    " RETURNING quality_rating, messaging_limit"
)

_ONBOARDING = text(
    "SELECT onboarding::text FROM atendeai.whatsapp_channel WHERE clinic_id = :clinic_id AND id = :clinic_id"
)
_ONBOARDED = text(
    "INSERT INTO atendeai.whatsapp_channel AS h (clinic_id, id, onboarding)"
    " VALUES (:clinic_id, :clinic_id, CAST(:step AS jsonb)) ON CONFLICT (clinic_id, id)"
    " DO UPDATE SET onboarding = coalesce(h.onboarding, '{}'::jsonb) || excluded.onboarding"
)
_EVENT = text(
    "INSERT INTO atendeai.whatsapp_channel (clinic_id, id, account_event, account_event_at)"
    " VALUES (:clinic_id, :clinic_id, :event, :now) ON CONFLICT (clinic_id, id)"
    " DO UPDATE SET account_event = excluded.account_event, account_event_at = excluded.account_event_at"
)
_UNLOCKED = text(
    "UPDATE atendeai.whatsapp_channel SET error_code = NULL, error_title = NULL, error_details = NULL,"
    " error_at = NULL WHERE clinic_id = :clinic_id AND error_code = :code"
)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """The channel as the database knows it."""

    error_code: int | None
    error_title: str | None
    error_details: str | None
    error_at: datetime | None
    token_valid: bool | None
    token_checked_at: datetime | None
    token_problem: str | None
    token_expires_at: datetime | None
    quality_rating: str | None
    messaging_limit: str | None
    account_event: str | None
    account_checked_at: datetime | None
    templates_synced_at: datetime | None
    templates_problem: str | None
    waiting: int
    last_inbound_at: datetime | None
    last_sent_at: datetime | None
    recently_sent: int
    recently_failed: int


async def messages(
    connection: AsyncConnection,
    clinic_id: UUID,
    *,
    contact_id: UUID | None,
    direction: str | None,
    state: str | None,
    window: Window,
) -> Sequence[RowMapping]:
    """Return messages in both directions: those of a window, one more than it shows."""
    behind, values = window.condition()
    statement = text(_MESSAGES.format(behind=behind, order=window.order_by()))
    wanted: dict[str, Any] = {
        "clinic_id": clinic_id,
        "contact_id": contact_id,
        "direction": direction,
        "state": state,
        "most": window.limit,
        **values,
    }
    return (await connection.execute(statement, wanted)).mappings().all()


async def channel(connection: AsyncConnection, clinic_id: UUID) -> ChannelRow:
    """Return the channel's row; everything None for a clinic that has none yet."""
    return ChannelRow(*(await connection.execute(_CHANNEL, {"clinic_id": clinic_id})).one())


async def token_checked(
    connection: AsyncConnection,
    clinic_id: UUID,
    valid: bool | None,
    problem: str | None,
    now: datetime,
    *,
    ends: datetime | None,
    mended: bool,
) -> None:
    """Record what the Graph API said of the token, and when it ends; `mended` forgets the account's last refusal."""
    await connection.execute(
        _TOKEN, {"clinic_id": clinic_id, "valid": valid, "problem": problem, "now": now, "ends": ends, "mended": mended}
    )


async def standing(
    connection: AsyncConnection, clinic_id: UUID, rating: str | None, limit: str | None
) -> tuple[str | None, str | None]:
    """Record the quality rating and the messaging limit, where they are given; return both as they now stand."""
    names = {"clinic_id": clinic_id, "rating": rating, "limit": limit}
    row = (await connection.execute(_STANDING, names)).one()
    return row.quality_rating, row.messaging_limit


async def onboarding(connection: AsyncConnection, clinic_id: UUID) -> dict[str, dict[str, Any]]:
    """Return what each step of the onboarding last came to, by its name."""
    found = (await connection.execute(_ONBOARDING, {"clinic_id": clinic_id})).scalar_one_or_none()
    steps: dict[str, dict[str, Any]] = orjson.loads(found) if found else {}
    return steps


async def onboarded(connection: AsyncConnection, clinic_id: UUID, step: str, came_to: dict[str, Any]) -> None:
    """Record what a step of the onboarding came to."""
    await connection.execute(_ONBOARDED, {"clinic_id": clinic_id, "step": dumps({step: came_to}).decode()})


async def account_event(connection: AsyncConnection, clinic_id: UUID, event: str, now: datetime) -> None:
    """Record Meta's last news of the account."""
    await connection.execute(_EVENT, {"clinic_id": clinic_id, "event": event, "now": now})


async def unlocked(connection: AsyncConnection, clinic_id: UUID, code: int) -> None:
    """Forget the account's last refusal, if it was this one."""
    await connection.execute(_UNLOCKED, {"clinic_id": clinic_id, "code": code})
