"""The fixtures; a conftest imports them by name (see the conftest of the services' tests).

Servers start once per session and only when a test asks for them. Each test has clinics of its own; when it is over,
the next one gets their roles and partitions, emptied.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Protocol

import httpx
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from fastapi import FastAPI

from atendeai.kit import said
from atendeai.kit.logging import for_tests
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.testing import servers
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Show short logs, with what an exception said: there is no patient in a test."""
    for_tests()
    yield
    said.begin()


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.PostgresServer]:
    """PostgreSQL 15 with the operator's roles and an empty schema."""
    with servers.postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.RedisServer]:
    """Redis 7 with an ACL file."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def stack(postgres: servers.PostgresServer, redis_server: servers.RedisServer) -> Stack:
    """Both servers, after the migrations (run the way the Job runs them)."""
    environment = {
        **os.environ,
        "ATENDEAI_DATABASE_URL": postgres.dsn("atendeai_migrator", "migrator"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "atendeai.migrations", "upgrade"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the migrations failed:\n{done.stdout[-1000:]}{done.stderr[-4000:]}")
    return Stack(postgres, redis_server, Fernet.generate_key().decode())


ClinicFactory = Callable[..., Awaitable[TestClinic]]


@pytest.fixture
def clinic_factory(stack: Stack) -> Iterator[ClinicFactory]:
    """Return how to make a clinic: `await …(isolation="Dedicated", settings={…}, profile={…}, credentials={…})`."""
    made: list[TestClinic] = []

    async def factory(**values: Any) -> TestClinic:
        made.append(await make_clinic(stack, **values))
        return made[-1]

    yield factory
    for clinic in made:
        stack.give_back(clinic)


class AppClient(httpx.AsyncClient):
    """A client of one running app; `kit` is what that app holds open."""

    app: FastAPI

    @property
    def kit(self) -> Kit:
        """The app's database, cache and clinics."""
        kit: Kit = self.app.state.kit
        return kit


class ClientFactory(Protocol):
    """The type of fixture `client_for`."""

    async def __call__(self, create_app: Callable[[Settings], FastAPI], settings: Settings, **client: Any) -> AppClient:
        """Start the app and return a client that talks to it."""


@pytest_asyncio.fixture
async def client_for() -> AsyncIterator[ClientFactory]:
    """Return how to start a service's app, lifespan included, and talk to it: `await …(create_app, settings)`.

    The app is `client.app`. Everything ends with the test.
    """
    async with AsyncExitStack() as stack:

        async def factory(create_app: Callable[[Settings], FastAPI], settings: Settings, **client: Any) -> AppClient:
            app = create_app(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            options = {
                "transport": httpx.ASGITransport(app=app, raise_app_exceptions=False),
                "base_url": "http://service",
                **client,
            }
            made = await stack.enter_async_context(AppClient(**options))
            made.app = app
            return made

        yield factory
