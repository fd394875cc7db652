"""The audit log: who did or read what, in the same transaction as the deed. Append only; ids, never contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.identity import Principal
from atendeai.kit.responses import dumps

_RECORD = text(
    "INSERT INTO atendeai.audit_event (clinic_id, id, at, actor, action, target, reason, details)"
    " VALUES (:clinic_id, :id, :at, :actor, :action, :target, :reason, CAST(:details AS jsonb))"
)


async def record(
    connection: AsyncConnection,
    clinic_id: UUID,
    actor: Principal | str,
    action: str,
    target: str,
    details: Mapping[str, Any] | None = None,
    *,
    reason: str | None = None,
) -> UUID:
    """Write one event and return its id.

    `actor` is `person:<id>` or `service:<name>`, `action` like `appointment.cancel`, `target` like `appointment:<id>`;
    `details` hold no message text, names or numbers. `reason` is why, in the words of whoever did it or as a short
    code of the service.
    """
    event = uuid4()
    await connection.execute(
        _RECORD,
        {
            "clinic_id": clinic_id,
            "id": event,
            "at": clock.now(),
            "actor": actor.actor if isinstance(actor, Principal) else actor,
            "action": action,
            "target": target,
            "reason": reason,
            "details": dumps(dict(details or {})).decode(),
        },
    )
    return event
