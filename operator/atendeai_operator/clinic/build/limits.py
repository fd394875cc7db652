"""What a container gets that names nothing, so that a quota can count it. Pure."""

from __future__ import annotations

from atendeai_operator.catalogue import Resources
from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object, make


def objects(_plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return the LimitRange."""
    usual = Resources()
    item = {
        "type": "Container",
        "default": {"memory": usual.memory_limit},
        "defaultRequest": {"cpu": usual.cpu_request, "memory": usual.memory_request},
    }
    return [make("v1", "LimitRange", "clinic", own.owner, "quota", spec={"limits": [item]})]
