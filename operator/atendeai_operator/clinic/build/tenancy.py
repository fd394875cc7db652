"""What a clinic needs in the database and the cache. Pure."""

from __future__ import annotations

from typing import Literal

from atendeai_operator.clinic.plan import ClinicPlan
from atendeai_operator.pipeline.ports import ClinicTenancy, ConfigRow


def config_row(plan: ClinicPlan) -> ConfigRow:
    """Return the clinic's configuration row, not yet sealed."""
    return ConfigRow(
        clinic_id=plan.clinic_id,
        name=plan.name,
        namespace=plan.namespace,
        display_name=plan.display_name,
        generation=plan.generation,
        isolation=_isolation(plan),
        suspended=plan.suspended,
        settings=plan.settings,
        profile=plan.profile,
        credentials=plan.credentials,
        data_key=plan.data_key,
        stack_key=plan.stack_key,
    )


def tenancy(plan: ClinicPlan) -> ClinicTenancy:
    """Return what must hold for the clinic."""
    return ClinicTenancy(
        clinic_id=plan.clinic_id,
        isolation=_isolation(plan),
        claims=plan.claims,
        config=config_row(plan),
        database_password=plan.database_password,
        redis_password=plan.redis_password,
    )


def _isolation(plan: ClinicPlan) -> Literal["Dedicated", "Shared"]:
    return "Shared" if plan.dedicated is None else "Dedicated"
