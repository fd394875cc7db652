"""A clinic with full days, for reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg

from atendeai.kit.testing.clinics import TestClinic

A_DAY = 20
"""Appointments of a day, and of a page."""


def fill(clinic: TestClinic, days: Sequence[date], patient: str = "Maria Souza") -> None:
    """Book twenty appointments of one patient for each day."""
    asyncio.run(filled(clinic, days, patient))


async def filled(clinic: TestClinic, days: Sequence[date], patient: str) -> None:
    """Do as `fill`, in a loop that runs."""
    zone = ZoneInfo(str(clinic.settings["timezone"]))
    connection = await asyncpg.connect(clinic.stack.postgres.admin_dsn)
    try:
        person = uuid4()
        await connection.execute(
            "INSERT INTO atendeai.patient (clinic_id, id, name, name_key, created_at)"
            " VALUES ($1, $2, $3, lower($3), now())",
            clinic.id,
            person,
            patient,
        )
        rows = []
        for day in days:
            for index in range(A_DAY):
                start = datetime.combine(day, time(7), tzinfo=zone) + timedelta(minutes=30 * index)
                rows.append((clinic.id, uuid4(), start, start + timedelta(minutes=30), person, patient))
        await connection.executemany(
            "INSERT INTO atendeai.appointment (clinic_id, id, status, starts_at, ends_at, service_code, service_name,"
            " professional_code, professional_name, patient_id, patient_name, source, created_at, updated_at)"
            " VALUES ($1, $2, 'booked', $3, $4, 'consulta', 'Consulta', 'ana', 'Dra. Ana Souza', $5, $6,"
            " 'staff', now(), now())",
            rows,
        )
        await connection.execute("ANALYZE atendeai.appointment")
    finally:
        await connection.close()
