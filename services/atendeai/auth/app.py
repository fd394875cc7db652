"""How the auth service is built."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from atendeai.auth import factor_routes, password_routes
from atendeai.auth.endpoints import internal, public
from atendeai.auth.passwords import Passwords
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings


@asynccontextmanager
async def _passwords(app: FastAPI) -> AsyncIterator[None]:
    app.state.passwords = Passwords()
    try:
        yield
    finally:
        app.state.passwords.close()


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """The auth service's app."""
    routers = [public, password_routes.router, factor_routes.router, internal]
    return create_service("auth", settings, routers=routers, kit=kit, lifespan=_passwords)
