"""whatsapp, conversation and appointment as they are, in one process, with Meta's side faked: for what crosses them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from atendeai.appointment.app import create_app as create_appointment
from atendeai.conversation.app import create_app as create_conversation
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.app import create_app as create_whatsapp
from atendeai.whatsapp.graph import GraphClient
from tests.outside import graph_fake

EVERY_DAY = {day: [{"opens": "07:00", "closes": "21:00"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@dataclass
class Whole:
    """A clinic whose three services run, and whose patients write."""

    clinic: TestClinic
    fake: httpx.AsyncClient
    apps: dict[str, FastAPI]

    async def say(self, text: str, sender: str, name: str = "Maria") -> None:
        """Let a patient write, through a signed webhook."""
        body = {"phone_number_id": self.clinic.phone_number_id, "text": text, "from": sender, "name": name}
        (await self.fake.post("/_fake/inbound", json=body)).raise_for_status()

    async def answers(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many messages reached Meta."""

        async def look() -> list[dict[str, Any]]:
            found = await self.fake.get("/_fake/messages", params={"phone_number_id": self.clinic.phone_number_id})
            items: list[dict[str, Any]] = found.json()["items"]
            return items if len(items) >= count else []

        items: list[dict[str, Any]] = await eventually(look, seconds=30, what=f"{count} answers")
        return items


@asynccontextmanager
async def whole(clinic_factory: ClinicFactory, **settings: Any) -> AsyncIterator[Whole]:
    """Run the three services of a clinic of its own: their workers take nothing that other tests left behind."""
    clinic = await clinic_factory(
        isolation="Dedicated", profile={**PROFILE, "businessHours": EVERY_DAY, "holidays": []}
    )
    async with graph_fake() as (graph, apps), AsyncExitStack() as stack:
        peers = Peers(apps)
        for name in ("appointment", "conversation", "whatsapp"):
            own = clinic.service_settings(name, reply_quiet_seconds=0, **settings)
            kit = Kit(own, peers=peers)
            if name == "whatsapp":
                app = create_whatsapp(own, kit=kit, graph=GraphClient(httpx.ASGITransport(app=graph)))
            else:
                app = (create_appointment if name == "appointment" else create_conversation)(own, kit=kit)
            apps[name] = app
            await stack.enter_async_context(app.router.lifespan_context(app))
        fake = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app=graph), base_url="http://graph")
        )
        account = {
            "phone_number_id": clinic.phone_number_id,
            "access_token": clinic.credentials["whatsapp"]["access-token"],
            "app_secret": clinic.credentials["whatsapp"]["app-secret"],
            "callback_url": "http://whatsapp/webhook/whatsapp",
            "host": clinic.host,
            "business_account_id": clinic.settings["whatsapp"]["businessAccountId"],
            "status_delay_seconds": 0,
            "redeliveries": 0,
        }
        (await fake.post("/_fake/accounts", json=account)).raise_for_status()
        yield Whole(clinic, fake, apps)
