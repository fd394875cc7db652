"""The only place of the clinic service with SQL: what staff add to the profile, and the profile's versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.domain.profile_additions import effective_persona, effective_profile
from atendeai.kit.paging import Field, Sorting, Window
from atendeai.kit.responses import dumps

VERSIONS = Sorting(
    Field("version", "version", int),
    Field("at", "at", datetime),
    default="-version",
    tie=Field("version", "version", int),
)

# The trigger that numbers the versions takes the same lock: what is read after it is what a change is made to.
_TURN = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('atendeai.profile:' || CAST(CAST(:clinic_id AS uuid) AS text), 0))"
)
_STANDING = text(
    "SELECT c.profile::text AS profile, coalesce(c.settings #> '{ai,persona}', '{}'::jsonb)::text AS persona,"
    " (SELECT a.document::text FROM atendeai.clinic_additions a WHERE a.clinic_id = :clinic_id) AS additions,"
    " (SELECT a.changed_at FROM atendeai.clinic_additions a WHERE a.clinic_id = :clinic_id) AS changed_at,"
    " (SELECT a.changed_by FROM atendeai.clinic_additions a WHERE a.clinic_id = :clinic_id) AS changed_by,"
    " (SELECT max(v.version) FROM atendeai.profile_version v WHERE v.clinic_id = :clinic_id) AS version"
    " FROM atendeai.clinic_config c WHERE c.clinic_id = :clinic_id"
)
_ADD = text(
    "INSERT INTO atendeai.clinic_additions AS a (clinic_id, document, changed_at, changed_by, reason)"
    " VALUES (:clinic_id, CAST(:document AS jsonb), :at, :by, :reason)"
    " ON CONFLICT (clinic_id) DO UPDATE SET document = excluded.document, changed_at = excluded.changed_at,"
    " changed_by = excluded.changed_by, reason = excluded.reason"
)
_COLUMNS = "version, at, source, actor, generation, reason, declared::text AS declared, additions::text AS additions"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the profile stands: both documents in the shapes of the Clinic resource, and its version."""

    declared: dict[str, Any]
    persona: dict[str, Any]
    additions: dict[str, Any]
    version: int
    changed_at: datetime | None
    changed_by: str | None

    @property
    def profile(self) -> dict[str, Any]:
        """The profile that holds."""
        return effective_profile(self.declared, self.additions)


@dataclass(frozen=True, slots=True)
class Version:
    """The profile as it stood from a moment on, and why it came to stand so."""

    version: int
    at: datetime
    source: str
    actor: str | None
    generation: int
    reason: str | None
    declared: dict[str, Any]
    additions: dict[str, Any]

    @property
    def profile(self) -> dict[str, Any]:
        """The profile that held."""
        return effective_profile(self.declared["profile"], self.additions)

    @property
    def persona(self) -> dict[str, Any]:
        """The persona that held."""
        return effective_persona(self.declared.get("persona") or {}, self.additions)


class ProfileRepository:
    """One clinic's additions and versions, inside one transaction."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def take_turn(self) -> None:
        """Let nobody else change the profile until this transaction ends."""
        await self._connection.execute(_TURN, {"clinic_id": self._clinic_id})

    async def standing(self) -> Standing:
        """Return how the profile stands now, in the database and not in a cache."""
        row = (await self._connection.execute(_STANDING, {"clinic_id": self._clinic_id})).mappings().one()
        return Standing(
            orjson.loads(row["profile"]),
            orjson.loads(row["persona"]),
            orjson.loads(row["additions"] or "{}"),
            row["version"] or 0,
            row["changed_at"],
            row["changed_by"],
        )

    async def write(self, document: Mapping[str, Any], *, at: datetime, by: str, reason: str | None) -> None:
        """Replace what staff added; a trigger keeps the version and tells every service."""
        await self._connection.execute(
            _ADD,
            {
                "clinic_id": self._clinic_id,
                "document": dumps(dict(document)).decode(),
                "at": at,
                "by": by,
                "reason": reason,
            },
        )

    async def versions(self, window: Window) -> list[Version]:
        """Return a page's versions, and one more when there is one."""
        condition, values = window.condition()
        statement = (
            f"SELECT {_COLUMNS} FROM atendeai.profile_version WHERE clinic_id = :clinic_id AND {condition}"
            f" ORDER BY {window.order_by()} LIMIT :limit"
        )
        rows = await self._connection.execute(
            text(statement), {"clinic_id": self._clinic_id, "limit": window.limit, **values}
        )
        return [_version(row) for row in rows.mappings()]

    async def numbered(self, numbers: Sequence[int]) -> dict[int, Version]:
        """Return those of these versions that are kept."""
        rows = await self._connection.execute(
            text(
                f"SELECT {_COLUMNS} FROM atendeai.profile_version WHERE clinic_id = :clinic_id AND version IN :numbers"
            ).bindparams(bindparam("numbers", expanding=True)),
            {"clinic_id": self._clinic_id, "numbers": list(numbers)},
        )
        return {row["version"]: _version(row) for row in rows.mappings()}


def _version(row: RowMapping) -> Version:
    return Version(
        row["version"],
        row["at"],
        row["source"],
        row["actor"],
        row["generation"],
        row["reason"],
        orjson.loads(row["declared"]),
        orjson.loads(row["additions"]),
    )
