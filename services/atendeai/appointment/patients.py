# ruff: noqa: S608 - what is put into the statement is a constant of this module
"""The clinic's patients: who is the same person under one contact, whatever accents their name is typed with."""

from __future__ import annotations

from datetime import datetime
from unicodedata import combining, normalize
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["folded", "name_key", "patient"]


def name_key(name: str) -> str:
    """Return what two spellings of one person's name have in common: who types in a hurry leaves out accents."""
    decomposed = normalize("NFKD", name.casefold())
    return " ".join("".join(one for one in decomposed if not combining(one)).split())


def folded(column: str) -> str:
    """Write the SQL of a stored key as `name_key` makes them: of old there are some with their accents."""
    return f"regexp_replace(normalize({column}, NFKD), '[\\u0300-\\u036f]', '', 'g')"


_PATIENT = text(
    "INSERT INTO atendeai.patient AS p (clinic_id, id, name, name_key, contact_id, created_at)"
    " VALUES (:clinic_id, :id, :name,"
    "  coalesce((SELECT k.name_key FROM atendeai.patient k WHERE k.clinic_id = :clinic_id"
    f"    AND k.contact_id = :contact_id AND {folded('k.name_key')} = :name_key"
    "   ORDER BY k.created_at LIMIT 1), :name_key), :contact_id, :now)"
    " ON CONFLICT (clinic_id, contact_id, name_key) DO UPDATE SET name = p.name RETURNING p.id"
)


async def patient(
    connection: AsyncConnection, clinic_id: UUID, name: str, contact_id: UUID | None, *, now: datetime
) -> UUID:
    """Return the patient of that name under that contact, created at the first booking.

    One contact may book for several people; without a contact nobody can tell two of one name apart, so each booking
    makes its own.
    """
    values = {
        "clinic_id": clinic_id,
        "id": uuid4(),
        "name": name,
        "name_key": name_key(name),
        "contact_id": contact_id,
        "now": now,
    }
    found: UUID = (await connection.execute(_PATIENT, values)).scalar_one()
    return found
