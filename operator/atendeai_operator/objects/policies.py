"""Who may talk to whom: NetworkPolicies from a few sentences. Pure.

A policy has an effect only where the cluster's network enforces it; what a pod may do must therefore never depend on
it alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from atendeai_operator.api import names
from atendeai_operator.objects.meta import PART_OF, Object, Owner, make

NAMESPACE_NAME = "kubernetes.io/metadata.name"
DNS_NAMESPACE = "kube-system"
NODE_LOCAL_DNS = "169.254.20.10/32"
_LINK_LOCAL = ("169.254.0.0/16",)  # the metadata services of clouds live there
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", *_LINK_LOCAL)
_PRIVATE_V6 = ("fc00::/7", "fe80::/10")
PUBLIC_HOSTS = frozenset({"graph.facebook.com", "www.googleapis.com", "oauth2.googleapis.com", "api.openai.com"})


def policy(
    name: str,
    owner: Owner,
    pods: Mapping[str, str],
    *,
    ingress: list[Object] | None = None,
    egress: list[Object] | None = None,
) -> Object:
    """Return one policy for the pods with these labels. A direction that is None is not its matter; an empty list
    closes it.
    """  # noqa: D205 - one thought
    types = (["Ingress"] if ingress is not None else []) + (["Egress"] if egress is not None else [])
    spec: Object = {"podSelector": {"matchLabels": dict(pods)} if pods else {}, "policyTypes": types}
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return make("networking.k8s.io/v1", "NetworkPolicy", name, owner, "network", spec=spec)


def tcp(*ports: int) -> list[Object]:
    """Return TCP ports."""
    return [{"protocol": "TCP", "port": port} for port in ports]


def pods_here(labels: Mapping[str, str]) -> Object:
    """Return the pods of the policy's own namespace that carry these labels."""
    return {"podSelector": {"matchLabels": dict(labels)}}


def pods_in(namespace: Mapping[str, str], labels: Mapping[str, str]) -> Object:
    """Return the pods with `labels` in the namespaces with the labels `namespace` (empty: in all)."""
    return {
        "namespaceSelector": {"matchLabels": dict(namespace)} if namespace else {},
        "podSelector": {"matchLabels": dict(labels)} if labels else {},
    }


def named(namespace: str) -> dict[str, str]:
    """Return the label by which every namespace can be selected."""
    return {NAMESPACE_NAME: namespace}


def ours(stack: str, *components: str) -> list[dict[str, str]]:
    """Return the labels of a stack's pods, by component."""
    return [
        {names.LABEL_PART_OF: PART_OF, names.LABEL_STACK: stack, names.LABEL_COMPONENT: component}
        for component in components
    ]


def incoming(peers: list[Object], ports: list[Object]) -> Object:
    """Return one allowed way in."""
    return {"from": peers, "ports": ports}


def outgoing(peers: list[Object], ports: list[Object]) -> Object:
    """Return one allowed way out."""
    return {"to": peers, "ports": ports}


def to_dns() -> Object:
    """Return the way to the cluster's DNS, by its namespace, and to its cache on the node."""
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return outgoing([pods_in(named(DNS_NAMESPACE), {}), {"ipBlock": {"cidr": NODE_LOCAL_DNS}}], ports)


def from_prometheus(*ports: int) -> Object:
    """Return the way in for every Prometheus of the cluster."""
    return incoming([pods_in({}, {names.LABEL_NAME: "prometheus"})], tcp(*ports))


def from_operator(*ports: int) -> Object:
    """Return the way in for the operator, wherever it runs."""
    return incoming([pods_in({}, {names.LABEL_NAME: "atendeai-operator"})], tcp(*ports))


def to_urls(urls: Iterable[str]) -> list[Object]:
    """Return the ways to the hosts of these URLs: each as narrow as its host's form allows.

    A Service of the cluster is its namespace; an address is itself; a well-known public host is everything but
    private addresses; any other name may resolve to anything but the link-local addresses of a cloud's metadata.
    """
    rules: list[Object] = []
    for url in sorted(set(urls)):
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)
        rule = outgoing(_peers(host), tcp(port))
        if rule not in rules:
            rules.append(rule)
    return rules


def _peers(host: str) -> list[Object]:
    labels = host.split(".")
    if "svc" in labels[2:]:
        return [pods_in(named(labels[labels.index("svc", 2) - 1]), {})]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return anywhere(private=host not in PUBLIC_HOSTS)
    return [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}]


def anywhere(*, private: bool) -> list[Object]:
    """Return every address but those of a cloud's metadata, with private ones or without."""
    return [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_LINK_LOCAL if private else _PRIVATE)}},
        {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10"] if private else list(_PRIVATE_V6)}},
    ]
