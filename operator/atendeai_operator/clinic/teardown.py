"""The end of a clinic: its routes and pods first, then its data by `deletionPolicy`, then the finalizer."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.clinic.gather import stack_access
from atendeai_operator.kube.client import Object
from atendeai_operator.kube.kinds import CONFIG_MAP, SECRET
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.applying import remove_all
from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.minting import decoded, ours
from atendeai_operator.pipeline.ports import Postgres
from atendeai_operator.pipeline.reconcile import Resource
from atendeai_operator.stack.facts import Meta
from atendeai_operator.stack.gather import stack_of
from atendeai_operator.stack.teardown import namespace_ends

ROUTE_PATIENCE = 30.0
"""Seconds that a deletion waits for the edge to drop the clinic; a stack that cannot be reconciled must not hold it."""


async def tear_down(hub: Hub, resource: Resource[ClinicSpec, ClinicStatus]) -> None:
    """Remove what belongs to a clinic. Raises Waiting until all of it is gone."""
    meta, spec, status = resource.meta, resource.spec, resource.status
    clinic_id = await _clinic_id(hub, resource)
    stack = await stack_of(hub.cluster, meta.namespace, spec.stack_ref.name)
    ending = await namespace_ends(hub, meta.namespace)
    if stack is not None and clinic_id and not ending:
        await _wait_for_edge(hub, meta, spec.stack_ref.name, clinic_id)
    owner = {names.LABEL_CLINIC: names.label_value(meta.namespace, meta.name)}
    await remove_all(hub.cluster, status.inventory, owner)
    if ending:  # the database goes with the namespace
        return
    if clinic_id is None:
        await _delete_secrets(hub, meta)
        return
    if stack is None:
        await _without_stack(hub, resource, clinic_id)
    else:
        await _data(hub, resource, clinic_id)


async def _clinic_id(hub: Hub, resource: Resource[ClinicSpec, ClinicStatus]) -> UUID | None:
    """Return the id of this very Clinic; None when it never got one: what an earlier one left is not its own."""
    if resource.status.clinic_id:  # whatever somebody has written into the Secret since
        return UUID(resource.status.clinic_id)
    secret = await _identity(hub, resource.meta)
    try:
        return UUID((decoded(secret) or {}).get("clinic-id", b"").decode())
    except ValueError:
        return None


async def _identity(hub: Hub, meta: Meta) -> Object | None:
    """Return the Secret with the identity of this very Clinic."""
    secret = await hub.cluster.get(SECRET, meta.namespace, names.clinic_secret(meta.name))
    if secret is None or not ours(secret):
        return None
    owner = (secret["metadata"].get("annotations") or {}).get(names.ANNOTATION_OWNER_UID)
    return secret if owner == meta.uid else None


async def _wait_for_edge(hub: Hub, meta: Meta, stack: str, clinic_id: UUID) -> None:
    """Raise Waiting while the edge still routes to the clinic."""
    told = await hub.cluster.get(CONFIG_MAP, meta.namespace, names.edge_map(stack))
    if str(clinic_id) not in ((told or {}).get("data") or {}):
        return
    since = datetime.fromisoformat(meta.deleted_at or "").astimezone(UTC)
    if (hub.now() - since).total_seconds() > ROUTE_PATIENCE:
        return
    hub.wake(Key("stack", meta.namespace, stack))
    raise Waiting("The edge still routes to this clinic.", retry_in=0.5, code="Deleting")


async def _data(hub: Hub, resource: Resource[ClinicSpec, ClinicStatus], clinic_id: UUID) -> None:
    """Let go of the clinic in database and cache, and of its data when its policy says so or there is none."""
    meta, spec = resource.meta, resource.spec
    access = await stack_access(hub.cluster, meta.namespace, spec.stack_ref.name)
    if access is None:
        await _without_stack(hub, resource, clinic_id)
        return
    postgres, redis = hub.tenancy.postgres(access[0]), hub.tenancy.redis(access[1])
    await redis.remove_user(clinic_id)
    await redis.drop_keys(clinic_id)
    if spec.deletion_policy == "Delete" or await _never_ran(resource, postgres, clinic_id):
        await postgres.drop_clinic(clinic_id)
        await _delete_secrets(hub, meta)
        return
    await postgres.drop_config(clinic_id)
    await postgres.release(clinic_id)
    await _delete_invitation(hub, meta)
    await hub.recorder.record(
        resource.live,
        "Normal",
        "DataRetained",
        f"Retained: the data of clinic {clinic_id} and Secret {names.clinic_secret(meta.name)}. "
        f"A Clinic with spec.clinicId {clinic_id} takes it over.",
    )


async def _never_ran(resource: Resource[ClinicSpec, ClinicStatus], postgres: Postgres, clinic_id: UUID) -> bool:
    """Tell whether there is nothing to retain, since no pass got beyond the clinic's identity and its claims.

    Where one did, or the clinic took data over, partitions that are missing may come back from a backup, which nobody
    reads without the Secret.
    """
    if resource.status.version or resource.spec.clinic_id:
        return False
    return await postgres.retained(clinic_id) is None


async def _without_stack(hub: Hub, resource: Resource[ClinicSpec, ClinicStatus], clinic_id: UUID) -> None:
    """Say what becomes of data that cannot be reached."""
    meta, spec = resource.meta, resource.spec
    if spec.deletion_policy == "Delete":
        await _delete_secrets(hub, meta)
    else:
        await _delete_invitation(hub, meta)
    await hub.recorder.record(
        resource.live,
        "Warning",
        "StackGone",
        f"The stack {spec.stack_ref.name} is gone: data of clinic {clinic_id} was left as it is on its volume, if any.",
    )


async def _delete_invitation(hub: Hub, meta: Meta) -> None:
    name = names.invitation_secret(meta.name)
    secret = await hub.cluster.get(SECRET, meta.namespace, name)
    owner = ((secret or {}).get("metadata", {}).get("annotations") or {}).get(names.ANNOTATION_OWNER_UID)
    if secret is not None and ours(secret) and owner == meta.uid:
        await hub.cluster.delete(SECRET, meta.namespace, name, uid=secret["metadata"]["uid"])


async def _delete_secrets(hub: Hub, meta: Meta) -> None:
    """Delete the clinic's identity and invitation, where they are this very Clinic's."""
    await _delete_invitation(hub, meta)
    secret = await _identity(hub, meta)
    if secret is not None:
        await hub.cluster.delete(SECRET, meta.namespace, secret["metadata"]["name"], uid=secret["metadata"]["uid"])
