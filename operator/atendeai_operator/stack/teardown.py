"""The end of a stack: not before its clinics; then its objects, then its data by `deletionPolicy`."""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.api.common import InventoryItem
from atendeai_operator.api.stack import StackSpec, StackStatus
from atendeai_operator.kube import inventory
from atendeai_operator.kube.kinds import NAMESPACE, SECRET, VOLUME_CLAIM
from atendeai_operator.pipeline.applying import remove_all
from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.reconcile import Resource
from atendeai_operator.stack.facts import Meta
from atendeai_operator.stack.gather import clinics_of

MINTED = ("postgres", "redis", "key", "tls")
"""Parts of the names of the stack's minted Secrets."""
CLINICS_RETRY = 10.0
"""Seconds between looks at whether the clinics are gone."""


async def namespace_ends(hub: Hub, namespace: str) -> bool:
    """Tell whether a namespace is being deleted with everything in it."""
    live = await hub.cluster.get(NAMESPACE, None, namespace)
    return live is None or bool(live["metadata"].get("deletionTimestamp"))


async def tear_down(hub: Hub, resource: Resource[StackSpec, StackStatus]) -> None:
    """Remove what belongs to a stack. Raises Waiting until all of it is gone."""
    meta, spec = resource.meta, resource.spec
    owner = {names.LABEL_STACK: names.label_value(meta.namespace, meta.name)}
    left = await clinics_of(hub.cluster, meta)
    if left:
        listed = ", ".join(sorted(live["metadata"]["name"] for live in left)[:5])
        text = f"{len(left)} clinics still refer to this stack ({listed}): delete them first, their data lives here."
        raise Waiting(text, retry_in=CLINICS_RETRY, code="Deleting")
    volumes = [entry for entry in resource.status.inventory if entry.kind == VOLUME_CLAIM.kind]
    await remove_all(hub.cluster, [e for e in resource.status.inventory if e not in volumes], owner)
    if spec.deletion_policy == "Delete":
        await remove_all(hub.cluster, [*volumes, *await _minted(hub, meta)], owner)
    elif not await namespace_ends(hub, meta.namespace):
        names_left = [f"PersistentVolumeClaim {entry.name}" for entry in volumes]
        names_left += [f"Secret {names.child(meta.name, part)}" for part in MINTED]
        text = f"Retained: {', '.join(names_left)}. A stack of the same name takes them over; else delete them by hand."
        await hub.recorder.record(resource.live, "Normal", "DataRetained", text)


async def _minted(hub: Hub, meta: Meta) -> list[InventoryItem]:
    found = [await hub.cluster.get(SECRET, meta.namespace, names.child(meta.name, part)) for part in MINTED]
    return [inventory.item(live) for live in found if live]
