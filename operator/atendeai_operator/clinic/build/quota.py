"""What a Dedicated clinic may use. Pure."""

from __future__ import annotations

from atendeai_operator.api import quantity
from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object, make

# Room for every service at the largest number of replicas the API allows would be no bound at all: twice what runs,
# so that a rollout of everything at once goes through.
_ROOM = 2


def objects(_plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return the ResourceQuota: the spec's figures, and a bound on pods where it names none."""
    pods = sum(entry.size.replicas for entry in own.services)
    hard = {"pods": str(own.quota.pods or pods * _ROOM), "services.nodeports": "0", "services.loadbalancers": "0"}
    if own.quota.cpu:
        hard["requests.cpu"] = quantity.canonical_cpu(own.quota.cpu)
    if own.quota.memory:
        hard["limits.memory"] = quantity.canonical_bytes(own.quota.memory)
    return [make("v1", "ResourceQuota", "clinic", own.owner, "quota", spec={"hard": hard})]
