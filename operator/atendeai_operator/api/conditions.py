"""Conditions after the Kubernetes API conventions and kstatus. Pure: the clock is an argument.

`Ready`, `Reconciling` and `Stalled` follow kstatus (sigs.k8s.io/cli-utils), so that `kubectl wait` and `helm --wait`
work: a resource is current when Ready is True for its generation and neither of the others is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from atendeai_operator.api.common import Condition, ConditionStatus

MESSAGE_LIMIT = 2000
"""Characters that a condition's message may have (see `Condition.message`)."""


class Reason(StrEnum):
    """Every reason a condition can have, but for those that an `InvalidSpec` or a `Waiting` brings along."""

    READY = "Ready"
    PENDING = "Pending"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    WAKING = "Waking"
    PAUSED = "Paused"
    ACTIVE = "Active"
    INVALID_SPEC = "InvalidSpec"
    SPEC_VALID = "SpecValid"
    FAILED = "Failed"
    DELETING = "Deleting"
    CONFIGURED = "Configured"
    NOT_USED = "NotUsed"
    SHARED = "Shared"
    DISABLED = "Disabled"
    NOT_INSTALLED = "NotInstalled"
    UP_TO_DATE = "UpToDate"
    WORKING = "Working"
    TEMPLATES_MISSING = "TemplatesMissing"
    REFUSED = "Refused"
    UNREACHABLE = "Unreachable"


@dataclass(frozen=True)
class Concern:
    """What a condition should say, before it is known whether that is news."""

    status: ConditionStatus
    reason: str
    message: str = ""


def good(reason: str = Reason.READY, message: str = "") -> Concern:
    """Return a concern that holds."""
    return Concern("True", reason, message)


def bad(reason: str, message: str) -> Concern:
    """Return a concern that does not hold."""
    return Concern("False", reason, message)


def unknown(reason: str = Reason.PENDING, message: str = "") -> Concern:
    """Return a concern of which nothing is known yet."""
    return Concern("Unknown", reason, message)


def by_type(conditions: Iterable[Condition]) -> dict[str, Condition]:
    """Return conditions by their type."""
    return {condition.type: condition for condition in conditions}


def merge(
    previous: Iterable[Condition], wanted: Mapping[str, Concern], *, generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions for `wanted`; the transition time moves only when a status flips."""
    known = by_type(previous)
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    merged = []
    for kind, concern in wanted.items():
        before = known.get(kind)
        same = before is not None and before.status == concern.status
        merged.append(
            Condition(
                type=kind,
                status=concern.status,
                reason=str(concern.reason),
                message=concern.message[:MESSAGE_LIMIT],
                last_transition_time=before.last_transition_time if before and same else stamp,
                observed_generation=generation,
            )
        )
    return merged
