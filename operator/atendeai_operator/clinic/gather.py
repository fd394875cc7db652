"""Reads everything a clinic's plan depends on. Reads only, but for the claims, which are the database's to give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicResource, ClinicSpec, ClinicStatus
from atendeai_operator.api.conditions import by_type
from atendeai_operator.api.stack import StackSpec, StackStatus
from atendeai_operator.clinic.facts import ClinicFacts, ClinicMinted, EdgeState, StackSummary
from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import CLINIC, CONFIG_MAP, DEPLOYMENT, NAMESPACE, SECRET, SERVICE
from atendeai_operator.pipeline.errors import InvalidSpec, Waiting
from atendeai_operator.pipeline.minting import Checked, decoded
from atendeai_operator.pipeline.observe import serving, workload
from atendeai_operator.pipeline.ports import Claim, ClaimResult, PostgresAccess, RedisAccess
from atendeai_operator.pipeline.reconcile import Resource, metadata
from atendeai_operator.stack import signing
from atendeai_operator.stack.edge import digest, edge_clinic
from atendeai_operator.stack.facts import InfraImages, Meta, Ownership, SecretFact
from atendeai_operator.stack.gather import prometheus_crds, pull_secrets, secret_fact, stack_of
from atendeai_operator.stack.validate import REGISTRY_KINDS


def parse(live: Mapping[str, Any]) -> Resource[ClinicSpec, ClinicStatus]:
    """Return a clinic; pydantic's ValidationError when it does not fit the models."""
    model = ClinicResource.model_validate({"apiVersion": names.API_VERSION, "kind": names.CLINIC_KIND, **live})
    return Resource(metadata(live), model.spec, model.status or ClinicStatus(), dict(live))


@dataclass(frozen=True)
class StackView:
    """A clinic's stack: what its plan may know, and how to reach database and cache."""

    summary: StackSummary
    resource: Resource[StackSpec, StackStatus]
    postgres: PostgresAccess
    redis: RedisAccess


async def stack_view(cluster: Cluster, meta: Meta, spec: ClinicSpec, images: InfraImages) -> StackView:
    """Return the clinic's stack.

    Raises InvalidSpec when there is none of that name, Waiting while it has no database with a schema yet.
    """
    name = spec.stack_ref.name
    stack = await stack_of(cluster, meta.namespace, name)
    if stack is None:
        raise InvalidSpec(
            "spec.stackRef.name",
            f"there is no AtendeAIStack {name} in namespace {meta.namespace}: create it, or delete this clinic and "
            "create it with the name of one that exists",
            code="StackNotFound",
        )
    access = await stack_access(cluster, meta.namespace, name)
    if access is None or stack.status.version is None:
        raise Waiting(f"Waiting for stack {name}: its database is not ready yet.", retry_in=15, code="StackNotReady")
    postgres, redis, key = access
    credentials = await _pull_secrets(cluster, stack) if spec.isolation == "Dedicated" else ()
    summary = StackSummary(
        name=name,
        namespace=meta.namespace,
        uid=stack.meta.uid,
        spec=stack.spec,
        version=stack.status.version,
        postgres_host=postgres.host,
        redis_host=redis.host,
        stack_key=key,
        images=images,
        prometheus_crds=await prometheus_crds(cluster),
        pull_secrets=credentials,
    )
    return StackView(summary, stack, postgres, redis)


async def _pull_secrets(cluster: Cluster, stack: Resource[StackSpec, StackStatus]) -> tuple[SecretFact, ...]:
    """Return what the clinic's own namespace needs a copy of; Waiting while the stack itself waits for one of them."""
    found = await pull_secrets(cluster, stack.meta.namespace, stack.spec)
    for secret in found:
        if secret.data is None or secret.kind not in REGISTRY_KINDS:
            raise Waiting(
                f"Waiting for stack {stack.meta.name}: its pull Secret {secret.name} is not there, or of another type.",
                retry_in=15,
                code="StackNotReady",
            )
    return found


async def stack_access(
    cluster: Cluster, namespace: str, stack: str
) -> tuple[PostgresAccess, RedisAccess, bytes] | None:
    """Return how to reach a stack's database and cache, and its key; None while a Secret is missing or unusable."""

    async def read(part: str) -> Checked:
        name = names.child(stack, part)
        return Checked(name, decoded(await cluster.get(SECRET, namespace, name)) or {})

    postgres, redis, key = await read("postgres"), await read("redis"), await read("key")
    try:
        return (
            PostgresAccess(
                host=f"{names.child(stack, 'postgres')}.{namespace}.svc",
                superuser_password=postgres.text("postgres-password"),
                migrator_password=postgres.text("migrator-password"),
                pool_password=postgres.text("pool-password"),
                exporter_password=postgres.text("exporter-password"),
            ),
            RedisAccess(
                host=f"{names.child(stack, 'redis')}.{namespace}.svc",
                admin_password=redis.text("admin-password"),
                pool_password=redis.text("pool-password"),
                exporter_password=redis.text("exporter-password"),
            ),
            key.fernet_key("stack-key"),
        )
    except InvalidSpec:  # the stack's own pass says what is wrong with it
        return None


def wanted_claims(spec: ClinicSpec) -> tuple[Claim, ...]:
    """Return what the spec wants for this clinic alone."""
    return (*(Claim("host", host) for host in spec.hosts), Claim("phone", spec.whatsapp.phone_number_id))


async def heirs(cluster: Cluster, meta: Meta, spec: ClinicSpec, claims: Iterable[Claim]) -> dict[str, frozenset[Claim]]:
    """Return what the stack's other clinics want of some claims of this one, by their names."""
    free, found = frozenset(claims), {}
    for live in await cluster.list(CLINIC, meta.namespace):
        try:
            other = parse(live)
        except ValidationError:  # its own pass says so, and claims nothing
            continue
        same = other.spec.stack_ref.name == spec.stack_ref.name and other.meta.name != meta.name
        if same and not other.meta.deleted_at and (sought := free.intersection(wanted_claims(other.spec))):
            found[other.meta.name] = sought
    return found


async def _optional(cluster: Cluster, namespace: str, name: str | None) -> SecretFact | None:
    return await secret_fact(cluster, namespace, name) if name else None


async def ownership(cluster: Cluster, meta: Meta, status: ClinicStatus, namespace: str, clinic_id: str) -> Ownership:
    """Tell whose a namespace is: by its labels, or by its uid when somebody took them away.

    Raises Waiting while it is being deleted.
    """
    live = await cluster.get(NAMESPACE, None, namespace)
    if live is None:
        return Ownership.ABSENT
    labels = live["metadata"].get("labels") or {}
    known = {entry.uid for entry in status.inventory if entry.kind == NAMESPACE.kind}
    mine = live["metadata"]["uid"] in known or (
        labels.get(names.LABEL_MANAGED_BY) == names.FIELD_MANAGER
        and labels.get(names.LABEL_CLINIC) == names.label_value(meta.namespace, meta.name)
        and labels.get(names.LABEL_CLINIC_ID) == clinic_id
    )
    if not mine:
        return Ownership.FOREIGN
    if live["metadata"].get("deletionTimestamp"):
        raise Waiting(f"Namespace {namespace} is still being deleted.", retry_in=2, code="Terminating")
    return Ownership.OURS


async def gather(
    cluster: Cluster,
    resource: Resource[ClinicSpec, ClinicStatus],
    *,
    stack: StackSummary,
    minted: ClinicMinted,
    claims: ClaimResult,
    now: datetime,
) -> ClinicFacts:
    """Return all facts about a clinic."""
    meta, spec = resource.meta, resource.spec
    namespace = meta.namespace
    own = names.clinic_namespace(namespace, meta.name)
    calendar, ai = spec.calendar.credentials_secret_ref, spec.ai.api_key_secret_ref
    return ClinicFacts(
        meta=meta,
        spec=spec,
        status=resource.status,
        stack=stack,
        minted=minted,
        whatsapp_secret=await secret_fact(cluster, namespace, spec.whatsapp.credentials_secret_ref.name),
        calendar_secret=await _optional(cluster, namespace, calendar.name if calendar else None),
        ai_secret=await _optional(cluster, namespace, ai.name if ai else None),
        tls_secret=await _optional(cluster, namespace, spec.tls.secret_ref.name if spec.tls else None),
        claims=claims,
        own_namespace=own,
        namespace_ownership=await ownership(cluster, meta, resource.status, own, str(minted.clinic_id)),
        conditions=by_type(resource.status.conditions),
        now=now,
    )


async def edge_state(cluster: Cluster, facts: ClinicFacts, hosts: list[str], services: Iterable[str]) -> EdgeState:
    """Return how the edge stands towards the clinic, were it to hold these hosts; `services` answer behind it."""
    meta = facts.meta
    minted = facts.minted
    ring = minted.ring or signing.Ring(signing.Key(minted.jwt_kid, minted.jwt_key))
    identity = {"clinic-id": str(minted.clinic_id).encode(), **signing.written(ring)}
    status = facts.status.model_copy(update={"clinic_id": str(facts.minted.clinic_id), "hosts": hosts})
    tls = facts.tls_secret.data if facts.tls_secret else None
    clinic = edge_clinic(meta, facts.spec, status, identity, tls)
    told = await cluster.get(CONFIG_MAP, meta.namespace, names.edge_map(facts.stack.name))
    gateway = await cluster.get(DEPLOYMENT, meta.namespace, names.child(facts.stack.name, "gateway"))
    balancer = await cluster.get(DEPLOYMENT, meta.namespace, names.child(facts.stack.name, "haproxy"))
    return EdgeState(
        wanted=digest(clinic) if clinic else "",
        served=((told or {}).get("data") or {}).get(str(facts.minted.clinic_id), ""),
        gateway_ready=serving(workload(gateway) if gateway else None),
        load_balancer_ready=serving(workload(balancer) if balancer else None),
        behind=await _behind(cluster, facts, services),
    )


async def _behind(cluster: Cluster, facts: ClinicFacts, services: Iterable[str]) -> str:
    """Return the uids of the Services the gateway sends this clinic's requests to.

    A Service that was deleted and made again has another address, which the gateway learns later than we do.
    """
    if facts.spec.suspended:
        return ""
    stack, dedicated = facts.stack, facts.spec.isolation == "Dedicated"
    namespace = facts.own_namespace if dedicated else stack.namespace
    uids = []
    for service in sorted(services):
        live = await cluster.get(SERVICE, namespace, service if dedicated else names.child(stack.name, service))
        uids.append(str(live["metadata"]["uid"]) if live else "")
    return ",".join(uids)
