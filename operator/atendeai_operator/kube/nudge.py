"""Brings a changed file to running pods at once: the kubelet syncs a pod, and its volumes, when the pod changes."""

from __future__ import annotations

from collections.abc import Mapping

from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import POD
from atendeai_operator.pipeline.errors import KubeError


async def nudge(cluster: Cluster, *, namespace: str, labels: Mapping[str, str], annotation: str, value: str) -> int:
    """Make the pods with these labels carry an annotation; return how many did not."""
    patched = 0
    for pod in await cluster.list(POD, namespace, labels):
        meta = pod["metadata"]
        if meta.get("deletionTimestamp") or (meta.get("annotations") or {}).get(annotation) == value:
            continue
        try:
            await cluster.patch(POD, namespace, meta["name"], {"metadata": {"annotations": {annotation: value}}})
        except KubeError as error:
            if not error.gone:
                raise
            continue
        patched += 1
    return patched
