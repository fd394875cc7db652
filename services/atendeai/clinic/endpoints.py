"""`/api/v1/clinics`: reads for any staff of the clinic, a plain answer to whoever tries to write."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from atendeai.clinic.schemas import ClinicView, ContextView
from atendeai.clinic.service import show_clinic, show_context
from atendeai.kit import clock
from atendeai.kit.errors import Problem, not_found
from atendeai.kit.identity import Principal, person
from atendeai.kit.tenancy import TenantDep

router = APIRouter(prefix="/api/v1/clinics", tags=["clinics"])

StaffDep = Annotated[Principal, Depends(person())]


@router.get("/me")
async def own(tenant: TenantDep, _who: StaffDep) -> ClinicView:
    """Show the clinic of this host."""
    return show_clinic(tenant.config)


@router.get("/me/context")
async def context(tenant: TenantDep, _who: StaffDep) -> ContextView:
    """Show what the attendant knows at this moment: hours, offers, persona."""
    return show_context(tenant.config, clock.now())


@router.get("/{clinic_id}")
async def by_id(clinic_id: UUID, tenant: TenantDep, _who: StaffDep) -> ClinicView:
    """Show the clinic with this id when it is one's own; another's is as unknown as none."""
    if clinic_id != tenant.id:
        raise not_found("clinic")
    return show_clinic(tenant.config)


def _declared(tenant: TenantDep, _who: StaffDep) -> None:
    config = tenant.config
    raise Problem(
        409,
        "declared-elsewhere",
        "The clinic is declared elsewhere",
        "What this shows is declared by the Clinic resource and changed there, for example with:"
        f" kubectl edit clinic {config.name} --namespace {config.namespace}",
    )


@router.post("", dependencies=[Depends(_declared)], status_code=409)
async def create() -> None:
    """Refuse: clinics are made by a Clinic resource."""


@router.put("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409)
@router.patch("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409)
@router.delete("/{clinic_id}", dependencies=[Depends(_declared)], status_code=409)
async def change(clinic_id: str) -> None:
    """Refuse: the Clinic resource owns what is shown here."""
