"""Whether a live object still is what was applied. Pure.

The server fills in defaults, so a live object holds more than what was applied: everything applied must be found in
it. What others added is found in `metadata.managedFields`: fields of the spec or the data that a manager beside this
operator and Kubernetes' own controllers holds.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from atendeai_operator.api import quantity
from atendeai_operator.api.names import ANNOTATION_APPLIED, FIELD_MANAGER

_QUANTITIES = frozenset({"requests", "limits", "hard", "default", "defaultRequest", "max", "min", "sizeLimit"})
_KEYS = ("name", "containerPort", "port", "mountPath", "key", "type")
_OWN_CONTROLLERS = frozenset(
    {"kube-controller-manager", "kubelet", "kube-scheduler", "kube-apiserver", "kubectl-rollout"}
)
"""Managers whose additions are left alone: the cluster's own, and a rollout that somebody asked for."""
_META_FIELDS = frozenset({"f:metadata", "f:status"})


def prepared(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as it is applied: Secret texts encoded, the digest of its content in an annotation."""
    body = json.loads(json.dumps(obj))
    texts = body.pop("stringData", None)
    if texts:
        data = body.setdefault("data", {})
        data.update({key: b64encode(text.encode()).decode() for key, text in texts.items()})
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
    body["metadata"].setdefault("annotations", {})[ANNOTATION_APPLIED] = digest
    return dict(body)


def holds(wanted: Any, live: Any, key: str = "") -> bool:
    """Tell whether everything in `wanted` is found in `live`."""
    if wanted == live:  # the usual case, and asked of each part of every object in each pass
        return True
    if not wanted:  # the server leaves empty fields out
        return live is None or isinstance(live, dict) if isinstance(wanted, dict) else not live
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            holds(value, live.get(name), _inner(key, name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(live, list) and _list_holds(wanted, live, key)
    return key == "quantity" and _same_amount(wanted, live)


def _inner(key: str, name: str) -> str:
    return "quantity" if key in _QUANTITIES or name == "sizeLimit" else name


def _same_amount(wanted: Any, live: Any) -> bool:
    try:
        return quantity.parse(str(wanted)) == quantity.parse(str(live))
    except ValueError:
        return False


def _list_holds(wanted: list[Any], live: list[Any], key: str) -> bool:
    if len(wanted) == len(live) and all(holds(mine, theirs, key) for mine, theirs in zip(wanted, live, strict=True)):
        return True
    for merge_key in _KEYS:
        if all(isinstance(item, dict) and merge_key in item for item in (*wanted, *live)):
            found = {item[merge_key]: item for item in live}
            return all(item[merge_key] in found and holds(item, found[item[merge_key]], key) for item in wanted)
    return False


def strangers(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the managedFields entries through which others hold fields of the spec or the data."""
    return [
        entry
        for entry in (live.get("metadata") or {}).get("managedFields") or []
        if entry.get("manager") not in (FIELD_MANAGER, *_OWN_CONTROLLERS)
        and not entry.get("subresource")
        and set(entry.get("fieldsV1") or {}) - _META_FIELDS
    ]


def taken_over(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return managedFields in which this operator holds what strangers held, so that the next apply removes it."""
    foreign = strangers(live)
    fields: dict[str, Any] = {}
    rest, mine = [], None
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if entry in foreign:
            _merge(fields, {name: value for name, value in entry["fieldsV1"].items() if name not in _META_FIELDS})
        elif (
            entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
        ):
            mine = entry
        else:
            rest.append(entry)
    if mine is None:
        return list((live.get("metadata") or {}).get("managedFields") or [])
    _merge(fields, mine.get("fieldsV1") or {})
    return [{**mine, "fieldsV1": fields}, *rest]


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into.setdefault(key, json.loads(json.dumps(value)))


def in_place(wanted: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Tell whether the prepared object `wanted` needs no write."""
    if live is None or (live.get("metadata") or {}).get("deletionTimestamp"):
        return False
    return holds(wanted, live) and not strangers(live)
