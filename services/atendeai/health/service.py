"""Asks every part how it is and sums up.

`GET /health`: 200 and `healthy` when all parts are up, 503 and `unhealthy` when any is down, with each part's status.
The answer is kept for two seconds, so that however many ask, the parts are asked once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from atendeai.kit import clock
from atendeai.kit.health import Health
from atendeai.kit.resources import Kit
from atendeai.kit.settings import SERVICE_PORTS

KEPT_SECONDS = 2.0
PART_SECONDS = 2.0

Part = dict[str, Any]


class Aggregate:
    """The parts of one clinic, or of the shared pool."""

    def __init__(self, kit: Kit, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._kit = kit
        self._own = Health(kit, {})
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()
        self._last: tuple[float, bool, Part] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold connections to the parts for as long as the app runs."""
        async with httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(PART_SECONDS, connect=1.0),
            trust_env=False,
            follow_redirects=False,
        ) as client:
            self._client = client
            yield

    async def report(self) -> tuple[bool, Part]:
        """Return whether every part is up, and the body of `/health`."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                healthy, body = await self._ask_all()
                self._last = (time.monotonic(), healthy, body)
            return self._last[1], self._last[2]

    async def _ask_all(self) -> tuple[bool, Part]:
        settings = self._kit.settings
        others = [name for name in SERVICE_PORTS if name != settings.service]
        addresses = {name: f"{settings.service_url(name)}/health" for name in others}
        if settings.gateway_health_url:
            addresses["gateway"] = settings.gateway_health_url
        own, *answers = await asyncio.gather(
            self._own.components(), *(self._ask(address) for address in addresses.values())
        )
        parts: dict[str, Part] = {settings.service: {"status": "up", "version": settings.version}}
        parts.update(zip(addresses, answers, strict=True))
        parts.update(own)
        healthy = all(part["status"] == "up" for part in parts.values()) and not self._kit.draining
        return healthy, {
            "status": "healthy" if healthy else "unhealthy",
            "service": settings.service,
            "version": settings.version,
            "checked_at": clock.now(),
            "components": parts,
        }

    async def _ask(self, address: str) -> Part:
        """Return one part's status. Where it lives and why a connection failed stays in here."""
        started = time.perf_counter()
        assert self._client is not None  # noqa: S101 - opened with the app
        try:
            async with asyncio.timeout(PART_SECONDS):
                response = await self._client.get(address)
        except TimeoutError:
            return {"status": "down", "reason": "timed out"}
        except httpx.TimeoutException:
            return {"status": "down", "reason": "timed out"}
        except httpx.HTTPError:
            return {"status": "down", "reason": "does not answer"}
        part: Part = {
            "status": "up" if response.is_success else "down",
            "latency_ms": round((time.perf_counter() - started) * 1000, 1),
        }
        reported = _decoded(response)
        if isinstance(reported.get("version"), str):
            part["version"] = reported["version"]
        if not response.is_success:
            part["reason"] = _reason(reported)
        return part


def _decoded(response: httpx.Response) -> Part:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(reported: Part) -> str:
    """Name the components that a service says are down."""
    components = reported.get("components")
    if isinstance(components, dict):
        down = sorted(
            name for name, part in components.items() if isinstance(part, dict) and part.get("status") == "down"
        )
        if down:
            return f"its {', '.join(down)} does not answer"
    return "reports that it is not healthy"
