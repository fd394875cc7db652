"""`/api/v1/whatsapp/onboarding` and `/templates`: the account at Meta, for those who run the clinic."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from atendeai.domain.templates import TEMPLATES
from atendeai.kit import audit
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.resources import ConnectionDep, KitDep
from atendeai.kit.tenancy import TenantDep
from atendeai.whatsapp import onboarding_texts, templates_repository
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp.onboarding import STEPS, Onboarding
from atendeai.whatsapp.schemas import OnboardingRequest, OnboardingState, OnboardingStep, Templates, TemplateState

router = APIRouter(prefix="/api/v1/whatsapp", tags=["whatsapp"])

ManagerDep = Annotated[Principal, Depends(permitted("channel.manage"))]


def _state(done: dict[str, dict[str, Any]]) -> OnboardingState:
    steps = [_step(step, done.get(step, {"ok": False})) for step in STEPS]
    return OnboardingState(done=all(step.ok for step in steps), steps=steps)


def _step(name: str, came_to: dict[str, Any]) -> OnboardingStep:
    said = onboarding_texts.message(name, ok=came_to["ok"], meta=came_to.get("meta") or {})
    return OnboardingStep(name=name, title=onboarding_texts.TITLES[name], message=said, **came_to)


@router.post("/onboarding", operation_id="whatsapp_onboarding_run", responses=problems(409))
async def onboard(
    request: Request, wanted: OnboardingRequest, tenant: TenantDep, kit: KitDep, manager: ManagerDep
) -> OnboardingState:
    """Run the steps that are not done yet (or those named in `steps`) and show what Meta answered to each."""
    onboarding: Onboarding = request.app.state.onboarding
    named = set(wanted.steps) if wanted.steps is not None else None
    done = await onboarding.run(tenant, wanted.pin.get_secret_value() if wanted.pin else None, named)
    outcome: dict[str, Any] = {step: bool(done[step]["ok"]) for step in STEPS if step in done}
    async with kit.database.transaction(tenant) as connection:
        await audit.record(
            connection, tenant.id, manager, "whatsapp.onboarding", "channel", outcome, reason=audit.ASKED_BY_STAFF
        )
    return _state(done)


@router.get("/onboarding", operation_id="whatsapp_onboarding_state")
async def onboarding_state(request: Request, tenant: TenantDep, manager: ManagerDep) -> OnboardingState:
    """Show what each step last came to."""
    del manager  # proven by the dependency
    onboarding: Onboarding = request.app.state.onboarding
    return _state(await onboarding.known(tenant))


@router.get("/templates", operation_id="whatsapp_templates_list")
async def listed(tenant: TenantDep, connection: ConnectionDep, manager: ManagerDep) -> Templates:
    """List the message templates as Meta last described them."""
    del manager  # proven by the dependency
    known = await templates_repository.all_of(connection, tenant.id)
    row = await staff.channel(connection, tenant.id)
    there = {(template.name, template.language) for template in known}
    return Templates(
        items=[
            TemplateState(
                name=template.name,
                language=template.language,
                category=template.category,
                status=template.status,
                reason=template.reason,
                body=template.body,
                updated_at=template.updated_at,
            )
            for template in known
        ],
        missing=[template.name for template in TEMPLATES if (template.name, template.language) not in there],
        synced_at=row.templates_synced_at,
        problem=row.templates_problem,
    )
