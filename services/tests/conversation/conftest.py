"""The world of `world.py` as a fixture."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest_asyncio

from atendeai.appointment.app import create_app as create_appointment
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClinicFactory
from tests.conversation.world import OPEN_ALWAYS, FlakyAppointment, WhatsApp, World, conversation_of


@pytest_asyncio.fixture
async def make_world(clinic_factory: ClinicFactory) -> Any:
    async with AsyncExitStack() as stack:

        async def make(*, quiet: float = 0, model: httpx.AsyncBaseTransport | None = None, **values: Any) -> World:
            clinic = await clinic_factory(**{"profile": OPEN_ALWAYS, **values})
            booking = create_appointment(clinic.service_settings("appointment"))
            await stack.enter_async_context(booking.router.lifespan_context(booking))
            whatsapp, flaky = WhatsApp(), FlakyAppointment(booking)
            peers = Peers({"appointment": flaky, "whatsapp": whatsapp.app})
            client = await stack.enter_async_context(conversation_of(clinic, peers, quiet, model))
            return World(clinic, client, whatsapp, flaky)

        yield make
