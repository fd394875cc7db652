"""The Google fake, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.calendar.google_world import GoogleWorld


@pytest.fixture
async def google() -> AsyncIterator[GoogleWorld]:
    """Give a fake with one account and the calendars `ana` and `clinica`."""
    world = GoogleWorld()
    await world.start(["ana@cal.test", "clinica@cal.test"])
    yield world
    await world.close()
