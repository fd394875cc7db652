"""The SQL of the auth service: `credential`, `session`, `refresh_token`. Every statement names its clinic.

Tokens are stored as SHA-256 fingerprints: they are random and long, so a fast hash is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Credential:
    """Whose password it is, and its hash in PHC format."""

    user_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token, with the state of the session (the family) it belongs to."""

    id: UUID
    session_id: UUID
    user_id: UUID
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class AuthRepository:
    """One clinic's credentials and sessions, inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def credential(self, email: str) -> Credential | None:
        """The credential of an address (in lower case)."""
        rows = await self._run(
            "SELECT user_id, password_hash FROM atendeai.credential WHERE clinic_id = :clinic_id AND email = :email",
            email=email,
        )
        row = rows.mappings().first()
        return Credential(row["user_id"], row["password_hash"]) if row else None

    async def set_password(self, *, user_id: UUID, email: str, password_hash: str, now: datetime) -> None:
        """Store a password's hash, in place of an earlier one."""
        await self._run(
            "INSERT INTO atendeai.credential (clinic_id, user_id, email, password_hash, updated_at) "
            "VALUES (:clinic_id, :user_id, :email, :hash, :now) ON CONFLICT (clinic_id, user_id) "
            "DO UPDATE SET email = excluded.email, password_hash = excluded.password_hash, updated_at = :now",
            user_id=user_id,
            email=email,
            hash=password_hash,
            now=now,
        )

    async def open_session(self, *, session_id: UUID, user_id: UUID, now: datetime) -> None:
        """Begin a session, the family of its refresh tokens."""
        await self._run(
            "INSERT INTO atendeai.session (clinic_id, id, user_id, created_at, last_used_at) "
            "VALUES (:clinic_id, :id, :user_id, :now, :now)",
            id=session_id,
            user_id=user_id,
            now=now,
        )

    async def add_token(
        self, *, token_id: UUID, session_id: UUID, fingerprint: str, now: datetime, expires_at: datetime
    ) -> None:
        """Store a new refresh token of a session."""
        await self._run(
            "INSERT INTO atendeai.refresh_token (clinic_id, id, session_id, token_sha256, created_at, expires_at) "
            "VALUES (:clinic_id, :id, :session_id, :fingerprint, :now, :expires_at)",
            id=token_id,
            session_id=session_id,
            fingerprint=fingerprint,
            now=now,
            expires_at=expires_at,
        )

    async def lock_token(self, fingerprint: str) -> RefreshToken | None:
        """The refresh token, its session locked: of two uses at once the second sees that the first has used it."""
        rows = await self._run(
            "SELECT t.session_id FROM atendeai.refresh_token t "
            "WHERE t.clinic_id = :clinic_id AND t.token_sha256 = :fingerprint",
            fingerprint=fingerprint,
        )
        session_id = rows.scalar_one_or_none()
        if session_id is None:
            return None
        await self._run(
            "SELECT id FROM atendeai.session WHERE clinic_id = :clinic_id AND id = :id FOR UPDATE", id=session_id
        )
        rows = await self._run(
            "SELECT t.id, t.session_id, s.user_id, t.expires_at, t.used_at, s.revoked_at "
            "FROM atendeai.refresh_token t "
            "JOIN atendeai.session s ON s.clinic_id = t.clinic_id AND s.id = t.session_id "
            "WHERE t.clinic_id = :clinic_id AND s.clinic_id = :clinic_id AND t.token_sha256 = :fingerprint",
            fingerprint=fingerprint,
        )
        return RefreshToken(**dict(rows.mappings().one()))

    async def use_token(self, token: RefreshToken, *, now: datetime) -> None:
        """Note that a refresh token was exchanged."""
        await self._run(
            "UPDATE atendeai.refresh_token SET used_at = :now WHERE clinic_id = :clinic_id AND id = :id",
            id=token.id,
            now=now,
        )
        await self._run(
            "UPDATE atendeai.session SET last_used_at = :now WHERE clinic_id = :clinic_id AND id = :id",
            id=token.session_id,
            now=now,
        )

    async def revoke_session(self, session_id: UUID, *, reason: str, now: datetime) -> bool:
        """End one session; False when it had ended before."""
        done = await self._run(
            "UPDATE atendeai.session SET revoked_at = :now, revoked_reason = :reason "
            "WHERE clinic_id = :clinic_id AND id = :id AND revoked_at IS NULL",
            id=session_id,
            reason=reason,
            now=now,
        )
        return done.rowcount > 0

    async def open_sessions(self, user_id: UUID) -> list[UUID]:
        """The sessions of a user that have not ended, locked."""
        rows = await self._run(
            "SELECT id FROM atendeai.session WHERE clinic_id = :clinic_id AND user_id = :user_id "
            "AND revoked_at IS NULL ORDER BY id FOR UPDATE",
            user_id=user_id,
        )
        return list(rows.scalars())

    async def _run(self, statement: str, **arguments: Any) -> CursorResult[Any]:
        return await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})
