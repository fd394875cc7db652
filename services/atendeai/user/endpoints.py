"""Staff accounts: `/api/v1/users` for people, `/internal/v1` for auth."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from atendeai.kit.identity import Principal, permitted, service
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.permissions import Role
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, tagged, version_tag
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep
from atendeai.user.invitations import Invitations
from atendeai.user.repository import SORTING
from atendeai.user.schemas import (
    AcceptRequest,
    Invited,
    NewUser,
    OwnerRequest,
    Reason,
    Status,
    TokenRequest,
    User,
    UserPage,
    UserPatch,
)
from atendeai.user.service import Users

public = APIRouter(prefix="/api/v1/users", tags=["users"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[Depends(service("auth"))])


def _users(kit: KitDep) -> Users:
    return Users(kit.database)


def _invitations(kit: KitDep) -> Invitations:
    return Invitations(kit.database)


UsersDep = Annotated[Users, Depends(_users)]
InvitationsDep = Annotated[Invitations, Depends(_invitations)]
Anybody = Annotated[Principal, Depends(permitted("account.self"))]
Reader = Annotated[Principal, Depends(permitted("users.read"))]
Inviter = Annotated[Principal, Depends(permitted("users.invite"))]
Manager = Annotated[Principal, Depends(permitted("users.update"))]
Securer = Annotated[Principal, Depends(permitted("users.secure"))]
ReasonDep = Annotated[Reason, Query(description="Why; it goes into the audit log.")]


@public.get("")
async def list_users(
    tenant: TenantDep,
    _who: Reader,
    users: UsersDep,
    window: Annotated[Window, paged(SORTING)],
    status: Annotated[Status | None, Query()] = None,
    role: Annotated[Role | None, Query()] = None,
) -> UserPage:
    """The clinic's staff, by e-mail."""
    return await users.page(tenant, window, status=status, role=role)


@public.post("", status_code=201, responses=problems(409))
async def invite(
    body: NewUser, tenant: TenantDep, who: Inviter, invitations: InvitationsDep, response: Response
) -> Invited:
    """Invite a member of staff; the invitation's token is answered this once.

    There is no Idempotency-Key here, for its stored answer would keep the token readable; a repeated invitation is
    refused by its address.
    """
    response.headers["Cache-Control"] = "no-store"
    return await invitations.invite(tenant, who, body)


@public.get("/{user_id}", response_model=User, responses={304: {"description": "Not changed since"}})
async def get_user(
    user_id: UUID, tenant: TenantDep, who: Anybody, users: UsersDep, if_none_match: IfNoneMatchDep = None
) -> Response:
    """One account; one's own, or anybody's for who may read them."""
    found = await users.get(tenant, who, user_id)
    return tagged(found, version_tag(found.version), if_none_match)


@public.patch("/{user_id}", responses=problems(409, 412))
async def change_user(
    user_id: UUID,
    body: UserPatch,
    tenant: TenantDep,
    who: Anybody,
    users: UsersDep,
    response: Response,
    if_match: IfMatchDep = None,
) -> User:
    """Change name, roles or status; a lost role or account ends the person's sessions. One's own name anybody may."""
    changed = await users.change(tenant, who, user_id, body, if_match)
    response.headers["ETag"] = version_tag(changed.version)
    return changed


@public.delete("/{user_id}", status_code=204, responses=problems(409, 412))
async def deactivate_user(
    user_id: UUID,
    tenant: TenantDep,
    who: Manager,
    users: UsersDep,
    reason: ReasonDep,
    if_match: IfMatchDep = None,
) -> None:
    """Deactivate an account: nobody can sign in with it, its history stays. One never opened is withdrawn."""
    await users.remove(tenant, who, user_id, reason, if_match)


@public.delete("/{user_id}/sessions", status_code=204)
async def end_user_sessions(user_id: UUID, tenant: TenantDep, who: Securer, users: UsersDep, reason: ReasonDep) -> None:
    """End every session of somebody, within seconds also for the tokens they hold."""
    await users.end_sessions(tenant, who, user_id, reason)


@internal.post("/owners", responses=problems(409))
async def ensure_owner(body: OwnerRequest, tenant: TenantDep, users: UsersDep) -> User:
    """The first owner's account."""
    return await users.ensure_owner(tenant, body)


@internal.post("/invitations/lookup")
async def lookup(body: TokenRequest, tenant: TenantDep, invitations: InvitationsDep) -> User:
    """The account an invitation belongs to."""
    return await invitations.invited(tenant, body.token)


@internal.post("/invitations/accept")
async def accept(body: AcceptRequest, tenant: TenantDep, invitations: InvitationsDep) -> User:
    """Open the account of an invitation."""
    return await invitations.accept(tenant, body.token, body.name)


@internal.get("/users/{user_id}")
async def find_user(user_id: UUID, tenant: TenantDep, users: UsersDep) -> User:
    """One account."""
    return await users.find(tenant, user_id)
