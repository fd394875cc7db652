"""What the operator made for a resource, as its inventory names it, deleted and looked for again."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from local import kubectl, world

_KEPT = {"Namespace", "PersistentVolumeClaim", "Job"}
"""Not deleted by hand: a namespace takes its children along, a claim is in use, a Job has been run."""


def inventory(kind: str, name: str) -> list[dict[str, str]]:
    """The children of a resource that can be deleted one by one."""
    found = kubectl.get(kind, name, namespace=world.NAMESPACE)["status"]["inventory"]
    return [item for item in found if item["kind"] not in _KEPT]


def _resource(item: dict[str, str]) -> str:
    return f"{item['kind']}.{item['group']}" if item.get("group") else item["kind"]


def live(item: dict[str, str]) -> dict[str, Any] | None:
    """The object itself; None when it is not there."""
    found: dict[str, Any] | None = kubectl.get(_resource(item), item["name"], namespace=item.get("namespace"))
    return found


def delete(item: dict[str, str]) -> str:
    """Delete an object and return the uid it had."""
    found = live(item)
    assert found is not None, item
    namespace = ["-n", item["namespace"]] if item.get("namespace") else []
    kubectl.kubectl(*namespace, "delete", _resource(item), item["name"], "--wait=false")
    return str(found["metadata"]["uid"])


def delete_all(kind: str, name: str, *, spared: Container[tuple[str, str]] = ()) -> None:
    """Delete every child of a resource and wait until each is back as another object.

    `spared` are kinds and names that are left alone.
    """
    items = [item for item in inventory(kind, name) if (item["kind"], item["name"]) not in spared]
    assert len({item["kind"] for item in items}) >= 5, items
    for item, uid in [(item, delete(item)) for item in items]:

        def back(item: dict[str, str] = item, uid: str = uid) -> bool:
            found = live(item)
            return bool(found and found["metadata"]["uid"] != uid and not found["metadata"].get("deletionTimestamp"))

        kubectl.wait_for(f"{item['kind']}/{item['name']} again", back, deadline=90)
