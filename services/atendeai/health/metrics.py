"""The picture as gauges: of the process, for `/metrics`, and of one answer, for `/health` in Prometheus' formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from atendeai.health.picture import Part, Picture, State

__all__ = ["OF_THE_PROCESS", "Gauges"]


class Gauges:
    """Alerts and dashboards read these; no label names a clinic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._status = Gauge(
            "atendeai_health_component_status",
            "How the part is: 0 up, 1 degraded, 2 down.",
            ("component",),
            registry=registry,
        )
        self._signal = Gauge(
            "atendeai_health_signal",
            "What was measured of a part; degraded beyond the threshold of the same signal.",
            ("component", "signal"),
            registry=registry,
        )
        self._threshold = Gauge(
            "atendeai_health_threshold", "From where on a part is degraded.", ("signal",), registry=registry
        )
        self._clinics = Gauge(
            "atendeai_health_clinics",
            "Clinics served here, by channel and how it is.",
            ("channel", "status"),
            registry=registry,
        )

    def show(self, picture: Picture, thresholds: Mapping[str, float]) -> None:
        """Show the parts that are no clinic's, and what they are compared with."""
        for signal, limit in thresholds.items():
            self._threshold.labels(signal).set(limit)
        for part in picture.parts:
            if part.kind == "channel":
                continue
            self._status.labels(part.name).set(part.state.rank)
            for signal in thresholds:
                if signal in part.signals:
                    self._signal.labels(part.name, signal).set(part.signals[signal])
                else:  # what was measured last is no measure of now
                    self._signal.remove(part.name, signal)

    def show_channels(self, clinics: Iterable[Iterable[Part]]) -> None:
        """Show how many clinics' channels are how."""
        counted = Counter((part.name, part.state) for parts in clinics for part in parts)
        for channel in {name for name, _ in counted} | {labels[0] for labels in self._known()}:
            for state in State:
                self._clinics.labels(channel, state.value).set(counted[channel, state])

    def _known(self) -> list[tuple[str, ...]]:
        return [tuple(sample.labels.values()) for metric in self._clinics.collect() for sample in metric.samples]


OF_THE_PROCESS = Gauges(REGISTRY)
