# ruff: noqa: S608 - what is put into these statements is the module's own column list; every value is bound
"""The SQL of the waiting list. Every statement names its clinic: that prunes the partitions at plan time.

Lists of ids are sent as text: for an array of UUIDs the driver would look up the type with a function that no clinic
may call (`set_config`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.models import Appointment
from atendeai.appointment.patients import folded, name_key
from atendeai.appointment.waitlist_models import JoinRequest, Wish, WishStatus
from atendeai.kit.paging import Field, Sorting, Window

__all__ = ["SORTING", "WaitlistRepository", "sort_key"]

_COLUMNS = """
    w.id, w.status, w.contact_id, w.patient_name, w.service_code, w.professional_code, w.date_from, w.date_to,
    w.time_from, w.time_to, w.source, w.joined_at, w.ended_at, w.end_reason, w.appointment_id
"""
SORTING = Sorting(
    Field("created_at", "w.joined_at", datetime),
    Field("date_from", "w.date_from", date),
    default="created_at",
    tie=Field("id", "w.id", UUID),
)
"""What the waiting list can be sorted by."""


def sort_key(wish: Wish) -> dict[str, Any]:
    """Return an entry's values by the names in `SORTING`."""
    return {"created_at": wish.joined_at, "date_from": wish.date_from, "id": wish.id}


class WaitlistRepository:
    """Reads and writes one clinic's waiting list inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def get(self, wish_id: UUID, *, lock: bool = False) -> Wish | None:
        """Return an entry; with `lock`, nobody else changes it until this transaction ends."""
        rows = await self._all(
            f"SELECT {_COLUMNS} FROM atendeai.waitlist_entry w WHERE w.clinic_id = :clinic_id AND w.id = :id"
            + (" FOR UPDATE" if lock else ""),
            {"id": wish_id},
        )
        return _wish(rows[0]) if rows else None

    async def is_open(self, wish_id: UUID) -> bool:
        """Whether the entry still waits."""
        found = await self.get(wish_id)
        return found is not None and found.status == "waitlist"

    async def list_by_turn(
        self,
        *,
        statuses: Sequence[str],
        contact_id: UUID | None = None,
        window: Window | None = None,
        limit: int = 0,
    ) -> list[Wish]:
        """Return entries: those of a window, or the first in the order in which they joined."""
        conditions = ["w.clinic_id = :clinic_id", "w.status = ANY(:statuses)"]
        arguments: dict[str, Any] = {"statuses": list(statuses), "limit": window.limit if window else limit}
        if contact_id is not None:
            conditions.append("w.contact_id = :contact_id")
            arguments["contact_id"] = contact_id
        behind, values = window.condition() if window else ("TRUE", {})
        order = window.order_by() if window else "w.joined_at, w.id"
        rows = await self._all(
            f"SELECT {_COLUMNS} FROM atendeai.waitlist_entry w WHERE {' AND '.join([*conditions, behind])}"
            f" ORDER BY {order} LIMIT :limit",
            arguments | values,
        )
        return [_wish(row) for row in rows]

    async def waiting(self, professional_code: str, day: date, *, lock: bool = False) -> list[Wish]:
        """Return who waits for that day and would see that professional, in turn; not who has an offer already."""
        rows = await self._all(
            f"""
            SELECT {_COLUMNS} FROM atendeai.waitlist_entry w
            WHERE w.clinic_id = :clinic_id AND w.status = 'waitlist'
              AND w.date_from <= :day AND w.date_to >= :day
              AND (w.professional_code IS NULL OR w.professional_code = :code)
              AND NOT EXISTS (SELECT FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id
                              AND a.waitlist_id = w.id AND a.status = 'proposed')
            ORDER BY w.joined_at, w.id
            """
            + (" FOR UPDATE OF w" if lock else ""),
            {"code": professional_code, "day": day},
        )
        return [_wish(row) for row in rows]

    async def offered(self, wishes: Collection[UUID]) -> set[tuple[UUID, str, datetime]]:
        """Return (entry, professional, start) of every offer ever made: none is made twice to the same."""
        rows = await self._all(
            """
            SELECT a.waitlist_id, a.professional_code, a.starts_at FROM atendeai.appointment a
            WHERE a.clinic_id = :clinic_id AND a.waitlist_id = ANY(CAST(CAST(:wishes AS text[]) AS uuid[]))
            """,
            {"wishes": list(map(str, wishes))},
        )
        return {(row["waitlist_id"], row["professional_code"], row["starts_at"]) for row in rows}

    async def open_offers(self, wishes: Collection[UUID], *, besides: UUID | None = None) -> list[UUID]:
        """Return the ids of the offers that these entries have at the moment."""
        rows = await self._all(
            """
            SELECT a.id FROM atendeai.appointment a
            WHERE a.clinic_id = :clinic_id AND a.waitlist_id = ANY(CAST(CAST(:wishes AS text[]) AS uuid[]))
              AND a.status = 'proposed'
              AND a.id IS DISTINCT FROM CAST(:besides AS uuid)
            """,
            {"wishes": list(map(str, wishes)), "besides": besides},
        )
        return [row["id"] for row in rows]

    async def same(self, wanted: JoinRequest) -> Wish | None:
        """Return the entry that waits for exactly this already."""
        rows = await self._all(
            f"""
            SELECT {_COLUMNS} FROM atendeai.waitlist_entry w
            WHERE w.clinic_id = :clinic_id AND w.contact_id = :contact_id AND w.status = 'waitlist'
              AND {folded("w.name_key")} = :name_key AND w.service_code = :service_code
              AND w.professional_code IS NOT DISTINCT FROM CAST(:professional_code AS text)
              AND w.date_from = :date_from AND w.date_to = :date_to
              AND w.time_from IS NOT DISTINCT FROM CAST(:time_from AS time)
              AND w.time_to IS NOT DISTINCT FROM CAST(:time_to AS time)
            """,
            wanted.model_dump() | {"name_key": name_key(wanted.patient_name)},
        )
        return _wish(rows[0]) if rows else None

    async def count_open(self, contact_id: UUID) -> int:
        """Return how many entries of a contact wait."""
        rows = await self._all(
            "SELECT count(*) AS n FROM atendeai.waitlist_entry w"
            " WHERE w.clinic_id = :clinic_id AND w.contact_id = :contact_id AND w.status = 'waitlist'",
            {"contact_id": contact_id},
        )
        found: int = rows[0]["n"]
        return found

    async def join(self, wanted: JoinRequest, source: str, *, now: datetime) -> Wish:
        """Add an entry at the end."""
        [row] = await self._all(
            f"""
            INSERT INTO atendeai.waitlist_entry AS w (clinic_id, id, status, contact_id, patient_name, name_key,
                service_code, professional_code, date_from, date_to, time_from, time_to, source, joined_at)
            VALUES (:clinic_id, :id, 'waitlist', :contact_id, :patient_name, :name_key, :service_code,
                :professional_code, :date_from, :date_to, :time_from, :time_to, :source, :now)
            RETURNING {_COLUMNS}
            """,
            wanted.model_dump()
            | {"id": uuid4(), "name_key": name_key(wanted.patient_name), "source": source, "now": now},
        )
        return _wish(row)

    async def end(self, wish_id: UUID, status: WishStatus, reason: str, *, now: datetime) -> bool:
        """End an entry that waits. Returns False when it was over already."""
        rows = await self._all(
            """
            UPDATE atendeai.waitlist_entry w SET status = :status, end_reason = :reason, ended_at = :now
            WHERE w.clinic_id = :clinic_id AND w.id = :id AND w.status = 'waitlist' RETURNING w.id
            """,
            {"id": wish_id, "status": status, "reason": reason, "now": now},
        )
        return bool(rows)

    async def fulfil(self, booked: Appointment, day: date, at: time, *, now: datetime) -> list[UUID]:
        """End the entries that an appointment fulfils, its own and others of the patient that it suits; return them."""
        rows = await self._all(
            f"""
            UPDATE atendeai.waitlist_entry w SET status = 'booked', appointment_id = :booked, ended_at = :now
            WHERE w.clinic_id = :clinic_id AND w.id IN (
                SELECT o.id FROM atendeai.waitlist_entry o
                WHERE o.clinic_id = :clinic_id AND o.status = 'waitlist' AND (
                    o.id = CAST(:own AS uuid)
                    OR (o.contact_id = CAST(:contact_id AS uuid) AND {folded("o.name_key")} = :name_key
                        AND o.service_code = :service_code
                        AND (o.professional_code IS NULL OR o.professional_code = :professional_code)
                        AND o.date_from <= :day AND o.date_to >= :day
                        AND (o.time_from IS NULL OR o.time_from <= :at)
                        AND (o.time_to IS NULL OR o.time_to > :at OR (o.time_from = :at AND o.time_to = :at))))
                ORDER BY o.id FOR UPDATE)
            RETURNING w.id
            """,
            {
                "booked": booked.id,
                "own": booked.waitlist_id,
                "contact_id": booked.contact_id,
                "name_key": name_key(booked.patient_name or ""),
                "service_code": booked.service_code,
                "professional_code": booked.professional_code,
                "day": day,
                "at": at,
                "now": now,
            },
        )
        return [row["id"] for row in rows]

    async def _all(self, statement: str, arguments: Mapping[str, Any]) -> Sequence[RowMapping]:
        result = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | dict(arguments))
        return result.mappings().all()


def _wish(row: RowMapping) -> Wish:
    return Wish(**row)
