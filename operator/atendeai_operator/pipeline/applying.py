"""Applies a plan's objects in stages, collects every error, prunes only after a full apply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atendeai_operator.api.common import InventoryItem
from atendeai_operator.api.names import LABEL_CLINIC
from atendeai_operator.kube import inventory
from atendeai_operator.kube.apply import apply
from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.kube.kinds import of_object
from atendeai_operator.pipeline.errors import KubeError, Waiting
from atendeai_operator.pipeline.outcome import Outcome

CONCURRENCY = 8
"""Objects applied at once."""
LIST_FROM = 3
"""Objects of one kind and namespace from which on one list is cheaper than single questions."""
_Name = tuple[str, str, str]
_FIRST = ("Namespace",)
_LAST = ("Deployment", "StatefulSet", "Job", "PodDisruptionBudget", "ServiceMonitor", "Prometheus", "Alertmanager")


def stages(objects: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return objects in the order of application: namespaces, configuration, workloads and what looks at them."""
    result: list[list[Mapping[str, Any]]] = [[], [], []]
    for obj in objects:
        result[0 if obj["kind"] in _FIRST else 2 if obj["kind"] in _LAST else 1].append(obj)
    return result


async def _found(cluster: Cluster, objects: Sequence[Mapping[str, Any]]) -> dict[_Name, Object]:
    """Return what is there of these objects: few are asked for one by one, many by kind and namespace.

    What belongs to clinics is left out of a stack's lists: there may be thousands of it.
    """
    wanted: dict[tuple[str, str, bool], list[Mapping[str, Any]]] = {}
    for obj in objects:
        meta = obj["metadata"]
        key = (obj["kind"], meta.get("namespace", ""), LABEL_CLINIC in (meta.get("labels") or {}))
        wanted.setdefault(key, []).append(obj)
    found: dict[_Name, Object] = {}
    for (_, namespace, of_clinic), group in wanted.items():
        kind = of_object(group[0])
        if namespace and len(group) >= LIST_FROM:
            listed = await cluster.list(kind, namespace, None if of_clinic else f"!{LABEL_CLINIC}")
        else:
            asked = [await cluster.get(kind, namespace or None, obj["metadata"]["name"]) for obj in group]
            listed = [live for live in asked if live is not None]
        found.update({_name(live): live for live in listed})
    return found


def _name(obj: Mapping[str, Any]) -> _Name:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


async def apply_all(
    cluster: Cluster, objects: Iterable[Mapping[str, Any]], outcome: Outcome, known: Iterable[InventoryItem]
) -> list[Object]:
    """Apply all objects and return those that hold; a stage is left out when the one before it failed.

    `known` is the owner's inventory.
    """
    made: list[Object] = []
    uids = {entry.uid for entry in known}
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(obj: Mapping[str, Any], live: Object | None) -> Object | Waiting | KubeError:
        async with slots:
            try:
                return await apply(cluster, obj, live, made=uids)
            except (Waiting, KubeError) as error:
                return error

    for stage in stages(objects):
        found = await _found(cluster, stage)
        results = await asyncio.gather(*(one(obj, found.get(_name(obj))) for obj in stage))
        failed = False
        for obj, result in zip(stage, results, strict=True):
            if isinstance(result, Waiting):
                outcome.waiting.append(result)
                failed = True
            elif isinstance(result, KubeError):
                outcome.errors.append(f"{obj['kind']} {obj['metadata']['name']}: {result}")
                failed = True
            else:
                made.append(result)
        if failed:
            break
    return made


async def settle(
    cluster: Cluster,
    *,
    known: Sequence[InventoryItem],
    made: Iterable[Object],
    owner: Mapping[str, str],
    outcome: Outcome,
    complete: bool,
) -> None:
    """Bring the outcome's inventory up to date, and remove what a complete apply no longer wants."""
    items = [inventory.item(obj) for obj in made]
    if not complete:
        outcome.inventory = inventory.merged(known, items)
        return
    left = []
    for entry in inventory.surplus(known, items):
        try:
            gone = await inventory.remove(cluster, entry, owner)
        except KubeError as error:
            outcome.errors.append(f"removing {entry.kind} {entry.name}: {error}")
            gone = False
        if not gone:
            left.append(entry)
    if left:
        outcome.waiting.append(Waiting(f"{left[0].kind} {left[0].name} is still being deleted", retry_in=2))
    outcome.inventory = inventory.merged(left, items)


async def remove_all(cluster: Cluster, entries: Iterable[InventoryItem], owner: Mapping[str, str]) -> None:
    """Delete everything in an inventory. Raises Waiting until all of it is gone."""
    left = []
    ordered = sorted(entries, key=lambda e: (e.kind not in _LAST, e.kind in _FIRST))
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(entry: InventoryItem) -> None:
        async with slots:
            if not await inventory.remove(cluster, entry, owner):
                left.append(entry)

    await asyncio.gather(*(one(entry) for entry in ordered))
    if left:
        names = ", ".join(sorted(f"{entry.kind} {entry.name}" for entry in left)[:5])
        raise Waiting(f"still being deleted: {names}", retry_in=1, code="Deleting")
