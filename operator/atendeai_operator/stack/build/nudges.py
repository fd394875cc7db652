"""Which running pods must see a changed file at once. Pure.

The kubelet looks at a mounted Secret about once a minute, but at once when the pod itself changes. An annotation on
the pods (not on their template, which would replace them) brings a new configuration to the edge within a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atendeai_operator.objects.meta import digest
from atendeai_operator.stack.build import gateway, haproxy
from atendeai_operator.stack.plan import StackPlan

ANNOTATION = "atendeai.io/files"


@dataclass(frozen=True, slots=True)
class Nudge:
    """Pods of one namespace, by labels, and the annotation they must carry."""

    namespace: str
    labels: Mapping[str, str]
    annotation: str
    value: str


def nudges(plan: StackPlan) -> tuple[Nudge, ...]:
    """Return what the pods of the edge must carry once their Secrets are applied."""
    tls = plan.gateway.tls
    contents = {
        gateway.COMPONENT: [gateway.files(plan), tls.certificate, tls.key],
        haproxy.COMPONENT: haproxy.files(plan),
    }
    return tuple(
        Nudge(plan.owner.namespace, plan.owner.selector(component), ANNOTATION, digest(content))
        for component, content in contents.items()
    )
