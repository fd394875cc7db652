"""A clinic's plan turned into the objects and tenancy that must be. Pure and total: it cannot fail.

One file per kind of child; a new child is one file and one line here.
"""

from __future__ import annotations

from atendeai_operator.clinic.build import limits, namespace, network, pull_secrets, quota, runtime, services
from atendeai_operator.clinic.build.tenancy import tenancy
from atendeai_operator.clinic.plan import ClinicPlan
from atendeai_operator.objects.meta import Object

__all__ = ["build", "tenancy"]


def build(plan: ClinicPlan) -> tuple[Object, ...]:
    """Return the clinic's objects in the order of their application; none for a Shared clinic."""
    own = plan.dedicated
    if own is None:
        return ()
    parts = (namespace, quota, limits, network, pull_secrets, runtime, services)
    return tuple(child for part in parts for child in part.objects(plan, own))
