"""How one clinic looks to the edge, and the digest by which both sides know that it is served. Pure.

The stack writes the digests of what the edge was given into the ConfigMap `<stack>-edge`; a clinic's route is ready
when its own digest is found there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.stack import signing
from atendeai_operator.stack.facts import EdgeClinic, Meta, TlsPair


def tls_pair(data: Mapping[str, bytes] | None) -> TlsPair | None:
    """Return the certificate of a Secret's data, None when one of its keys is missing."""
    if not data or not data.get("tls.crt") or not data.get("tls.key"):
        return None
    return TlsPair(data["tls.crt"], data["tls.key"])


def decoded_key(text: str) -> bytes:
    """Return the HS256 secret behind its base64url text, with or without padding; ValueError when it is none."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def edge_clinic(
    meta: Meta,
    spec: ClinicSpec,
    status: ClinicStatus,
    identity: Mapping[str, bytes] | None,
    tls: Mapping[str, bytes] | None,
) -> EdgeClinic | None:
    """Return the clinic as the edge must serve it; None while it has no id, no key or no host, or is being deleted.

    `identity` is the data of its Secret `<clinic>-clinic`, `tls` that of its certificate's Secret.
    """
    if meta.deleted_at or not identity or not status.clinic_id or not status.hosts:
        return None
    if identity.get("clinic-id", b"") != status.clinic_id.encode():
        return None
    keys = _jwt_keys(identity)
    if keys is None:
        return None
    origins = spec.security.cors_origins if spec.security else None
    resting, own = rests(meta, spec, status), names.clinic_namespace(meta.namespace, meta.name)
    return EdgeClinic(
        clinic_id=UUID(status.clinic_id),
        name=meta.name,
        hosts=tuple(sorted(status.hosts)),
        isolation=spec.isolation,
        suspended=resting,
        namespace=place(meta, spec),
        issuer=f"atendeai:{status.clinic_id}",
        jwt_keys=keys,
        tls=tls_pair(tls),
        origins=None if origins is None else tuple(sorted(origins)),
        standby=own if resting and own in (place(meta, spec), status.namespace) else None,
    )


def rests(meta: Meta, spec: ClinicSpec, status: ClinicStatus) -> bool:
    """Tell whether the pool takes the clinic's messages in: it is suspended, or was and its services do not run yet.

    So it does when the isolation has changed: the gateway's pods learn that one after the other.
    """
    moves = status.namespace not in (None, place(meta, spec))
    rested = any(known.type == "Suspended" and known.status == "True" for known in status.conditions)
    return spec.suspended or moves or rested


def place(meta: Meta, spec: ClinicSpec) -> str:
    """Return the namespace of the services that shall answer for the clinic."""
    return names.clinic_namespace(meta.namespace, meta.name) if spec.isolation == "Dedicated" else meta.namespace


def _jwt_keys(identity: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """Return the keys by kid; None where somebody has made them unusable, which must not stop the other clinics."""
    try:
        kid, key = identity[signing.KID].decode(), decoded_key(identity[signing.KEY].decode())
    except (KeyError, ValueError):
        return None
    if not kid or not key:
        return None
    try:
        others = {other: decoded_key(text) for other, text in signing.read(identity).accepted().items()}
    except ValueError:  # the clinic's own pass says so; who signs in anew is let in
        others = {}
    return {**others, kid: key}


def digest(clinic: EdgeClinic) -> str:
    """Return 16 characters that change with everything the edge must know of a clinic."""
    secret = hashlib.sha256()
    for kid in sorted(clinic.jwt_keys):
        secret.update(kid.encode() + b"\0" + clinic.jwt_keys[kid] + b"\0")
    if clinic.tls:
        secret.update(clinic.tls.certificate + b"\0" + clinic.tls.key)
    plain = [
        str(clinic.clinic_id),
        list(clinic.hosts),
        clinic.isolation,
        clinic.suspended,
        clinic.namespace,
        secret.hexdigest(),
        *([] if clinic.origins is None else [list(clinic.origins)]),
        *([] if clinic.standby is None else [{"standby": clinic.standby}]),
    ]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]


def edge_map(meta: Meta, clinics: Iterable[EdgeClinic]) -> dict[str, Any]:
    """Return the ConfigMap that says which clinic the edge was given with which digest."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": names.edge_map(meta.name),
            "namespace": meta.namespace,
            "labels": {
                names.LABEL_NAME: "edge",
                names.LABEL_INSTANCE: meta.name,
                names.LABEL_COMPONENT: "edge",
                names.LABEL_PART_OF: "atendeai",
                names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
                names.LABEL_STACK: names.label_value(meta.namespace, meta.name),
            },
        },
        "data": {str(clinic.clinic_id): digest(clinic) for clinic in clinics},
    }
