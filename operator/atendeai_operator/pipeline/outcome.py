"""What one pass over a resource came to: the input of `status`. Pure but for being filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from atendeai_operator.api.common import InventoryItem
from atendeai_operator.api.conditions import Concern, bad
from atendeai_operator.pipeline.errors import InvalidSpec, KubeError, TenancyError, Waiting
from atendeai_operator.stack.facts import Observed

ERROR_RETRY = 15.0
"""Seconds until a pass with errors is repeated, unless something wakes it before."""

INVALID_RETRY = 60.0
"""Seconds until a resource that waits for its user is looked at again: what heals it may send no event."""


@dataclass
class Outcome:
    """Errors, waits and findings of one pass."""

    invalid: InvalidSpec | None = None
    waiting: list[Waiting] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    concerns: dict[str, Concern] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    inventory: list[InventoryItem] | None = None
    """None: as before."""
    told: set[str] = field(default_factory=set)
    """Waits that a condition of their own tells already."""
    looks: list[float] = field(default_factory=list)
    """Seconds until something is looked at again that does not keep the pass from being complete."""

    @property
    def complete(self) -> bool:
        """Whether every step ran without an error or a wait."""
        return not (self.invalid or self.waiting or self.errors)

    @property
    def retry_in(self) -> float | None:
        """Seconds until the pass should be repeated; None when only an event can change anything."""
        delays = [*self.looks, *(wait.retry_in for wait in self.waiting)]
        if self.invalid:
            delays.append(INVALID_RETRY)
        if self.errors:
            delays.append(ERROR_RETRY)
        return min(delays, default=None)

    @asynccontextmanager
    async def step(self, name: str, concern: str | None = None) -> AsyncIterator[None]:
        """Run one independent step: its errors are collected, and told by `concern` where one is named."""
        try:
            yield
        except Waiting as wait:
            self.waiting.append(wait)
            if concern:
                self.concerns[concern] = bad(wait.code, wait.what)
                self.told.add(wait.what)
        except (KubeError, TenancyError) as error:
            self.errors.append(f"{name}: {error}")
            if concern:
                self.concerns[concern] = bad("Failed", str(error))

    def wait(self, wait: Waiting) -> None:
        """Wait for something that a condition tells by itself."""
        self.waiting.append(wait)
        self.told.add(wait.what)

    def summary(self, problems: Iterable[str] = ()) -> str:
        """Return what stands in the way of being ready, for a human."""
        waits = [wait.what for wait in self.waiting if wait.what not in self.told]
        parts = dict.fromkeys(part if part.endswith(".") else f"{part}." for part in (*self.errors, *waits, *problems))
        return " ".join(part for part in parts if not any(part != other and part in other for other in parts))
