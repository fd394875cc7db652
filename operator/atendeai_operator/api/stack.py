"""AtendeAIStack: one environment (database, cache, edge, services pool). Pure; the source of its CRD."""

# ruff: noqa: RUF012 - pydantic copies the defaults of its models

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from atendeai_operator.api import durations
from atendeai_operator.api.common import Conditions, Inventory, RateLimits, Resources, ServicesSpec, ServiceStatuses
from atendeai_operator.api.monitoring import Monitoring
from atendeai_operator.api.names import NAME_LIMIT
from atendeai_operator.api.schema import (
    DURATION,
    PORT,
    SET_LIST,
    ApiModel,
    Bytes,
    DeletionPolicy,
    Duration,
    Holding,
    ObjectMeta,
    Origin,
    Rule,
    SecretRef,
    Semver,
    UniqueItems,
    Url,
    lies_between,
    where_formed,
)
from atendeai_operator.api.storage import Storage

_REPOSITORY = rf"^[^:]+(:{PORT}/[^:]+)?$"
_NAMES_NO_TAG = Rule(
    f"self.matches(r'{_REPOSITORY}')",
    "must have no colon but before the port of its registry, 1 to 65535; the tag is spec.version: leave it out",
    lambda text: bool(re.match(_REPOSITORY, text)),
)


class Image(ApiModel):
    """Where the services' image comes from; its tag is `spec.version`."""

    repository: Annotated[
        str, Field(min_length=1, max_length=255, pattern=r"^[a-z0-9]+([._:/-]+[a-z0-9]+)*$"), Holding(_NAMES_NO_TAG)
    ] = "ghcr.io/atendeai/services"
    """Image name without a tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet asks the registry."""
    pull_secrets: Annotated[list[SecretRef], Field(max_length=4)] = []
    """Secrets with registry credentials, in the stack's own namespace, for every pod of the stack and its clinics."""


class SharedPool(ApiModel):
    """One set of services that serves every Clinic with isolation Shared."""

    enabled: bool = True
    """Whether Shared clinics are allowed. The pool's whatsapp service runs anyway: it answers for suspended clinics."""


RESERVED_PARAMETERS = (
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "max_locks_per_transaction",
    "password_encryption",
    "plan_cache_mode",
    "port",
    "row_security",
    "session_preload_libraries",
    "shared_preload_libraries",
    "unix_socket_directories",
)
"""PostgreSQL settings that belong to the operator."""

_PARAMETER_NAMES = ", ".join(f"'{name}'" for name in RESERVED_PARAMETERS)


def _parameter_name(name: str) -> bool:
    return (
        len(name) <= NAME_LIMIT
        and name.isascii()
        and name.replace("_", "a").isalnum()
        and name == name.lower()
        and name[:1].isalpha()
    )


class Postgres(ApiModel):
    """The stack's PostgreSQL 15."""

    RULES = (
        Rule(
            "!has(self.parameters) || self.parameters.all(k, size(k) <= 63 && k.matches('^[a-z][a-z0-9_]*$'))",
            "parameters must be PostgreSQL setting names in lower case",
            lambda p: all(_parameter_name(name) for name in p.parameters or {}),
        ),
        Rule(
            f"!has(self.parameters) || self.parameters.all(k, !(k in [{_PARAMETER_NAMES}]))",
            f"parameters must not contain what the operator sets itself: {', '.join(RESERVED_PARAMETERS)}",
            lambda p: not set(p.parameters or {}) & set(RESERVED_PARAMETERS),
        ),
    )

    instances: Annotated[int, Field(ge=1, le=1)] = 1
    """Number of database servers."""
    storage: Storage = Storage()
    """Volume of the database."""
    resources: Resources | None = None
    """Resources of the database's container."""
    parameters: (
        Annotated[
            dict[str, Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9 ._/,:+%-]*$")]], Field(max_length=64)
        ]
        | None
    ) = None
    """Settings for postgresql.conf, for example `shared_buffers: 256MB`."""


class RedisStorage(Storage):
    """The cache's persistent volume."""

    size: Bytes = "2Gi"
    """Size of the volume; it may grow, where its storage class allows that."""


class Redis(ApiModel):
    """The stack's Redis 7, with an append-only file."""

    instances: Annotated[int, Field(ge=1, le=1)] = 1
    """Number of cache servers."""
    storage: RedisStorage = RedisStorage()
    """Volume of the append-only file."""
    max_memory: Bytes = "256Mi"
    """Memory for data; when full, writes are refused (nothing is evicted)."""
    resources: Resources | None = None
    """Resources of the cache's container."""


class Tls(ApiModel):
    """A certificate."""

    secret_ref: SecretRef
    """A Secret of type kubernetes.io/tls (`tls.crt`, `tls.key`)."""


class Cors(ApiModel):
    """Which web pages may call the API of clinics that name no origins of their own."""

    origins: Annotated[list[Origin], Field(max_length=32, json_schema_extra=SET_LIST), UniqueItems] = []
    """Origins as browsers send them, for example `https://painel.example.com`."""
    credentials: bool = True
    """Whether they may send credentials."""


class Gateway(ApiModel):
    """The API gateway."""

    provider: Literal["Kong", "Envoy"] = "Kong"
    """Which gateway runs; both do the same."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 2
    """Number of pods."""
    resources: Resources | None = None
    """Resources of the gateway's container."""
    admin_gui: bool = Field(default=False, alias="adminGUI")
    """Whether Kong's GUI listens on 8002, inside the cluster only."""
    tls: Tls | None = None
    """Certificate of the gateway's own TLS port 8443; absent means a generated one."""
    rate_limits: RateLimits = RateLimits()
    """Limits of clinics that name none of their own."""
    cors: Cors = Cors()
    """CORS of clinics that name no origins of their own."""


class NodePorts(ApiModel):
    """Fixed ports on the nodes."""

    RULES = (Rule("self.http != self.https", "http and https must differ", lambda n: n.http != n.https),)

    http: Annotated[int, Field(ge=1, le=65535)]
    """Port of HTTP."""
    https: Annotated[int, Field(ge=1, le=65535)]
    """Port of HTTPS."""


class LoadBalancer(ApiModel):
    """HAProxy in front of the gateway."""

    RULES = (
        Rule(
            "!has(self.nodePorts) || self.serviceType == 'NodePort'",
            "nodePorts needs serviceType NodePort",
            lambda b: b.node_ports is None or b.service_type == "NodePort",
        ),
    )

    replicas: Annotated[int, Field(ge=1, le=10)] = 2
    """Number of pods."""
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "LoadBalancer"
    """How its Service is reachable."""
    node_ports: NodePorts | None = None
    """Fixed ports, with serviceType NodePort."""
    resources: Resources | None = None
    """Resources of the load balancer's container."""
    tls: Tls | None = None
    """Certificate for hosts without one of their own; absent means a generated, self-signed one."""


class Jwt(ApiModel):
    """Life of access and refresh tokens."""

    RULES = (
        Rule(
            where_formed(
                DURATION,
                ("self.accessTokenTTL", "self.refreshTokenTTL"),
                "duration(self.accessTokenTTL) < duration(self.refreshTokenTTL)",
            ),
            "accessTokenTTL must be shorter than refreshTokenTTL",
            lambda j: durations.seconds(j.access_token_ttl) < durations.seconds(j.refresh_token_ttl),
        ),
        lies_between("accessTokenTTL", "1m", "24h", lambda j: j.access_token_ttl),
    )

    access_token_ttl: Duration = Field(default="15m", alias="accessTokenTTL")
    """Life of an access token."""
    refresh_token_ttl: Duration = Field(default="168h", alias="refreshTokenTTL")
    """Life of a refresh token."""


class StackSecurity(ApiModel):
    """Security of the stack."""

    jwt: Jwt = Jwt()
    """Tokens of people."""


class Telemetry(ApiModel):
    """How the services speak of themselves."""

    log_format: Literal["JSON", "Text"] = "JSON"
    """Format of log lines."""
    otlp_endpoint: Url | None = None
    """Base address of an OpenTelemetry collector (OTLP over HTTP), for example `http://collector.observability.svc:4318`,
    where the services send their traces; without one they record none."""


class StackSpec(ApiModel):
    """What the environment should be."""

    version: Semver
    """Version of the services, which is the tag of their image. Changing it is an upgrade: migrations run first."""
    image: Image = Image()
    """Image of the services."""
    services: ServicesSpec | None = None
    """Sizes of the services, for every clinic and for the pool."""
    shared_pool: SharedPool = SharedPool()
    """The services for Shared clinics."""
    postgres: Postgres = Postgres()
    """The database."""
    redis: Redis = Redis()
    """The cache."""
    gateway: Gateway = Gateway()
    """The API gateway."""
    load_balancer: LoadBalancer = LoadBalancer()
    """The load balancer."""
    security: StackSecurity = StackSecurity()
    """Security."""
    monitoring: Monitoring = Monitoring()
    """Monitoring."""
    telemetry: Telemetry = Telemetry()
    """Logs and traces."""
    deletion_policy: DeletionPolicy = "Retain"
    """What becomes of the volumes and the minted Secrets when the stack is deleted."""
    paused: bool = False
    """The operator leaves this stack alone, and says so."""


class StackStatus(ApiModel):
    """What the environment is."""

    observed_generation: Annotated[int, Field(ge=0, le=2**53)] | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Conditions = []
    """State, one condition per concern."""
    version: Annotated[str, Field(max_length=63)] | None = None
    """Version whose migrations are applied; services run this one."""
    clinics: Annotated[int, Field(ge=0, le=1000000)] | None = None
    """Number of clinics on this stack."""
    services: ServiceStatuses = []
    """Pods of the pool and of the infrastructure."""
    inventory: Inventory = []
    """Objects that the operator made."""


STACK_NAME_LIMIT = 30
_NAME = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?\Z")


class StackResource(ApiModel):
    """An AtendeAIStack as a whole."""

    RULES = (
        Rule(
            f"size(self.metadata.name) <= {STACK_NAME_LIMIT}",
            f"metadata.name must be at most {STACK_NAME_LIMIT} characters",
            lambda r: len(r.metadata.name) <= STACK_NAME_LIMIT,
        ),
        Rule(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be a DNS label that begins with a letter: services are named after it",
            lambda r: bool(_NAME.match(r.metadata.name)),
        ),
    )

    api_version: Literal["atendeai.io/v1beta1"]
    """Group and version."""
    kind: Literal["AtendeAIStack"]
    """Kind."""
    metadata: ObjectMeta
    """Metadata."""
    spec: StackSpec
    """What the environment should be."""
    status: StackStatus | None = None
    """What it is."""
