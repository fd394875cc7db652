"""Events on transitions: what `kubectl describe` shows. An event that cannot be written stops nothing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from atendeai_operator.api.names import FIELD_MANAGER
from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.pipeline.errors import KubeError

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 1024
"""Bytes of an event's message that the API server accepts."""


class Recorder:
    """Writes events about resources."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._cluster = cluster
        self._now = now

    async def record(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Write one event; `kind` is Normal or Warning."""
        meta = about["metadata"]
        stamp = self._now()
        digest = hashlib.sha256(f"{meta['uid']}{reason}{message}{stamp.timestamp()}".encode()).hexdigest()[:16]
        text = message.encode()[:MESSAGE_LIMIT].decode(errors="ignore")
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name'][:200]}.{digest}", "namespace": meta["namespace"]},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "type": kind,
            "reason": reason,
            "message": text,
            "source": {"component": FIELD_MANAGER},
            "firstTimestamp": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lastTimestamp": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "count": 1,
        }
        try:
            await self._cluster.create(event)
        except KubeError as error:
            log.warning("event not written", extra={"reason": reason, "error": str(error)})
