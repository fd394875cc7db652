"""What the operator made for a resource, by uid; and the removal of what is no longer wanted.

Only objects that carry this operator's label, the owner's label and the recorded uid are ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atendeai_operator.api.common import InventoryItem
from atendeai_operator.api.names import FIELD_MANAGER, LABEL_MANAGED_BY
from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import of, of_object


def item(live: Mapping[str, Any]) -> InventoryItem:
    """Return the inventory's line for an object."""
    meta = live["metadata"]
    kind = of_object(live)
    return InventoryItem(
        group=kind.group,
        kind=kind.kind,
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
    )


def _identity(entry: InventoryItem) -> tuple[str, str, str, str]:
    return entry.group, entry.kind, entry.namespace, entry.name


def merged(known: Iterable[InventoryItem], made: Iterable[InventoryItem]) -> list[InventoryItem]:
    """Return `known` brought up to date by `made`, sorted: the inventory of a pass that was not complete."""
    entries = {_identity(entry): entry for entry in known}
    entries.update({_identity(entry): entry for entry in made})
    return [entries[key] for key in sorted(entries)]


def surplus(known: Iterable[InventoryItem], made: Iterable[InventoryItem]) -> list[InventoryItem]:
    """Return what is known and was not made by a complete pass."""
    wanted = {_identity(entry) for entry in made}
    return [entry for entry in known if _identity(entry) not in wanted]


async def remove(cluster: Cluster, entry: InventoryItem, owner: Mapping[str, str]) -> bool:
    """Delete one object if it still is the one that was made, and return whether it is gone.

    `owner` are the labels that it must carry. An object of another uid, or without the labels, is not touched and
    counts as gone: it is not ours.
    """
    kind = of(entry.group, entry.kind)
    live = await cluster.get(kind, entry.namespace or None, entry.name)
    if live is None or live["metadata"]["uid"] != entry.uid:
        return True
    labels = live["metadata"].get("labels") or {}
    if labels.get(LABEL_MANAGED_BY) != FIELD_MANAGER or any(labels.get(key) != value for key, value in owner.items()):
        return True
    if not live["metadata"].get("deletionTimestamp"):
        await cluster.delete(kind, entry.namespace or None, entry.name, uid=entry.uid)
    return await cluster.get(kind, entry.namespace or None, entry.name) is None
