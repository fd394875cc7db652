"""Reads the audit log that the kit writes, `audit_event`, beside staff's names. Every statement names its clinic."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window
from atendeai.user.schemas import AuditEvent

SORTING = Sorting(Field("at", "e.at", datetime), default="-at", tie=Field("id", "e.id", UUID))
_FILTERS = {
    "actor": "e.actor = :actor",
    "action": "e.action = :action",
    "target": "e.target = :target",
    "since": "e.at >= :since",
    "until": "e.at < :until",
}
_READ = (
    "SELECT e.id, e.at, e.actor, u.name AS actor_name, e.action, e.target, e.reason, e.details"
    " FROM atendeai.audit_event e LEFT JOIN atendeai.user_account u"
    " ON u.clinic_id = :clinic_id AND e.actor = 'person:' || CAST(u.id AS text)"
    " WHERE e.clinic_id = :clinic_id"
)


async def find(connection: AsyncConnection, clinic_id: UUID, event: UUID) -> AuditEvent | None:
    """One event, None when there is none of this id."""
    statement = f"{_READ} AND e.id = :id"
    row = (await connection.execute(text(statement), {"clinic_id": clinic_id, "id": event})).mappings().one_or_none()
    return None if row is None else AuditEvent.model_validate(dict(row))


async def page(
    connection: AsyncConnection, clinic_id: UUID, window: Window, wanted: dict[str, str | datetime]
) -> tuple[list[AuditEvent], str | None]:
    """One page of the events that fit all of what is `wanted`: actor, action, target, since, until."""
    behind, values = window.condition()
    conditions = " AND ".join([behind, *(_FILTERS[name] for name in wanted)])
    rows = await connection.execute(
        text(f"{_READ} AND {conditions} ORDER BY {window.order_by()} LIMIT :limit"),
        {"clinic_id": clinic_id, "limit": window.limit, **wanted, **values},
    )
    found = [AuditEvent.model_validate(dict(row)) for row in rows.mappings()]
    shown, token = window.page(found, lambda event: {"at": event.at, "id": event.id})
    return list(shown), token
