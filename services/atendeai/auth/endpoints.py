"""Signing in and out, and sessions: `/api/v1/auth/*` for people, `/internal/v1/sessions` for user."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from atendeai.auth.deps import NO_STORE, Anybody, AuthDep, ClientDep
from atendeai.auth.repository import SESSIONS
from atendeai.auth.schemas import (
    Challenge,
    Login,
    Me,
    Refresh,
    Registration,
    Revoked,
    RevokeRequest,
    SessionPage,
    Tokens,
    Verification,
)
from atendeai.auth.sessions import session_of
from atendeai.kit.identity import service
from atendeai.kit.limits import limited
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.resources import KitDep
from atendeai.kit.responses import JSON
from atendeai.kit.tenancy import TenantDep

public = APIRouter(prefix="/api/v1/auth", tags=["auth"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"])


@public.post("/register", status_code=201, responses=problems(403, 409))
@limited("auth")
async def register(
    body: Registration, tenant: TenantDep, auth: AuthDep, client: ClientDep, response: Response
) -> Tokens:
    """Take up an invitation with a name and a password, and be signed in."""
    response.headers.update(NO_STORE)
    return await auth.register(tenant, body, client)


@public.post(
    "/login",
    response_model=Tokens,
    responses={202: {"model": Challenge, "description": "A second factor is wanted"}, **problems(401, 403)},
)
@limited("auth")
async def login(
    body: Login, tenant: TenantDep, auth: AuthDep, kit: KitDep, client: ClientDep, response: Response
) -> Tokens | Response:
    """Sign in; 202 with a challenge where a second factor guards the account.

    Counted by address (the kit) and by account (here): neither a spread nor a focused guess gets far. From an address
    that the account knows it is counted apart, so that strangers cannot use up its holder's attempts.
    """
    known = await auth.lockout.knows(body.email, client.address)
    await kit.limiter.hit(tenant, "auth", f"account:{body.email}" + (f"|{client.address}" if known else ""))
    answer = await auth.login(tenant, body, client)
    if isinstance(answer, Challenge):
        return JSON(answer, 202, NO_STORE)
    response.headers.update(NO_STORE)
    return answer


@public.post("/login/verify", responses=problems(401, 403))
@limited("auth")
async def verify(body: Verification, tenant: TenantDep, auth: AuthDep, client: ClientDep, response: Response) -> Tokens:
    """The second step of signing in: a code of the authenticator app, or a recovery code."""
    response.headers.update(NO_STORE)
    return await auth.verify(tenant, body.challenge.get_secret_value(), body.code.get_secret_value(), client)


@public.post("/refresh", responses=problems(401))
async def refresh(body: Refresh, tenant: TenantDep, auth: AuthDep, client: ClientDep, response: Response) -> Tokens:
    """Exchange a refresh token for a new pair of tokens."""
    response.headers.update(NO_STORE)
    return await auth.refresh(tenant, body.refresh_token.get_secret_value(), client)


@public.post("/logout", status_code=204)
async def logout(tenant: TenantDep, auth: AuthDep, who: Anybody) -> None:
    """End this session, its access tokens included."""
    await auth.logout(tenant, who)


@public.get("/me")
async def me(tenant: TenantDep, auth: AuthDep, who: Anybody) -> Me:
    """Who the access token speaks for."""
    return await auth.me(tenant, who)


@public.get("/sessions")
async def sessions(
    tenant: TenantDep, auth: AuthDep, who: Anybody, window: Annotated[Window, paged(SESSIONS)]
) -> SessionPage:
    """One's own open sessions: from which device and address, since when, last used when."""
    return await auth.sessions.page(tenant, who, window)


@public.delete("/sessions")
async def end_sessions(
    tenant: TenantDep, auth: AuthDep, who: Anybody, keep_current: Annotated[bool, Query()] = False
) -> Revoked:
    """End all of one's own sessions, or all but this one."""
    ended = await auth.sessions.end_all(
        tenant,
        UUID(who.subject),
        actor=who,
        reason="ended-by-holder",
        but=session_of(who) if keep_current else None,
    )
    return Revoked(sessions=ended)


@public.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: UUID, tenant: TenantDep, auth: AuthDep, who: Anybody) -> None:
    """End one of one's own sessions."""
    await auth.sessions.end_own(tenant, who, session_id)


@internal.post("/sessions/revoke", dependencies=[Depends(service("user"))])
async def revoke(body: RevokeRequest, tenant: TenantDep, auth: AuthDep) -> Revoked:
    """End every session of a user, and with them their reset token and the challenges of sign-ins half way."""
    ended = await auth.sessions.shut_out(tenant, body.user_id, actor=body.actor, reason=body.reason)
    return Revoked(sessions=ended)
