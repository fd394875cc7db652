"""Every name and label the operator gives out, in one place. Pure.

Names of children are `<owner>-<part>`; anything that would pass a Kubernetes limit is cut and ends in a hash of the
whole, so that two long names never meet.
"""

from __future__ import annotations

import hashlib
import uuid

GROUP = "atendeai.io"
VERSION = "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"
STACK_KIND = "AtendeAIStack"
CLINIC_KIND = "Clinic"
STACK_PLURAL = "atendeaistacks"
CLINIC_PLURAL = "clinics"

FIELD_MANAGER = "atendeai-operator"
FINALIZER = f"{GROUP}/finalizer"

LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_PART_OF = "app.kubernetes.io/part-of"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_VERSION = "app.kubernetes.io/version"
LABEL_STACK = f"{GROUP}/stack"
LABEL_CLINIC = f"{GROUP}/clinic"
LABEL_CLINIC_ID = f"{GROUP}/clinic-id"

ANNOTATION_APPLIED = f"{GROUP}/applied"
"""Digest of what was applied last, so that what already holds costs no write."""
ANNOTATION_OWNER_UID = f"{GROUP}/owner-uid"
"""On minted Secrets: the uid of the resource that lives with them; another uid means retained data."""
ANNOTATION_ROTATE = f"{GROUP}/rotate-signing-key"
"""On a Clinic: whenever its value becomes another one, the clinic's signing key is followed by a new one."""
ANNOTATION_OWNER = f"{GROUP}/owner"
"""On minted Secrets: `<kind>/<name>` of the resource that lives with them."""

NAME_LIMIT = 63
"""RFC 1123 label length, in characters."""


def bounded(text: str, limit: int = NAME_LIMIT) -> str:
    """Return `text`, or its beginning with a hash of the whole when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}-{digest}"


def label_value(namespace: str, name: str) -> str:
    """Return the value of `atendeai.io/stack` or `/clinic`: `<namespace>.<name>`, at most 63 characters."""
    return bounded(f"{namespace}.{name}")


def child(owner: str, part: str) -> str:
    """Return the name of a child of `owner`, at most 63 characters."""
    return bounded(f"{owner}-{part}")


def clinic_namespace(namespace: str, clinic: str) -> str:
    """Return the namespace of a Dedicated clinic: `<stack namespace>-<clinic>`, at most 63 characters."""
    return bounded(f"{namespace}-{clinic}")


def clinic_secret(clinic: str) -> str:
    """Return the Secret that holds a clinic's minted identity."""
    return child(clinic, "clinic")


def invitation_secret(clinic: str) -> str:
    """Return the Secret that holds the first owner's invitation."""
    return child(clinic, "owner-invitation")


def edge_map(stack: str) -> str:
    """Return the ConfigMap that says which clinic the edge serves with which digest."""
    return child(stack, "edge")


def clinic_hex(clinic_id: uuid.UUID) -> str:
    """Return the 32 hexadecimal digits that name a clinic's role and partitions."""
    return clinic_id.hex


def migration_job(stack: str, version: str, digest: str) -> str:
    """Return the name of the migration Job of one version and one pod template digest (8 characters are used)."""
    safe = "".join(c if c.isalnum() else "-" for c in version.lower()).strip("-")
    return bounded(f"{stack}-migrate-{safe}-{digest[:8]}")
