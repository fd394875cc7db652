"""The three health endpoints: `/health/live` (the process), `/health/ready` (its database and cache), `/health`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, NotRequired

# pydantic reads no TypedDict of Python 3.11's own.
from typing_extensions import TypedDict

from atendeai.kit import metrics
from atendeai.kit.errors import Problem

if TYPE_CHECKING:
    from atendeai.kit.resources import Kit

Check = Callable[[], Awaitable[None]]
"""Returns when the thing works, raises when it does not."""


class Liveness(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class Readiness(TypedDict):
    """Whether the process takes requests; with 503 it does not, at the moment or any more."""

    status: Literal["ready", "unhealthy", "draining"]


class Component(TypedDict):
    """Something that the process needs: how long it took to answer, or why it counts as down."""

    status: Literal["up", "down"]
    latency_ms: NotRequired[float]
    reason: NotRequired[str]


class Overview(TypedDict):
    """How the process is, and everything that it needs; 503 unless it is healthy."""

    status: Literal["healthy", "unhealthy", "draining"]
    service: str
    version: str
    components: dict[str, Component]


_SECONDS = 2.0
_REMEMBERED_SECONDS = 1.0


class Health:
    """Probes what the process needs, all at once, and remembers the answer for a second."""

    def __init__(self, kit: Kit, checks: Mapping[str, Check]) -> None:
        self._kit = kit
        self._checks: dict[str, Check] = {"postgresql": kit.database.ping, "redis": kit.cache.ping, **checks}
        self._lock = asyncio.Lock()
        self._last: tuple[float, dict[str, Component]] | None = None

    async def components(self) -> dict[str, Component]:
        """Return how each component is; a reason never tells a secret."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _REMEMBERED_SECONDS:
                results = await asyncio.gather(*(self._probe(name, check) for name, check in self._checks.items()))
                self._last = (time.monotonic(), dict(zip(self._checks, results, strict=True)))
            return self._last[1]

    async def overview(self) -> Overview:
        """Return the body of `/health`."""
        components = await self.components()
        well = all(component["status"] == "up" for component in components.values())
        settings = self._kit.settings
        return {
            "status": "draining" if self._kit.draining else "healthy" if well else "unhealthy",
            "service": settings.service,
            "version": settings.version,
            "components": components,
        }

    async def _probe(self, name: str, check: Check) -> Component:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(_SECONDS):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the component is down
            metrics.DEPENDENCY_UP.labels(self._kit.settings.service, name).set(0)
            reason = "timed out" if isinstance(error, TimeoutError) else "does not answer"
            if isinstance(error, Problem) and error.status != HTTPStatus.SERVICE_UNAVAILABLE:
                reason = error.title
            return {"status": "down", "reason": reason}
        metrics.DEPENDENCY_UP.labels(self._kit.settings.service, name).set(1)
        return {"status": "up", "latency_ms": round((time.perf_counter() - started) * 1000, 1)}
