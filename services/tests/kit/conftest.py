"""Fixtures of the kit's own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.work import Worker
from tests.kit.toy import Calls, CreateApp, create_app


@pytest.fixture
def toy_app() -> CreateApp:
    return create_app


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory()


@pytest.fixture
async def client(clinic: TestClinic, client_for: ClientFactory, toy_app: CreateApp) -> AppClient:
    """The toy service of that clinic alone or of the pool, as the clinic is."""
    return await client_for(toy_app, clinic.service_settings("auth"))


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def queue() -> str:
    """A queue of this test's own: the servers are shared by the session."""
    return f"q{uuid4().hex[:8]}"


@pytest.fixture
def worker(queue: str, calls: Calls) -> Callable[..., Worker]:
    def make(**options: Any) -> Worker:
        return Worker(queue, calls, **options)

    return make
