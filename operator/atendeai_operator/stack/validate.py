"""Facts about a stack turned into its plan, or into the sentence that tells its owner what to mend. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote

from atendeai_operator.api import names
from atendeai_operator.api.common import Resources as ApiResources
from atendeai_operator.api.stack import Cors
from atendeai_operator.catalogue import CATALOGUE, Resources
from atendeai_operator.gateway import certificates, model
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Owner
from atendeai_operator.objects.pods import Image
from atendeai_operator.objects.workloads import Runtime
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.stack.facts import EdgeClinic, SecretFact, StackFacts, TlsPair
from atendeai_operator.stack.plan import (
    ALERTMANAGER_KEY,
    AlertmanagerPlan,
    Certificate,
    GatewayPlan,
    LoadBalancerPlan,
    MigrationPlan,
    PoolPlan,
    PostgresPlan,
    PrometheusPlan,
    RedisPlan,
    StackPlan,
)

# Small clusters hold two clinics on two cores: requests are what an idle part needs, limits what it may grow to.
PROMETHEUS = Resources(cpu_request="20m", memory_request="128Mi", memory_limit="1Gi")
ALERTMANAGER = Resources(cpu_request="5m", memory_request="32Mi", memory_limit="128Mi")
POSTGRES = Resources(cpu_request="100m", memory_request="256Mi", memory_limit="1Gi")
REDIS = Resources(cpu_request="20m", memory_request="64Mi", memory_limit="512Mi")
KONG = Resources(cpu_request="50m", memory_request="256Mi", memory_limit="1Gi")
ENVOY = Resources(cpu_request="50m", memory_request="64Mi", memory_limit="512Mi")
HAPROXY = Resources(cpu_request="20m", memory_request="64Mi", memory_limit="256Mi")
REGISTRY_KINDS = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
"""Types of Secret that a kubelet takes credentials of registries from."""
POOL_SECRET = "pool-runtime"  # noqa: S105 - the name of a Secret


def validate(facts: StackFacts) -> StackPlan:
    """Return the plan. Raises InvalidSpec, the first problem first, with the field and the remedy."""
    spec, name = facts.spec, facts.meta.name
    owner = Owner(name, facts.meta.namespace, names.label_value(facts.meta.namespace, name))
    _pull_secrets(facts)
    return StackPlan(
        name=name,
        owner=owner,
        images=facts.images,
        minted=facts.minted,
        postgres=PostgresPlan(
            spec.postgres.storage,
            pods.widened(POSTGRES, spec.postgres.resources),
            dict(sorted((spec.postgres.parameters or {}).items())),
        ),
        redis=RedisPlan(
            spec.redis.storage,
            _redis_resources(spec.redis.resources, spec.redis.max_memory),
            spec.redis.max_memory,
        ),
        migration=MigrationPlan(
            spec.version,
            _image(facts, spec.version),
            f"postgresql://atendeai_migrator:{quote(facts.minted.migrator_password, safe='')}"
            f"@{names.child(name, 'postgres')}:5432/atendeai",
        ),
        pool=_pool(facts),
        edge=_edge(facts),
        gateway=_gateway(facts),
        load_balancer=_load_balancer(facts),
        monitor_labels=(spec.monitoring.labels or {}) if spec.monitoring.enabled and facts.prometheus_crds else None,
        prometheus=_prometheus(facts),
    )


def _redis_resources(setting: ApiResources | None, max_memory: str) -> Resources:
    """Return resources that leave room beyond the data: Redis copies what changes while it rewrites its file."""
    found = pods.widened(REDIS, setting)
    named = setting is not None and setting.limits is not None and setting.limits.memory is not None
    return found if named else pods.with_memory_for(found, max_memory)


def _pull_secrets(facts: StackFacts) -> None:
    for index, secret in enumerate(facts.pull_secrets):
        if secret.data is None:
            raise InvalidSpec(
                f"spec.image.pullSecrets[{index}].name",
                f"Secret {secret.name} does not exist in namespace {facts.meta.namespace}: create it",
                code="SecretMissing",
            )
        if secret.kind not in REGISTRY_KINDS:
            raise InvalidSpec(
                f"spec.image.pullSecrets[{index}].name",
                f"Secret {secret.name} is of type {secret.kind}, which no kubelet reads: create it anew as"
                f" {REGISTRY_KINDS[0]} (`kubectl create secret docker-registry`)",
                code="SecretType",
            )


def _image(facts: StackFacts, version: str) -> Image:
    image = facts.spec.image
    secrets = tuple(ref.name for ref in image.pull_secrets)
    return Image(f"{image.repository}:{version}", image.pull_policy, secrets)


def _pool(facts: StackFacts) -> PoolPlan | None:
    version, spec, name = facts.migrated, facts.spec, facts.meta.name
    if version is None:
        return None
    minted = facts.minted
    redis, postgres = quote(minted.redis_pool_password, safe=""), quote(minted.pool_password, safe="")
    runtime = Runtime(
        secret=names.child(name, POOL_SECRET),
        database_url=f"postgresql://atendeai_pool:{postgres}@{names.child(name, 'postgres')}:5432/atendeai",
        redis_url=f"redis://pool:{redis}@{names.child(name, 'redis')}:6379/0",
        stack_key=minted.stack_key,
        image=_image(facts, version),
        version=version,
        url_template=f"http://{name}-{{service}}:{{port}}",
        gateway_health_url=f"http://{names.child(name, 'gateway')}:{model.STATUS_PORT}/status/ready",
        log_format=spec.telemetry.log_format,
        otlp_endpoint=spec.telemetry.otlp_endpoint or "",
        thresholds=spec.monitoring.thresholds,
    )
    services = tuple(
        (row, pods.size(row, spec.services)) for row in CATALOGUE if spec.shared_pool.enabled or row.runs_for_suspended
    )
    return PoolPlan(runtime, services)


def _edge(facts: StackFacts) -> model.Edge:
    spec, name, namespace = facts.spec, facts.meta.name, facts.meta.namespace
    running = frozenset(row.name for row in CATALOGUE if spec.shared_pool.enabled or row.runs_for_suspended)
    balancer = names.child(name, "haproxy")
    own = (balancer, f"{balancer}.{namespace}", f"{balancer}.{namespace}.svc")
    return model.edge(
        model.Pool(namespace, name, running),
        [_tenant(clinic, spec.gateway.cors) for clinic in facts.clinics],
        own_hosts=(*own, f"{own[-1]}.cluster.local"),
        credentials=spec.gateway.cors.credentials,
    )


def _tenant(clinic: EdgeClinic, usual: Cors) -> model.Tenant:
    keys = tuple(
        model.Key(str(clinic.clinic_id), kid, base64.urlsafe_b64encode(key).decode().rstrip("="))
        for kid, key in sorted(clinic.jwt_keys.items())
    )
    return model.Tenant(
        name=clinic.name,
        clinic_id=str(clinic.clinic_id),
        hosts=clinic.hosts,
        dedicated=clinic.isolation == "Dedicated",
        suspended=clinic.suspended,
        namespace=clinic.namespace,
        keys=keys,
        origins=tuple(usual.origins) if clinic.origins is None else clinic.origins,
        standby=clinic.standby or "",
    )


def _gateway(facts: StackFacts) -> GatewayPlan:
    gateway = facts.spec.gateway
    image = facts.images.kong if gateway.provider == "Kong" else facts.images.envoy
    if not image:
        other = "Envoy" if gateway.provider == "Kong" else "Kong"
        raise InvalidSpec(
            "spec.gateway.provider",
            f"this operator was installed without an image for {gateway.provider}: choose {other}, or install the"
            f" operator with images.{gateway.provider.lower()} set",
            code="NoImage",
        )
    if gateway.admin_gui and gateway.provider != "Kong":
        raise InvalidSpec(
            "spec.gateway.adminGUI", "only Kong has a GUI: choose provider Kong, or leave it false", code="InvalidSpec"
        )
    usual = KONG if gateway.provider == "Kong" else ENVOY
    return GatewayPlan(
        provider=gateway.provider,
        replicas=gateway.replicas,
        resources=pods.widened(usual, gateway.resources),
        admin_gui=gateway.admin_gui,
        tls=_given_or_minted(facts, facts.gateway_tls, "spec.gateway.tls.secretRef.name"),
    )


def _load_balancer(facts: StackFacts) -> LoadBalancerPlan:
    balancer = facts.spec.load_balancer
    return LoadBalancerPlan(
        replicas=balancer.replicas,
        resources=pods.widened(HAPROXY, balancer.resources),
        service_type=balancer.service_type,
        node_ports=balancer.node_ports,
        tls=_given_or_minted(facts, facts.load_balancer_tls, "spec.loadBalancer.tls.secretRef.name"),
        certificates=tuple(_certificates(facts)),
    )


def _certificates(facts: StackFacts) -> Iterator[Certificate]:
    """Yield the clinics' certificates that load. One that does not is that clinic's trouble, told in its own status."""
    for clinic in facts.clinics:
        if clinic.tls and certificates.problem(clinic.tls.certificate, clinic.tls.key) is None:
            yield Certificate(f"clinic-{clinic.clinic_id.hex}", clinic.hosts, clinic.tls)


def _prometheus(facts: StackFacts) -> PrometheusPlan | None:
    monitoring = facts.spec.monitoring
    wanted = monitoring.prometheus
    if wanted is None or not monitoring.enabled:
        return None
    alertmanager = _alertmanager(facts)  # what is wrong with it is said before the Prometheus Operator arrives
    if not (facts.prometheus_crds and facts.prometheus_operator):
        return None
    return PrometheusPlan(
        retention=wanted.retention,
        resources=pods.widened(PROMETHEUS, wanted.resources),
        storage=wanted.storage,
        keep_volume=facts.spec.deletion_policy == "Retain",
        alertmanager=alertmanager,
    )


def _alertmanager(facts: StackFacts) -> AlertmanagerPlan | None:
    wanted, secret = facts.spec.monitoring.alertmanager, facts.alertmanager_config
    if wanted is None:
        return None
    if secret is not None:
        where = f"Secret {secret.name} in namespace {facts.meta.namespace}"
        field = "spec.monitoring.alertmanager.configSecretRef.name"
        if secret.data is None:
            raise InvalidSpec(field, f"{where} does not exist: create it", code="SecretMissing")
        if not secret.data.get(ALERTMANAGER_KEY):
            raise InvalidSpec(field, f"{where} has no value for {ALERTMANAGER_KEY}: add it", code="SecretKeyMissing")
    return AlertmanagerPlan(
        resources=pods.widened(ALERTMANAGER, wanted.resources),
        storage=wanted.storage,
        config_secret=secret.name if secret else "",
    )


def _given_or_minted(facts: StackFacts, secret: SecretFact | None, field: str) -> TlsPair:
    if secret is None:
        return facts.minted.tls
    where = f"Secret {secret.name} in namespace {facts.meta.namespace}"
    if secret.data is None:
        raise InvalidSpec(field, f"{where} does not exist: create it", code="SecretMissing")
    missing = [key for key in ("tls.crt", "tls.key") if not secret.data.get(key)]
    if missing:
        raise InvalidSpec(field, f"{where} has no value for {' and '.join(missing)}: add it", code="SecretKeyMissing")
    pair = TlsPair(secret.data["tls.crt"], secret.data["tls.key"])
    trouble = certificates.problem(pair.certificate, pair.key)
    if trouble:
        raise InvalidSpec(field, f"{where}: {trouble}", code="InvalidCertificate")
    return pair
