"""`/api/v1/clinics`: the clinic for its staff, and a plain answer to whoever tries to write what is declared."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from atendeai.clinic.editing import declared
from atendeai.clinic.schemas import ClinicView, ContextView
from atendeai.clinic.service import show_clinic, show_context
from atendeai.kit import clock
from atendeai.kit.errors import not_found
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.preconditions import IfNoneMatchDep, tagged
from atendeai.kit.tenancy import TenantDep

router = APIRouter(prefix="/api/v1/clinics", tags=["clinics"])

ReaderDep = Annotated[Principal, Depends(permitted("clinic.read"))]
EditorDep = Annotated[Principal, Depends(permitted("clinic.update"))]

_FIELDS = {
    "display_name": "spec.displayName",
    "timezone": "spec.timezone",
    "locale": "spec.locale",
    "hosts": "spec.hosts",
    "isolation": "spec.isolation",
    "suspended": "spec.suspended",
    "profile": "spec.profile",
    "business_hours": "spec.profile.businessHours",
    "services": "spec.profile.services",
    "professionals": "spec.profile.professionals",
    "insurance": "spec.profile.insurance",
    "address": "spec.profile.address",
    "holidays": "spec.profile.holidays",
    "exceptions": "spec.profile.exceptions",
    "policies": "spec.profile.policies",
    "persona": "spec.ai.persona",
    "channels": "spec.whatsapp, spec.calendar, spec.ai",
}
"""What a client may try to write here → the field of the Clinic resource."""
_BESIDES = "What the resource leaves open is set at /api/v1/clinics/me/additions and /api/v1/clinics/me/exceptions."


@router.get("/me", response_model=ClinicView, responses={304: {"description": "It is as the caller knows it"}})
async def own(tenant: TenantDep, _who: ReaderDep, if_none_match: IfNoneMatchDep = None) -> Response:
    """Show the clinic of this host: what its resource declares, and what staff added."""
    return tagged(show_clinic(tenant.config), None, if_none_match)


@router.get("/me/context")
async def context(tenant: TenantDep, _who: ReaderDep) -> ContextView:
    """Show what the attendant knows at this moment: hours, offers, persona."""
    return show_context(tenant.config, clock.now())


@router.get(
    "/{clinic_id}",
    response_model=ClinicView,
    responses={304: {"description": "It is as the caller knows it"}, **problems(404)},
)
async def by_id(clinic_id: UUID, tenant: TenantDep, _who: ReaderDep, if_none_match: IfNoneMatchDep = None) -> Response:
    """Show the clinic with this id when it is one's own; another's is as unknown as none."""
    if clinic_id != tenant.id:
        raise not_found("clinic")
    return tagged(show_clinic(tenant.config), None, if_none_match)


async def _declared(request: Request, tenant: TenantDep, _who: EditorDep) -> None:
    problem = declared(tenant, await _named(request))
    problem.detail = f"{problem.detail}. {_BESIDES}"
    raise problem


async def _named(request: Request) -> dict[str, str]:
    """Return which fields of the resource a body would change; one that says nothing known is refused all the same."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return {}
    return {name: _FIELDS[name] for name in body if name in _FIELDS} if isinstance(body, dict) else {}


@router.post("", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
async def create() -> None:
    """Refuse: clinics are made by a Clinic resource."""


@router.put("/me", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
@router.patch("/me", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
@router.delete("/me", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
async def change_own() -> None:
    """Refuse: the Clinic resource owns what is shown here; the problem names its fields."""


@router.put("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
@router.patch("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
@router.delete("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409, responses=problems(409))
async def change(clinic_id: str) -> None:
    """Refuse: the Clinic resource owns what is shown here."""
