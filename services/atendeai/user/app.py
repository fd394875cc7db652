"""How the user service is built."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI

from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import Worker
from atendeai.user import audit_routes, invitation_routes
from atendeai.user.endpoints import internal, public
from atendeai.user.service import END_SESSIONS, Users


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """The user service's app."""
    resources = kit if kit is not None else Kit(settings)

    users = Users(resources.database)

    async def end_sessions(tenant: Tenant, key: str) -> None:
        errand = await users.errand(tenant, key)
        await resources.services.call(tenant, "auth", "POST", "/internal/v1/sessions/revoke", json=errand)

    # Invitations come before accounts, whose ids would otherwise be looked for in the word.
    routers = [invitation_routes.router, public, audit_routes.router, internal]
    # Refresh tokens wait for this.
    worker = Worker(END_SESSIONS, end_sessions, max_pause=timedelta(seconds=2))
    return create_service("user", settings, routers=routers, workers=[worker], kit=resources)
