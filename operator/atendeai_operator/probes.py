"""Whether the operator works: /healthz, /readyz and /metrics.

An operator can look alive while its watch is dead. So the leader writes a heartbeat into a ConfigMap of its own
namespace and counts as healthy only while it sees its own heartbeats come back through the watch. A standby is
healthy while the API server answers it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from atendeai_operator.api import names
from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.lease import Leader
from atendeai_operator.pipeline.errors import KubeError

log = logging.getLogger(__name__)

HEARTBEAT = "atendeai-operator-heartbeat"
BEAT_SECONDS, STALE_SECONDS = 10.0, 45.0
CONTACT_SECONDS = 30.0
"""Seconds without an answer of the API server after which a standby is not healthy."""
START_SECONDS = 60.0
"""Seconds that a new leader has until its first heartbeat must have come back."""

LEADING = Gauge("atendeai_operator_leading", "1 while this process leads")
ROUND_TRIP = Gauge("atendeai_operator_heartbeat_age_seconds", "Age of the last heartbeat that came back")


class Pulse:
    """Sends heartbeats, sees them come back, and answers whether that works."""

    def __init__(self, cluster: Cluster, namespace: str, leader: Leader) -> None:
        self._cluster, self._namespace, self._leader = cluster, namespace, leader
        self._leading_since: float | None = None
        self._sent: dict[str, float] = {}
        self._returned: float | None = None

    async def beat(self) -> None:
        """Send heartbeats until cancelled."""
        loop = asyncio.get_running_loop()
        self._leading_since = loop.time()
        LEADING.set(1)
        number = 0
        while True:
            number += 1
            stamp = f"{self._leading_since:.3f}-{number}"
            self._sent = {**dict(list(self._sent.items())[-8:]), stamp: loop.time()}
            try:
                await self._cluster.apply(self._object(stamp))
            except KubeError as error:
                log.warning("heartbeat not written", extra={"error": str(error)})
            await asyncio.sleep(BEAT_SECONDS)

    def seen(self, obj: Mapping[str, Any]) -> bool:
        """Take note of an event; return whether it was a heartbeat."""
        meta = obj["metadata"]
        if meta["name"] != HEARTBEAT or meta.get("namespace") != self._namespace:
            return False
        sent = self._sent.get((obj.get("data") or {}).get("beat", ""))
        if sent is not None:
            self._returned = max(sent, self._returned or 0.0)
        return True

    def trouble(self) -> str:
        """Return why the operator is not healthy; empty when it is."""
        now = asyncio.get_running_loop().time()
        if self._leading_since is None:
            silent = now - self._leader.contact
            return f"the API server has not answered for {silent:.0f} s" if silent > CONTACT_SECONDS else ""
        if self._returned is None:
            waited = now - self._leading_since
            return f"no heartbeat has come back in {waited:.0f} s" if waited > START_SECONDS else ""
        age = now - self._returned
        ROUND_TRIP.set(age)
        return f"the last heartbeat came back {age:.0f} s ago" if age > STALE_SECONDS else ""

    def _object(self, stamp: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": HEARTBEAT,
                "namespace": self._namespace,
                "labels": {names.LABEL_MANAGED_BY: names.FIELD_MANAGER, names.LABEL_PART_OF: "atendeai"},
            },
            "data": {"beat": stamp},
        }


async def serve(pulse: Pulse, port: int) -> web.AppRunner:
    """Serve probes and metrics on all addresses; return what must be cleaned up."""

    async def health(_: web.Request) -> web.Response:
        trouble = pulse.trouble()
        return web.json_response({"status": trouble or "ok"}, status=503 if trouble else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/healthz", health), web.get("/readyz", health), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner
