"""What both resources share: sizes of services, limits, status, conditions. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atendeai_operator.api import quantity
from atendeai_operator.api.schema import ApiModel, Bytes, Cpu, DnsLabel, Rule, keyed_list, unique_by
from atendeai_operator.catalogue import CATALOGUE


class ResourceAmounts(ApiModel):
    """CPU and memory of one container."""

    cpu: Cpu | None = None
    """CPU in cores (`1`) or millicores (`250m`)."""
    memory: Bytes | None = None
    """Memory with a binary suffix, for example `256Mi`."""


def _within(request: str | None, limit: str | None) -> bool:
    return request is None or limit is None or quantity.parse(request) <= quantity.parse(limit)


class Resources(ApiModel):
    """Requests and limits of one container."""

    RULES = (
        Rule(
            "!has(self.requests) || !has(self.limits) || !has(self.requests.cpu) || !has(self.limits.cpu)"
            " || !isQuantity(self.requests.cpu) || !isQuantity(self.limits.cpu)"
            " || quantity(self.requests.cpu).compareTo(quantity(self.limits.cpu)) <= 0",
            "requests.cpu must not exceed limits.cpu",
            lambda r: not r.requests or not r.limits or _within(r.requests.cpu, r.limits.cpu),
        ),
        Rule(
            "!has(self.requests) || !has(self.limits) || !has(self.requests.memory) || !has(self.limits.memory)"
            " || !isQuantity(self.requests.memory) || !isQuantity(self.limits.memory)"
            " || quantity(self.requests.memory).compareTo(quantity(self.limits.memory)) <= 0",
            "requests.memory must not exceed limits.memory",
            lambda r: not r.requests or not r.limits or _within(r.requests.memory, r.limits.memory),
        ),
    )

    requests: ResourceAmounts | None = None
    """What the scheduler sets aside."""
    limits: ResourceAmounts | None = None
    """What the container may use at most."""


class ServiceSize(ApiModel):
    """Replicas and resources of one service; what is absent is taken from the next wider setting."""

    replicas: Annotated[int, Field(ge=1, le=20)] | None = None
    """Number of pods."""
    resources: Resources | None = None
    """Resources of each pod's container."""


_SERVICES = tuple(service.name for service in CATALOGUE)


class ServicesSpec(ApiModel):
    """Sizes of the services: defaults for all of them, overrides by service name."""

    RULES = (
        Rule(
            f"!has(self.overrides) || self.overrides.all(k, k in [{', '.join(repr(name) for name in _SERVICES)}])",
            f"overrides may only name services: {', '.join(_SERVICES)}",
            lambda s: set(s.overrides or {}) <= set(_SERVICES),
        ),
    )

    defaults: ServiceSize | None = None
    """Size of every service that has no override."""
    overrides: Annotated[dict[str, ServiceSize], Field(max_length=16)] | None = None
    """Size by service name, for example `whatsapp`."""


class Limit(ApiModel):
    """A number of requests per minute and per hour."""

    RULES = (
        Rule(
            "self.minute <= self.hour",
            "minute must not exceed hour",
            lambda r: r.minute <= r.hour,
        ),
    )

    minute: Annotated[int, Field(ge=1, le=1000000)]
    """Requests per minute."""
    hour: Annotated[int, Field(ge=1, le=10000000)]
    """Requests per hour."""


class RateLimits(ApiModel):
    """Limits of the sign-in endpoints and of the rest of the API."""

    auth: Limit = Limit(minute=5, hour=100)
    """Per address and account, on the endpoints that take a password or a token."""
    api: Limit = Limit(minute=100, hour=1000)
    """Per signed-in person, or per address when anonymous."""


ConditionStatus = Literal["True", "False", "Unknown"]
Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


class Condition(ApiModel):
    """One concern's state, after the Kubernetes API conventions (metav1.Condition)."""

    type: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Z][A-Za-z]*$")]
    """Name of the concern."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Z][A-Za-z]*$")]
    """Why, as one CamelCase word."""
    message: Annotated[str, Field(max_length=2000)] = ""
    """Why, for a human, and what to do."""
    last_transition_time: Timestamp
    """When the status changed last."""
    observed_generation: Annotated[int, Field(ge=0, le=2**53)] = 0
    """The generation of the spec that this speaks of."""


class InventoryItem(ApiModel):
    """One object that the operator made for this resource."""

    group: Annotated[str, Field(max_length=253)] = ""
    """API group; empty for the core group."""
    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """Kind."""
    namespace: Annotated[str, Field(max_length=63)] = ""
    """Namespace; empty for objects of the cluster."""
    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name."""
    uid: Annotated[str, Field(min_length=1, max_length=63)]
    """The uid it had when the operator made it: another object of that name is never touched."""


class ServiceStatus(ApiModel):
    """Ready and desired pods of one service."""

    name: DnsLabel
    """Service name."""
    ready: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pods that are ready."""
    desired: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pods that should be."""


Conditions = Annotated[list[Condition], Field(max_length=24, json_schema_extra=keyed_list("type")), unique_by("type")]
Inventory = Annotated[list[InventoryItem], Field(max_length=400)]
ServiceStatuses = Annotated[
    list[ServiceStatus], Field(max_length=32, json_schema_extra=keyed_list("name")), unique_by("name")
]
