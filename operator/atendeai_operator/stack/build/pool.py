"""The stack's own services: they serve every Shared clinic, and answer webhooks for suspended ones. Pure."""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.objects.meta import Object
from atendeai_operator.objects.workloads import runtime_secret, service_objects
from atendeai_operator.stack.plan import StackPlan


def objects(plan: StackPlan) -> list[Object]:
    """Return them; nothing before the schema stands."""
    if plan.pool is None:
        return []
    found = [runtime_secret(plan.owner, plan.pool.runtime)]
    for row, size in plan.pool.services:
        found += service_objects(row, names.child(plan.name, row.name), plan.owner, plan.pool.runtime, size)
    return found
