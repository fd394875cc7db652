"""What the pipeline asks of the database, the cache, the gateway and the services. Pure types, which tests replace.

`tenancy/` implements `Postgres` and `Redis`: every method is idempotent, makes no write when what it is asked for
already holds, and raises `Waiting` when the server cannot be reached yet, `TenancyError` when it refuses. `probing/`
implements `Probing`, which only reads. No message holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from atendeai_operator.api.conditions import Reason

ClaimKind = Literal["host", "phone"]


@dataclass(frozen=True)
class PostgresAccess:
    """How to reach a stack's database as its superuser `postgres`, and the passwords its roles must have."""

    host: str
    """`<stack>-postgres.<namespace>.svc`."""
    superuser_password: str = field(repr=False)
    migrator_password: str = field(repr=False)
    pool_password: str = field(repr=False)
    exporter_password: str = field(repr=False)
    port: int = 5432
    database: str = "atendeai"


@dataclass(frozen=True)
class RedisAccess:
    """How to reach a stack's cache as the user `operator`, and the passwords its users must have."""

    host: str
    """`<stack>-redis.<namespace>.svc`."""
    admin_password: str = field(repr=False)
    pool_password: str = field(repr=False)
    exporter_password: str = field(repr=False)
    port: int = 6379


@dataclass(frozen=True)
class Claim:
    """A host name or a phone number id that a clinic wants for itself."""

    kind: ClaimKind
    value: str


@dataclass(frozen=True)
class ClaimResult:
    """What a clinic holds after a claim, and what it could not get because another clinic holds it."""

    held: frozenset[Claim] = frozenset()
    lost: frozenset[Claim] = frozenset()


@dataclass(frozen=True)
class ConfigRow:
    """One row of `atendeai.clinic_config`, before `tenancy/` seals keys and credentials."""

    clinic_id: UUID
    name: str
    namespace: str
    display_name: str
    generation: int
    isolation: Literal["Dedicated", "Shared"]
    suspended: bool
    settings: Mapping[str, Any]
    profile: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    """Plain; sealed with `data_key`."""
    data_key: bytes = field(repr=False)
    """The clinic's Fernet key; sealed with `stack_key`."""
    stack_key: bytes = field(repr=False)


@dataclass(frozen=True)
class ClinicTenancy:
    """What one clinic needs in the database and the cache."""

    clinic_id: UUID
    isolation: Literal["Dedicated", "Shared"]
    claims: tuple[Claim, ...]
    """All that the spec wants; what is held beyond it is released after the configuration is written, and without that
    where another clinic holds something of it."""
    config: ConfigRow
    database_password: str = field(repr=False)
    """Password of the role `clinic_<hex>`; the role may log in when Dedicated."""
    redis_password: str = field(repr=False)
    """Password of the user `clinic-<hex>`; the user exists when Dedicated."""


@dataclass(frozen=True)
class RetainedClinic:
    """What the database holds of a clinic."""

    clinic_id: UUID
    name: str | None
    """Name of its Clinic when it was last configured, if that is still known."""
    tables: int
    """Number of its partitions."""


class Postgres(Protocol):
    """One stack's database."""

    async def bootstrap(self) -> None:
        """Make roles, passwords, extensions, schema and database settings hold."""

    async def migrations_applied(self) -> str | None:
        """Return the Alembic revision the schema stands at; None before the first migration."""

    async def claim(self, clinic_id: UUID, claims: Sequence[Claim]) -> ClaimResult:
        """Claim what is free, keep what is held already (also what is no longer asked for), report what is not."""

    async def release(self, clinic_id: UUID, keep: Sequence[Claim] = ()) -> frozenset[Claim]:
        """Release every claim of the clinic but `keep`; return what was released."""

    async def ensure_clinic(self, clinic_id: UUID, *, login: bool, password: str) -> None:
        """Make the clinic's role, its memberships and a partition of every tenant table hold."""

    async def ensure_partitions(self, clinic_id: UUID) -> None:
        """Make a partition of every tenant table hold for a clinic that exists: a migration may have brought tables."""

    async def write_config(self, row: ConfigRow) -> bool:
        """Write the configuration row; return whether anything changed. Compares decrypted content."""

    async def drop_config(self, clinic_id: UUID) -> None:
        """Delete the configuration row and take the right to log in from the role: data stays, nobody serves it."""

    async def drop_clinic(self, clinic_id: UUID) -> None:
        """Delete partitions, configuration, claims and role."""

    async def retained(self, clinic_id: UUID) -> RetainedClinic | None:
        """Return what is held of this clinic; None when nothing."""

    async def close(self) -> None:
        """Close connections."""


class Redis(Protocol):
    """One stack's cache."""

    async def ensure_base(self) -> None:
        """Make the users default, operator, pool and exporter hold."""

    async def ensure_user(self, clinic_id: UUID, password: str) -> None:
        """Make the clinic's user hold."""

    async def remove_user(self, clinic_id: UUID) -> None:
        """Delete the clinic's user and end its connections."""

    async def drop_keys(self, clinic_id: UUID) -> None:
        """Delete every key of the clinic."""

    async def close(self) -> None:
        """Close connections."""


class TenancyFactory(Protocol):
    """Gives the ports of a stack. Implementations keep one port per access and reuse its connections."""

    def postgres(self, access: PostgresAccess) -> Postgres:
        """Return the database behind `access`."""

    def redis(self, access: RedisAccess) -> Redis:
        """Return the cache behind `access`."""

    async def close(self) -> None:
        """Close everything that was given out."""


@dataclass(frozen=True)
class Door:
    """Where a clinic's service is asked, and the key of the clinic that proves to it who asks."""

    url: str
    """`http://<service>.<namespace>.svc:<port>`."""
    clinic_id: UUID
    kid: str
    key: str = field(repr=False)
    """base64url of the bytes of the HS256 key."""


class Verdict(StrEnum):
    """How the world outside treats a clinic."""

    WORKING = "Working"
    REFUSED = "Refused"
    """Somebody must act before it works again."""
    UNKNOWN = "Unknown"
    """It could not be asked, or could not say; it may pass by itself."""


@dataclass(frozen=True)
class Report:
    """What a clinic's service says of the world outside, for a human."""

    verdict: Verdict
    text: str = ""
    credentials: bool = False
    """Whether it is the credentials that are refused."""
    number: bool = False
    """Whether the phone number id may be the cause, rather than the credentials."""
    short: Reason | None = None
    """Of what works: the reason, where it does not work in full."""


class Probing(Protocol):
    """Asks what runs whether it does what it was told. Reads only, and answers within seconds."""

    async def serves(self, gateway: str, host: str, *, suspended: bool) -> bool:
        """Tell whether every ready pod of a gateway serves a clinic at `host`, as a suspended or an active one.

        `gateway` is the host name that resolves to the pods. Raises Waiting when one of them cannot be asked.
        """

    async def channel(self, door: Door) -> Report:
        """Return what the whatsapp service says of the clinic's channel."""

    async def calendar(self, door: Door) -> Report:
        """Return what the calendar service says of the clinic's calendars."""

    async def close(self) -> None:
        """Close connections."""
