"""What all pods of this operator have in common: they run as somebody harmless, on a file system they cannot write.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from atendeai_operator.api import quantity
from atendeai_operator.api.common import Resources as ApiResources
from atendeai_operator.api.common import ServicesSpec
from atendeai_operator.catalogue import Probe, Resources, Service
from atendeai_operator.objects.meta import Object


@dataclass(frozen=True, slots=True)
class Size:
    """How many pods, and how big each container."""

    replicas: int
    resources: Resources


@dataclass(frozen=True, slots=True)
class Image:
    """An image and how it is pulled."""

    reference: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = field(default=())


def widened(base: Resources, *settings: ApiResources | None) -> Resources:
    """Return `base` with settings laid over it, the widest first.

    Where a narrower setting names a request above an inherited limit, or a limit below an inherited request, what it
    names holds and the inherited value follows: the API server would refuse a request above its limit.
    """
    current = base
    for setting in settings:
        if setting is not None:
            current = _over(current, setting)
    return current


def _over(base: Resources, setting: ApiResources) -> Resources:
    requests, limits = setting.requests, setting.limits
    cpu_request, cpu_limit = _pair(
        base.cpu_request, base.cpu_limit, requests.cpu if requests else None, limits.cpu if limits else None
    )
    memory_request, memory_limit = _pair(
        base.memory_request,
        base.memory_limit,
        requests.memory if requests else None,
        limits.memory if limits else None,
    )
    return Resources(cpu_request, memory_request, cpu_limit, memory_limit)


def _pair(request: str, limit: str, new_request: str | None, new_limit: str | None) -> tuple[str, str]:
    request, limit = new_request or request, new_limit or limit
    if limit and quantity.parse(request) > quantity.parse(limit):
        return (limit, limit) if new_limit else (request, request)
    return request, limit


def size(service: Service, *settings: ServicesSpec | None) -> Size:
    """Return a service's size: the catalogue's, then each setting's defaults and override, the widest setting first."""
    levels = []
    for setting in settings:
        if setting is not None:
            levels += [setting.defaults, (setting.overrides or {}).get(service.name)]
    replicas = [level.replicas for level in levels if level is not None and level.replicas is not None]
    resources = widened(service.resources, *(level.resources for level in levels if level is not None))
    return Size(replicas[-1] if replicas else 1, resources)


def resources(amounts: Resources) -> Object:
    """Return a container's resources; an amount that is not set is left out."""
    limits = {"cpu": amounts.cpu_limit, "memory": amounts.memory_limit}
    return {
        "requests": {"cpu": amounts.cpu_request, "memory": amounts.memory_request},
        "limits": {key: value for key, value in limits.items() if value},
    }


def harmless() -> Object:
    """Return a container's security context (the Pod Security Standard "restricted", and a read-only file system)."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def as_user(uid: int, *, group: int | None = None, own_volumes: bool = False) -> Object:
    """Return a pod's security context; with `own_volumes` its volumes belong to the group."""
    context: Object = {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid if group is None else group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if own_volumes:
        context |= {"fsGroup": context["runAsGroup"], "fsGroupChangePolicy": "OnRootMismatch"}
    return context


def http_probe(probe: Probe, port: str = "http") -> Object:
    """Return a probe by HTTP."""
    return {"httpGet": {"path": probe.path, "port": port}, **_times(probe.period, probe.timeout, probe.failures)}


def exec_probe(command: Iterable[str], *, period: int, timeout: int, failures: int) -> Object:
    """Return a probe by a command inside the container; times in seconds."""
    return {"exec": {"command": list(command)}, **_times(period, timeout, failures)}


def tcp_probe(port: str, *, period: int, timeout: int, failures: int) -> Object:
    """Return a probe by a connection; times in seconds."""
    return {"tcpSocket": {"port": port}, **_times(period, timeout, failures)}


def _times(period: int, timeout: int, failures: int) -> Object:
    return {"periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}


def env(values: Mapping[str, str]) -> list[Object]:
    """Return plain environment entries; those without a value are left out."""
    return [{"name": key, "value": value} for key, value in values.items() if value]


def env_from_secret(name: str, secret: str, key: str) -> Object:
    """Return an environment entry that is read from a Secret when the container starts."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def mount(name: str, path: str, *, read_only: bool = True) -> Object:
    """Return a volume mount."""
    return {"name": name, "mountPath": path, "readOnly": True} if read_only else {"name": name, "mountPath": path}


def secret_volume(name: str, secret: str, keys: Iterable[str] = (), mode: int = 0o440) -> Object:
    """Return a volume of a Secret, whole or only some keys of it."""
    source: Object = {"secretName": secret, "defaultMode": mode}
    chosen = [{"key": key, "path": key} for key in keys]
    return {"name": name, "secret": source | {"items": chosen} if chosen else source}


def config_volume(name: str, config_map: str, mode: int = 0o444) -> Object:
    """Return a volume of a ConfigMap."""
    return {"name": name, "configMap": {"name": config_map, "defaultMode": mode}}


def scratch(name: str, *, memory: bool = False, limit: str = "") -> Object:
    """Return an empty volume that lives as long as the pod."""
    source = {"medium": "Memory"} if memory else {}
    return {"name": name, "emptyDir": source | ({"sizeLimit": limit} if limit else {})}


def pod(
    containers: list[Object],
    *,
    account: str,
    security: Object,
    volumes: list[Object],
    image: Image | None = None,
    spread_over: Mapping[str, str] | None = None,
    grace: int = 30,
    **extra: Any,
) -> Object:
    """Return a pod's spec. `spread_over` are labels whose pods are kept apart, `grace` the seconds to end in."""
    spec: Object = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace,
        "securityContext": security,
        "containers": containers,
        "volumes": volumes,
        **extra,
    }
    if image and image.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in image.pull_secrets]
    if spread_over:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(spread_over)},
            }
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ]
    return spec


def with_memory_for(amounts: Resources, data: str) -> Resources:
    """Return resources whose memory limit is at least twice `data`, a quantity, with 64 MiB beside."""
    needed = 2 * quantity.parse(data) + 64 * 2**20
    if amounts.memory_limit and quantity.parse(amounts.memory_limit) < needed:
        return replace(amounts, memory_limit=quantity.canonical_bytes(str(needed)))
    return amounts
