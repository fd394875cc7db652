"""Objects as such: labels, metadata, Secrets, digests. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atendeai_operator.api import names

Object = dict[str, Any]
PART_OF = "atendeai"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose objects these are, and where they live.

    `instance` is the resource's name; `stack` and `clinic` are label values as `names.label_value` makes them. With
    them, and not by ownerReference, the operator finds its objects again: they may live in another namespace.
    """

    instance: str
    namespace: str
    stack: str
    clinic: str = ""

    def selector(self, component: str) -> dict[str, str]:
        """Return the labels that name the pods of one component; a selector cannot change later."""
        selector = {
            names.LABEL_COMPONENT: component,
            names.LABEL_INSTANCE: self.instance,
            names.LABEL_PART_OF: PART_OF,
        }
        return selector | self.labels_of_owner()

    def labels_of_owner(self) -> dict[str, str]:
        """Return the labels by which the operator and the network policies know the owner."""
        labels = {names.LABEL_STACK: self.stack}
        return labels | {names.LABEL_CLINIC: self.clinic} if self.clinic else labels

    def labels(self, component: str, version: str = "") -> dict[str, str]:
        """Return all labels of an object of one component."""
        labels = {
            names.LABEL_NAME: component,
            names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
            **self.selector(component),
        }
        return labels | {names.LABEL_VERSION: version} if version else labels


def make(
    api_version: str,
    kind: str,
    name: str,
    owner: Owner,
    component: str,
    *,
    version: str = "",
    namespaced: bool = True,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Object:
    """Return one object with its metadata; `body` is everything beside it."""
    metadata: Object = {"name": name, "labels": owner.labels(component, version)}
    if namespaced:
        metadata["namespace"] = owner.namespace
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def secret(name: str, owner: Owner, component: str, data: Mapping[str, str | bytes], kind: str = "Opaque") -> Object:
    """Return a Secret; texts are encoded as UTF-8."""
    encoded = {
        key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        for key, value in sorted(data.items())
    }
    return make("v1", "Secret", name, owner, component, type=kind, data=encoded)


def config_map(name: str, owner: Owner, component: str, data: Mapping[str, str]) -> Object:
    """Return a ConfigMap."""
    return make("v1", "ConfigMap", name, owner, component, data=dict(sorted(data.items())))


def digest(content: Any) -> str:
    """Return 16 characters that change with the content (anything JSON can hold, bytes by their hash)."""

    def plain(value: Any) -> Any:
        return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)

    text = json.dumps(content, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
