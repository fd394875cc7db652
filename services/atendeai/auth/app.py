"""How the auth service is built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from atendeai.auth import factor_routes, password_routes
from atendeai.auth.endpoints import internal, public
from atendeai.auth.passwords import Cost, Passwords
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings


def _passwords(cost: Cost) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.passwords = Passwords(cost=cost)
        try:
            yield
        finally:
            app.state.passwords.close()

    return lifespan


def create_app(settings: Settings, *, kit: Kit | None = None, cost: Cost | None = None) -> FastAPI:
    """The auth service's app. `cost`: of a password's hash, for tests that are about something else."""
    routers = [public, password_routes.router, factor_routes.router, internal]
    return create_service("auth", settings, routers=routers, kit=kit, lifespan=_passwords(cost or Cost()))
