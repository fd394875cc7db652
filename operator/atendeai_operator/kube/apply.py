"""Server-side apply that costs nothing when nothing has changed, and puts drift right."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from atendeai_operator.api.names import LABEL_CLINIC, LABEL_MANAGED_BY, LABEL_STACK
from atendeai_operator.kube import drift
from atendeai_operator.kube.client import JSON_PATCH, Cluster, Object
from atendeai_operator.kube.kinds import of_object
from atendeai_operator.pipeline.errors import KubeError, Waiting

log = logging.getLogger(__name__)


async def apply(cluster: Cluster, obj: Mapping[str, Any], live: Object | None, *, made: Collection[str] = ()) -> Object:
    """Make one object hold and return it as it is now.

    `live` is what is there, `made` are uids of objects that were made for this owner before. Raises Waiting while an
    old object of that name is still going away, KubeError when the server refuses or the name is somebody else's.
    """
    wanted = drift.prepared(obj)
    kind, meta = of_object(wanted), wanted["metadata"]
    if live is not None:
        if live["metadata"]["uid"] not in made and not _same_owner(wanted, live):
            where = f" in namespace {meta['namespace']}" if meta.get("namespace") else ""
            raise KubeError(f"{meta['name']} exists{where} and was not made for this: delete or rename it")
        if live["metadata"].get("deletionTimestamp"):
            raise Waiting(f"{kind.kind} {meta['name']} is still being deleted", retry_in=2, code="Terminating")
        if drift.in_place(wanted, live):
            return live
        if drift.strangers(live):
            await _take_over(cluster, live)
    return await cluster.apply(wanted)


def _same_owner(wanted: Object, live: Object) -> bool:
    mine, found = wanted["metadata"].get("labels") or {}, live["metadata"].get("labels") or {}
    return all(mine.get(label) == found.get(label) for label in (LABEL_MANAGED_BY, LABEL_STACK, LABEL_CLINIC))


async def _take_over(cluster: Cluster, live: Object) -> None:
    """Become the holder of what others added, so that applying without it removes it."""
    meta = live["metadata"]
    kind = of_object(live)
    names = sorted({entry["manager"] for entry in drift.strangers(live)})
    log.info("taking back fields", extra={"kind": kind.kind, "object": meta["name"], "managers": names})
    patch = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": drift.taken_over(live)},
    ]
    try:
        await cluster.patch(kind, meta.get("namespace"), meta["name"], patch, content_type=JSON_PATCH)
    except KubeError as error:
        if error.status not in (404, 409, 422):
            raise
        raise Waiting(f"{kind.kind} {meta['name']} is changing", retry_in=1, code="Conflict") from error
