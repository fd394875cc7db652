"""Asks the parts how they are: the other services, the gateway, PostgreSQL and Redis, the queues; briefly, all at once.

What a part answers is not passed on: where it lives, and why a connection failed, stays in here.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import orjson

from atendeai.health import repository
from atendeai.health.picture import Part, State
from atendeai.kit.errors import Unavailable
from atendeai.kit.health import Component, Health
from atendeai.kit.http import trusted_at
from atendeai.kit.resources import Kit
from atendeai.kit.settings import SERVICE_PORTS

PART_SECONDS = 2.0

Json = dict[str, Any]


class Parts:
    """The parts of one clinic's own services, or of the shared pool."""

    def __init__(self, kit: Kit, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._kit = kit
        self._own = Health(kit, {})
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(PART_SECONDS, connect=1.0),
            trust_env=False,  # the parts are in the cluster, never behind a proxy
            verify=trusted_at(kit.settings.service_url_template, kit.settings.gateway_health_url),
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections to the parts."""
        await self._client.aclose()

    async def ask(self) -> tuple[Part, ...]:
        """Return every part as it is now, not yet compared with thresholds."""
        settings = self._kit.settings
        others = [name for name in SERVICE_PORTS if name != settings.service]
        asked = [self._ask(name, "service", f"{settings.service_url(name)}/health") for name in others]
        if settings.gateway_health_url:
            asked.append(self._ask("gateway", "gateway", settings.gateway_health_url))
        answers, stores, refused, work = await asyncio.gather(
            asyncio.gather(*asked), self._own.components(), self._refused(), self._work()
        )
        own = Part(settings.service, "service", version=settings.version)
        return own, *answers, *(_store(name, found, refused.get(name)) for name, found in stores.items()), work

    async def _refused(self) -> dict[str, str]:
        """Which stores take no writes, and what they do instead: they answer, so that no service ends for it."""
        try:
            async with asyncio.timeout(PART_SECONDS):
                await self._kit.cache.prove_writes()
        except TimeoutError:
            return {"redis": "does not answer a write in time"}
        except Unavailable as error:
            return {"redis": error.how}
        return {}

    async def _ask(self, name: str, kind: str, address: str) -> Part:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PART_SECONDS):
                response = await self._client.get(address, headers={"Accept": "application/json"})
        except (TimeoutError, httpx.TimeoutException):
            return Part(name, kind, State.DOWN, "timed out")
        except httpx.HTTPError:
            return Part(name, kind, State.DOWN, "does not answer")
        seconds = time.perf_counter() - started
        reported = _decoded(response)
        version = reported.get("version")
        return Part(
            name,
            kind,
            State.UP if response.is_success else State.DOWN,
            None if response.is_success else _reason(reported),
            latency_ms=round(seconds * 1000, 1),
            version=version if isinstance(version, str) else None,
            signals={"latency_seconds": seconds},
        )

    async def _work(self) -> Part:
        try:
            async with asyncio.timeout(PART_SECONDS), self._kit.database.system() as connection:
                ages = await repository.backlogs(connection)
        except (TimeoutError, Unavailable):
            return Part("work", "work", State.DEGRADED, "is not known: postgresql does not answer")
        return Part("work", "work", signals={"queue_age_seconds": max(ages.values(), default=0.0)})


def _store(name: str, found: Component, refused: str | None) -> Part:
    latency = found.get("latency_ms")
    part = Part(
        name,
        "datastore",
        State(found["status"]),
        found.get("reason"),
        latency_ms=latency,
        signals={} if latency is None else {"latency_seconds": latency / 1000},
    )
    return part if refused is None or part.state is not State.UP else part.worse(State.DEGRADED, refused)


def _decoded(response: httpx.Response) -> Json:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(reported: Json) -> str:
    """Name the components that a service says are down."""
    components = reported.get("components")
    if isinstance(components, dict):
        down = sorted(
            name for name, part in components.items() if isinstance(part, dict) and part.get("status") == "down"
        )
        if down:
            return f"its {', '.join(down)} does not answer"
    return "reports that it is not healthy"
