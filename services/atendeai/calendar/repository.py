"""The SQL of the calendar service: which event stands for which appointment.

A row is written *before* Google is asked for the event, so that an event made just before a crash is found again and
can be deleted. Every statement names its clinic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.domain.slots import Interval
from atendeai.kit.paging import Field, Sorting, Window

__all__ = [
    "SORTING",
    "Conflict",
    "EventRepository",
    "EventRow",
    "State",
    "appointment_of",
    "event_id",
    "sort_key",
]

State = Literal["writing", "live", "deleted"]
Conflict = Literal["moved", "overlapped"]
SORTING = Sorting(Field("start", "e.starts_at", datetime), default="start", tie=Field("id", "e.id", UUID))
"""What events can be sorted by."""
_EVENT_ID = re.compile(r"^([0-9a-f]{32})([0-9a-f]+)$")


@dataclass(frozen=True, slots=True)
class EventRow:
    """The event of one appointment. `attempt` is the counter inside the event's id."""

    appointment_id: UUID
    professional_code: str
    calendar_id: str
    attempt: int
    state: State
    version: int
    starts_at: datetime
    ends_at: datetime
    google_updated_at: datetime | None = None
    """What Google called the latest change that is known here: our own writing, or one that was handed on."""
    conflict: Conflict | None = None
    """What the appointment service was last told to show of it, if anything."""
    told: int = 0
    """How many changes were handed on."""

    @property
    def name(self) -> str:
        """Return the event's id at Google."""
        return event_id(self.appointment_id, self.attempt)

    @property
    def interval(self) -> Interval:
        """Return when the appointment is."""
        return Interval(self.starts_at, self.ends_at)

    def as_json(self, tz: tzinfo) -> dict[str, Any]:
        """Render for the wire, moments in the clinic's time zone."""
        return {
            "appointment_id": str(self.appointment_id),
            "professional_code": self.professional_code,
            "event_id": self.name,
            "state": self.state,
            "start": self.starts_at.astimezone(tz).isoformat(),
            "end": self.ends_at.astimezone(tz).isoformat(),
            "conflict": self.conflict,
        }


def sort_key(row: EventRow) -> dict[str, Any]:
    """Return an event's values by the names in `SORTING`."""
    return {"start": row.starts_at, "id": row.appointment_id}


def event_id(appointment_id: UUID, attempt: int) -> str:
    """Return the deterministic id of an appointment's event: Google allows 5 to 1024 characters of a-v and 0-9.

    The counter is needed because an id stays taken after its event was deleted.
    """
    return f"{appointment_id.hex}{attempt:x}"


def appointment_of(name: str) -> tuple[UUID, int] | None:
    """Return the appointment and the attempt inside an event's id; None for an id that is none of ours."""
    match = _EVENT_ID.match(name)
    return (UUID(match[1]), int(match[2], 16)) if match else None


_COLUMNS = (
    "e.id AS appointment_id, e.professional_code, e.calendar_id, e.attempt, e.state, e.version, e.starts_at,"
    " e.ends_at, e.google_updated_at, e.conflict, e.told"
)


class EventRepository:
    """Reads and writes one clinic's events inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def get(self, appointment_id: UUID) -> EventRow | None:
        """Return the event of an appointment, if it ever had one."""
        rows = await self._all(
            f"SELECT {_COLUMNS} FROM atendeai.calendar_event e WHERE e.clinic_id = :clinic_id AND e.id = :id",
            {"id": appointment_id},
        )
        return _row(rows[0]) if rows else None

    async def save(self, row: EventRow, *, now: datetime) -> None:
        """Write what is known of an appointment's event; an older version never overwrites a newer one."""
        await self._connection.execute(
            text(
                """
                INSERT INTO atendeai.calendar_event AS e (clinic_id, id, professional_code, calendar_id, attempt, state,
                    version, starts_at, ends_at, google_updated_at, conflict, told, updated_at)
                VALUES (:clinic_id, :id, :professional_code, :calendar_id, :attempt, :state, :version, :starts_at,
                    :ends_at, :google_updated_at, :conflict, :told, :now)
                ON CONFLICT (clinic_id, id) DO UPDATE SET professional_code = excluded.professional_code,
                    calendar_id = excluded.calendar_id, attempt = excluded.attempt, state = excluded.state,
                    version = excluded.version, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                    google_updated_at = excluded.google_updated_at, updated_at = excluded.updated_at,
                    -- Who reads along may have told of a conflict since the row was read.
                    conflict = CASE WHEN e.starts_at = excluded.starts_at AND e.ends_at = excluded.ends_at
                        THEN e.conflict WHEN e.conflict IS NOT NULL THEN 'moved' ELSE excluded.conflict END,
                    told = greatest(e.told, excluded.told)
                WHERE e.clinic_id = excluded.clinic_id AND e.version <= excluded.version
                """
            ),
            self._values(row) | {"now": now},
        )

    async def replace(self, known: EventRow, row: EventRow, *, now: datetime) -> bool:
        """Write `row` where `known` still stands; False when somebody wrote meanwhile, who then knows better."""
        result = await self._connection.execute(
            text(
                """
                UPDATE atendeai.calendar_event SET state = :state, starts_at = :starts_at, ends_at = :ends_at,
                    google_updated_at = :google_updated_at, conflict = :conflict, told = :told, updated_at = :now
                WHERE clinic_id = :clinic_id AND id = :id AND state = :known_state AND version = :version
                  AND calendar_id = :calendar_id AND attempt = :attempt AND told = :known_told
                """
            ),
            self._values(row) | {"known_state": known.state, "known_told": known.told, "now": now},
        )
        return result.rowcount == 1

    async def mark(self, row: EventRow, conflict: Conflict | None, *, now: datetime) -> None:
        """Note that a conflict was told, or that it is over, whatever else became of the event meanwhile.

        Only who reads along writes this. Where the event has another time by now, the next look takes it back.
        """
        await self._connection.execute(
            text(
                "UPDATE atendeai.calendar_event SET conflict = :conflict, told = greatest(told, :told) + 1,"
                " updated_at = :now WHERE clinic_id = :clinic_id AND id = :id AND state <> 'deleted'"
            ),
            {
                "clinic_id": self._clinic_id,
                "id": row.appointment_id,
                "conflict": conflict,
                "told": row.told,
                "now": now,
            },
        )

    async def between(
        self,
        start: datetime,
        end: datetime,
        *,
        calendar_ids: Sequence[str] | None = None,
        limit: int = 500,
        window: Window | None = None,
    ) -> list[EventRow]:
        """Return the events that stand in `[start, end)`: those of a window, or the first by start.

        Of some calendars only, when given.
        """
        behind, values = window.condition() if window else ("TRUE", {})
        order = window.order_by() if window else "e.starts_at, e.id"
        rows = await self._all(
            f"""
            SELECT {_COLUMNS} FROM atendeai.calendar_event e
            WHERE e.clinic_id = :clinic_id AND e.state <> 'deleted' AND e.starts_at < :end AND e.ends_at > :start
              AND (CAST(:calendars AS text[]) IS NULL OR e.calendar_id = ANY(CAST(:calendars AS text[])))
              AND {behind}
            ORDER BY {order} LIMIT :limit
            """,
            {
                "start": start,
                "end": end,
                "calendars": list(calendar_ids) if calendar_ids is not None else None,
                "limit": window.limit if window else limit,
                **values,
            },
        )
        return [_row(row) for row in rows]

    def _values(self, row: EventRow) -> dict[str, Any]:
        return {
            "clinic_id": self._clinic_id,
            "id": row.appointment_id,
            "professional_code": row.professional_code,
            "calendar_id": row.calendar_id,
            "attempt": row.attempt,
            "state": row.state,
            "version": row.version,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "google_updated_at": row.google_updated_at,
            "conflict": row.conflict,
            "told": row.told,
        }

    async def _all(self, statement: str, arguments: Mapping[str, Any]) -> Sequence[RowMapping]:
        result = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | dict(arguments))
        return result.mappings().all()


def _row(row: RowMapping) -> EventRow:
    return EventRow(**row)
