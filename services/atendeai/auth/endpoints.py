"""The HTTP face of auth: `/api/v1/auth/*` for people, `/internal/v1/sessions` for user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from atendeai.auth.schemas import Login, Me, Refresh, Registration, Revoked, RevokeRequest, Tokens
from atendeai.auth.service import Auth
from atendeai.kit.identity import Principal, person, service
from atendeai.kit.limits import limited
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep

public = APIRouter(prefix="/api/v1/auth", tags=["auth"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"])


def _auth(request: Request, kit: KitDep) -> Auth:
    return Auth(kit.database, kit.services, request.app.state.passwords)


AuthDep = Annotated[Auth, Depends(_auth)]
Anybody = Annotated[Principal, Depends(person())]
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""Tokens are never cached (RFC 6749, section 5.1)."""


@public.post("/register", status_code=201)
@limited("auth")
async def register(body: Registration, tenant: TenantDep, auth: AuthDep, response: Response) -> Tokens:
    """Take up an invitation with a name and a password, and be signed in."""
    response.headers.update(NO_STORE)
    return await auth.register(tenant, body)


@public.post("/login")
@limited("auth")
async def login(body: Login, tenant: TenantDep, auth: AuthDep, kit: KitDep, response: Response) -> Tokens:
    """Sign in. Counted by address (the kit) and by account (here): neither a spread nor a focused guess gets far."""
    await kit.limiter.hit(tenant, "auth", f"account:{body.email}")
    response.headers.update(NO_STORE)
    return await auth.login(tenant, body)


@public.post("/refresh")
async def refresh(body: Refresh, tenant: TenantDep, auth: AuthDep, response: Response) -> Tokens:
    """Exchange a refresh token for a new pair of tokens."""
    response.headers.update(NO_STORE)
    return await auth.refresh(tenant, body.refresh_token.get_secret_value())


@public.post("/logout", status_code=204)
async def logout(tenant: TenantDep, auth: AuthDep, who: Anybody) -> None:
    """End this session, its access tokens included."""
    await auth.logout(tenant, who)


@public.get("/me")
async def me(tenant: TenantDep, auth: AuthDep, who: Anybody) -> Me:
    """Who the access token speaks for."""
    return await auth.me(tenant, who)


@internal.post("/sessions/revoke", dependencies=[Depends(service("user"))])
async def revoke(body: RevokeRequest, tenant: TenantDep, auth: AuthDep) -> Revoked:
    """End every session of a user."""
    return Revoked(sessions=await auth.revoke_user(tenant, body.user_id))
