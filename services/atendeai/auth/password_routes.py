"""Passwords: changed by their holder, or set anew with a token that an owner or admin hands over."""

from __future__ import annotations

from fastapi import APIRouter, Response

from atendeai.auth.deps import NO_STORE, Anybody, AuthDep, ClientDep, SecuresOthers
from atendeai.auth.schemas import PasswordChange, ResetIssued, ResetRedemption, ResetRequest
from atendeai.kit.limits import limited
from atendeai.kit.openapi import problems
from atendeai.kit.tenancy import TenantDep

router = APIRouter(prefix="/api/v1/auth", tags=["passwords"])


@router.post("/password", status_code=204)
async def change(body: PasswordChange, tenant: TenantDep, auth: AuthDep, who: Anybody, client: ClientDep) -> None:
    """Change one's own password; every other session of the person ends."""
    await auth.change_password(tenant, who, body, client)


@router.post("/password-resets", status_code=201, responses=problems(409))
async def issue(
    body: ResetRequest, tenant: TenantDep, auth: AuthDep, who: SecuresOthers, response: Response
) -> ResetIssued:
    """A token that lets somebody set a new password: for one use, within the hour, answered this once.

    There is no mail here: whoever asks hands it over by a way they trust, as with invitations. There is no
    Idempotency-Key either, for its stored answer would keep the token readable; a second token ends the first.
    """
    response.headers.update(NO_STORE)
    return await auth.issue_reset(tenant, who, body.user_id, body.reason)


@router.post("/reset", status_code=204, responses=problems(403))
@limited("auth")
async def redeem(body: ResetRedemption, tenant: TenantDep, auth: AuthDep) -> None:
    """Set a new password with a reset token; every session of the person ends, a second factor stays."""
    await auth.redeem_reset(tenant, body.token.get_secret_value(), body.password.get_secret_value())
