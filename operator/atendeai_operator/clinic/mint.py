"""What must exist before a clinic's plan: its id, passwords, keys, the first owner's invitation. Created if absent.

The Secret `<clinic>-clinic` outlives its Clinic when data is retained. A new Clinic takes such data over only when
`spec.clinicId` names its id, so no stranger inherits patients by choosing a name.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.clinic.facts import ClinicMinted
from atendeai_operator.kube.client import Cluster, Object
from atendeai_operator.kube.kinds import CLINIC, SECRET
from atendeai_operator.pipeline import minting
from atendeai_operator.pipeline.errors import InvalidSpec, TenancyError, Waiting
from atendeai_operator.pipeline.ports import Postgres
from atendeai_operator.stack import signing
from atendeai_operator.stack.facts import Meta
from atendeai_operator.stack.mint import password

JWT_KEY_BYTES = 32
TOKEN_BYTES = 32


def labels(meta: Meta, spec: ClinicSpec, component: str, clinic_id: str) -> dict[str, str]:
    """Return the labels of a minted Secret of a clinic."""
    return {
        names.LABEL_NAME: component,
        names.LABEL_INSTANCE: meta.name,
        names.LABEL_COMPONENT: component,
        names.LABEL_PART_OF: "atendeai",
        names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
        names.LABEL_STACK: names.label_value(meta.namespace, spec.stack_ref.name),
        names.LABEL_CLINIC: names.label_value(meta.namespace, meta.name),
        names.LABEL_CLINIC_ID: clinic_id,
    }


def ownership(meta: Meta) -> dict[str, str]:
    """Return the annotations that tell which Clinic lives with a Secret."""
    return {
        names.ANNOTATION_OWNER: f"{names.CLINIC_KIND}/{meta.name}",
        names.ANNOTATION_OWNER_UID: meta.uid,
    }


def _jwt_key() -> bytes:
    return base64.urlsafe_b64encode(secrets.token_bytes(JWT_KEY_BYTES)).rstrip(b"=")


async def _ensure(cluster: Cluster, meta: Meta, spec: ClinicSpec, clinic_id: str) -> dict[str, bytes]:
    return await minting.ensure(
        cluster,
        namespace=meta.namespace,
        name=names.clinic_secret(meta.name),
        labels=labels(meta, spec, "identity", clinic_id),
        annotations=ownership(meta),
        keys={
            "clinic-id": clinic_id.encode,
            "database-password": password,
            "redis-password": password,
            "data-key": Fernet.generate_key,
        },
        complete=_signing_keys,
    )


def _signing_keys(data: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what must be written for an active signing key to be there: nothing where it is.

    Whoever removes the key wants what others may sign refused, and theirs may as well be the one before it: no earlier
    key stays accepted, and none that was to come. The wish that was followed last is not followed again.
    """
    if data.get(signing.KID) and data.get(signing.KEY):
        return {}
    return signing.written(signing.Ring(_fresh(), request=signing.followed(data)))


async def mint(
    cluster: Cluster, meta: Meta, spec: ClinicSpec, status: ClinicStatus, postgres: Postgres
) -> ClinicMinted:
    """Make the clinic's identity exist and return it, its signing keys as far as their rotation has come.

    Raises InvalidSpec when retained data is in the way, or `spec.clinicId` names none that may be taken over.
    """
    live = await cluster.get(SECRET, meta.namespace, names.clinic_secret(meta.name))
    if status.clinic_id:
        _keeps(spec, status.clinic_id)
    if live is not None:
        minting.refuse_foreign(live)
        clinic_id = await _known(cluster, meta, spec, status, live)
    elif spec.clinic_id and not status.clinic_id:
        clinic_id = spec.clinic_id
        await _taken_over(cluster, meta, spec, postgres)
    else:  # a Secret that was deleted by hand comes back with the same id
        clinic_id = status.clinic_id or spec.clinic_id or str(uuid.uuid4())
    data = await _ensure(cluster, meta, spec, clinic_id)
    secret = minting.Checked(names.clinic_secret(meta.name), data)
    ring = _ring(secret)
    return ClinicMinted(
        clinic_id=uuid.UUID(clinic_id),
        database_password=secret.text("database-password"),
        redis_password=secret.text("redis-password"),
        data_key=secret.fernet_key("data-key"),
        jwt_kid=ring.active.kid,
        jwt_key=ring.active.text,
        ring=ring,
        invitation_token=await _invitation(cluster, meta, spec, clinic_id),
    )


@dataclass(frozen=True)
class Rotation:
    """What decides over the signing keys of a clinic."""

    request: str
    """What the wish for another key says; empty without one."""
    now: datetime
    token_life: timedelta
    """The longest that a person's token lives."""


def _fresh() -> signing.Key:
    return signing.Key(secrets.token_hex(8), _jwt_key().decode())


def _ring(secret: minting.Checked) -> signing.Ring:
    """Return the clinic's signing keys."""
    checked = {**secret.data, signing.KID: secret.text(signing.KID).encode()}
    checked[signing.KEY] = secret.signing_key(signing.KEY).encode()
    try:
        return signing.read(checked)
    except ValueError as error:
        remedy = "write the old value back, or remove the key: what was signed with earlier keys is then refused"
        raise minting.unusable(secret.name, signing.OTHERS, "does not list signing keys", remedy) from error


def _holds(secret: minting.Checked, ring: signing.Ring) -> bool:
    try:
        return _ring(secret) == ring
    except InvalidSpec:  # the next pass says what is wrong with it
        return False


async def rotate(cluster: Cluster, meta: Meta, ring: signing.Ring, rotation: Rotation) -> signing.Ring:
    """Take the next step of the rotation of signing keys that edge and database hold; return the keys as they are now.

    A step is one write. Raises Waiting when somebody has changed the Secret meanwhile.
    """
    after = ring.advance(rotation.request, now=rotation.now, token_life=rotation.token_life, fresh=_fresh)
    if after == ring:
        return ring
    name = names.clinic_secret(meta.name)
    live = await cluster.get(SECRET, meta.namespace, name)
    if live is None or not _holds(minting.Checked(name, minting.decoded(live) or {}), ring):
        raise Waiting(f"Secret {name} has changed meanwhile", retry_in=1)
    body = {
        "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
        "data": minting.encoded(signing.written(after)),
    }
    await cluster.patch(SECRET, meta.namespace, name, body)
    return after


async def _known(cluster: Cluster, meta: Meta, spec: ClinicSpec, status: ClinicStatus, live: Object) -> str:
    """Return the id in an existing Secret, if this Clinic may have it.

    What the status says holds for as long as the Clinic lives, whatever somebody writes into the Secret: another id
    there would give this Clinic another's data, or hide its own from it.
    """
    stored = (minting.decoded(live) or {}).get("clinic-id", b"").decode(errors="replace")
    marks = live["metadata"].get("labels") or {}
    owner = (live["metadata"].get("annotations") or {}).get(names.ANNOTATION_OWNER_UID)
    if owner == meta.uid:
        clinic_id = status.clinic_id or stored or marks.get(names.LABEL_CLINIC_ID) or str(uuid.uuid4())
        _is_uuid(live, clinic_id)
        _keeps(spec, clinic_id)
        wanted = labels(meta, spec, "identity", clinic_id)
        if stored != clinic_id or any(marks.get(key) != value for key, value in wanted.items()):
            await _adopt(cluster, meta, spec, live, clinic_id)
        return clinic_id
    clinic_id = stored or marks.get(names.LABEL_CLINIC_ID, "")
    _is_uuid(live, clinic_id)
    if spec.clinic_id != clinic_id:
        raise _retained(clinic_id, spec.clinic_id)
    _same_stack(meta, spec, live)
    await _adopt(cluster, meta, spec, live, clinic_id)
    return clinic_id


def _keeps(spec: ClinicSpec, clinic_id: str) -> None:
    """Refuse that a clinic which has an id shall have another. The API server does so once the status says the id."""
    if spec.clinic_id and spec.clinic_id != clinic_id:
        raise InvalidSpec(
            "spec.clinicId",
            f"this clinic already has the id {clinic_id}: write that one, or none; to take over other data, delete this"
            " Clinic and create it anew",
            code="ClinicIdTaken",
        )


def _is_uuid(live: Object, clinic_id: str) -> None:
    try:
        uuid.UUID(clinic_id)
    except ValueError as error:
        raise minting.unusable(live["metadata"]["name"], "clinic-id", "is no UUID", "write the id back") from error


def _same_stack(meta: Meta, spec: ClinicSpec, live: Mapping[str, Any]) -> None:
    stack = (live["metadata"].get("labels") or {}).get(names.LABEL_STACK)
    if stack != names.label_value(meta.namespace, spec.stack_ref.name):
        raise InvalidSpec(
            "spec.clinicId",
            f"the data of {spec.clinic_id} is retained on another stack, {stack}: delete this Clinic and create it "
            "again with that stack in spec.stackRef",
            code="RetainedData",
        )


async def _adopt(cluster: Cluster, meta: Meta, spec: ClinicSpec, live: Object, clinic_id: str) -> None:
    body = {
        "metadata": {
            "resourceVersion": live["metadata"]["resourceVersion"],
            "labels": labels(meta, spec, "identity", clinic_id),
            "annotations": ownership(meta),
        },
        "data": minting.encoded({"clinic-id": clinic_id.encode()}),
    }
    await cluster.patch(SECRET, meta.namespace, live["metadata"]["name"], body)


async def _taken_over(cluster: Cluster, meta: Meta, spec: ClinicSpec, postgres: Postgres) -> None:
    """Check that `spec.clinicId` names retained data, and move its Secret here when it lies under another name."""
    wanted = spec.clinic_id or ""
    for clinic in await cluster.list(CLINIC, meta.namespace):  # its Secret may be gone, or say something else
        if clinic["metadata"]["uid"] != meta.uid and (clinic.get("status") or {}).get("clinicId") == wanted:
            raise _in_use(wanted, clinic["metadata"]["name"])
    selector = {names.LABEL_CLINIC_ID: wanted, names.LABEL_COMPONENT: "identity"}
    found = await cluster.list(SECRET, meta.namespace, selector)
    for live in found:
        _same_stack(meta, spec, live)
        owner = str((live["metadata"].get("annotations") or {}).get(names.ANNOTATION_OWNER, "")).partition("/")[2]
        other = await cluster.get(CLINIC, meta.namespace, owner) if owner else None
        if other is not None:
            raise _in_use(wanted, owner)
        moved = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": names.clinic_secret(meta.name),
                "namespace": meta.namespace,
                "labels": labels(meta, spec, "identity", wanted),
                "annotations": ownership(meta),
            },
            "type": "Opaque",
            "data": live.get("data") or {},
        }
        await cluster.create(moved)
        await cluster.delete(SECRET, meta.namespace, live["metadata"]["name"], uid=live["metadata"]["uid"])
        return
    try:
        retained = await postgres.retained(uuid.UUID(wanted))
    except TenancyError as error:
        raise Waiting(f"The database cannot say whether it holds {wanted}: {error}", retry_in=10) from error
    if retained is None:
        raise InvalidSpec(
            "spec.clinicId",
            f"this stack holds no data of {wanted}: write another id or, to begin anew, remove spec.clinicId",
            code="NothingRetained",
        )


def _retained(clinic_id: str, wanted: str | None) -> InvalidSpec:
    """Return the refusal of a clinic whose name has retained data, of `clinic_id`, while its spec says `wanted`."""
    known, end = "data of an earlier clinic of this name is retained", "to begin anew"
    if wanted:
        known = f"{wanted} is not the id of the data that an earlier clinic of this name has left"
        end = "to begin anew, or to take over the data of that id"
    return InvalidSpec(
        "spec.clinicId",
        f"{known}: set spec.clinicId to {clinic_id} to take it over, or delete this Clinic and create it again under"
        f" another name {end}",
        code="RetainedData",
    )


def _in_use(wanted: str, owner: str) -> InvalidSpec:
    return InvalidSpec(
        "spec.clinicId",
        f"{wanted} is the id of Clinic {owner}, which exists: delete that one first, with deletionPolicy Retain, or"
        " write another id here, or none",
        code="ClinicIdTaken",
    )


async def _invitation(cluster: Cluster, meta: Meta, spec: ClinicSpec, clinic_id: str) -> str | None:
    """Return the token of the first owner's invitation; another address gets another token."""
    if spec.owner is None:
        return None
    name = names.invitation_secret(meta.name)
    live = await cluster.get(SECRET, meta.namespace, name)
    if live is not None:
        minting.refuse_foreign(live)
    known = minting.decoded(live) or {}
    email = spec.owner.email.encode()
    owner = ((live or {}).get("metadata", {}).get("annotations") or {}).get(names.ANNOTATION_OWNER_UID)
    token = known.get("token", b"") if known.get("email") == email and owner == meta.uid else b""
    wanted = {
        "email": email,
        "token": token or secrets.token_urlsafe(TOKEN_BYTES).encode(),
        "url": f"https://{spec.hosts[0]}/api/v1/auth/register".encode(),
    }
    if known != wanted:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": meta.namespace,
                "labels": labels(meta, spec, "owner-invitation", clinic_id),
                "annotations": ownership(meta),
            },
            "type": "Opaque",
            "data": minting.encoded(wanted),
        }
        await cluster.apply(body)
    return wanted["token"].decode()
