"""What a clinic shall be, decided: the output of `validate`, the only input of `build`. Pure, frozen, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from atendeai_operator.api.clinic import Quota
from atendeai_operator.catalogue import Service
from atendeai_operator.objects.meta import Owner
from atendeai_operator.objects.pods import Size
from atendeai_operator.objects.workloads import Runtime
from atendeai_operator.pipeline.ports import Claim


@dataclass(frozen=True)
class SizedService:
    """One service and its size."""

    service: Service
    size: Size


@dataclass(frozen=True)
class PullSecret:
    """Credentials of a registry, as they are copied into the clinic's namespace under `name`."""

    name: str
    kind: str
    data: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class Dedicated:
    """What a clinic of its own namespace needs beyond its data."""

    owner: Owner
    runtime: Runtime
    services: tuple[SizedService, ...]
    quota: Quota
    stack_namespace: str
    urls: Mapping[str, tuple[str, ...]]
    """Addresses outside that each service asks, by service name."""
    pull_secrets: tuple[PullSecret, ...] = ()


@dataclass(frozen=True)
class ClinicPlan:
    """One clinic."""

    clinic_id: UUID
    name: str
    namespace: str
    """Of the Clinic and its stack."""
    display_name: str
    generation: int
    suspended: bool
    asleep: bool
    """Whether its pods are down: once the pool takes its messages in."""
    claims: tuple[Claim, ...]
    settings: Mapping[str, Any]
    profile: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    data_key: bytes = field(repr=False)
    stack_key: bytes = field(repr=False)
    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    dedicated: Dedicated | None
    """None: the stack's pool serves it."""
