# ruff: noqa: S608 - what is put into these statements are constants of this service
"""Two contacts that turn out to be one person: what was booked or wished for with the first is the other's.

The SQL of it is here rather than with the rest, because nothing else renames a contact.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.patients import folded
from atendeai.kit import audit
from atendeai.kit.identity import Principal, service
from atendeai.kit.resources import KitDep
from atendeai.kit.schemas import Joined
from atendeai.kit.tenancy import TenantDep

__all__ = ["router"]

router = APIRouter(prefix="/internal/v1", tags=["internal"])

_ALIKE = f"{folded('k.name_key')} = {folded('g.name_key')}"
# A patient of the same name under both contacts is one patient: the appointments go over to the one that stays.
_SAME_NAME = text(
    "UPDATE atendeai.appointment a SET patient_id = k.id"
    " FROM atendeai.patient g JOIN atendeai.patient k ON k.clinic_id = :clinic_id AND k.contact_id = :into"
    f"  AND {_ALIKE}"
    " WHERE a.clinic_id = :clinic_id AND a.contact_id = :contact_id AND a.patient_id = g.id"
    "  AND g.clinic_id = :clinic_id AND g.contact_id = :contact_id"
)
_DROP_SAME = text(
    "DELETE FROM atendeai.patient g USING atendeai.patient k"
    " WHERE g.clinic_id = :clinic_id AND g.contact_id = :contact_id"
    f"  AND k.clinic_id = :clinic_id AND k.contact_id = :into AND {_ALIKE}"
    "  AND NOT EXISTS (SELECT 1 FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id AND a.patient_id = g.id)"
)
_RENAME = tuple(
    text(f"UPDATE atendeai.{table} SET contact_id = :into WHERE clinic_id = :clinic_id AND contact_id = :contact_id")
    for table in ("patient", "appointment", "waitlist_entry")
)


class JoinedCount(BaseModel):
    """How many rows went over to the other contact."""

    moved: int


async def join(connection: AsyncConnection, clinic_id: UUID, contact: UUID, into: UUID) -> int:
    """Let patients, appointments and wishes go over to another contact; how many. Done again, it changes nothing."""
    names = {"clinic_id": clinic_id, "contact_id": contact, "into": into}
    await connection.execute(_SAME_NAME, names)
    await connection.execute(_DROP_SAME, names)
    return sum([(await connection.execute(statement, names)).rowcount for statement in _RENAME])


@router.post("/contacts/join")
async def joined(
    wanted: Joined, tenant: TenantDep, who: Annotated[Principal, Depends(service("whatsapp"))], kit: KitDep
) -> JoinedCount:
    """Two contacts are one person: what is under the first goes on under the other, once."""
    async with kit.database.transaction(tenant) as connection:
        moved = await join(connection, tenant.id, wanted.contact_id, wanted.into)
        if moved:
            details, target = {"into": str(wanted.into), "moved": moved}, f"contact:{wanted.contact_id}"
            await audit.record(connection, tenant.id, who, "contact.join", target, details, reason=audit.SAME_PERSON)
    return JoinedCount(moved=moved)
