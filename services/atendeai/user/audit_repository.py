"""Reads the audit log that the kit writes: `audit_event`. Every statement names its clinic."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window
from atendeai.user.schemas import AuditEvent

SORTING = Sorting(Field("at", "at", datetime), default="-at", tie=Field("id", "id", UUID))
_FILTERS = {
    "actor": "actor = :actor",
    "action": "action = :action",
    "target": "target = :target",
    "since": "at >= :since",
    "until": "at < :until",
}


_COLUMNS = "id, at, actor, action, target, reason, details"


async def find(connection: AsyncConnection, clinic_id: UUID, event: UUID) -> AuditEvent | None:
    """One event, None when there is none of this id."""
    statement = f"SELECT {_COLUMNS} FROM atendeai.audit_event WHERE clinic_id = :clinic_id AND id = :id"  # noqa: S608 - constants
    row = (await connection.execute(text(statement), {"clinic_id": clinic_id, "id": event})).mappings().one_or_none()
    return None if row is None else AuditEvent.model_validate(dict(row))


async def page(
    connection: AsyncConnection, clinic_id: UUID, window: Window, wanted: dict[str, str | datetime]
) -> tuple[list[AuditEvent], str | None]:
    """One page of the events that fit all of what is `wanted`: actor, action, target, since, until."""
    behind, values = window.condition()
    conditions = " AND ".join([behind, *(_FILTERS[name] for name in wanted)])
    rows = await connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM atendeai.audit_event "  # noqa: S608 - constants
            f"WHERE clinic_id = :clinic_id AND {conditions} ORDER BY {window.order_by()} LIMIT :limit"
        ),
        {"clinic_id": clinic_id, "limit": window.limit, **wanted, **values},
    )
    found = [AuditEvent.model_validate(dict(row)) for row in rows.mappings()]
    shown, token = window.page(found, lambda event: {"at": event.at, "id": event.id})
    return list(shown), token
