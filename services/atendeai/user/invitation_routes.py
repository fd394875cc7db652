"""Invitations that have not been taken up: `/api/v1/users/invitations`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, tagged
from atendeai.kit.tenancy import TenantDep
from atendeai.user.endpoints import InvitationsDep, Inviter, Reader, ReasonDep
from atendeai.user.invitation_repository import SORTING
from atendeai.user.schemas import Invitation, InvitationPage, OpenInvitation, Renewal

router = APIRouter(prefix="/api/v1/users/invitations", tags=["invitations"])


@router.get("")
async def list_invitations(
    tenant: TenantDep, _who: Reader, invitations: InvitationsDep, window: Annotated[Window, paged(SORTING)]
) -> InvitationPage:
    """What has not been taken up, expired ones included, by when they end."""
    return await invitations.page(tenant, window)


@router.get("/{invitation_id}", response_model=OpenInvitation, responses={304: {"description": "Not changed since"}})
async def get_invitation(
    invitation_id: UUID,
    tenant: TenantDep,
    _who: Reader,
    invitations: InvitationsDep,
    if_none_match: IfNoneMatchDep = None,
) -> Response:
    """One that has not been taken up; its ETag goes into If-Match of renewing it or taking it back."""
    return tagged(await invitations.get(tenant, invitation_id), None, if_none_match)


@router.post("/{invitation_id}/renew", responses=problems(412))
async def renew_invitation(
    invitation_id: UUID,
    tenant: TenantDep,
    who: Inviter,
    invitations: InvitationsDep,
    response: Response,
    body: Renewal | None = None,
    if_match: IfMatchDep = None,
) -> Invitation:
    """A new token for another seven days, answered this once; the earlier one is worth nothing from then on.

    The invitation keeps its id: asked for again, there is another token.
    """
    response.headers["Cache-Control"] = "no-store"
    reason = body.reason if body is not None else None
    renewed, response.headers["ETag"] = await invitations.renew(tenant, who, invitation_id, reason, if_match)
    return renewed


@router.delete("/{invitation_id}", status_code=204, responses=problems(412))
async def revoke_invitation(
    invitation_id: UUID,
    tenant: TenantDep,
    who: Inviter,
    invitations: InvitationsDep,
    reason: ReasonDep,
    if_match: IfMatchDep = None,
) -> None:
    """Take an invitation back, with the account that it would have opened; its address can be invited anew."""
    await invitations.revoke(tenant, who, invitation_id, reason, if_match)
