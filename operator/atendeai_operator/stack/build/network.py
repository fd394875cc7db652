"""Who may talk to the parts of a stack, and to whom they may talk. Pure.

The stack's namespace is its owner's, so nothing here closes it as a whole: each policy speaks of pods of ours.
"""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.catalogue import CATALOGUE, Service
from atendeai_operator.gateway.model import PROXY_PORT, STATUS_PORT, TLS_PORT
from atendeai_operator.objects import policies
from atendeai_operator.objects.meta import Object
from atendeai_operator.objects.policies import incoming, ours, outgoing, pods_here, pods_in, policy, tcp
from atendeai_operator.stack.build import haproxy, postgres, redis
from atendeai_operator.stack.plan import StackPlan

_EVERY_TCP_PORT: list[Object] = [{"protocol": "TCP", "port": 1, "endPort": 65535}]


def objects(plan: StackPlan) -> list[Object]:
    """Return the policies."""
    services = [row for row, _ in plan.pool.services] if plan.pool else []
    return [
        *_data(plan),
        _migration(plan),
        _gateway(plan),
        _haproxy(plan),
        *(_service(plan, row, services) for row in services),
    ]


def _everywhere(plan: StackPlan, *components: str) -> list[Object]:
    """Return pods of this stack in any namespace: those of Dedicated clinics carry its label."""
    return [pods_in({}, labels) for labels in ours(plan.owner.stack, *components)]


def _here(plan: StackPlan, component: str) -> Object:
    return pods_here(plan.owner.selector(component))


def _data(plan: StackPlan) -> list[Object]:
    everybody = _everywhere(plan, *(row.name for row in CATALOGUE))
    return [
        policy(
            names.child(plan.name, component),
            plan.owner,
            plan.owner.selector(component),
            ingress=[
                incoming([*everybody, *more], tcp(port)),
                policies.from_operator(port),
                policies.from_prometheus(metrics),
            ],
            egress=[],
        )
        for component, port, metrics, more in (
            (postgres.COMPONENT, postgres.PORT, postgres.METRICS_PORT, [_here(plan, "migrate")]),
            (redis.COMPONENT, redis.PORT, redis.METRICS_PORT, []),
        )
    ]


def _migration(plan: StackPlan) -> Object:
    egress = [policies.to_dns(), outgoing([_here(plan, postgres.COMPONENT)], tcp(postgres.PORT))]
    return policy(
        names.child(plan.name, "migrate"), plan.owner, plan.owner.selector("migrate"), ingress=[], egress=egress
    )


def _gateway(plan: StackPlan) -> Object:
    health = _everywhere(plan, *(row.name for row in CATALOGUE if row.asks_gateway))
    egress = [policies.to_dns()]
    egress += [outgoing(_everywhere(plan, row.name), tcp(row.port)) for row in CATALOGUE]
    return policy(
        names.child(plan.name, "gateway"),
        plan.owner,
        plan.owner.selector("gateway"),
        ingress=[
            incoming([_here(plan, "haproxy")], tcp(PROXY_PORT, TLS_PORT, STATUS_PORT)),
            incoming(health, tcp(STATUS_PORT)),
            policies.from_operator(PROXY_PORT),  # which asks whether a clinic is served
            policies.from_prometheus(STATUS_PORT),
        ],
        egress=egress,
    )


def _haproxy(plan: StackPlan) -> Object:
    gateway = outgoing([_here(plan, "gateway")], tcp(PROXY_PORT, STATUS_PORT))
    return policy(
        names.child(plan.name, "haproxy"),
        plan.owner,
        plan.owner.selector("haproxy"),
        ingress=[{"ports": tcp(haproxy.HTTP, haproxy.HTTPS)}, policies.from_prometheus(haproxy.STATS)],
        egress=[policies.to_dns(), gateway],
    )


def _service(plan: StackPlan, row: Service, services: list[Service]) -> Object:
    callers = [_here(plan, other.name) for other in services if row.name in other.calls]
    egress = [
        policies.to_dns(),
        outgoing([_here(plan, postgres.COMPONENT)], tcp(postgres.PORT)),
        outgoing([_here(plan, redis.COMPONENT)], tcp(redis.PORT)),
    ]
    egress += [outgoing([_here(plan, other.name)], tcp(other.port)) for other in services if other.name in row.calls]
    if row.asks_gateway:
        egress.append(outgoing([_here(plan, "gateway")], tcp(STATUS_PORT)))
    if row.outside:
        # The pool speaks for clinics that come and go, each with addresses of its own.
        egress.append(outgoing([*policies.anywhere(private=True), pods_in({}, {})], _EVERY_TCP_PORT))
    elif plan.pool is not None:
        egress += policies.to_urls(plan.pool.runtime.traces_to)
    ingress = [incoming([_here(plan, "gateway"), *callers], tcp(row.port)), policies.from_prometheus(row.port)]
    if row.reports:
        ingress.append(policies.from_operator(row.port))
    return policy(
        names.child(plan.name, row.name),
        plan.owner,
        plan.owner.selector(row.name),
        ingress=ingress,
        egress=egress,
    )
