"""The second factor: begun, confirmed, renewed and removed by its holder; reset by an owner or admin."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from atendeai.auth.deps import NO_STORE, Anybody, AuthDep, ClientDep, SecuresOthers
from atendeai.auth.factor_schemas import Confirmation, Enrolled, Enrolment, FactorReset, FactorState, RecoveryCodes
from atendeai.kit.limits import limited
from atendeai.kit.openapi import problems
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep

router = APIRouter(prefix="/api/v1/auth/second-factor", tags=["second factor"])


async def _counted(tenant: TenantDep, kit: KitDep, who: Anybody) -> None:
    """Count a guess by account too: whoever has got hold of a session may ask from many addresses."""
    await kit.limiter.hit(tenant, "auth", f"second-factor:{who.subject}")


GUESS = [Depends(_counted)]


@router.get("")
async def state(tenant: TenantDep, auth: AuthDep, who: Anybody) -> FactorState:
    """Whether a second factor guards one's account."""
    return await auth.factors.state(tenant, UUID(who.subject))


@router.post("", status_code=201, responses=problems(409))
async def begin(
    body: Enrolment, tenant: TenantDep, auth: AuthDep, who: Anybody, client: ClientDep, response: Response
) -> Enrolled:
    """A new secret for an authenticator app; it guards nothing until a code has confirmed it."""
    response.headers.update(NO_STORE)
    found = await auth.prove(tenant, who, body.password.get_secret_value(), client)
    return await auth.factors.begin(tenant, who, found.email)


@router.post("/confirm", responses=problems(409), dependencies=GUESS)
@limited("auth")
async def confirm(
    body: Confirmation, tenant: TenantDep, auth: AuthDep, who: Anybody, client: ClientDep, response: Response
) -> RecoveryCodes:
    """Confirm by a code; from now on signing in takes two steps. Answers the recovery codes, this once."""
    response.headers.update(NO_STORE)
    async with auth.guessing(tenant, who, client):
        return RecoveryCodes(recovery_codes=await auth.factors.confirm(tenant, who, body.code.get_secret_value()))


@router.post("/recovery-codes", dependencies=GUESS)
@limited("auth")
async def renew(
    body: Confirmation, tenant: TenantDep, auth: AuthDep, who: Anybody, client: ClientDep, response: Response
) -> RecoveryCodes:
    """New recovery codes; the earlier ones end."""
    response.headers.update(NO_STORE)
    async with auth.guessing(tenant, who, client):
        return RecoveryCodes(recovery_codes=await auth.factors.renew_codes(tenant, who, body.code.get_secret_value()))


@router.post("/remove", status_code=204, dependencies=GUESS)
@limited("auth")
async def remove(body: Confirmation, tenant: TenantDep, auth: AuthDep, who: Anybody, client: ClientDep) -> None:
    """Sign in by the password alone again; a code of the app or a recovery code is needed once more."""
    async with auth.guessing(tenant, who, client):
        await auth.factors.remove(tenant, who, body.code.get_secret_value())


@router.post("/reset", status_code=204)
async def reset(body: FactorReset, tenant: TenantDep, auth: AuthDep, who: SecuresOthers) -> None:
    """Take another's second factor away, whose app was lost, and end their sessions."""
    await auth.reset_factor(tenant, who, body.user_id, body.reason)
