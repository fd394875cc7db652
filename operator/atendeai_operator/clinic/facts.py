"""Everything gathered about one clinic: plain frozen data, the input of `validate` and `status`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.api.common import Condition
from atendeai_operator.api.stack import StackSpec
from atendeai_operator.pipeline.ports import ClaimResult
from atendeai_operator.stack.facts import InfraImages, Meta, Observed, Ownership, SecretFact, TlsPair, Workload
from atendeai_operator.stack.signing import Ring

__all__ = [
    "ClinicFacts",
    "ClinicMinted",
    "EdgeState",
    "InfraImages",
    "Meta",
    "Observed",
    "Ownership",
    "SecretFact",
    "StackSummary",
    "TlsPair",
    "Workload",
]


@dataclass(frozen=True)
class StackSummary:
    """What a clinic must know of its stack."""

    name: str
    namespace: str
    uid: str
    spec: StackSpec
    version: str
    """Version whose migrations are applied: what the clinic's services run."""
    postgres_host: str
    """`<stack>-postgres.<namespace>.svc`."""
    redis_host: str
    """`<stack>-redis.<namespace>.svc`."""
    stack_key: bytes = field(repr=False)
    """Fernet key of the stack, mounted into every service pod."""
    images: InfraImages
    prometheus_crds: bool = False
    pull_secrets: tuple[SecretFact, ...] = ()
    """Those of spec.image.pullSecrets, all there and of a type that a kubelet reads; none for a Shared clinic."""


@dataclass(frozen=True)
class ClinicMinted:
    """The clinic's identity, minted once (Secret `<clinic>-clinic` of the stack's namespace)."""

    clinic_id: UUID
    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    data_key: bytes = field(repr=False)
    """Fernet key (44 bytes, base64url)."""
    jwt_kid: str
    jwt_key: str = field(repr=False)
    """base64url of 32 random bytes, without padding, as the credentials JSON carries it."""
    ring: Ring | None = field(repr=False, default=None)
    """The active key with what comes next and what is accepted still; None: it alone."""
    invitation_token: str | None = field(repr=False, default=None)
    """Token of Secret `<clinic>-owner-invitation`; None without spec.owner."""


@dataclass(frozen=True)
class EdgeState:
    """How the edge stands towards this clinic."""

    wanted: str = ""
    """Digest of what the edge must serve for this clinic."""
    served: str = ""
    """Digest that the edge was last given; empty when it does not serve the clinic."""
    gateway_ready: bool = False
    load_balancer_ready: bool = False
    behind: str = ""
    """Uids of the Services behind the gateway that answer for this clinic; empty while it is suspended."""
    proven: bool = False
    """Whether every pod of the gateway was seen to serve what it was last given."""
    trouble: str = ""
    """Why that could not be seen yet, for a human."""


@dataclass(frozen=True)
class ClinicFacts:
    """Everything gathered about one clinic. The stack exists, and its database is migrated, before these are made."""

    meta: Meta
    spec: ClinicSpec
    status: ClinicStatus
    stack: StackSummary
    minted: ClinicMinted
    whatsapp_secret: SecretFact
    """The Secret of spec.whatsapp.credentialsSecretRef."""
    calendar_secret: SecretFact | None = None
    """The Secret of spec.calendar.credentialsSecretRef; None when the spec names none."""
    ai_secret: SecretFact | None = None
    """The Secret of spec.ai.apiKeySecretRef; None when the spec names none."""
    tls_secret: SecretFact | None = None
    """The Secret of spec.tls.secretRef; None when the spec names none."""
    claims: ClaimResult = field(default_factory=ClaimResult)
    """What the clinic holds and what another clinic holds already."""
    own_namespace: str = ""
    """Name of the namespace a Dedicated clinic has (also given for Shared ones)."""
    namespace_ownership: Ownership = Ownership.ABSENT
    """Whose `own_namespace` is."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """The conditions of the last status, by type."""
    now: datetime | None = None
