"""Live objects turned into what `status` reads: workloads and whether they are ready. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atendeai_operator.api.common import ServiceStatus
from atendeai_operator.api.names import LABEL_COMPONENT
from atendeai_operator.stack.facts import Observed, Workload

_WORKLOADS = ("Deployment", "StatefulSet", "Job")
_BAD_WAITS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that do not go away by themselves soon."""


def _conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {entry["type"]: entry for entry in status.get("conditions") or []}


def workload(live: Mapping[str, Any]) -> Workload | None:
    """Return what is seen of a Deployment, StatefulSet or Job; None for any other kind."""
    kind = live["kind"]
    if kind not in _WORKLOADS:
        return None
    meta, spec, status = live["metadata"], live.get("spec") or {}, live.get("status") or {}
    if kind == "Job":
        conditions = _conditions(status)
        done = (conditions.get("Complete") or {}).get("status") == "True"
        failed = conditions.get("Failed") or {}
        return Workload(
            kind="Job",
            name=meta["name"],
            namespace=meta["namespace"],
            desired=int(spec.get("completions") or 1),
            ready=int(status.get("succeeded") or 0),
            updated=done,
            failed=str(failed.get("message") or "failed") if failed.get("status") == "True" else "",
        )
    desired = int(spec.get("replicas", 1))
    seen = int(status.get("observedGeneration") or 0) >= int(meta.get("generation") or 0)
    total, updated = (int(status.get(key) or 0) for key in ("replicas", "updatedReplicas"))
    return Workload(
        kind=kind,
        name=meta["name"],
        namespace=meta["namespace"],
        desired=desired,
        ready=min(int(status.get("readyReplicas") or 0), desired),
        # A rolling update has a new pod beside the old ones, which count as ready: over when none of them is left.
        updated=seen and updated >= desired and total <= updated,
        old=max(0, total - updated) if seen else 0,
    )


def ready(found: Workload | None) -> bool:
    """Tell whether all pods of a workload are ready and run its latest spec."""
    return found is not None and found.updated and found.ready >= found.desired


def lacking(name: str, found: Workload) -> str | None:
    """Say what a workload still waits for: pods, or the end of the old ones; None when it is ready."""
    if ready(found):
        return None
    rest = remaining(found)
    return f"{name} {found.ready}/{found.desired}" + (f" ({rest})" if rest else "")


def remaining(found: Workload) -> str:
    """Say how many old pods a rolling update has left, or that it has not begun; empty when neither holds it up."""
    if found.old:
        return f"{found.old} old pods still run" if found.old > 1 else "1 old pod still runs"
    return "its change has not been taken up yet" if found.ready >= found.desired else ""


def serving(found: Workload | None) -> bool:
    """Tell whether at least one pod of a workload is ready."""
    return found is not None and found.ready > 0


def observed(live: Iterable[Mapping[str, Any]]) -> Observed:
    """Return the workloads among live objects, sorted."""
    found = [seen for seen in map(workload, live) if seen is not None]
    return Observed(tuple(sorted(found, key=lambda w: (w.namespace, w.kind, w.name))))


def by_component(live: Iterable[Mapping[str, Any]]) -> dict[str, Workload]:
    """Return the workloads by component, sorted; Jobs are left out."""
    found: dict[str, Workload] = {}
    for obj in live:
        seen = workload(obj)
        if seen is not None and seen.kind != "Job":
            found[(obj["metadata"].get("labels") or {}).get(LABEL_COMPONENT) or seen.name] = seen
    return dict(sorted(found.items()))


def service_statuses(live: Iterable[Mapping[str, Any]]) -> list[ServiceStatus]:
    """Return ready and desired pods by component, sorted; Jobs are left out."""
    found = by_component(live).items()
    return [ServiceStatus(name=name, ready=seen.ready, desired=seen.desired) for name, seen in found]


def pod_troubles(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what keeps pods from getting ready and will not pass by itself, for a human."""
    troubles = []
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        scheduled = _conditions(status).get("PodScheduled") or {}
        if scheduled.get("reason") == "Unschedulable":
            troubles.append(f"pod {name} cannot be scheduled: {scheduled.get('message', '')}")
        for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
            wait = (container.get("state") or {}).get("waiting") or {}
            if wait.get("reason") in _BAD_WAITS:
                detail = wait.get("message") or ""
                troubles.append(f"pod {name}, container {container['name']}: {wait['reason']} {detail}".strip())
    return sorted(set(troubles))[:5]
