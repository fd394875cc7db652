"""A pass over a stack turned into its status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from atendeai_operator.api import names
from atendeai_operator.api.common import Condition
from atendeai_operator.api.conditions import Concern, Reason, bad, good, merge, unknown
from atendeai_operator.api.stack import StackStatus
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.pipeline.observe import by_component, lacking, ready, remaining, service_statuses
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.stack.facts import Meta, Observed, StackFacts, Workload

CONCERNS = (
    "PostgresReady",
    "RedisReady",
    "MigrationsApplied",
    "GatewayReady",
    "LoadBalancerReady",
    "MonitoringReady",
)
"""In the order in which they are told."""
_REQUIRED = CONCERNS[:-1]
_PARTS = ("postgres", "redis", "gateway", "haproxy")
"""Components that have a condition of their own."""
_PAUSED = good(Reason.PAUSED, "The operator leaves this resource alone; set spec.paused to false to go on.")


def heads(ready_: Concern, *, reconciling: bool, stalled: Concern | None, paused: bool = False) -> dict[str, Concern]:
    """Return the conditions of kstatus, and Paused."""
    return {
        "Ready": ready_,
        "Reconciling": good(ready_.reason, ready_.message) if reconciling else bad(Reason.UP_TO_DATE, ""),
        "Stalled": stalled or bad(Reason.SPEC_VALID, ""),
        "Paused": _PAUSED if paused else bad(Reason.ACTIVE, ""),
    }


def first(meta: Meta, now: datetime) -> StackStatus:
    """Return the very first status."""
    wanted = heads(unknown(Reason.PENDING, "The operator has just seen this stack."), reconciling=True, stalled=None)
    wanted.update({concern: unknown() for concern in CONCERNS})
    return StackStatus(
        observed_generation=meta.generation, conditions=merge([], wanted, generation=meta.generation, now=now)
    )


def paused(meta: Meta, status: StackStatus, now: datetime) -> StackStatus:
    """Return the status of a paused stack: what is known stays, and the pause is said."""
    return status.model_copy(update={"conditions": with_paused(status.conditions, meta, now)})


def with_paused(conditions: list[Condition], meta: Meta, now: datetime) -> list[Condition]:
    """Return conditions of which Paused has changed, and the reason of a Ready that is True: `kubectl get` shows it.

    Why a resource is not ready stays to be read there, and the generation that Ready speaks of is the old one.
    """
    wanted = heads(
        unknown(Reason.PAUSED, "Paused before its first pass."), reconciling=False, stalled=None, paused=True
    )
    kept = conditions or merge([], wanted, generation=meta.generation, now=now)
    (told,) = merge(conditions, {"Paused": wanted["Paused"]}, generation=meta.generation, now=now)
    said = {"reason": str(told.reason), "message": told.message}
    return [
        told
        if condition.type == "Paused"
        else condition.model_copy(update=said)
        if (condition.type, condition.status) == ("Ready", "True")
        else condition
        for condition in kept
    ]


def deleting(meta: Meta, status: StackStatus, what: str, now: datetime) -> StackStatus:
    """Return the status of a stack whose deletion waits for something."""
    return status.model_copy(update={"conditions": with_deleting(status.conditions, meta, what, now)})


def with_deleting(conditions: list[Condition], meta: Meta, what: str, now: datetime) -> list[Condition]:
    """Return conditions that say what a deletion waits for; the concerns stay as they were."""
    wanted = heads(bad(Reason.DELETING, what), reconciling=True, stalled=None)
    kept = [condition for condition in conditions if condition.type not in wanted]
    return [*merge(conditions, wanted, generation=meta.generation, now=now), *kept]


def unreadable(meta: Meta, conditions: list[Condition], error: InvalidSpec, now: datetime) -> StackStatus:
    """Return the status of a stack whose spec does not fit the models."""
    return StackStatus(
        observed_generation=meta.generation,
        conditions=merge(conditions, invalid_heads(error), generation=meta.generation, now=now),
    )


def invalid_heads(error: InvalidSpec) -> dict[str, Concern]:
    """Return the conditions of a resource that waits for its user."""
    return heads(bad(error.code, str(error)), reconciling=False, stalled=good(error.code, str(error)))


def _workload(found: Workload | None, what: str) -> Concern:
    if ready(found):
        return good()
    if found is None:
        return unknown(Reason.PENDING, f"{what} does not exist yet.")
    if found.failed:
        return bad(Reason.FAILED, f"{what}: {found.failed}")
    rest = remaining(found)
    return bad(
        Reason.PROGRESSING,
        f"{what}: {found.ready} of {found.desired} pods are ready" + (f", {rest}." if rest else "."),
    )


def infrastructure(meta: Meta, observed: Observed) -> dict[str, Concern]:
    """Return the concerns that are read off the workloads alone."""

    def find(kind: str, part: str) -> Workload | None:
        return observed.find(kind, names.child(meta.name, part), meta.namespace)

    return {
        "PostgresReady": _workload(find("StatefulSet", "postgres"), "The database"),
        "RedisReady": _workload(find("StatefulSet", "redis"), "The cache"),
        "GatewayReady": _workload(find("Deployment", "gateway"), "The gateway"),
        "LoadBalancerReady": _workload(find("Deployment", "haproxy"), "The load balancer"),
    }


def _migrations(facts: StackFacts, observed: Observed) -> Concern:
    version = facts.spec.version
    if facts.migrated == version:
        return good(Reason.UP_TO_DATE, f"The schema is that of version {version}.")
    failed = [job.failed for job in observed.workloads if job.kind == "Job" and job.failed]
    if failed:
        return bad(Reason.FAILED, f"The migration to {version} failed ({failed[0]}); see the Job's log.")
    return bad(Reason.PROGRESSING, f"Waiting for the migration to version {version}.")


def _monitoring(facts: StackFacts, live: Iterable[Mapping[str, Any]]) -> Concern:
    monitoring = facts.spec.monitoring
    if not monitoring.enabled:
        return good(Reason.DISABLED, "spec.monitoring.enabled is false.")
    if not facts.prometheus_crds:
        return bad(Reason.NOT_INSTALLED, "The Prometheus Operator's CRDs are not installed; nothing is scraped.")
    if monitoring.prometheus is None:
        return good(Reason.CONFIGURED, "One ServiceMonitor per service kind is in place.")
    if not facts.prometheus_operator:
        return bad(Reason.NOT_INSTALLED, "The CRDs of Prometheus and Alertmanager are not installed.")
    found = {obj["kind"]: obj for obj in live}
    for kind in ("Prometheus", *(["Alertmanager"] if monitoring.alertmanager else [])):
        concern = _operated(kind, found.get(kind))
        if concern is not None:
            return concern
    return good(Reason.READY, "The stack's own monitoring is running.")


def _operated(kind: str, live: Mapping[str, Any] | None) -> Concern | None:
    """Return what keeps an object of the Prometheus Operator from running, in its own words; None when it runs."""
    if live is None:
        return unknown(Reason.PENDING, f"{kind} does not exist yet.")
    status = live.get("status") or {}
    conditions = {entry["type"]: entry for entry in status.get("conditions") or []}
    for wanted in ("Reconciled", "Available"):
        found = conditions.get(wanted)
        if found is None or found.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
            return bad(Reason.PROGRESSING, f"{kind}: the Prometheus Operator has not taken it up yet.")
        if found["status"] != "True":
            why = found.get("message") or found.get("reason") or "it gives no reason"
            reason = Reason.FAILED if wanted == "Reconciled" else Reason.PROGRESSING
            return bad(reason, f"{kind} is not {wanted.lower()}: {why}")
    return None


def status(
    facts: StackFacts, outcome: Outcome, live: Sequence[Mapping[str, Any]], troubles: Iterable[str], now: datetime
) -> StackStatus:
    """Return the status after a pass. `troubles` are what keeps pods from getting ready."""
    meta, before = facts.meta, facts.status
    if outcome.invalid:
        wanted = invalid_heads(outcome.invalid)
        kept = [condition for condition in before.conditions if condition.type not in wanted]
        told = merge(before.conditions, wanted, generation=meta.generation, now=now)
        return before.model_copy(update={"observed_generation": meta.generation, "conditions": [*told, *kept]})

    seen = infrastructure(meta, outcome.observed)
    concerns = {
        **seen,
        "MigrationsApplied": _migrations(facts, outcome.observed),
        "MonitoringReady": _monitoring(facts, live),
    }
    for kind, concern in outcome.concerns.items():
        if concerns[kind].status == "True" or concern.reason == Reason.FAILED:
            concerns[kind] = concern
    services = service_statuses(live)
    problems = [concerns[kind].message for kind in _REQUIRED if concerns[kind].status != "True"]
    pools = [(name, seen) for name, seen in by_component(live).items() if name not in _PARTS]
    waiting = [lag for name, seen in pools if (lag := lacking(name, seen))]
    if waiting:
        problems.append(f"Waiting for pods: {', '.join(waiting)}.")
    problems += troubles
    if outcome.complete and not problems:
        head = heads(good(Reason.READY, f"Version {facts.migrated} is running."), reconciling=False, stalled=None)
    else:
        reason = Reason.FAILED if outcome.errors else Reason.PROGRESSING
        head = heads(bad(reason, outcome.summary(problems)), reconciling=True, stalled=None)
    wanted = {**head, **{kind: concerns[kind] for kind in CONCERNS}}
    return StackStatus(
        observed_generation=meta.generation,
        conditions=merge(before.conditions, wanted, generation=meta.generation, now=now),
        version=facts.migrated,
        clinics=facts.clinic_count,
        services=services,
        inventory=before.inventory if outcome.inventory is None else outcome.inventory,
    )
