"""The SQL of the appointment service. Every statement names its clinic: that prunes the partitions at plan time.

Ranges are compared with plain `<` and `>`: under row security a range operator would not use an index. The clock is the
caller's (`now`), so that a test can move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.event_details import known
from atendeai.appointment.models import HOLD_EXPIRED, NEVER_LISTED, OFFER_EXPIRED, Appointment, Event, OpenTimes
from atendeai.domain.appointment_states import LIVE, Status
from atendeai.kit.paging import Field, Sorting, Window

_LONGEST = timedelta(days=1)
"""No service lasts longer (see `parse_duration`), so an overlap query need not look further back."""

_COLUMNS = """
    a.id, a.status, a.starts_at, a.ends_at, a.service_code, a.service_name, a.professional_code, a.professional_name,
    a.patient_id, a.patient_name, a.contact_id, a.expires_at, a.confirmed_at, a.cancel_reason, a.cancel_code,
    a.source, a.calendar_state, a.calendar_version, a.calendar_error, a.created_at, a.updated_at, a.version,
    a.agreed_at, a.waitlist_id, a.conflict, a.notice_version
"""
_OPEN = """
    SELECT FROM unnest(CAST(:codes AS text[]), CAST(CAST(:opens AS text[]) AS timestamptz[]),
                       CAST(CAST(:closes AS text[]) AS timestamptz[])) AS o(code, opens, closes)
    WHERE o.code = a.professional_code AND o.opens <= a.starts_at AND a.ends_at <= o.closes
"""
_LIVE = sorted(status.value for status in LIVE)
SORTING = Sorting(
    Field("start", "a.starts_at", datetime),
    Field("created_at", "a.created_at", datetime),
    Field("updated_at", "a.updated_at", datetime),
    default="start",
    tie=Field("id", "a.id", UUID),
)
"""What the diary can be sorted by."""
EVENTS = Sorting(
    Field("version", "e.version", int),
    Field("at", "e.at", datetime),
    default="version,at",
    tie=Field("id", "e.id", UUID),
)
"""What a history can be sorted by: its order is that of the appointment's versions, and of time within one."""


def sort_key(one: Appointment) -> dict[str, Any]:
    """Return an appointment's values by the names in `SORTING`."""
    return {"start": one.starts_at, "created_at": one.created_at, "updated_at": one.updated_at, "id": one.id}


class AppointmentRepository:
    """Reads and writes one clinic's appointments inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    # ------------------------------------------------------------------ reading

    async def get(self, appointment_id: UUID, *, lock: bool = False) -> Appointment | None:
        """Return an appointment; with `lock`, nobody else changes it until this transaction ends."""
        row = await self._one(
            f"SELECT {_COLUMNS} FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id AND a.id = :id"
            + (" FOR UPDATE" if lock else ""),
            {"id": appointment_id},
        )
        return _appointment(row) if row else None

    async def get_many(self, ids: Sequence[UUID]) -> list[Appointment]:
        """Return the appointments of these ids that there are."""
        rows = await self._all(
            f"SELECT {_COLUMNS} FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id"
            " AND a.id = ANY(CAST(CAST(:ids AS text[]) AS uuid[]))",
            {"ids": list(map(str, ids))},
        )
        return [_appointment(row) for row in rows]

    async def reminded(self, ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return when the patients of these appointments were last reminded of them as they stand now."""
        rows = await self._all(
            """
            SELECT r.appointment_id, max(r.at) AS at FROM atendeai.appointment_reminder r
            JOIN atendeai.appointment a ON a.clinic_id = :clinic_id AND a.id = r.appointment_id
              AND a.starts_at = r.starts_at
            WHERE r.clinic_id = :clinic_id AND r.outcome = 'sent'
              AND r.appointment_id = ANY(CAST(CAST(:ids AS text[]) AS uuid[]))
            GROUP BY r.appointment_id
            """,
            {"ids": list(map(str, ids))},
        )
        return {row["appointment_id"]: row["at"] for row in rows}

    async def list_between(
        self,
        *,
        start: datetime | None,
        end: datetime | None,
        statuses: Sequence[str],
        professional_code: str | None = None,
        contact_id: UUID | None = None,
        conflict: bool | None = None,
        hours: OpenTimes | None = None,
        outside: bool = False,
        window: Window | None = None,
        limit: int = 0,
    ) -> list[Appointment]:
        """Return appointments that start in `[start, end)`: those of a window, or the first by start.

        Lapsed holds and offers are left out: nobody ever agreed to them. `conflict` asks for those that the calendar
        speaks against, or for the others; `hours` for those that lie as a whole in a time when their professional can
        be booked, or with `outside` for the others.
        """
        conditions = [
            "a.clinic_id = :clinic_id",
            "a.status = ANY(:statuses)",
            "coalesce(a.cancel_reason, '') <> ALL(:lapsed)",
        ]
        if conflict is not None:
            conditions.append("a.conflict IS NOT NULL" if conflict else "a.conflict IS NULL")
        arguments: dict[str, Any] = {"statuses": list(statuses), "lapsed": list(NEVER_LISTED)}
        arguments["limit"] = window.limit if window else limit
        if hours is not None:
            conditions.append(f"{'NOT ' if outside else ''}EXISTS ({_OPEN})")
            arguments |= hours._asdict()
        for condition, name, value in (
            ("a.starts_at >= :start", "start", start),
            ("a.starts_at < :end", "end", end),
            ("a.professional_code = :professional_code", "professional_code", professional_code),
            ("a.contact_id = :contact_id", "contact_id", contact_id),
        ):
            if value is not None:
                conditions.append(condition)
                arguments[name] = value
        behind, values = window.condition() if window else ("TRUE", {})
        order = window.order_by() if window else "a.starts_at, a.id"
        rows = await self._all(
            f"SELECT {_COLUMNS} FROM atendeai.appointment a WHERE {' AND '.join([*conditions, behind])}"
            f" ORDER BY {order} LIMIT :limit",
            arguments | values,
        )
        return [_appointment(row) for row in rows]

    async def taken(
        self,
        professional_codes: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        now: datetime | None,
        besides_contact: UUID | None = None,
        besides: UUID | None = None,
    ) -> list[tuple[str, datetime, datetime]]:
        """Return (professional, start, end) of what takes up time in `[start, end)`, but no hold that ran out by `now`.

        Without `now` they count: the constraint sees them. `besides_contact` leaves out its holds, `besides` one row.
        """
        rows = await self._all(
            """
            SELECT a.professional_code, a.starts_at, a.ends_at FROM atendeai.appointment a
            WHERE a.clinic_id = :clinic_id AND a.professional_code = ANY(:codes) AND a.status = ANY(:live)
              AND a.starts_at < :end AND a.starts_at > :reach AND a.ends_at > :start
              AND NOT (a.status = 'proposed' AND coalesce(a.expires_at <= CAST(:now AS timestamptz), false))
              AND NOT (a.status = 'proposed' AND a.contact_id IS NOT DISTINCT FROM CAST(:contact AS uuid)
                       AND a.contact_id IS NOT NULL)
              AND a.id IS DISTINCT FROM CAST(:besides AS uuid)
            """,
            {
                "codes": list(professional_codes),
                "live": _LIVE,
                "start": start,
                "end": end,
                "reach": start - _LONGEST,
                "now": now,
                "contact": besides_contact,
                "besides": besides,
            },
        )
        return [(row["professional_code"], row["starts_at"], row["ends_at"]) for row in rows]

    async def history(self, appointment_id: UUID, window: Window | None = None) -> list[Event]:
        """Return what happened to an appointment: the lines of a window, one more than it shows, or all in order."""
        behind, values = window.condition() if window else ("TRUE", {})
        order = window.order_by() if window else "e.version, e.at, e.id"
        rows = await self._all(
            f"""
            SELECT e.id, e.version, e.at, e.actor, u.name AS actor_name, e.action, e.from_status, e.to_status, e.details
            FROM atendeai.appointment_event e
            LEFT JOIN atendeai.user_account u
              ON u.clinic_id = :clinic_id AND e.actor = 'person:' || CAST(u.id AS text)
            WHERE e.clinic_id = :clinic_id AND e.appointment_id = :id AND {behind}
            ORDER BY {order} LIMIT :limit
            """,
            {"id": appointment_id, "limit": window.limit if window else None} | values,
        )
        return [Event(**{**row, "details": _json(row["details"])}) for row in rows]

    # ------------------------------------------------------------------ writing

    async def lock(self, name: str) -> None:
        """Let those who name the same thing pass one by one, until the transaction ends.

        For a professional's time the constraint alone would decide correctly, but concurrent bookers of one slot
        deadlock on it for seconds.
        """
        await self._run(
            "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", {"key": f"appointment:{self._clinic_id}:{name}"}
        )

    async def held_by(
        self, contact_id: UUID, professional_code: str, service_code: str, start: datetime, *, now: datetime
    ) -> Appointment | None:
        """Return this contact's own unexpired hold of exactly this slot."""
        row = await self._one(
            f"""
            SELECT {_COLUMNS} FROM atendeai.appointment a
            WHERE a.clinic_id = :clinic_id AND a.contact_id = :contact_id AND a.status = 'proposed'
              AND a.professional_code = :professional_code AND a.service_code = :service_code
              AND a.starts_at = :start AND a.expires_at > :now
            ORDER BY a.created_at LIMIT 1 FOR UPDATE
            """,
            {
                "contact_id": contact_id,
                "professional_code": professional_code,
                "service_code": service_code,
                "start": start,
                "now": now,
            },
        )
        return _appointment(row) if row else None

    async def lapse(
        self,
        *,
        now: datetime,
        professional_code: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        contact_id: UUID | None = None,
        appointment_id: UUID | None = None,
    ) -> list[Appointment]:
        """Let go of holds that ran out: those in the way of `[start, end)`, or one by its id. Returns them.

        With `contact_id`, that contact's own holds in the way go too, run out or not: they now want this time instead.
        """
        rows = await self._all(
            f"""
            UPDATE atendeai.appointment a
            SET status = 'cancelled', expires_at = NULL, updated_at = :now, version = a.version + 1,
                cancel_reason = CASE WHEN a.waitlist_id IS NULL THEN :hold ELSE :offer END
            WHERE a.clinic_id = :clinic_id AND a.status = 'proposed'
              AND (a.expires_at <= :now OR a.contact_id = CAST(:contact_id AS uuid))
              AND (CAST(:id AS uuid) IS NULL OR a.id = CAST(:id AS uuid))
              AND (CAST(:code AS text) IS NULL OR (a.professional_code = CAST(:code AS text)
                   AND a.starts_at < CAST(:end AS timestamptz) AND a.ends_at > CAST(:start AS timestamptz)))
            RETURNING {_COLUMNS}
            """,
            {
                "now": now,
                "hold": HOLD_EXPIRED,
                "offer": OFFER_EXPIRED,
                "contact_id": contact_id,
                "id": appointment_id,
                "code": professional_code,
                "start": start,
                "end": end,
            },
        )
        return [_appointment(row) for row in rows]

    async def lapse_oldest(self, contact_id: UUID, *, keep: int, now: datetime) -> list[Appointment]:
        """Let go of a contact's holds but the newest `keep`; offers to the waiting list do not count. Returns them."""
        rows = await self._all(
            f"""
            UPDATE atendeai.appointment a
            SET status = 'cancelled', expires_at = NULL, updated_at = :now, version = a.version + 1,
                cancel_reason = CASE WHEN a.waitlist_id IS NULL THEN :hold ELSE :offer END
            WHERE a.clinic_id = :clinic_id AND a.status = 'proposed' AND a.id IN (
                SELECT b.id FROM atendeai.appointment b
                WHERE b.clinic_id = :clinic_id AND b.contact_id = :contact_id AND b.status = 'proposed'
                  AND b.waitlist_id IS NULL
                ORDER BY b.created_at DESC, b.id OFFSET :keep)
            RETURNING {_COLUMNS}
            """,
            {"contact_id": contact_id, "keep": keep, "now": now, "hold": HOLD_EXPIRED, "offer": OFFER_EXPIRED},
        )
        return [_appointment(row) for row in rows]

    async def insert(self, values: Mapping[str, Any], *, now: datetime) -> Appointment | None:
        """Take the time. Returns None when somebody else has it: the exclusion constraint decides."""
        row = await self._one(
            f"""
            INSERT INTO atendeai.appointment AS a (
                clinic_id, id, status, starts_at, ends_at, service_code, service_name, professional_code,
                professional_name, patient_id, patient_name, contact_id, expires_at, source, calendar_state,
                agreed_at, waitlist_id, created_at, updated_at)
            VALUES (:clinic_id, :id, :status, :starts_at, :ends_at, :service_code, :service_name, :professional_code,
                :professional_name, :patient_id, :patient_name, :contact_id, :expires_at, :source, :calendar_state,
                :agreed_at, :waitlist_id, :now, :now)
            ON CONFLICT DO NOTHING
            RETURNING {_COLUMNS}
            """,
            dict.fromkeys(("patient_id", "patient_name", "expires_at", "agreed_at", "waitlist_id"))
            | {"calendar_state": "none"}
            | dict(values)
            | {"now": now},
        )
        return _appointment(row) if row else None

    async def update(self, appointment: Appointment, values: Mapping[str, Any], *, now: datetime) -> Appointment:
        """Change a locked appointment and raise its version. Of `conflict` the JSON is given."""
        assignments = ", ".join(f"{column} = {_value(column)}" for column in sorted(values))
        row = await self._one(
            f"""
            UPDATE atendeai.appointment a SET {assignments}, updated_at = :now, version = a.version + 1
            WHERE a.clinic_id = :clinic_id AND a.id = :id
            RETURNING {_COLUMNS}
            """,
            dict(values) | {"id": appointment.id, "now": now},
        )
        if row is None:
            raise LookupError(f"appointment {appointment.id} vanished while it was locked")
        return _appointment(row)

    async def record(
        self,
        appointment: Appointment,
        *,
        actor: str,
        action: str,
        from_status: Status | None,
        details: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Add a line to the appointment's history; `details` are some of `EventDetails`, else `ValueError`."""
        await self._run(
            """
            INSERT INTO atendeai.appointment_event
                (clinic_id, id, appointment_id, version, at, actor, action, from_status, to_status, details)
            VALUES (:clinic_id, :id, :appointment_id, :version, :now, :actor, :action, :from_status, :to_status,
                    CAST(:details AS jsonb))
            """,
            {
                "id": uuid4(),
                "appointment_id": appointment.id,
                "version": appointment.version,
                "now": now,
                "actor": actor,
                "action": action,
                "from_status": from_status.value if from_status else None,
                "to_status": appointment.status.value,
                "details": orjson.dumps(known(action, details)).decode(),
            },
        )

    async def calendar_synced(self, appointment_id: UUID, version: int, state: str, error: str | None) -> None:
        """Note how far the professional's calendar follows; of a version that has passed, nothing is noted."""
        await self._run(
            """
            UPDATE atendeai.appointment a
            SET calendar_state = :state, calendar_version = :version, calendar_error = :error
            WHERE a.clinic_id = :clinic_id AND a.id = :id AND a.version = :version
            """,
            {"id": appointment_id, "version": version, "state": state, "error": error},
        )

    async def told(self, appointment_id: UUID, version: int) -> bool:
        """Note that the clinic's change is dealt with; False when there is a later one, yet to be told."""
        row = await self._one(
            """
            UPDATE atendeai.appointment a SET notice_version = NULL
            WHERE a.clinic_id = :clinic_id AND a.id = :id AND a.notice_version = :version
            RETURNING a.id
            """,
            {"id": appointment_id, "version": version},
        )
        return row is not None

    async def forget_hold(self, appointment_id: UUID) -> None:
        """Remove a lapsed hold with its history: nobody ever agreed to it. The audit log keeps that it was there."""
        arguments = {"id": appointment_id, "lapsed": HOLD_EXPIRED}
        await self._run(
            """
            DELETE FROM atendeai.appointment_event e WHERE e.clinic_id = :clinic_id AND e.appointment_id IN (
                SELECT a.id FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id AND a.id = :id
                  AND a.status = 'cancelled' AND a.cancel_reason = :lapsed)
            """,
            arguments,
        )
        await self._run(
            """
            DELETE FROM atendeai.appointment a WHERE a.clinic_id = :clinic_id AND a.id = :id
              AND a.status = 'cancelled' AND a.cancel_reason = :lapsed
            """,
            arguments,
        )

    # ------------------------------------------------------------------ plumbing

    async def _run(self, statement: str, arguments: Mapping[str, Any]) -> None:
        await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | dict(arguments))

    async def _one(self, statement: str, arguments: Mapping[str, Any]) -> RowMapping | None:
        result = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | dict(arguments))
        return result.mappings().first()

    async def _all(self, statement: str, arguments: Mapping[str, Any]) -> Sequence[RowMapping]:
        result = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | dict(arguments))
        return result.mappings().all()


def _appointment(row: RowMapping) -> Appointment:
    return Appointment(**{**row, "status": Status(row["status"]), "conflict": _json(row["conflict"])})


def _value(column: str) -> str:
    return "CAST(:conflict AS jsonb)" if column == "conflict" else f":{column}"


def _json(value: Any) -> Any:
    # SQLAlchemy's asyncpg dialect hands untyped jsonb out as text.
    return orjson.loads(value) if isinstance(value, str | bytes) else value
