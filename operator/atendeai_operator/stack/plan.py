"""What a stack shall be, decided: the output of `validate`, the only input of `build`. Pure, frozen, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from atendeai_operator.api.stack import NodePorts
from atendeai_operator.api.storage import Storage
from atendeai_operator.catalogue import Resources, Service
from atendeai_operator.gateway.model import Edge
from atendeai_operator.objects.meta import Owner
from atendeai_operator.objects.pods import Image, Size
from atendeai_operator.objects.workloads import Runtime
from atendeai_operator.stack.facts import InfraImages, StackMinted, TlsPair


@dataclass(frozen=True)
class PostgresPlan:
    """The database server."""

    storage: Storage
    resources: Resources
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class RedisPlan:
    """The cache server. `max_memory` is a quantity."""

    storage: Storage
    resources: Resources
    max_memory: str


@dataclass(frozen=True)
class GatewayPlan:
    """The gateway."""

    provider: Literal["Kong", "Envoy"]
    replicas: int
    resources: Resources
    admin_gui: bool
    tls: TlsPair


@dataclass(frozen=True)
class Certificate:
    """A certificate of some hosts; `name` is unique and fit for a file."""

    name: str
    hosts: tuple[str, ...]
    tls: TlsPair


@dataclass(frozen=True)
class LoadBalancerPlan:
    """HAProxy. `certificates` are those of clinics that bring one; all other hosts get `tls`."""

    replicas: int
    resources: Resources
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"]
    node_ports: NodePorts | None
    tls: TlsPair
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True)
class MigrationPlan:
    """The Job that brings the schema to a version."""

    version: str
    image: Image
    database_url: str = field(repr=False)


@dataclass(frozen=True)
class PoolPlan:
    """The stack's own services; none before the first migration has run."""

    runtime: Runtime
    services: tuple[tuple[Service, Size], ...]


ALERTMANAGER_KEY = "alertmanager.yaml"
"""Where the Prometheus Operator looks for an Alertmanager's configuration in its Secret."""


@dataclass(frozen=True)
class AlertmanagerPlan:
    """The stack's Alertmanager. `config_secret` is the user's Secret; empty: the one that tells nobody is made."""

    resources: Resources
    storage: Storage | None
    config_secret: str


@dataclass(frozen=True)
class PrometheusPlan:
    """The stack's Prometheus. `retention` is a duration."""

    retention: str
    resources: Resources
    storage: Storage
    keep_volume: bool
    """Whether the volumes outlive it, and its Alertmanager."""
    alertmanager: AlertmanagerPlan | None


@dataclass(frozen=True)
class StackPlan:
    """One stack."""

    name: str
    owner: Owner
    images: InfraImages
    minted: StackMinted
    postgres: PostgresPlan
    redis: RedisPlan
    migration: MigrationPlan
    pool: PoolPlan | None
    edge: Edge
    gateway: GatewayPlan
    load_balancer: LoadBalancerPlan
    monitor_labels: Mapping[str, str] | None
    """Labels of ServiceMonitors; None: none are made."""
    prometheus: PrometheusPlan | None = None
    """None: whoever reads the ServiceMonitors is not the operator's matter."""
