"""The world of `world.py` as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from tests.outside import graph_fake
from tests.whatsapp.world import Conversation, World


@pytest.fixture
async def world(stack: Stack, clinic_factory: ClinicFactory, client_for: ClientFactory) -> AsyncIterator[World]:
    """The world, without a service yet: `await world.start(settings)`."""
    async with (
        graph_fake() as (app, callbacks),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://graph") as fake,
    ):
        yield World(stack, app, fake, Conversation(), callbacks, client_for, clinic_factory)


@pytest.fixture
async def pool(world: World) -> World:
    """The world with the shared pool's service running."""
    await world.start(world.stack.settings("whatsapp"))
    return world
