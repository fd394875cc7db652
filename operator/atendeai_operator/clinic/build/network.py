"""Who may talk to a Dedicated clinic's pods, and to whom they may talk: nobody, then the few that must. Pure."""

from __future__ import annotations

from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.gateway.model import STATUS_PORT
from atendeai_operator.objects import policies
from atendeai_operator.objects.meta import Object
from atendeai_operator.objects.policies import incoming, ours, outgoing, pods_here, pods_in, policy, tcp

POSTGRES, REDIS = 5432, 6379


def objects(_plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return the policies."""
    owner, stack = own.owner, own.owner.stack
    there = policies.named(own.stack_namespace)
    gateway, postgres, redis = (pods_in(there, labels) for labels in ours(stack, "gateway", "postgres", "redis"))
    found = [
        policy("default-deny", owner, {}, ingress=[], egress=[]),
        policy("dns", owner, {}, egress=[policies.to_dns()]),
        policy("data", owner, {}, egress=[outgoing([postgres], tcp(POSTGRES)), outgoing([redis], tcp(REDIS))]),
    ]
    for service in CATALOGUE:
        me, port = owner.selector(service.name), tcp(service.port)
        callers = [pods_here(owner.selector(other.name)) for other in CATALOGUE if service.name in other.calls]
        ways_in = [incoming([gateway, *callers], port), policies.from_prometheus(service.port)]
        if service.reports:
            ways_in.append(policies.from_operator(service.port))
        ways_out = [
            outgoing([pods_here(owner.selector(other.name))], tcp(other.port))
            for other in CATALOGUE
            if other.name in service.calls
        ]
        if service.asks_gateway:
            ways_out.append(outgoing([gateway], tcp(STATUS_PORT)))
        ways_out += policies.to_urls((*own.urls.get(service.name, ()), *own.runtime.traces_to))
        found.append(policy(service.name, owner, me, ingress=ways_in, egress=ways_out))
    return found
