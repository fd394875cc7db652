"""A change of the profile, by staff or by the resource, is what every service goes by within five seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from atendeai.appointment.app import create_app as create_appointment
from atendeai.clinic.app import create_app as create_clinic
from atendeai.kit import clock
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.conversation.world import OPEN_ALWAYS, FlakyAppointment, WhatsApp, World, conversation_of

pytestmark = pytest.mark.integration

ME = "/api/v1/clinics/me"
DAY: date = clock.now().astimezone(ZoneInfo("America/Sao_Paulo")).date() + timedelta(days=9)
IN_TIME = 5.0
"""Seconds; the contract's."""


class Town:
    """One clinic with its clinic, appointment and conversation services running, each in a process of its own."""

    def __init__(self, clinic: TestClinic, profile: AppClient, diary: AppClient, world: World) -> None:
        self.clinic, self.profile, self.diary, self.world = clinic, profile, diary, world

    async def slots(self, day: date = DAY) -> dict[str, Any]:
        params = {"service_code": "consulta", "date_from": day.isoformat(), "date_to": day.isoformat()}
        response = await self.diary.get(
            "/api/v1/appointments/slots", params=params, headers=self.clinic.headers("receptionist")
        )
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def asked(self, day: date = DAY) -> str:
        """What somebody new is told who asks whether the clinic is open on a day."""
        return await self.world.say(uuid4(), f"vocês abrem dia {day:%d/%m/%Y}?")

    async def close(self, **body: Any) -> httpx.Response:
        return await self.profile.post(
            f"{ME}/exceptions", json={"date_from": DAY.isoformat(), **body}, headers=self.clinic.headers("admin")
        )

    async def sources(self) -> list[str]:
        listed = await self.profile.get(f"{ME}/versions", headers=self.clinic.headers())
        return [one["source"] for one in listed.json()["items"]]


@pytest.fixture
async def town(clinic_factory: ClinicFactory, client_for: ClientFactory) -> AsyncIterator[Town]:
    # Dedicated: its workers take no work that other tests' clinics left behind.
    clinic = await clinic_factory(
        isolation="Dedicated",
        profile=OPEN_ALWAYS | {"insurance": []},
        settings={"security": {"rateLimits": {"api": {"minute": 5000, "hour": 5000}}}},
    )
    profile = await client_for(create_clinic, clinic.service_settings("clinic"))
    diary = await client_for(create_appointment, clinic.service_settings("appointment"))
    whatsapp, flaky = WhatsApp(), FlakyAppointment(diary.app)
    async with AsyncExitStack() as stack:
        peers = Peers({"appointment": flaky, "whatsapp": whatsapp.app})
        conversation = await stack.enter_async_context(conversation_of(clinic, peers))
        yield Town(clinic, profile, diary, World(clinic, conversation, whatsapp, flaky))


async def test_a_day_that_staff_close_is_closed_everywhere(town: Town) -> None:
    assert len((await town.slots())["slots"]) > 0
    assert "atendemos das 7h às 21h" in await town.asked()
    made = await town.close(reason="Reforma")
    assert made.status_code == 201, made.text

    async def nothing_offered() -> bool:
        found = await town.slots()
        return bool(found["slots"] == [] and found["reason"] == "closed")

    async def said() -> bool:
        return "não abrimos" in await town.asked()

    await eventually(nothing_offered, seconds=IN_TIME)
    await eventually(said, seconds=IN_TIME)
    assert "Reforma" not in await town.asked(), "the reason is for the staff"
    booking = await town.world.say(uuid4(), f"quero marcar uma consulta dia {DAY:%d/%m/%Y} às 10h")
    assert "não abrimos" in booking
    assert len((await town.slots(DAY + timedelta(days=1)))["slots"]) > 0
    await town.profile.delete(f"{ME}/exceptions/{made.json()['id']}", headers=town.clinic.headers("admin"))

    async def offered_again() -> bool:
        return len((await town.slots())["slots"]) > 0

    await eventually(offered_again, seconds=IN_TIME)
    assert await town.sources() == ["staff", "staff", "resource"]


async def test_hours_of_one_day_and_one_professionals_absence_hold_for_slots_and_answers(town: Town) -> None:
    await town.close(hours=[{"opens": "09:00", "closes": "10:00"}, {"opens": "14:00", "closes": "15:00"}])
    await town.close(professional_code="bruno")

    async def cut() -> bool:
        found = [(one["start"][11:16], one["professional_code"]) for one in (await town.slots())["slots"]]
        return found == [("09:00", "ana"), ("09:30", "ana"), ("14:00", "ana"), ("14:30", "ana")]

    async def said() -> bool:
        return "atendemos das 9h às 10h e das 14h às 15h" in await town.asked()

    await eventually(cut, seconds=IN_TIME)
    await eventually(said, seconds=IN_TIME)


async def test_what_the_resource_changes_every_service_follows(town: Town) -> None:
    accepted = {"insurance": ["Unimed"]}
    changed = await town.profile.patch(f"{ME}/additions", json=accepted, headers=town.clinic.headers("admin"))
    assert changed.status_code == 200, changed.text

    async def accepts(plan: str) -> bool:
        answer = await town.world.say(uuid4(), f"vocês aceitam {plan}?")
        return f"Sim, atendemos {plan}." in answer

    await eventually(lambda: accepts("Unimed"), seconds=IN_TIME)
    town.clinic.profile |= {"insurance": ["Amil"], "holidays": [DAY.isoformat()]}
    town.clinic.generation = 2
    await town.clinic.write()

    async def closed() -> bool:
        return bool((await town.slots())["reason"] == "closed")

    async def said() -> bool:
        return "feriado" in await town.asked()

    async def shown() -> bool:
        profile = (await town.profile.get(ME, headers=town.clinic.headers())).json()["profile"]
        return bool(profile["insurance"] == ["Amil"] and profile["holidays"] == [DAY.isoformat()])

    await eventually(closed, seconds=IN_TIME)
    await eventually(said, seconds=IN_TIME)
    await eventually(shown, seconds=IN_TIME)
    await eventually(lambda: accepts("Amil"), seconds=IN_TIME)
    assert not await accepts("Unimed")
    assert await town.sources() == ["resource", "staff", "resource"]
