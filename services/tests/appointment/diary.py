"""One clinic's appointment service, as the attendant and as the reception see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx

from atendeai.kit.testing.clinics import TestClinic

T = TypeVar("T")
TZ = ZoneInfo("America/Sao_Paulo")
TUESDAY = datetime(2030, 11, 26, tzinfo=TZ)
"""A working day of the test clinic, far enough ahead."""


def at(clock: str, day: datetime = TUESDAY) -> datetime:
    """Return a time of that day in the clinic's zone."""
    hour, minute = clock.split(":")
    return day.replace(hour=int(hour), minute=int(minute))


@dataclass
class Diary:
    """Calls the service; `internal` as the conversation service, `staff` as a person."""

    client: httpx.AsyncClient
    clinic: TestClinic

    async def internal(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        """Call an internal route."""
        headers = self.clinic.service_headers("conversation", key)
        return await self.client.request(method, f"/internal/v1{path}", headers=headers, **options)

    async def staff(
        self, method: str, path: str = "", *roles: str, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Call a public route as somebody new."""
        headers = self.clinic.headers(*roles) | ({"Idempotency-Key": key} if key else {})
        return await self.client.request(method, f"/api/v1/appointments{path}", headers=headers, **options)

    async def hold(
        self,
        start: datetime,
        *,
        contact: UUID | None = None,
        professional: str = "ana",
        service: str = "consulta",
        key: str | None = None,
        name: str | None = None,
    ) -> httpx.Response:
        """Hold a time."""
        body = {
            "contact_id": str(contact or uuid4()),
            "service_code": service,
            "professional_code": professional,
            "start": start.isoformat(),
        } | ({"patient_name": name} if name else {})
        return await self.internal("POST", "/holds", key, json=body)

    async def book(
        self, appointment_id: str, name: str | None = "Maria da Silva", key: str | None = None
    ) -> httpx.Response:
        """Book a hold."""
        return await self.internal("POST", f"/appointments/{appointment_id}/book", key, json={"patient_name": name})

    async def booked(self, start: datetime, **options: Any) -> dict[str, Any]:
        """Hold and book; return the appointment."""
        held = await self.hold(start, **options)
        assert held.status_code == 201, held.text
        done = await self.book(held.json()["id"])
        assert done.status_code == 200, done.text
        found: dict[str, Any] = done.json()
        return found

    async def slots(self, **wanted: Any) -> dict[str, Any]:
        """Search slots of the test day for consultations of Ana."""
        body = {
            "service_code": "consulta",
            "date_from": "2030-11-26",
            "date_to": "2030-11-26",
            "professional_code": "ana",
            "limit": 100,
        } | wanted
        answer = await self.internal("POST", "/slots/search", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def starts(self, **wanted: Any) -> list[str]:
        """Return the wall-clock starts of the free slots."""
        return [slot["start"][11:16] for slot in (await self.slots(**wanted))["slots"]]

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Return rows of this clinic, whatever the service says: `query` ends in WHERE clinic_id = $1."""
        return [dict(row) for row in await self.clinic.fetch(query, self.clinic.id)]

    async def live(self) -> list[dict[str, Any]]:
        """Return what takes up time."""
        return await self.rows(
            "SELECT * FROM atendeai.appointment WHERE clinic_id = $1"
            " AND status IN ('proposed', 'pending', 'booked', 'arrived', 'checked-in') ORDER BY starts_at"
        )


async def until(look: Callable[[], Awaitable[T]], right: Callable[[T], bool], seconds: float = 20) -> T:
    """Look again and again until what is seen is right; fail with the last sight at the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if right(seen):
            return seen
        assert asyncio.get_running_loop().time() < deadline, f"still not right after {seconds} s: {seen}"
        await asyncio.sleep(0.05)
