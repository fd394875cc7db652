"""What was measured, as lines to read: medians with their spread, ratios round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Runs = Mapping[str, Sequence[Mapping[str, Any]]]
"""By contestant: one report of the load for each round."""


@dataclass(frozen=True)
class Goal:
    """A ratio of the service to a contestant, and what it must be: at least, or (`most`) at most."""

    against: str
    measure: str
    value: float
    most: bool = False

    def line(self, runs: Runs, ours: str) -> str:
        """Say how it stands, with the spread over the rounds."""
        found = [
            one[self.measure] / other[self.measure] for one, other in zip(runs[ours], runs[self.against], strict=True)
        ]
        middle = median(found)
        good = middle <= self.value if self.most else middle >= self.value
        wanted = f"{'at most' if self.most else 'at least'} {self.value:.2f}"
        verdict = "met" if good else f"missed by {abs(middle / self.value - 1):.0%}"
        return (
            f"  {self.measure:<10} {ours} / {self.against:<14} {middle:5.2f} ({min(found):.2f} to {max(found):.2f})"
            f"  goal {wanted}: {verdict}"
        )


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median, least and most."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def show(title: str, runs: Runs, goals: Sequence[Goal], ours: str = "atendeai") -> None:
    """Print one comparison."""
    print(f"\n{title}: {len(runs[ours])} alternating runs, median (least to most)")
    print(f"  {'':<16}{'requests/s':>26}{'p50 ms':>24}{'p99 ms':>26}{'CPU µs/request':>22}")
    for name, reports in runs.items():
        columns = [spread([one[key] for one in reports], digits) for key, digits in _COLUMNS]
        print(f"  {name:<16}{columns[0]:>26}{columns[1]:>24}{columns[2]:>26}{columns[3]:>22}")
    for goal in goals:
        print(goal.line(runs, ours))


_COLUMNS = (("throughput", 0), ("p50_ms", 1), ("p99_ms", 1), ("cpu_us", 0))
