"""Invitations that have not been taken up: `/api/v1/users/invitations`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from atendeai.kit.paging import Window, paged
from atendeai.kit.tenancy import TenantDep
from atendeai.user.endpoints import InvitationsDep, Inviter, Reader, ReasonDep
from atendeai.user.invitation_repository import SORTING
from atendeai.user.schemas import Invitation, InvitationPage

router = APIRouter(prefix="/api/v1/users/invitations", tags=["invitations"])


@router.get("")
async def list_invitations(
    tenant: TenantDep, _who: Reader, invitations: InvitationsDep, window: Annotated[Window, paged(SORTING)]
) -> InvitationPage:
    """What has not been taken up, expired ones included, by when they end."""
    return await invitations.page(tenant, window)


@router.post("/{invitation_id}/renew")
async def renew_invitation(
    invitation_id: UUID, tenant: TenantDep, who: Inviter, invitations: InvitationsDep, response: Response
) -> Invitation:
    """A new token for another seven days, answered this once; the earlier one is worth nothing from then on."""
    response.headers["Cache-Control"] = "no-store"
    return await invitations.renew(tenant, who, invitation_id)


@router.delete("/{invitation_id}", status_code=204)
async def revoke_invitation(
    invitation_id: UUID, tenant: TenantDep, who: Inviter, invitations: InvitationsDep, reason: ReasonDep
) -> None:
    """Take an invitation back, with the account that it would have opened; its address can be invited anew."""
    await invitations.revoke(tenant, who, invitation_id, reason)
