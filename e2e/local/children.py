"""What the operator made for a resource, as its inventory names it, deleted and looked for again."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable

from local import kubectl, world

_KEPT = {"Namespace", "PersistentVolumeClaim", "Job"}
"""Not deleted by hand: a namespace takes its children along, a claim is in use, a Job has been run."""
Item = dict[str, str]
"""An entry of an inventory: `kind`, `name`, and `group` and `namespace` where it has them."""


def _name(item: Item) -> str:
    return f"{item['kind']}.{item['group']}/{item['name']}" if item.get("group") else f"{item['kind']}/{item['name']}"


def _by_namespace(items: Iterable[Item]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(item.get("namespace", ""), []).append(_name(item))
    return found


def uids(items: Iterable[Item]) -> set[str]:
    """The uids of those of the objects that are there and not on their way out."""
    found = []
    for namespace, names in _by_namespace(items).items():
        where = ["-n", namespace] if namespace else []
        text = kubectl.kubectl("get", *names, *where, "--ignore-not-found", "-o", "json")
        # One object comes as itself, several as a list, none as nothing.
        shown = json.loads(text) if text.strip() else {"items": []}
        found += shown.get("items", [shown])
    return {one["metadata"]["uid"] for one in found if not one["metadata"].get("deletionTimestamp")}


def delete_all(kind: str, name: str, *, spared: Container[tuple[str, str]] = ()) -> None:
    """Delete every child of a resource and wait until each is back as another object.

    `spared` are kinds and names that are left alone.
    """
    inventory = kubectl.get(kind, name, namespace=world.NAMESPACE)["status"]["inventory"]
    items = [one for one in inventory if one["kind"] not in _KEPT and (one["kind"], one["name"]) not in spared]
    assert len({item["kind"] for item in items}) >= 5, items
    before = uids(items)
    assert len(before) == len(items), items
    for namespace, names in _by_namespace(items).items():
        kubectl.kubectl("delete", *names, *(["-n", namespace] if namespace else []), "--wait=false")

    def back() -> bool:
        now = uids(items)
        missing = len(items) - len(now - before)
        assert not missing, f"{missing} of {len(items)} are not back"
        return True

    kubectl.wait_for(f"all children of {kind}/{name} again", back, deadline=120)
