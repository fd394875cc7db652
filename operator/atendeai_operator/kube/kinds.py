"""The kinds the operator handles, and their addresses in the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from atendeai_operator.api import names


@dataclass(frozen=True)
class Kind:
    """One kind of the API."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """Return the address of a collection, an object or its subresource."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


STACK = Kind(names.GROUP, names.VERSION, names.STACK_KIND, names.STACK_PLURAL)
CLINIC = Kind(names.GROUP, names.VERSION, names.CLINIC_KIND, names.CLINIC_PLURAL)
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SECRET = Kind("", "v1", "Secret", "secrets")
SERVICE = Kind("", "v1", "Service", "services")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
VOLUME_CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges")
POD = Kind("", "v1", "Pod", "pods")
EVENT = Kind("", "v1", "Event", "events")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
JOB = Kind("batch", "v1", "Job", "jobs")
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
SERVICE_MONITOR = Kind("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors")
PROMETHEUS = Kind("monitoring.coreos.com", "v1", "Prometheus", "prometheuses")
ALERTMANAGER = Kind("monitoring.coreos.com", "v1", "Alertmanager", "alertmanagers")
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
CRD = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")

CHILDREN = (
    NAMESPACE,
    CONFIG_MAP,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    DEPLOYMENT,
    STATEFUL_SET,
    JOB,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    CLUSTER_ROLE_BINDING,
    SERVICE_MONITOR,
    PROMETHEUS,
    ALERTMANAGER,
)
"""Kinds that the operator makes, and watches."""

_BY_NAME = {(kind.group, kind.kind): kind for kind in (*CHILDREN, STACK, CLINIC, POD, EVENT, CRD, LEASE)}


def of(group: str, kind: str) -> Kind:
    """Return the kind of that group and name; KeyError when the operator does not handle it."""
    return _BY_NAME[group, kind]


def of_object(obj: Mapping[str, Any]) -> Kind:
    """Return the kind of an object; KeyError when the operator does not handle it."""
    group, _, _version = str(obj["apiVersion"]).rpartition("/")
    return of(group, str(obj["kind"]))
