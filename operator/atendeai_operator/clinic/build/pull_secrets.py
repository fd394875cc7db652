"""Copies of the stack's pull Secrets: a pod reads only those of its own namespace. Pure."""

from __future__ import annotations

from atendeai_operator.clinic.plan import ClinicPlan, Dedicated
from atendeai_operator.objects.meta import Object, secret


def objects(_plan: ClinicPlan, own: Dedicated) -> list[Object]:
    """Return them, each of its original's type; none where the image needs no credentials."""
    return [secret(copy.name, own.owner, "pull-secret", copy.data, copy.kind) for copy in own.pull_secrets]
