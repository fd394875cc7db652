"""One clinic's appointment service, as the attendant and as the reception see it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx

from atendeai.kit import clock, work
from atendeai.kit.identity import issue_service_token
from atendeai.kit.testing.clinics import TestClinic
from tests.appointment.whatsapp_side import WhatsAppSide

T = TypeVar("T")
TZ = ZoneInfo("America/Sao_Paulo")
TUESDAY = datetime(2030, 11, 26, tzinfo=TZ)
"""A working day of the test clinic, far enough ahead."""
OWN = re.compile(r"^/appointments/(?P<id>[0-9a-f-]{36})/\w+$")


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
        """Call an internal route; what changes an appointment, as the contact whose it is unless the test says who."""
        act = OWN.match(path) if method == "POST" else None
        if act is not None:
            options["json"] = {"contact_id": await self._owner(act["id"])} | options.get("json", {})
        headers = self.clinic.service_headers("conversation", key)
        return await self.client.request(method, f"/internal/v1{path}", headers=headers, **options)

    async def _owner(self, appointment_id: str) -> str:
        rows = await self.clinic.fetch(
            "SELECT contact_id FROM atendeai.appointment WHERE clinic_id = $1 AND id = $2",
            self.clinic.id,
            UUID(appointment_id),
        )
        return str(rows[0]["contact_id"] if rows else uuid4())

    async def staff(
        self,
        method: str,
        path: str = "",
        *roles: str,
        key: str | None = None,
        if_match: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Call a public route as somebody new."""
        with clock.override(lambda: datetime.now(UTC)):  # tokens are checked against the real clock
            headers = self.clinic.headers(*roles) | ({"Idempotency-Key": key} if key else {})
        headers |= {"If-Match": if_match} if if_match is not None else {}
        return await self.client.request(method, f"/api/v1/appointments{path}", headers=headers, **options)

    async def calendar(self, change: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Tell what happened in the professional's calendar, as the calendar service."""
        headers = self.clinic.service_headers("calendar", key)
        return await self.client.post("/internal/v1/calendar-changes", headers=headers, json=change)

    def prime(self) -> None:
        """Have the tokens of services issued by the real clock; they are remembered for minutes."""
        for name in ("conversation", "calendar", "whatsapp"):
            issue_service_token(self.clinic.tenant, name)

    async def make_due(self, *queues: str) -> None:
        """Spare the test the wait for work that is planned for later, once what is being handled has been planned."""

        async def handled() -> int:
            [row] = await self.clinic.fetch(
                "SELECT count(*) AS n FROM atendeai.work WHERE clinic_id = $1 AND queue = ANY($2)"
                " AND lease_token IS NOT NULL",
                self.clinic.id,
                list(queues),
            )
            return int(row["n"])

        await until(handled, lambda found: found == 0)
        await self.clinic.fetch(
            "UPDATE atendeai.work SET due_at = now(), due_since = now() WHERE clinic_id = $1 AND queue = ANY($2)"
            " AND lease_token IS NULL",
            self.clinic.id,
            list(queues),
        )
        for queue in queues:
            work._wake(self.clinic.id, queue)

    async def idle(self, *queues: str) -> bool:
        """Whether nothing of these queues is due or being handled."""
        [row] = await self.clinic.fetch(
            "SELECT count(*) AS n FROM atendeai.work WHERE clinic_id = $1 AND queue = ANY($2)"
            " AND (lease_token IS NOT NULL OR due_at <= now())",
            self.clinic.id,
            list(queues),
        )
        return bool(row["n"] == 0)

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


@dataclass
class Hands:
    """A clock that stands still until the test moves it."""

    now: datetime = TUESDAY.replace(hour=10) - timedelta(days=1)

    def move(self, **ahead: float) -> None:
        """Move on by so much."""
        self.now += timedelta(**ahead)


@dataclass
class Ward(Diary):
    """A diary whose patients can be written to, by a clock of its own."""

    whatsapp: WhatsAppSide
    hands: Hands

    async def join(self, name: str = "Maria da Silva", *, contact: UUID | None = None, **wish: Any) -> dict[str, Any]:
        """Join the waiting list for a consultation on the test day; return the entry."""
        body = {
            "contact_id": str(contact or uuid4()),
            "patient_name": name,
            "service_code": "consulta",
            "professional_code": "ana",
            "date_from": "2030-11-26",
            "date_to": "2030-11-26",
        } | wish
        answer = await self.internal("POST", "/waitlist", json=body)
        assert answer.status_code == 201, answer.text
        self.hands.move(seconds=1)
        found: dict[str, Any] = answer.json()
        return found

    async def offers(self) -> list[dict[str, Any]]:
        """Return the offers to the waiting list that stand, by when they were made."""
        return await self.rows(
            "SELECT * FROM atendeai.appointment WHERE clinic_id = $1 AND waitlist_id IS NOT NULL"
            " AND status = 'proposed' ORDER BY created_at, id"
        )

    async def one_offer(self) -> dict[str, Any]:
        """Wait for the one offer that stands."""
        [offer] = await until(self.offers, lambda found: len(found) == 1)
        return offer

    async def settled(self) -> None:
        """Wait until the waiting list has been looked at."""
        queues = ("waitlist-freed", "waitlist-wish", "hold-expiry", "appointment-notice", "appointment-reminder")
        await until(lambda: self.idle(*queues), bool)

    async def full_day(self, *, besides: tuple[str, ...] = ()) -> list[UUID]:
        """Fill Ana's whole test day with appointments; return their ids by time."""
        rows = await self.clinic.fetch(
            "INSERT INTO atendeai.appointment (clinic_id, id, status, starts_at, ends_at, service_code, service_name,"
            " professional_code, professional_name, patient_name, contact_id, source, created_at, updated_at)"
            " SELECT $1, gen_random_uuid(), 'booked', s, s + interval '30 minutes', 'consulta', 'Consulta', 'ana',"
            " 'Dra. Ana Souza', 'Paciente', gen_random_uuid(), 'person', $2, $2"
            " FROM generate_series($2::timestamptz, $2 + interval '9 hours 30 minutes', interval '30 minutes') s"
            " WHERE NOT (s = ANY($3::timestamptz[])) RETURNING id, starts_at",
            self.clinic.id,
            at("08:00"),
            [at(one) for one in besides],
        )
        return [row["id"] for row in sorted(rows, key=lambda row: row["starts_at"])]


async def until(look: Callable[[], Awaitable[T]], right: Callable[[T], bool], seconds: float = 20) -> T:
    """Look again and again until what is seen is right; fail with the last sight at the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if right(seen):
            return seen
        assert asyncio.get_running_loop().time() < deadline, f"still not right after {seconds} s: {seen}"
        await asyncio.sleep(0.05)
