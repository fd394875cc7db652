"""The SQL of invitations: `invitation`. Every statement names its clinic; of a token its SHA-256 is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window
from atendeai.user.repository import COLUMNS, read_user
from atendeai.user.schemas import OpenInvitation, User

SORTING = Sorting(
    Field("expires_at", "i.expires_at", datetime),
    Field("email", "u.email", str),
    default="expires_at",
    tie=Field("id", "i.id", UUID),
)
_USER = ", ".join(f"u.{column}" for column in COLUMNS)
_BOTH = (
    "atendeai.invitation i JOIN atendeai.user_account u ON u.clinic_id = i.clinic_id AND u.id = i.user_id "
    "WHERE i.clinic_id = :clinic_id AND u.clinic_id = :clinic_id"
)
_OPEN = f"{_BOTH} AND u.status = 'invited' AND i.accepted_at IS NULL"
_INVITATION = "i.id AS invitation, i.expires_at, i.created_at AS invited_at, i.invited_by"
_READ_OPEN = f"SELECT {_USER}, {_INVITATION} FROM {_OPEN}"  # noqa: S608 - constants
_FIND = f"SELECT {_USER} FROM {_BOTH} AND i.token_sha256 = :token AND i.expires_at > :now"  # noqa: S608 - constants
# The account first, everywhere. The invitation too: who waited for somebody that renewed it sees what it is now.
_LOCKED = " FOR UPDATE OF u, i"
_ISSUER = (
    f"SELECT {_USER} FROM atendeai.user_account u JOIN atendeai.invitation i"  # noqa: S608 - constants
    " ON i.clinic_id = :clinic_id AND i.invited_by = 'person:' || CAST(u.id AS text)"
    " WHERE u.clinic_id = :clinic_id AND i.token_sha256 = :token"
)


class InvitationRepository:
    """One clinic's invitations, inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def add(
        self, *, invitation_id: UUID, user_id: UUID, token_sha256: str, invited_by: str, now: datetime, ends: datetime
    ) -> None:
        """Store the invitation of a new account."""
        await self._run(
            "INSERT INTO atendeai.invitation (clinic_id, id, user_id, token_sha256, created_at, invited_by, expires_at)"
            " VALUES (:clinic_id, :id, :user_id, :token, :now, :invited_by, :ends)",
            id=invitation_id,
            user_id=user_id,
            token=token_sha256,
            now=now,
            invited_by=invited_by,
            ends=ends,
        )

    async def renew(self, invitation_id: UUID, *, token_sha256: str, invited_by: str, ends: datetime) -> None:
        """Put another token and end in place of an invitation's; it stands on who renewed it from then on."""
        await self._run(
            "UPDATE atendeai.invitation SET token_sha256 = :token, invited_by = :invited_by, expires_at = :ends "
            "WHERE clinic_id = :clinic_id AND id = :id AND accepted_at IS NULL",
            id=invitation_id,
            token=token_sha256,
            invited_by=invited_by,
            ends=ends,
        )

    async def page(self, window: Window, *, now: datetime) -> tuple[list[OpenInvitation], str | None]:
        """One page of those not taken up, expired ones included."""
        behind, values = window.condition()
        rows = await self._run(
            f"{_READ_OPEN} AND {behind} ORDER BY {window.order_by()} LIMIT :limit", limit=window.limit, **values
        )
        found = [_read(dict(row), now) for row in rows.mappings()]
        shown, token = window.page(
            found, lambda one: {"expires_at": one.expires_at, "email": one.user.email, "id": one.id}
        )
        return list(shown), token

    async def open(self, invitation_id: UUID, *, now: datetime, lock: bool = False) -> OpenInvitation | None:
        """One that was not taken up; with `lock` it is not taken up or changed before this transaction ends either."""
        rows = await self._run(f"{_READ_OPEN} AND i.id = :id{_LOCKED if lock else ''}", id=invitation_id)
        row = rows.mappings().first()
        return _read(dict(row), now) if row else None

    async def by_token(self, token_sha256: str, *, now: datetime) -> User | None:
        """The account that an unexpired invitation belongs to, locked; None for an unknown or expired token."""
        rows = await self._run(f"{_FIND}{_LOCKED}", token=token_sha256, now=now)
        row = rows.mappings().first()
        return read_user(row) if row else None

    async def issuer(self, token_sha256: str) -> User | None:
        """Who issued an invitation; None for the operator, and where nobody noted it."""
        rows = await self._run(_ISSUER, token=token_sha256)
        row = rows.mappings().first()
        return read_user(row) if row else None

    async def accept(self, token_sha256: str, *, now: datetime) -> None:
        """Note that an invitation was taken up."""
        await self._run(
            "UPDATE atendeai.invitation SET accepted_at = coalesce(accepted_at, :now) "
            "WHERE clinic_id = :clinic_id AND token_sha256 = :token",
            token=token_sha256,
            now=now,
        )

    async def _run(self, statement: str, **arguments: Any) -> CursorResult[Any]:
        return await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})


def _read(row: dict[str, Any], now: datetime) -> OpenInvitation:
    return OpenInvitation(
        id=row.pop("invitation"),
        created_at=row.pop("invited_at"),
        invited_by=row.pop("invited_by"),
        expires_at=row["expires_at"],
        expired=row.pop("expires_at") <= now,
        user=read_user(row),
    )
