"""Leader election with a Lease: one operator works, the others stand by.

The rules are those of client-go's leaderelection: the holder renews; another takes over when it has itself seen no
renewal for the lease's whole duration, by its own clock, so clocks need not agree.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.kube.kinds import LEASE
from atendeai_operator.pipeline.errors import KubeError

log = logging.getLogger(__name__)

DURATION, RENEW_DEADLINE, RETRY = 15.0, 10.0, 2.0
"""Seconds: the lease lasts, its holder gives up when it cannot renew, everybody tries again."""


class LeadershipLost(Exception):  # noqa: N818 - an event, not a fault
    """Somebody else may be leading: stop at once."""


class Leader:
    """One contender for a Lease."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        name: str,
        identity: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._namespace, self._name, self._identity = namespace, name, identity
        self._now = now
        self._seen: tuple[str, float] = ("", 0.0)
        self.contact = 0.0
        """Loop time of the last answer of the API server."""

    async def acquire(self) -> None:
        """Return when this process leads."""
        while not await self._try():  # noqa: ASYNC110 - nobody tells when a lease ends
            await asyncio.sleep(RETRY)
        log.info("leading", extra={"lease": self._name, "identity": self._identity})

    async def hold(self) -> None:
        """Renew until cancelled. Raises LeadershipLost when the lease could not be renewed in time."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(RETRY)
            if await self._try():
                renewed = loop.time()
            elif loop.time() - renewed > RENEW_DEADLINE:
                raise LeadershipLost(self._name)

    async def release(self) -> None:
        """Let go, so that a standby need not wait."""
        try:
            live = await self._cluster.get(LEASE, self._namespace, self._name)
            if live and (live.get("spec") or {}).get("holderIdentity") == self._identity:
                live["spec"] = {**live["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._cluster.replace(live)
        except KubeError as error:
            log.info("lease not released", extra={"error": str(error)})

    async def _try(self) -> bool:
        """Take or renew the lease; return whether this process holds it now."""
        loop = asyncio.get_running_loop()
        try:
            live = await self._cluster.get(LEASE, self._namespace, self._name)
            self.contact = loop.time()
            if live is None:
                await self._cluster.create(self._body({"leaseTransitions": 0, "acquireTime": self._stamp()}))
                return True
            spec = live.get("spec") or {}
            version = str(live["metadata"]["resourceVersion"])
            if version != self._seen[0]:
                self._seen = (version, loop.time())
            mine = spec.get("holderIdentity") == self._identity
            duration = float(spec.get("leaseDurationSeconds") or DURATION)
            if spec.get("holderIdentity") and not mine and loop.time() - self._seen[1] < duration:
                return False
            fields = {
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if mine else 1),
                "acquireTime": spec.get("acquireTime") if mine else self._stamp(),
            }
            await self._cluster.replace({**self._body(fields), "metadata": live["metadata"]})
        except KubeError as error:
            if not error.conflict:
                log.warning("lease", extra={"error": str(error)})
            return False
        return True

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _body(self, fields: dict[str, Any]) -> Object:
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(DURATION),
                "renewTime": self._stamp(),
                **fields,
            },
        }
