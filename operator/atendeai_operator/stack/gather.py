"""Reads everything a stack's plan depends on. Reads only."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicResource, ClinicSpec, ClinicStatus
from atendeai_operator.api.conditions import by_type
from atendeai_operator.api.monitoring import Monitoring
from atendeai_operator.api.stack import StackResource, StackSpec, StackStatus, Tls
from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.kube.kinds import CLINIC, CRD, JOB, SECRET, STACK
from atendeai_operator.pipeline.minting import decoded
from atendeai_operator.pipeline.observe import workload
from atendeai_operator.pipeline.ports import PostgresAccess, RedisAccess
from atendeai_operator.pipeline.reconcile import Resource, metadata
from atendeai_operator.stack.edge import edge_clinic
from atendeai_operator.stack.facts import EdgeClinic, InfraImages, Meta, SecretFact, StackFacts, StackMinted

log = logging.getLogger(__name__)

SERVICE_MONITOR_CRD = "servicemonitors.monitoring.coreos.com"
# Fields of a Clinic's spec that the edge reads; they are called the same in the models.
_AT_THE_EDGE: Mapping[str, TypeAdapter[Any]] = {
    name: TypeAdapter(Any if (kind := ClinicSpec.model_fields[name].annotation) is None else kind)
    for name in ("isolation", "suspended", "tls", "security")
}
PROMETHEUS_OPERATOR_CRDS = ("prometheuses.monitoring.coreos.com", "alertmanagers.monitoring.coreos.com")


def parse(live: Mapping[str, Any]) -> Resource[StackSpec, StackStatus]:
    """Return a stack; pydantic's ValidationError when it does not fit the models."""
    model = StackResource.model_validate({"apiVersion": names.API_VERSION, "kind": names.STACK_KIND, **live})
    return Resource(metadata(live), model.spec, model.status or StackStatus(), dict(live))


def postgres_access(meta: Meta, minted: StackMinted) -> PostgresAccess:
    """Return how to reach the stack's database."""
    return PostgresAccess(
        host=f"{names.child(meta.name, 'postgres')}.{meta.namespace}.svc",
        superuser_password=minted.postgres_password,
        migrator_password=minted.migrator_password,
        pool_password=minted.pool_password,
        exporter_password=minted.exporter_password,
    )


def redis_access(meta: Meta, minted: StackMinted) -> RedisAccess:
    """Return how to reach the stack's cache."""
    return RedisAccess(
        host=f"{names.child(meta.name, 'redis')}.{meta.namespace}.svc",
        admin_password=minted.redis_admin_password,
        pool_password=minted.redis_pool_password,
        exporter_password=minted.redis_exporter_password,
    )


async def secret_fact(cluster: Cluster, namespace: str, name: str) -> SecretFact:
    """Return a Secret that a spec refers to."""
    live = await cluster.get(SECRET, namespace, name)
    return SecretFact(name, decoded(live), (live or {}).get("type", "Opaque"))


async def pull_secrets(cluster: Cluster, namespace: str, spec: StackSpec) -> tuple[SecretFact, ...]:
    """Return the Secrets with which the kubelet pulls the services' image."""
    return tuple([await secret_fact(cluster, namespace, ref.name) for ref in spec.image.pull_secrets])


async def _alertmanager_config(cluster: Cluster, namespace: str, monitoring: Monitoring) -> SecretFact | None:
    reference = monitoring.alertmanager and monitoring.alertmanager.config_secret_ref
    return await secret_fact(cluster, namespace, reference.name) if reference else None


async def tls_fact(cluster: Cluster, namespace: str, tls: Tls | None) -> SecretFact | None:
    """Return the Secret of a certificate, None when the spec names none."""
    return await secret_fact(cluster, namespace, tls.secret_ref.name) if tls else None


async def prometheus_crds(cluster: Cluster) -> bool:
    """Tell whether ServiceMonitors are served."""
    return await _served(cluster, SERVICE_MONITOR_CRD)


async def prometheus_operator(cluster: Cluster, monitoring: Monitoring) -> bool:
    """Tell whether Prometheus and Alertmanager are served; not asked where the spec wants neither."""
    if monitoring.prometheus is None:
        return False
    return all([await _served(cluster, name) for name in PROMETHEUS_OPERATOR_CRDS])


async def _served(cluster: Cluster, name: str) -> bool:
    crd = await cluster.get(CRD, None, name)
    conditions = ((crd or {}).get("status") or {}).get("conditions") or []
    return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)


async def clinics_of(cluster: Cluster, meta: Meta) -> list[Object]:
    """Return the Clinics that refer to a stack."""
    return [
        live
        for live in await cluster.list(CLINIC, meta.namespace)
        if ((live.get("spec") or {}).get("stackRef") or {}).get("name") == meta.name
    ]


async def _edge_clinics(cluster: Cluster, meta: Meta, clinics: list[Object]) -> tuple[EdgeClinic, ...]:
    """Return the clinics as the edge must serve them, sorted by id."""
    stack = {names.LABEL_STACK: names.label_value(meta.namespace, meta.name)}
    identities = {
        secret["metadata"]["name"]: decoded(secret)
        for secret in await cluster.list(SECRET, meta.namespace, {**stack, names.LABEL_COMPONENT: "identity"})
    }
    found = []
    for live in clinics:
        clinic, (spec, status) = metadata(live), clinic_at_the_edge(live)
        if not status.hosts:
            continue
        tls = await tls_fact(cluster, meta.namespace, spec.tls)
        identity = identities.get(names.clinic_secret(clinic.name))
        seen = edge_clinic(clinic, spec, status, identity, tls.data if tls else None)
        if seen:
            found.append(seen)
    return tuple(sorted(found, key=lambda clinic: str(clinic.clinic_id)))


def clinic_at_the_edge(live: Mapping[str, Any]) -> tuple[ClinicSpec, ClinicStatus]:
    """Return a clinic's spec and status, as far as they can be read.

    A stored clinic that today's rules refuse stalls, as its own pass says, and goes on being served: an upgrade takes
    nobody's messages away. Of such a spec there is what the edge reads, each field by itself.
    """
    try:
        model = ClinicResource.model_validate({"apiVersion": names.API_VERSION, "kind": names.CLINIC_KIND, **live})
    except ValidationError as error:
        log.warning("unreadable clinic", extra={"clinic": live["metadata"]["name"], "why": str(error)[:200]})
        return ClinicSpec.model_construct(**_readable(live.get("spec") or {})), _status(live.get("status") or {})
    return model.spec, model.status or ClinicStatus()


def _readable(spec: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, kind in _AT_THE_EDGE.items():
        with suppress(ValidationError):
            if name in spec:
                found[name] = kind.validate_python(spec[name])
    return found


def _status(status: Mapping[str, Any]) -> ClinicStatus:
    try:
        return ClinicStatus.model_validate(status)
    except ValidationError:
        return ClinicStatus()


async def _migrated(cluster: Cluster, meta: Meta, spec: StackSpec, status: StackStatus) -> str | None:
    """Return the version whose migrations are applied: the spec's when its Job has completed, else the last known."""
    if status.version == spec.version:
        return status.version
    labels = {names.LABEL_STACK: names.label_value(meta.namespace, meta.name), names.LABEL_VERSION: spec.version}
    for job in await cluster.list(JOB, meta.namespace, labels):
        seen = workload(job)
        if seen and seen.updated and seen.name.startswith(names.child(meta.name, "migrate")):
            return spec.version
    return status.version


async def gather(
    cluster: Cluster,
    resource: Resource[StackSpec, StackStatus],
    *,
    minted: StackMinted,
    images: InfraImages,
    now: datetime,
) -> StackFacts:
    """Return all facts about a stack."""
    meta, spec = resource.meta, resource.spec
    clinics = await clinics_of(cluster, meta)
    return StackFacts(
        meta=meta,
        spec=spec,
        status=resource.status,
        images=images,
        minted=minted,
        load_balancer_tls=await tls_fact(cluster, meta.namespace, spec.load_balancer.tls),
        gateway_tls=await tls_fact(cluster, meta.namespace, spec.gateway.tls),
        pull_secrets=await pull_secrets(cluster, meta.namespace, spec),
        clinics=await _edge_clinics(cluster, meta, clinics),
        clinic_count=len(clinics),
        clinic_names=tuple(sorted(live["metadata"]["name"] for live in clinics)),
        clinic_ids=tuple(
            sorted(UUID(text) for live in clinics if (text := (live.get("status") or {}).get("clinicId")))
        ),
        prometheus_crds=await prometheus_crds(cluster),
        prometheus_operator=await prometheus_operator(cluster, spec.monitoring),
        alertmanager_config=await _alertmanager_config(cluster, meta.namespace, spec.monitoring),
        migrated=await _migrated(cluster, meta, spec, resource.status),
        conditions=by_type(resource.status.conditions),
        now=now,
    )


async def stack_of(cluster: Cluster, namespace: str, name: str) -> Resource[StackSpec, StackStatus] | None:
    """Return the stack that a clinic refers to; None when it does not exist."""
    live = await cluster.get(STACK, namespace, name)
    return parse(live) if live else None
