"""The SQL of the user service: `user_account` and `invitation`. Every statement names its clinic."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.user.schemas import User

_COLUMNS = "id, email, name, roles, status, created_at, updated_at, version"


class UserRepository:
    """One clinic's accounts, inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def get(self, user_id: UUID, *, lock: bool = False) -> User | None:
        """One account; with `lock` nobody else changes it until this transaction ends."""
        return await self._user(
            f"SELECT {_COLUMNS} FROM atendeai.user_account "
            f"WHERE clinic_id = :clinic_id AND id = :id{' FOR UPDATE' if lock else ''}",
            {"id": user_id},
        )

    async def by_email(self, email: str) -> User | None:
        """The account of an address (in lower case)."""
        return await self._user(
            f"SELECT {_COLUMNS} FROM atendeai.user_account WHERE clinic_id = :clinic_id AND email = :email",
            {"email": email},
        )

    async def page(self, *, after: str, limit: int) -> list[User]:
        """Up to `limit` accounts behind an address, by address."""
        rows = await self._connection.execute(
            text(
                f"SELECT {_COLUMNS} FROM atendeai.user_account "
                "WHERE clinic_id = :clinic_id AND email > :after ORDER BY email LIMIT :limit"
            ),
            {"clinic_id": self._clinic_id, "after": after, "limit": limit},
        )
        return [_user(row) for row in rows.mappings()]

    async def add(
        self, *, user_id: UUID, email: str, name: str, roles: list[str], status: str, now: datetime
    ) -> User | None:
        """Insert an account; None when the address has one already."""
        return await self._user(
            "INSERT INTO atendeai.user_account (clinic_id, id, email, name, roles, status, created_at, updated_at) "
            "VALUES (:clinic_id, :id, :email, :name, :roles, :status, :now, :now) "
            f"ON CONFLICT (clinic_id, email) DO NOTHING RETURNING {_COLUMNS}",
            {"id": user_id, "email": email, "name": name, "roles": roles, "status": status, "now": now},
        )

    async def update(self, user_id: UUID, *, name: str, roles: list[str], status: str, now: datetime) -> User | None:
        """Write an account's fields and raise its version."""
        return await self._user(
            "UPDATE atendeai.user_account SET name = :name, roles = :roles, status = :status, "
            f"updated_at = :now, version = version + 1 WHERE clinic_id = :clinic_id AND id = :id RETURNING {_COLUMNS}",
            {"id": user_id, "name": name, "roles": roles, "status": status, "now": now},
        )

    async def lock_owners(self) -> list[UUID]:
        """The active owners, locked, in one order: two removals of the last two owners wait for each other."""
        rows = await self._connection.execute(
            text(
                "SELECT id FROM atendeai.user_account WHERE clinic_id = :clinic_id AND status = 'active' "
                "AND 'owner' = ANY(roles) ORDER BY id FOR UPDATE"
            ),
            {"clinic_id": self._clinic_id},
        )
        return [row.id for row in rows]

    async def invite(self, *, invitation_id: UUID, user_id: UUID, token_sha256: str, expires_at: datetime) -> None:
        """Store an invitation's fingerprint; an earlier open one of the same account ends."""
        await self._connection.execute(
            text(
                "DELETE FROM atendeai.invitation "
                "WHERE clinic_id = :clinic_id AND user_id = :user_id AND accepted_at IS NULL"
            ),
            {"clinic_id": self._clinic_id, "user_id": user_id},
        )
        await self._connection.execute(
            text(
                "INSERT INTO atendeai.invitation (clinic_id, id, user_id, token_sha256, expires_at) "
                "VALUES (:clinic_id, :id, :user_id, :token, :expires_at)"
            ),
            {
                "clinic_id": self._clinic_id,
                "id": invitation_id,
                "user_id": user_id,
                "token": token_sha256,
                "expires_at": expires_at,
            },
        )

    async def invited(self, token_sha256: str, *, now: datetime) -> User | None:
        """The account that an unexpired invitation belongs to, locked; None for an unknown or expired token."""
        return await self._user(
            f"SELECT {', '.join(f'u.{column}' for column in _COLUMNS.split(', '))} "
            "FROM atendeai.invitation i JOIN atendeai.user_account u "
            "ON u.clinic_id = i.clinic_id AND u.id = i.user_id "
            "WHERE i.clinic_id = :clinic_id AND u.clinic_id = :clinic_id AND i.token_sha256 = :token "
            "AND i.expires_at > :now FOR UPDATE OF u",
            {"token": token_sha256, "now": now},
        )

    async def accept(self, token_sha256: str, *, now: datetime) -> None:
        """Note that an invitation was taken up."""
        await self._connection.execute(
            text(
                "UPDATE atendeai.invitation SET accepted_at = coalesce(accepted_at, :now) "
                "WHERE clinic_id = :clinic_id AND token_sha256 = :token"
            ),
            {"clinic_id": self._clinic_id, "token": token_sha256, "now": now},
        )

    async def _user(self, statement: str, arguments: dict[str, Any]) -> User | None:
        rows = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})
        row = rows.mappings().first()
        return _user(row) if row else None


def _user(row: RowMapping) -> User:
    return User.model_validate(dict(row))
