"""The eight services of a Dedicated clinic. Pure."""

from __future__ import annotations

from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object
from atendeai_operator.objects.workloads import service_objects


def objects(plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return them; a clinic asleep keeps everything but the pods, so that it wakes by a change of a number."""
    return [
        child
        for entry in own.services
        for child in service_objects(
            entry.service, entry.service.name, own.owner, own.runtime, entry.size, asleep=plan.asleep
        )
    ]
