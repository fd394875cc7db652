"""The namespace of a Dedicated clinic. Pure."""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object, make


def objects(plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return it, marked with the clinic's id: by that the operator knows that it made it, and for whom."""
    found = make("v1", "Namespace", own.owner.namespace, own.owner, "namespace", namespaced=False)
    found["metadata"]["labels"] |= {
        names.LABEL_CLINIC_ID: str(plan.clinic_id),
        # the Pod Security Standard that all pods here keep to
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return [found]
