"""The HTTP face of user: `/api/v1/users` for people, `/internal/v1` for auth."""

from __future__ import annotations

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from atendeai.kit.errors import invalid
from atendeai.kit.identity import Principal, person, service
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep
from atendeai.user.schemas import AcceptRequest, Invited, NewUser, OwnerRequest, TokenRequest, User, UserPage, UserPatch
from atendeai.user.service import Users

public = APIRouter(prefix="/api/v1/users", tags=["users"])
internal = APIRouter(prefix="/internal/v1", tags=["internal"], dependencies=[Depends(service("auth"))])


def _users(kit: KitDep) -> Users:
    return Users(kit.database, kit.services)


UsersDep = Annotated[Users, Depends(_users)]
Anybody = Annotated[Principal, Depends(person())]
PageSize = Annotated[int, Query(ge=1, le=200)]
PageToken = Annotated[str, Query(max_length=400)]


@public.get("")
async def page(
    tenant: TenantDep, who: Anybody, users: UsersDep, page_size: PageSize = 50, page_token: PageToken = ""
) -> UserPage:
    """The clinic's staff, by e-mail."""
    found = await users.page(tenant, who, after=_decode(page_token), limit=page_size)
    token = found.next_page_token
    return found.model_copy(update={"next_page_token": _encode(token) if token else None})


@public.post("", status_code=201)
async def invite(body: NewUser, tenant: TenantDep, who: Anybody, users: UsersDep, response: Response) -> Invited:
    """Invite a member of staff; the invitation's token is answered this once.

    There is no Idempotency-Key here, for its stored answer would keep the token readable; a repeated invitation is
    refused by its address.
    """
    response.headers["Cache-Control"] = "no-store"
    return await users.invite(tenant, who, body)


@public.get("/{user_id}")
async def get(user_id: UUID, tenant: TenantDep, who: Anybody, users: UsersDep) -> User:
    """One account."""
    return await users.get(tenant, who, user_id)


@public.patch("/{user_id}")
async def change(user_id: UUID, body: UserPatch, tenant: TenantDep, who: Anybody, users: UsersDep) -> User:
    """Change name, roles or status; a lost role or account ends the person's sessions."""
    return await users.change(tenant, who, user_id, body)


@public.delete("/{user_id}", status_code=204)
async def deactivate(user_id: UUID, tenant: TenantDep, who: Anybody, users: UsersDep) -> None:
    """Deactivate an account: nobody can sign in with it, its history stays."""
    await users.change(tenant, who, user_id, UserPatch(status="deactivated"))


@internal.post("/owners")
async def ensure_owner(body: OwnerRequest, tenant: TenantDep, users: UsersDep) -> User:
    """The first owner's account."""
    return await users.ensure_owner(tenant, body)


@internal.post("/invitations/lookup")
async def lookup(body: TokenRequest, tenant: TenantDep, users: UsersDep) -> User:
    """The account an invitation belongs to."""
    return await users.invited(tenant, body.token)


@internal.post("/invitations/accept")
async def accept(body: AcceptRequest, tenant: TenantDep, users: UsersDep) -> User:
    """Open the account of an invitation."""
    return await users.accept(tenant, body.token, body.name)


@internal.get("/users/{user_id}")
async def find(user_id: UUID, tenant: TenantDep, users: UsersDep) -> User:
    """One account."""
    return await users.find(tenant, user_id)


def _encode(email: str) -> str:
    return base64.urlsafe_b64encode(email.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise invalid("page_token", "it is not one that this list has answered") from error
