"""The Secret that a Dedicated clinic's pods read. Pure."""

from __future__ import annotations

from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object
from atendeai_operator.objects.workloads import runtime_secret


def objects(_plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return it."""
    return [runtime_secret(own.owner, own.runtime)]
