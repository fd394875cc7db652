"""The SQL of accounts: `user_account`. Every statement names its clinic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window
from atendeai.user.schemas import User

COLUMNS = ("id", "email", "name", "roles", "status", "created_at", "updated_at", "version")
_COLUMNS = ", ".join(COLUMNS)
SORTING = Sorting(
    Field("email", "email", str),
    Field("name", "name", str),
    Field("created_at", "created_at", datetime),
    default="email",
    tie=Field("id", "id", UUID),
)


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

    async def page(
        self, window: Window, *, status: str | None = None, role: str | None = None
    ) -> tuple[list[User], str | None]:
        """One page of accounts, with this status and role where named."""
        behind, values = window.condition()
        wanted = {"status": status, "role": role}
        rows = await self._connection.execute(
            text(
                f"SELECT {_COLUMNS} FROM atendeai.user_account WHERE clinic_id = :clinic_id AND {behind} "
                "AND (CAST(:status AS text) IS NULL OR status = :status) "
                "AND (CAST(:role AS text) IS NULL OR :role = ANY(roles)) "
                f"ORDER BY {window.order_by()} LIMIT :limit"
            ),
            {"clinic_id": self._clinic_id, "limit": window.limit, **wanted, **values},
        )
        found = [read_user(row) for row in rows.mappings()]
        shown, token = window.page(
            found, lambda user: {"email": user.email, "name": user.name, "created_at": user.created_at, "id": user.id}
        )
        return list(shown), token

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

    async def remove(self, user_id: UUID) -> None:
        """Drop an account that was never opened, with its invitation."""
        await self._connection.execute(
            text("DELETE FROM atendeai.user_account WHERE clinic_id = :clinic_id AND id = :id AND status = 'invited'"),
            {"clinic_id": self._clinic_id, "id": user_id},
        )

    async def _user(self, statement: str, arguments: dict[str, Any]) -> User | None:
        rows = await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})
        row = rows.mappings().first()
        return read_user(row) if row else None


def read_user(row: RowMapping | Mapping[str, Any]) -> User:
    """An account of a row that holds `COLUMNS`."""
    return User.model_validate(dict(row))
