"""The frame of every reconcile, for both kinds: finalizer, first status, pause, deletion, errors, one status write.

What happens between is the kind's own (`stack.reconcile`, `clinic.reconcile`). This is the one adapter that maps
`InvalidSpec`, `Waiting` and `KubeError` to conditions, events and retries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from atendeai_operator.api.common import Condition
from atendeai_operator.api.conditions import by_type
from atendeai_operator.api.names import FINALIZER
from atendeai_operator.api.schema import ApiModel
from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.kube.events import Recorder
from atendeai_operator.kube.kinds import Kind
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.errors import InvalidSpec, KubeError, TenancyError, Waiting
from atendeai_operator.pipeline.outcome import ERROR_RETRY, Outcome
from atendeai_operator.stack.facts import Meta

log = logging.getLogger(__name__)

Spec = TypeVar("Spec", bound=ApiModel)
Status = TypeVar("Status", bound=ApiModel)

CONFLICT_RETRY = 0.5
"""Seconds until a pass is repeated whose write met a newer version of the resource."""
_ANNOUNCED = ("Ready", "Stalled", "Paused", "Suspended")
"""Conditions whose transitions become events."""
_OVER = {
    "Stalled": "It goes on by itself again.",
    "Paused": "The operator takes care of it again.",
    "Suspended": "Awake again: its services take its messages.",
}
"""What the event says when one of these ends: the condition itself then has nothing to say."""


@dataclass(frozen=True)
class Resource(Generic[Spec, Status]):
    """A custom resource, parsed."""

    meta: Meta
    spec: Spec
    status: Status
    live: Object


class Rooms(Protocol[Spec, Status]):
    """What a kind brings along."""

    kind: Kind

    def parse(self, live: Mapping[str, Any]) -> Resource[Spec, Status]:
        """Return the resource; pydantic's ValidationError when the schema has let something through."""

    def paused(self, spec: Spec) -> bool:
        """Tell whether the operator must leave the resource alone."""

    def first_status(self, meta: Meta, now: datetime) -> Status:
        """Return the very first status."""

    def paused_status(self, resource: Resource[Spec, Status], now: datetime) -> Status:
        """Return the status of a paused resource."""

    def unreadable_status(self, meta: Meta, conditions: list[Condition], error: InvalidSpec, now: datetime) -> Status:
        """Return the status of a resource whose spec cannot be read."""

    def deleting_status(self, resource: Resource[Spec, Status], what: str, now: datetime) -> Status:
        """Return the status of a resource whose deletion waits for something."""

    async def carry_out(self, resource: Resource[Spec, Status]) -> tuple[Status, Outcome]:
        """Make the resource hold; return its new status and what the pass came to."""

    async def tear_down(self, resource: Resource[Spec, Status]) -> None:
        """Remove what belongs to a deleted resource. Raises Waiting until everything is gone."""

    async def forgotten(self, key: Key) -> None:
        """The resource does not exist any more."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def as_json(model: ApiModel) -> dict[str, Any]:
    """Return a model as the API server keeps it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def conditions_of(status: ApiModel | None) -> list[Condition]:
    """Return the conditions of either kind's status."""
    return list(getattr(status, "conditions", []))


def metadata(live: Mapping[str, Any]) -> Meta:
    """Return the metadata that the rooms use."""
    meta = live["metadata"]
    return Meta(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        deleted_at=meta.get("deletionTimestamp"),
        finalizers=tuple(meta.get("finalizers") or ()),
    )


class Reconciler(Generic[Spec, Status]):
    """Reconciles one kind."""

    def __init__(
        self,
        cluster: Cluster,
        rooms: Rooms[Spec, Status],
        recorder: Recorder,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._cluster = cluster
        self._rooms = rooms
        self._recorder = recorder
        self._now = now

    async def reconcile(self, key: Key) -> float | None:
        """Run one pass; return seconds until the next one, or None when only an event can change anything."""
        live = await self._cluster.get(self._rooms.kind, key.namespace, key.name)
        if live is None:
            await self._rooms.forgotten(key)
            return None
        try:
            return await self._pass(live)
        except KubeError as error:
            if error.conflict or error.gone:  # somebody was faster: look again
                return CONFLICT_RETRY
            raise

    async def _pass(self, live: Object) -> float | None:
        meta = metadata(live)
        try:
            resource = self._rooms.parse(live)
        except ValidationError as error:
            return await self._unreadable(live, meta, error)
        if meta.deleted_at:
            return await self._delete(resource)
        if self._rooms.paused(resource.spec):
            await self._write(live, resource.status, self._rooms.paused_status(resource, self._now()))
            return None
        if FINALIZER not in meta.finalizers:
            live = await self._set_finalizers(live, [*meta.finalizers, FINALIZER])
        if not conditions_of(resource.status):
            first = self._rooms.first_status(meta, self._now())
            live = await self._write(live, resource.status, first)
        resource = self._rooms.parse(live)
        status, outcome = await self._rooms.carry_out(resource)
        await self._write(live, resource.status, status)
        return outcome.retry_in

    async def _unreadable(self, live: Object, meta: Meta, error: ValidationError) -> float | None:
        """Say that the spec cannot be read: the schema in the cluster is another one than this operator's."""
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        known = live.get("status") or {}
        previous = [Condition.model_validate(entry) for entry in known.get("conditions") or ()]
        invalid = InvalidSpec(where or "spec", first["msg"])
        status = as_json(self._rooms.unreadable_status(meta, previous, invalid, self._now()))
        if all(known.get(key) == value for key, value in status.items()):
            return None
        await self._cluster.patch(self._rooms.kind, meta.namespace, meta.name, {"status": status}, subresource="status")
        log.warning("unreadable resource", extra={"object": f"{meta.namespace}/{meta.name}", "why": str(invalid)})
        return None

    async def _delete(self, resource: Resource[Spec, Status]) -> float | None:
        meta = resource.meta
        if FINALIZER not in meta.finalizers:
            return None
        try:
            await self._rooms.tear_down(resource)
        except Waiting as wait:
            log.info("deletion waits", extra={"object": f"{meta.namespace}/{meta.name}", "for": wait.what})
            await self._write(
                resource.live, resource.status, self._rooms.deleting_status(resource, wait.what, self._now())
            )
            return wait.retry_in
        except TenancyError as error:
            await self._recorder.record(resource.live, "Warning", "DeletionFailed", str(error))
            return ERROR_RETRY
        await self._set_finalizers(resource.live, [name for name in meta.finalizers if name != FINALIZER])
        return None

    async def _set_finalizers(self, live: Object, finalizers: list[str]) -> Object:
        meta = live["metadata"]
        body = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": finalizers}}
        return await self._cluster.patch(self._rooms.kind, meta["namespace"], meta["name"], body)

    async def _write(self, live: Object, before: Status, after: Status) -> Object:
        """Write the status unless it is equal, and announce what has changed."""
        if as_json(before) == as_json(after):
            return live
        meta = live["metadata"]
        written = await self._cluster.patch(
            self._rooms.kind,
            meta["namespace"],
            meta["name"],
            _status_patch(before, after),
            subresource="status",
        )
        await self._announce(live, before, after)
        return written

    async def _announce(self, live: Object, before: Status, after: Status) -> None:
        known = by_type(conditions_of(before))
        told: set[tuple[str, str]] = set()
        for condition in conditions_of(after):
            old = known.get(condition.type)
            changed = old is None or (old.status, old.reason) != (condition.status, condition.reason)
            if condition.type not in _ANNOUNCED or not changed:
                continue
            if condition.type != "Ready" and condition.status != "True" and (old is None or old.status != "True"):
                continue
            if condition.status == "Unknown":
                continue
            failing = (condition.type == "Ready") != (condition.status == "True") and condition.reason not in (
                "Deleting",
                "Progressing",
                "Waiting",
            )
            kind = "Warning" if failing and condition.type in ("Ready", "Stalled") else "Normal"
            text = condition.message or _OVER.get(condition.type) or f"{condition.type} is {condition.status}"
            if (condition.reason, text) in told:  # Ready and Stalled give the same reason: it is said once
                continue
            told.add((condition.reason, text))
            await self._recorder.record(live, kind, condition.reason, text)


def _status_patch(before: ApiModel, after: ApiModel) -> dict[str, Any]:
    """Return a merge patch from one status to the other: lists whole, what has gone as null."""
    old, new = as_json(before), as_json(after)
    patch: dict[str, Any] = {key: value for key, value in new.items() if old.get(key) != value}
    patch.update({key: None for key in old if key not in new})
    return {"status": patch}
