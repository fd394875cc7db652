"""The calendar service with Google and a recording appointment service around it, for the tests of reading along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, Request
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from atendeai.calendar.app import create_app
from atendeai.calendar.repository import event_id
from atendeai.calendar.sync_repository import SYNC_QUEUE
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import enqueue
from tests.calendar.google_world import BASE_URL, TOKEN_URL, GoogleWorld

HOUR = timedelta(hours=1)
DAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
ANA, CLINIC = "ana@cal.test", "clinica@cal.test"


@dataclass
class Appointments:
    """Stands for the appointment service: records what it is told, and answers as a test wants."""

    told: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(
        default_factory=lambda: {
            "moved": "rescheduled",
            "deleted": "cancelled",
            "overlapped": "conflict",
            "cleared": "cleared",
        }
    )
    refusals: list[int] = field(default_factory=list)
    """Statuses of the next answers."""

    slug: str = "unavailable"
    """Of their problems."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    """What happens while the next change is being told."""

    @property
    def app(self) -> FastAPI:
        """The app of that service."""
        app = FastAPI()

        @app.post("/internal/v1/calendar-changes")
        async def change(request: Request) -> Response:
            self.keys.append(request.headers["Idempotency-Key"])
            if self.refusals:
                problem = {"type": f"urn:atendeai:problem:{self.slug}"}
                return JSONResponse(problem, self.refusals.pop(0), {"Retry-After": "60"})
            body = await request.json()
            self.told.append(body)
            if (happens := self.meanwhile) is not None:
                self.meanwhile = None
                await happens()
            return JSONResponse({"applied": self.answers[body["kind"]]})

        return app

    @property
    def kinds(self) -> list[str]:
        """What was told, in order."""
        return [one["kind"] for one in self.told]


@dataclass
class World:
    """One clinic, its calendars, and the services around the one under test."""

    client: AppClient
    clinic: TestClinic
    google: GoogleWorld
    appointments: Appointments
    create: Callable[[Settings], FastAPI]
    """Makes another replica of the service."""

    async def put(self, start: datetime = DAY, *, appointment: UUID | None = None, version: int = 1) -> UUID:
        """Have the appointment service write an appointment into Ana's calendar."""
        appointment = appointment or uuid4()
        body = {
            "professional_code": "ana",
            "start": start.isoformat(),
            "end": (start + HOUR).isoformat(),
            "summary": "Consulta – Maria",
            "version": version,
        }
        headers = self.clinic.service_headers("appointment")
        answer = await self.client.put(f"/internal/v1/events/{appointment}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return appointment

    async def sync(self, calendar_id: str = ANA) -> dict[str, Any]:
        """Have a calendar read now, and wait until it was, whatever else was under way."""
        async with self.client.kit.database.transaction(self.clinic.id) as connection:
            await enqueue(connection, self.clinic.id, SYNC_QUEUE, calendar_id)
        await self.idle(calendar_id)
        row = await self.row(calendar_id)
        assert row is not None
        return row

    async def idle(self, calendar_id: str = ANA) -> datetime:
        """Wait until nothing is to be done for a calendar now; return when there will be."""

        async def rests() -> datetime | None:
            work = await self.one(
                "SELECT due_at, lease_token, due_at > now() AS later FROM atendeai.work"
                " WHERE clinic_id = :clinic AND queue = :queue AND key = :key",
                queue=SYNC_QUEUE,
                key=calendar_id,
            )
            due: datetime | None = work["due_at"] if work and work["later"] and not work["lease_token"] else None
            return due

        found: datetime = await eventually(rests, what="nothing to do", every=0.03)
        return found

    async def channels(self) -> list[dict[str, Any]]:
        """Return the clinic's own watch channels: the pool opens others for what other tests left behind."""
        address = f"https://{self.clinic.host}/"
        return [one for one in await self.google.channels() if one["address"].startswith(address)]

    async def row(self, calendar_id: str = ANA) -> dict[str, Any] | None:
        """Return what is stored of a calendar."""
        return await self.one(
            "SELECT * FROM atendeai.calendar_sync WHERE clinic_id = :clinic AND calendar_id = :id", id=calendar_id
        )

    async def event(self, appointment: UUID) -> dict[str, Any]:
        """Return what is stored of an appointment's event."""
        query = "SELECT * FROM atendeai.calendar_event WHERE clinic_id = :clinic AND id = :id"
        row = await self.one(query, id=appointment)
        assert row is not None
        return row

    async def one(self, query: str, **values: Any) -> dict[str, Any] | None:
        """Return a row as the service itself sees it."""
        async with self.client.kit.database.transaction(self.clinic.id) as connection:
            result = await connection.execute(text(query), {"clinic": self.clinic.id} | values)
            row = result.mappings().one_or_none()
        return dict(row) if row is not None else None

    async def told(self, *kinds: str) -> dict[str, Any]:
        """Wait until the appointment service was told these changes, and no others; return the last."""
        await self.sync()
        await eventually(lambda: self.appointments.kinds == list(kinds))
        await self.sync()
        assert self.appointments.kinds == list(kinds)
        return self.appointments.told[-1]

    async def block(self, start: datetime, name: str = "particular", **more: Any) -> None:
        """Put somebody's private event into Ana's calendar."""
        times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HOUR).isoformat()}}
        await self.google.by_hand(ANA, {"id": name} | times | more)

    async def status(self) -> dict[str, Any]:
        """Return what staff see of Ana's calendar."""
        answer = await self.client.get("/api/v1/calendar/status", headers=self.clinic.headers("receptionist"))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ana(self) -> dict[str, Any]:
        """Return the line of Ana's calendar in the status."""
        found: dict[str, Any] = next(
            one for one in (await self.status())["calendars"] if one["professional_code"] == "ana"
        )
        return found


async def made(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    google: GoogleWorld,
    *,
    credentials: dict[str, str] | None = None,
    pushed: bool = True,
    isolation: str = "Dedicated",
) -> World:
    """Start the service for a clinic of its own."""
    profile = PROFILE | {
        "professionals": [{"code": "ana", "name": "Ana", "services": ["consulta"], "calendarId": ANA}],
    }
    clinic = await clinic_factory(
        isolation=isolation,
        settings={"calendar": {"provider": "Google", "baseURL": BASE_URL, "tokenURL": TOKEN_URL}},
        profile=profile,
        credentials={"calendar": google.credentials if credentials is None else credentials},
    )
    appointments = Appointments()
    peers = Peers({"appointment": appointments.app})

    def app(settings: Settings) -> FastAPI:
        service = create_app(settings, kit=Kit(settings, peers=peers), google=google.transport)
        if pushed:
            google.deliver_to(service)
        return service

    client = await client_for(app, clinic.service_settings("calendar"))
    return World(client, clinic, google, appointments, app)


def name_of(appointment: UUID, attempt: int = 0) -> str:
    """Return the id of an appointment's event."""
    return event_id(appointment, attempt)
