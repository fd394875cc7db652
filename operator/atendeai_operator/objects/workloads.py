"""One of the eight services as Kubernetes objects: the same for a Dedicated clinic and for the stack's pool. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from atendeai_operator import catalogue
from atendeai_operator.api import durations, names
from atendeai_operator.api.monitoring import Thresholds
from atendeai_operator.catalogue import Service
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, Owner, digest, make, secret
from atendeai_operator.objects.pods import Image, Size

KEY_DIR = "/var/run/atendeai"
KEY_FILE = "stack-key"
LABEL_HEADLESS = f"{names.GROUP}/headless"
"""On the second Service of a component, which names the same pods again."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What all services of one place are told: how to reach database and cache, and where they run."""

    secret: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    stack_key: bytes = field(repr=False)
    image: Image
    version: str
    url_template: str
    gateway_health_url: str
    log_format: str
    otlp_endpoint: str
    """Where traces go; empty: nowhere."""
    thresholds: Thresholds
    """What the health service compares with."""
    clinic_id: str = ""

    @property
    def traces_to(self) -> tuple[str, ...]:
        """Return the addresses that traces are sent to: none or one."""
        return (self.otlp_endpoint,) if self.otlp_endpoint else ()

    def contents(self) -> dict[str, str | bytes]:
        """Return what the Secret holds."""
        return {"database-url": self.database_url, "redis-url": self.redis_url, KEY_FILE: self.stack_key}


def runtime_secret(owner: Owner, runtime: Runtime) -> Object:
    """Return the Secret that the services' pods read."""
    return secret(runtime.secret, owner, "runtime", runtime.contents())


def account(name: str, owner: Owner, component: str) -> Object:
    """Return a service account, whose token nobody needs: no pod of ours speaks to the API server."""
    return make("v1", "ServiceAccount", name, owner, component, automountServiceAccountToken=False)


def service(
    name: str,
    owner: Owner,
    component: str,
    ports: Mapping[str, int | tuple[int, str]],
    *,
    headless: bool = False,
    **spec: object,
) -> Object:
    """Return a Service; a port's target is the container port of the same name, or the one given beside the number."""
    entries = []
    for port_name, port in ports.items():
        number, target = port if isinstance(port, tuple) else (port, port_name)
        entries.append({"name": port_name, "port": number, "protocol": "TCP", "targetPort": target})
    body: Object = {"selector": owner.selector(component), "ports": entries, **spec}
    found = make("v1", "Service", name, owner, component, spec=body)
    if headless:
        body["clusterIP"] = "None"
        found["metadata"]["labels"][LABEL_HEADLESS] = "true"
    return found


def budget(name: str, owner: Owner, component: str) -> Object:
    """Return a disruption budget: nodes are drained one pod at a time."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": owner.selector(component)}}
    return make("policy/v1", "PodDisruptionBudget", name, owner, component, spec=spec)


def deployment(
    name: str,
    owner: Owner,
    component: str,
    replicas: int,
    pod_spec: Object,
    *,
    version: str = "",
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """Return a Deployment that replaces its pods one by one, a new one ready before an old one goes."""
    metadata: Object = {"labels": owner.labels(component, version)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    spec = {
        "replicas": replicas,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": owner.selector(component)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": metadata, "spec": pod_spec},
    }
    return make("apps/v1", "Deployment", name, owner, component, version=version, spec=spec)


def service_objects(
    row: Service, name: str, owner: Owner, runtime: Runtime, size: Size, *, asleep: bool = False
) -> list[Object]:
    """Return everything one service consists of; `asleep` keeps all of it but the pods."""
    objects = [
        account(name, owner, row.name),
        service(name, owner, row.name, {"http": row.port}),
        _service_deployment(row, name, owner, runtime, size, asleep=asleep),
    ]
    if size.replicas > 1 and not asleep:
        objects.append(budget(name, owner, row.name))
    return objects


def _thresholds(given: Thresholds) -> dict[str, str]:
    """Return what the health service is told of where degraded begins."""
    return {
        "ATENDEAI_HEALTH_LATENCY_SECONDS": str(durations.seconds(given.latency)),
        "ATENDEAI_HEALTH_QUEUE_AGE_SECONDS": str(durations.seconds(given.queue_age)),
        "ATENDEAI_HEALTH_OUTBOUND_FAILURE_RATIO": f"{given.outbound_failure_percent / 100:g}",
        "ATENDEAI_HEALTH_TOKEN_LEFT_SECONDS": str(durations.seconds(given.token_expiry)),
    }


def _service_deployment(row: Service, name: str, owner: Owner, runtime: Runtime, size: Size, *, asleep: bool) -> Object:
    plain = {
        "ATENDEAI_SERVICE": row.name,
        "ATENDEAI_VERSION": runtime.version,
        "ATENDEAI_CLINIC_ID": runtime.clinic_id,
        "ATENDEAI_STACK_KEY_FILE": f"{KEY_DIR}/{KEY_FILE}",
        "ATENDEAI_SERVICE_URL_TEMPLATE": runtime.url_template,
        "ATENDEAI_GATEWAY_HEALTH_URL": runtime.gateway_health_url if row.asks_gateway else "",
        "ATENDEAI_LOG_FORMAT": runtime.log_format,
        "ATENDEAI_OTLP_ENDPOINT": runtime.otlp_endpoint,
    }
    if row.asks_gateway:  # the one that tells how all parts are
        plain |= _thresholds(runtime.thresholds)
    container = {
        "name": row.name,
        "image": runtime.image.reference,
        "imagePullPolicy": runtime.image.pull_policy,
        "command": ["python3", "-m", f"atendeai.{row.name}"],
        "ports": [{"name": "http", "containerPort": row.port, "protocol": "TCP"}],
        "env": [
            *pods.env(plain),
            pods.env_from_secret("ATENDEAI_DATABASE_URL", runtime.secret, "database-url"),
            pods.env_from_secret("ATENDEAI_REDIS_URL", runtime.secret, "redis-url"),
        ],
        "startupProbe": pods.http_probe(catalogue.STARTUP),
        "livenessProbe": pods.http_probe(catalogue.LIVENESS),
        "readinessProbe": pods.http_probe(catalogue.READINESS),
        "resources": pods.resources(size.resources),
        "securityContext": pods.harmless(),
        "volumeMounts": [pods.mount("key", KEY_DIR), pods.mount("tmp", "/tmp", read_only=False)],
    }
    spec = pods.pod(
        [container],
        account=name,
        security=pods.as_user(catalogue.SERVICE_UID, own_volumes=True),
        volumes=[pods.secret_volume("key", runtime.secret, [KEY_FILE]), pods.scratch("tmp", limit="64Mi")],
        image=runtime.image,
        spread_over=owner.selector(row.name) if size.replicas > 1 else None,
        grace=40,
    )
    # A running process does not notice that its password has changed: the pods are replaced instead.
    annotations = {"atendeai.io/runtime": digest(runtime.contents())}
    return deployment(
        name, owner, row.name, 0 if asleep else size.replicas, spec, version=runtime.version, annotations=annotations
    )
