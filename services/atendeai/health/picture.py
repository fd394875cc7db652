"""What the health service knows at a moment: the parts, how each is, and what that makes of the whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

__all__ = ["LEFT", "Part", "Picture", "State", "judged"]

LEFT = frozenset({"token_left_seconds"})
"""Signals of what is left of something: degraded below their threshold, all others above."""


class State(StrEnum):
    """How a part is. Degraded: it works, but not as it should."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def rank(self) -> int:
        """0 up, 1 degraded, 2 down: as the metrics show it."""
        return list(State).index(self)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. Without a required one nobody is served; without a channel something is missing."""

    name: str
    kind: str
    """`service`, `datastore`, `gateway`, `work` or `channel`."""
    state: State = State.UP
    reason: str | None = None
    latency_ms: float | None = None
    version: str | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    """What was measured, by the name of the threshold it is compared with."""

    @property
    def required(self) -> bool:
        """Whether the whole is down when this is."""
        return self.kind in {"service", "datastore", "gateway"}

    def worse(self, state: State, reason: str) -> Part:
        """Return the part with another complaint: the graver state holds, both reasons are told."""
        reasons = "; ".join(one for one in (self.reason, reason) if one)
        return replace(self, state=max(self.state, state, key=lambda one: one.rank), reason=reasons)


@dataclass(frozen=True, slots=True)
class Picture:
    """All parts at a moment."""

    service: str
    version: str
    checked_at: datetime
    parts: tuple[Part, ...]
    draining: bool = False

    @property
    def status(self) -> str:
        """`unhealthy` when a required part is down; `degraded` when any part is not up; else `healthy`."""
        if self.draining or any(part.required and part.state is State.DOWN for part in self.parts):
            return "unhealthy"
        return "healthy" if all(part.state is State.UP for part in self.parts) else "degraded"

    @property
    def serves(self) -> bool:
        """Whether the answer is 200: what is degraded still serves."""
        return self.status != "unhealthy"

    def with_parts(self, more: Iterable[Part]) -> Picture:
        """Return the picture with more parts."""
        return replace(self, parts=(*self.parts, *more))


_UNITS = {"latency_seconds": "s", "queue_age_seconds": "s", "outbound_failure_ratio": ""}
_SAID = {
    "latency_seconds": "answers in {value}",
    "queue_age_seconds": "work waits for {value}",
    "outbound_failure_ratio": "{value} of its messages fail",
    "token_left_seconds": "its access token ends in {value}",
}


def judged(part: Part, thresholds: Mapping[str, float]) -> Part:
    """Return the part degraded by every signal of it beyond its threshold: exactly what the alert compares."""
    for signal, value in part.signals.items():
        limit = thresholds.get(signal)
        if limit is None or not (value < limit if signal in LEFT else value > limit):
            continue
        said = _SAID[signal].format(value=_amount(signal, value))
        bound = "less" if signal in LEFT else "more"
        part = part.worse(State.DEGRADED, f"{said}, {bound} than {_amount(signal, limit)}")
    return part


def _amount(signal: str, value: float) -> str:
    if signal in LEFT:
        return f"{max(value, 0) / 3600:.0f} h"
    return f"{value:.0%}" if signal.endswith("ratio") else f"{value:.3g} {_UNITS[signal]}"
