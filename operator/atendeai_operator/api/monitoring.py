"""What a stack says about its monitoring. Pure; part of the source of its CRD."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from atendeai_operator.api.common import Resources
from atendeai_operator.api.schema import ApiModel, Duration, Rule, SecretRef, lies_between
from atendeai_operator.api.storage import Storage

RETENTION_LEAST, RETENTION_MOST = 2, 87600
"""Hours: what Prometheus keeps in memory before it writes a first block, and ten years."""


class Prometheus(ApiModel):
    """A Prometheus of the stack's own, run by the Prometheus Operator."""

    RULES = (lies_between("retention", f"{RETENTION_LEAST}h", f"{RETENTION_MOST}h", lambda p: p.retention),)

    retention: Duration = "200h"
    """How long metrics are kept."""
    storage: Storage = Storage()
    """Volume of the metrics. The Prometheus Operator gives it to new pods; it grows none that exists."""
    resources: Resources | None = None
    """Resources of Prometheus' container."""


class Alertmanager(ApiModel):
    """An Alertmanager of the stack's own, run by the Prometheus Operator; the stack's Prometheus sends to it."""

    storage: Storage | None = None
    """Volume of silences and of what was told; absent means that both end with the pod."""
    resources: Resources | None = None
    """Resources of Alertmanager's container."""
    config_secret_ref: SecretRef | None = None
    """Secret with the key `alertmanager.yaml`; absent means that nobody is told and alerts show on its pages alone."""


class Thresholds(ApiModel):
    """From where on a part is called degraded: by `/health`, in its history, and by the alerts."""

    RULES = (
        lies_between("latency", "1s", "60s", lambda t: t.latency),
        lies_between("queueAge", "5s", "24h", lambda t: t.queue_age),
        lies_between("tokenExpiry", "1h", "2160h", lambda t: t.token_expiry),
    )

    latency: Duration = "1s"
    """Time that a part takes to say how it is."""
    queue_age: Duration = "60s"
    """How long work has been due."""
    outbound_failure_percent: Annotated[int, Field(ge=1, le=100)] = 10
    """Share of a clinic's messages of the last quarter of an hour that failed for good."""
    token_expiry: Duration = "168h"  # noqa: S105 - a time and no token
    """How long before its end an access token is called degraded."""


class Monitoring(ApiModel):
    """Objects for the Prometheus Operator, made when its CRDs are present."""

    RULES = (
        Rule(
            "!has(self.alertmanager) || has(self.prometheus)",
            "alertmanager needs prometheus: nothing else of the stack sends alerts",
            lambda m: m.alertmanager is None or m.prometheus is not None,
        ),
        Rule(
            "!has(self.labels) || self.labels.all(k, size(k) <= 253"
            " && k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
            "labels must have valid label names",
            lambda m: all(_label_name(key) for key in m.labels or {}),
        ),
    )

    enabled: bool = True
    """Whether any of these objects is made."""
    labels: (
        Annotated[
            dict[str, Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]],
            Field(max_length=16),
        ]
        | None
    ) = None
    """Labels that the ServiceMonitors carry, so that a Prometheus selects them."""
    thresholds: Thresholds = Thresholds()
    """From where on a part is degraded."""
    prometheus: Prometheus | None = None
    """A Prometheus of the stack's own; absent means that one from elsewhere reads the ServiceMonitors."""
    alertmanager: Alertmanager | None = None
    """An Alertmanager of the stack's own."""


LABEL_NAME_LIMIT = 253


def _label_name(key: str) -> bool:
    return len(key) <= LABEL_NAME_LIMIT and bool(
        re.match(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z", key)
    )
