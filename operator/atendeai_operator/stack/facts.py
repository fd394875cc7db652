"""Everything gathered about one stack: plain frozen data, the input of `validate` and `status`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from atendeai_operator.api.common import Condition
from atendeai_operator.api.stack import StackSpec, StackStatus


@dataclass(frozen=True)
class Meta:
    """Metadata of a custom resource."""

    name: str
    namespace: str
    uid: str
    generation: int
    deleted_at: str | None = None
    """RFC 3339; None unless the resource is being deleted."""
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True)
class InfraImages:
    """Images of the infrastructure, from the operator's own settings."""

    postgres: str
    postgres_exporter: str
    redis: str
    redis_exporter: str
    kong: str
    envoy: str
    haproxy: str
    operator: str
    prometheus: str = ""
    """Empty, here and below: what the Prometheus Operator takes by itself."""
    prometheus_version: str = ""
    """Version inside the image, for which the Prometheus Operator writes flags and configuration."""
    alertmanager: str = ""
    alertmanager_version: str = ""


@dataclass(frozen=True)
class SecretFact:
    """A Secret that a spec refers to. `data` is None when it does not exist, and decoded otherwise."""

    name: str
    data: Mapping[str, bytes] | None = field(repr=False, default=None)
    kind: str = "Opaque"
    """Its `type`, which cannot change while it exists."""


@dataclass(frozen=True)
class TlsPair:
    """A certificate chain and its key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class Ownership(StrEnum):
    """Whose a namespace is."""

    ABSENT = "Absent"
    OURS = "Ours"
    """Made by this operator for this very resource."""
    FOREIGN = "Foreign"


@dataclass(frozen=True)
class Workload:
    """What is seen of a Deployment, StatefulSet or Job."""

    kind: Literal["Deployment", "StatefulSet", "Job"]
    name: str
    namespace: str
    desired: int
    ready: int
    updated: bool
    """The controller has seen the latest spec and all pods run it; for a Job: it has completed."""
    failed: str = ""
    """For a human: why it cannot get ready, where that is known (image pull, crash loop, failed Job)."""
    old: int = 0
    """Pods of an earlier spec that still run, as far as its controller has counted them."""


@dataclass(frozen=True)
class Observed:
    """What is there after an apply."""

    workloads: tuple[Workload, ...] = ()

    def find(self, kind: str, name: str, namespace: str) -> Workload | None:
        """Return one workload, None when it does not exist."""
        for workload in self.workloads:
            if (workload.kind, workload.name, workload.namespace) == (kind, name, namespace):
                return workload
        return None


@dataclass(frozen=True)
class StackMinted:
    """Secrets minted for the stack, all present before `validate` runs."""

    postgres_password: str = field(repr=False)
    migrator_password: str = field(repr=False)
    pool_password: str = field(repr=False)
    """Of the database role atendeai_pool."""
    exporter_password: str = field(repr=False)
    """Of the database role atendeai_exporter."""
    redis_admin_password: str = field(repr=False)
    redis_pool_password: str = field(repr=False)
    redis_exporter_password: str = field(repr=False)
    stack_key: bytes = field(repr=False)
    """Fernet key (44 bytes, base64url)."""
    tls: TlsPair
    """The generated, self-signed certificate of Secret `<stack>-tls`."""


@dataclass(frozen=True)
class EdgeClinic:
    """One clinic as the edge must serve it: only clinics that have an id, hold hosts and are not being deleted."""

    clinic_id: UUID
    name: str
    hosts: tuple[str, ...]
    """Hosts that the clinic holds (claimed), sorted; never empty."""
    isolation: Literal["Dedicated", "Shared"]
    suspended: bool
    """The pool answers its webhook; its own services have no pods."""
    namespace: str
    """Namespace of its services: its own (Dedicated) or the stack's (Shared)."""
    issuer: str
    """`iss` of its tokens: `atendeai:<clinicId>`."""
    jwt_keys: Mapping[str, bytes] = field(repr=False)
    """HS256 secrets by `kid`, decoded (32 bytes)."""
    tls: TlsPair | None = None
    """Its own certificate; None means the stack's."""
    origins: tuple[str, ...] | None = None
    """Origins of web pages that may call its API; None means the stack's."""
    standby: str | None = None
    """While it is suspended or moves: the namespace of services of its own that answered, or will."""


@dataclass(frozen=True)
class StackFacts:
    """Everything gathered about one stack."""

    meta: Meta
    spec: StackSpec
    status: StackStatus
    images: InfraImages
    minted: StackMinted
    load_balancer_tls: SecretFact | None = None
    """The Secret of spec.loadBalancer.tls; None when the spec names none."""
    gateway_tls: SecretFact | None = None
    """The Secret of spec.gateway.tls; None when the spec names none."""
    pull_secrets: tuple[SecretFact, ...] = ()
    clinics: tuple[EdgeClinic, ...] = ()
    """Sorted by clinic id."""
    clinic_count: int = 0
    """All Clinics that refer to this stack."""
    clinic_names: tuple[str, ...] = ()
    """Their names."""
    clinic_ids: tuple[UUID, ...] = ()
    """The ids of those that have one."""
    prometheus_crds: bool = False
    """Whether monitoring.coreos.com/v1 ServiceMonitor is served."""
    prometheus_operator: bool = False
    """Whether Prometheus and Alertmanager are served too."""
    alertmanager_config: SecretFact | None = None
    """The Secret of spec.monitoring.alertmanager.configSecretRef; None when the spec names none."""
    migrated: str | None = None
    """Version whose migration Job has completed; the pool runs this one. None: no services yet."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """The conditions of the last status, by type."""
    now: datetime | None = None
