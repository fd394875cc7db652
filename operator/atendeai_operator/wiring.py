"""Every kopf decorator on one page. Handlers only wake keys; what a key needs is found out by its reconcile.

kopf brings the watches (with bookmarks and an inactivity timeout). It keeps nothing on the objects: no annotations, no
finalizers, no events of its own. (It must not be told of this operator's finalizer: it would remove one that none of
its own handlers asks for.)
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Mapping
from typing import Any

import kopf

from atendeai_operator.api import names
from atendeai_operator.kube.kinds import CHILDREN, CLINIC, CRD, NAMESPACE, SECRET, STACK, Kind
from atendeai_operator.kube.watch import Key, Owners, secret_references
from atendeai_operator.pipeline.wake import WakeQueue
from atendeai_operator.probes import Pulse
from atendeai_operator.stack.gather import SERVICE_MONITOR_CRD

RESYNC_SECONDS = 300.0
"""Every resource is looked at again within this time, whatever events were missed."""
CHILD_DELAY = 0.3
"""Seconds in which the events of many children become one pass."""

Body = Mapping[str, Any]


def settings(own: kopf.OperatorSettings) -> kopf.OperatorSettings:
    """Return kopf's settings, changed to what this operator needs."""
    own.posting.enabled = False
    own.peering.standalone = True
    own.watching.connect_timeout = 10
    own.networking.error_backoffs = (1, 1, 2, 3, 5, 8, 13)
    mine = f"{names.LABEL_MANAGED_BY}={names.FIELD_MANAGER}"
    for kind in CHILDREN:
        if kind not in (SECRET, NAMESPACE):  # Secrets that specs refer to carry no label of ours
            own.watching.label_selectors[_selector(kind)] = mine
    own.watching.field_selectors[_selector(CRD)] = f"metadata.name={SERVICE_MONITOR_CRD}"
    return own


def _selector(kind: Kind) -> tuple[str, str, str]:
    return kind.group, kind.version, kind.plural


class Wiring:
    """Turns events into keys."""

    def __init__(self, queue: WakeQueue[Key], pulse: Pulse) -> None:
        self._queue, self._pulse = queue, pulse
        self._owners = Owners()
        self._last: dict[Key, tuple[str, str]] = {}
        self._stalled: set[Key] = set()

    def registry(self) -> kopf.OperatorRegistry:
        """Return the handlers."""
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(login)
        kopf.on.event(*_selector(STACK), registry=registry)(self.stack)
        kopf.on.event(*_selector(CLINIC), registry=registry)(self.clinic)
        kopf.on.event(*_selector(CRD), registry=registry)(self.prometheus)
        for kind in CHILDREN:
            kopf.on.event(*_selector(kind), id=f"child-{kind.plural}", registry=registry)(self.child)
        return registry

    async def stack(self, body: Body, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name
        """Wake a stack that has changed, and its clinics with it."""
        key = self._learn("stack", body, type)
        if self._changed(key, type, own=_identity(body), others=json.dumps(body.get("spec"), sort_keys=True)):
            self._wake_clinics(key.namespace)

    async def clinic(self, body: Body, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name
        """Wake a clinic that has changed, and its stack when that concerns the edge."""
        key = self._learn("clinic", body, type)
        if self._changed(key, type, own=_identity(body), others=_edge_view(body)):
            stack = ((body.get("spec") or {}).get("stackRef") or {}).get("name", "")
            self._queue.wake(Key("stack", key.namespace, stack), CHILD_DELAY)
            for other in self._stalled:  # a host or a number may be free now
                self._queue.wake(other, CHILD_DELAY)

    async def child(self, body: Body, **_: Any) -> None:
        """Wake whom a child belongs to, and whoever refers to a Secret."""
        meta = body["metadata"]
        if body.get("kind") == "ConfigMap" and self._pulse.seen(body):
            return
        labels = meta.get("labels") or {}
        if labels.get(names.LABEL_MANAGED_BY) == names.FIELD_MANAGER:
            for key in self._owners.of(labels):
                self._queue.wake(key, CHILD_DELAY)
        if body.get("kind") == "Secret":
            for key in self._owners.referring(meta["namespace"], meta["name"]):
                self._queue.wake(key)
                if key.kind == "stack":  # its Dedicated clinics have copies of what it pulls images with
                    self._wake_clinics(key.namespace)

    def _wake_clinics(self, namespace: str) -> None:
        for clinic in self._owners.known("clinic"):
            if clinic.namespace == namespace:
                self._queue.wake(clinic, CHILD_DELAY)

    async def prometheus(self, **_: Any) -> None:
        """Wake all stacks when the Prometheus Operator comes or goes."""
        for key in self._owners.known("stack"):
            self._queue.wake(key, CHILD_DELAY)

    async def resync(self) -> None:
        """Wake everything once in a while, spread over the whole time."""
        while True:
            for kind in ("stack", "clinic"):
                for key in self._owners.known(kind):
                    self._queue.wake(key, random.uniform(0, RESYNC_SECONDS))  # noqa: S311 - no secret
            await asyncio.sleep(RESYNC_SECONDS)

    def _learn(self, kind: Any, body: Body, event: str | None) -> Key:
        meta = body["metadata"]
        key = Key(kind, meta["namespace"], meta["name"])
        conditions = (body.get("status") or {}).get("conditions") or []
        stalled = any(entry["type"] == "Stalled" and entry["status"] == "True" for entry in conditions)
        (self._stalled.add if stalled and event != "DELETED" else self._stalled.discard)(key)
        if event == "DELETED":
            self._owners.forget(key)
        else:
            label = names.label_value(key.namespace, key.name)
            self._owners.learn(key, label, secret_references(body.get("spec") or {}))
        return key

    def _changed(self, key: Key, event: str | None, *, own: str, others: str) -> bool:
        """Wake the key when it has changed; return whether others are concerned."""
        before = self._last.get(key)
        if event == "DELETED":
            self._last.pop(key, None)
            self._queue.wake(key)
            return True
        self._last[key] = (own, others)
        if before is None or before[0] != own:
            self._queue.wake(key)
        return before is None or before[1] != others


def _identity(body: Body) -> str:
    """Return what a pass depends on of the resource itself: not its status, which is the operator's own."""
    meta = body["metadata"]
    parts = [meta.get("uid"), meta.get("generation"), meta.get("deletionTimestamp"), meta.get("finalizers")]
    parts.append((meta.get("annotations") or {}).get(names.ANNOTATION_ROTATE))
    return json.dumps(parts)


def _edge_view(body: Body) -> str:
    """Return what the stack must know of a clinic."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    parts = [
        [spec.get(key) for key in ("stackRef", "isolation", "suspended", "tls")],
        [status.get(key) for key in ("clinicId", "hosts")],
        # Whether it rests: its services take over from the pool when this changes.
        [known.get("status") for known in status.get("conditions") or [] if known.get("type") == "Suspended"],
        body["metadata"].get("deletionTimestamp"),
    ]
    return json.dumps(parts, sort_keys=True)


def login(**kwargs: Any) -> Any:
    """Return the credentials for the watches: the pod's service account, or the kubeconfig."""
    return kopf.login_with_kubeconfig(**kwargs) if _outside() else kopf.login_with_service_account(**kwargs)


def _outside() -> bool:
    return bool(os.environ.get("KUBECONFIG"))
