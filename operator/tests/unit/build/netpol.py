"""NetworkPolicies evaluated as the Kubernetes documentation defines them: may one pod talk to another on a port.

A connection goes through when every policy direction that concerns either end allows it: the sender's egress and the
receiver's ingress. A pod that no policy of a direction selects is open in that direction.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod: its namespace, its labels, the labels of its namespace, and optionally its address."""

    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.244.9.9"

    def of_namespace(self) -> dict[str, str]:
        """Labels of the namespace; Kubernetes adds its name."""
        return {"kubernetes.io/metadata.name": self.namespace, **self.namespace_labels}


@dataclass(frozen=True)
class Outside:
    """An address that is no pod's."""

    address: str


Peer = Pod | Outside


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    if selector is None:
        return False
    if not all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or []:
        present, value = expression["key"] in labels, labels.get(expression["key"])
        fits = {
            "In": present and value in expression.get("values", []),
            "NotIn": not (present and value in expression.get("values", [])),
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not fits[expression["operator"]]:
            return False
    return True


def _peer(rule: Object, policy_namespace: str, other: Peer) -> bool:
    if "ipBlock" in rule:
        block, address = rule["ipBlock"], ipaddress.ip_address(other.address)
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(cidr) for cidr in block.get("except", []))
    if isinstance(other, Outside):
        return False
    if "namespaceSelector" in rule:
        if not selects(rule["namespaceSelector"], other.of_namespace()):
            return False
    elif other.namespace != policy_namespace:
        return False
    return "podSelector" not in rule or selects(rule["podSelector"], other.labels)


def _port(rule: Object, port: int, protocol: str) -> bool:
    entries = rule.get("ports")
    if not entries:
        return True
    for entry in entries:
        if entry.get("protocol", "TCP") != protocol:
            continue
        if "port" not in entry or entry["port"] <= port <= entry.get("endPort", entry["port"]):
            return True
    return False


def _direction(
    policies: Iterable[Object], pod: Pod, other: Peer, port: int, protocol: str, direction: str, side: str
) -> bool:
    concerned = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not concerned:
        return True
    return any(
        _port(rule, port, protocol)
        and (not rule.get(side) or any(_peer(peer, policy["metadata"]["namespace"], other) for peer in rule[side]))
        for policy in concerned
        for rule in policy["spec"].get(direction.lower()) or []
    )


def may(objects: Iterable[Object], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether `source` may open a connection to `target` on its port."""
    policies = [obj for obj in objects if obj["kind"] == "NetworkPolicy"]
    out = not isinstance(source, Pod) or _direction(policies, source, target, port, protocol, "Egress", "to")
    return out and (
        not isinstance(target, Pod) or _direction(policies, target, source, port, protocol, "Ingress", "from")
    )
