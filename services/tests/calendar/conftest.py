"""The Google fake, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.calendar.google_world import GoogleWorld, google_world


@pytest.fixture
async def google() -> AsyncIterator[GoogleWorld]:
    """Give a fake with one account and the calendars `ana` and `clinica`."""
    async with google_world(["ana@cal.test", "clinica@cal.test"]) as world:
        yield world
