"""A professional's appointments as an iCalendar feed, found by a secret address.

Whoever knows the address reads the feed: calendar programs cannot sign in. The secret has 256 bits, its hash alone is
kept, and minting a new one ends the old. What leaves this way ends up at whoever runs the professional's calendar, so
it is the least that is of use (LGPD, art. 6, III): when, and the patient's initials; no name, number or service.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.icalendar import CalendarEvent, write_calendar
from atendeai.appointment.models import Appointment
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.wording import initials
from atendeai.domain.appointment_states import LIVE, ON_CALENDAR, Status
from atendeai.kit import clock
from atendeai.kit.tenancy import Tenant

__all__ = ["FeedRepository", "render_feed"]

_BEHIND, _AHEAD = timedelta(days=7), timedelta(days=120)
_MOST = 5000


@dataclass(frozen=True, slots=True)
class FeedRepository:
    """The addresses of one clinic's feeds inside one transaction."""

    connection: AsyncConnection
    clinic_id: UUID

    async def mint(self, professional_code: str, by: str) -> str:
        """Make a new secret for a professional's feed, in place of the old one, and return it: this once."""
        secret = secrets.token_urlsafe(32)
        await self._all(
            """
            INSERT INTO atendeai.calendar_feed AS f (clinic_id, professional_code, secret_hash, minted_at, minted_by)
            VALUES (:clinic_id, :code, :hash, :now, :by)
            ON CONFLICT (clinic_id, professional_code) DO UPDATE
            SET secret_hash = excluded.secret_hash, minted_at = excluded.minted_at, minted_by = excluded.minted_by
            RETURNING f.professional_code
            """,
            {"code": professional_code, "hash": _hash(secret), "now": clock.now(), "by": by},
        )
        return secret

    async def find(self, secret: str) -> str | None:
        """Return whose feed a secret opens."""
        rows = await self._all(
            "SELECT f.professional_code FROM atendeai.calendar_feed f"
            " WHERE f.clinic_id = :clinic_id AND f.secret_hash = :hash",
            {"hash": _hash(secret)},
        )
        return rows[0]["professional_code"] if rows else None

    async def minted(self, professional_code: str) -> datetime | None:
        """Return when the address of a professional's feed was made, None when there is none."""
        rows = await self._all(
            "SELECT f.minted_at FROM atendeai.calendar_feed f"
            " WHERE f.clinic_id = :clinic_id AND f.professional_code = :code",
            {"code": professional_code},
        )
        return rows[0]["minted_at"] if rows else None

    async def held_fast(self, professional_code: str) -> datetime | None:
        """Return the same; nobody else makes or ends the address until this transaction ends."""
        await AppointmentRepository(self.connection, self.clinic_id).lock(f"feed:{professional_code}")
        return await self.minted(professional_code)

    async def revoke(self, professional_code: str) -> bool:
        """End a feed. Returns whether there was one."""
        rows = await self._all(
            "DELETE FROM atendeai.calendar_feed f WHERE f.clinic_id = :clinic_id AND f.professional_code = :code"
            " RETURNING f.professional_code",
            {"code": professional_code},
        )
        return bool(rows)

    async def _all(self, statement: str, arguments: Mapping[str, Any]) -> Sequence[RowMapping]:
        result = await self.connection.execute(text(statement), {"clinic_id": self.clinic_id} | dict(arguments))
        return result.mappings().all()


async def render_feed(connection: AsyncConnection, tenant: Tenant, professional_code: str) -> bytes:
    """Return a professional's agreed appointments, from a week ago to four months ahead, as iCalendar."""
    now = clock.now()
    found = await AppointmentRepository(connection, tenant.id).list_between(
        start=now - _BEHIND,
        end=now + _AHEAD,
        statuses=[status.value for status in ON_CALENDAR],
        professional_code=professional_code,
        limit=_MOST,
    )
    person = next((one for one in tenant.config.profile.professionals if one.code == professional_code), None)
    name = f"{person.name if person else professional_code} – {tenant.config.display_name}"
    host = tenant.config.settings.hosts[0] if tenant.config.settings.hosts else "atendeai.invalid"
    return write_calendar(name, tenant.config.settings.timezone, [_event(one, host) for one in found])


def _event(appointment: Appointment, host: str) -> CalendarEvent:
    whose = initials(appointment.patient_name)
    over = appointment.status not in LIVE
    confirmed = appointment.confirmed_at is not None or appointment.status is not Status.BOOKED or over
    return CalendarEvent(
        uid=f"{appointment.id}@{host}",
        start=appointment.starts_at,
        end=appointment.ends_at,
        summary=f"Atendimento – {whose}" if whose else "Atendimento",
        status="CONFIRMED" if confirmed else "TENTATIVE",
        revision=appointment.version,
        created_at=appointment.created_at,
        changed_at=appointment.updated_at,
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
