"""Whom an event wakes: the owner named by the labels, or the clinics that refer to a Secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from atendeai_operator.api.names import LABEL_CLINIC, LABEL_STACK


@dataclass(frozen=True, order=True)
class Key:
    """One resource to reconcile."""

    kind: Literal["stack", "clinic"]
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `kind namespace/name`, for logs."""
        return f"{self.kind} {self.namespace}/{self.name}"


class Owners:
    """The resources that exist, by the label value their children carry, and by the Secrets they refer to."""

    def __init__(self) -> None:
        self._by_label: dict[tuple[str, str], Key] = {}
        self._secrets: dict[tuple[str, str], set[Key]] = {}
        self._refers: dict[Key, frozenset[tuple[str, str]]] = {}

    def learn(self, key: Key, label: str, secrets: frozenset[str]) -> None:
        """Remember a resource, the label value of its children and the Secrets of its namespace it refers to."""
        self.forget(key)
        self._by_label[key.kind, label] = key
        refers = frozenset((key.namespace, name) for name in secrets)
        self._refers[key] = refers
        for reference in refers:
            self._secrets.setdefault(reference, set()).add(key)

    def forget(self, key: Key) -> None:
        """Forget a resource."""
        for reference in self._refers.pop(key, frozenset()):
            self._secrets.get(reference, set()).discard(key)
        for label in [label for label, known in self._by_label.items() if known == key]:
            del self._by_label[label]

    def known(self, kind: Literal["stack", "clinic"]) -> list[Key]:
        """Return all resources of a kind."""
        return sorted(key for key in self._by_label.values() if key.kind == kind)

    def of(self, labels: Mapping[str, str]) -> list[Key]:
        """Return whom a child with these labels belongs to: its clinic if it has one, its stack otherwise."""
        clinic, stack = labels.get(LABEL_CLINIC), labels.get(LABEL_STACK)
        if clinic:
            found = self._by_label.get(("clinic", clinic))
            return [found] if found else []
        found = self._by_label.get(("stack", stack or ""))
        return [found] if found else []

    def referring(self, namespace: str, secret: str) -> list[Key]:
        """Return the resources that refer to a Secret."""
        return sorted(self._secrets.get((namespace, secret), set()))


def secret_references(spec: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of all Secrets that a spec refers to, wherever the reference stands."""
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, Mapping):
            for key, value in node.items():
                if key.lower().endswith("secretref") and isinstance(value, Mapping):
                    found.add(str(value.get("name", "")))
                elif key == "pullSecrets" and isinstance(value, list):
                    found.update(str(entry.get("name", "")) for entry in value if isinstance(entry, Mapping))
                else:
                    visit(value)
        elif isinstance(node, list):
            for entry in node:
                visit(entry)

    visit(spec)
    return frozenset(found - {""})
