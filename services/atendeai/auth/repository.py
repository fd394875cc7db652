"""The SQL of sign-in: `credential`, `session`, `refresh_token`, `password_reset`. Every statement names its clinic.

Tokens are stored as SHA-256 fingerprints: they are random and long, so a fast hash is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.paging import Field, Sorting, Window

SESSIONS = Sorting(
    Field("last_used_at", "last_used_at", datetime),
    Field("created_at", "created_at", datetime),
    default="-last_used_at",
    tie=Field("id", "id", UUID),
)


@dataclass(frozen=True, slots=True)
class Credential:
    """Whose password it is, and its hash in PHC format."""

    user_id: UUID
    email: str
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
            "SELECT user_id, email, password_hash FROM atendeai.credential "
            "WHERE clinic_id = :clinic_id AND email = :email",
            email=email,
        )
        row = rows.mappings().first()
        return Credential(**row) if row else None

    async def set_password(
        self, *, user_id: UUID, email: str, password_hash: str, now: datetime, replace: bool = True
    ) -> bool:
        """Store a password's hash, in place of an earlier one if `replace`; False when one is there and stays."""
        earlier = (
            "UPDATE SET email = excluded.email, password_hash = excluded.password_hash, updated_at = :now"
            if replace
            else "NOTHING"
        )
        done = await self._run(
            "INSERT INTO atendeai.credential (clinic_id, user_id, email, password_hash, updated_at) "
            f"VALUES (:clinic_id, :user_id, :email, :hash, :now) ON CONFLICT (clinic_id, user_id) DO {earlier}",
            user_id=user_id,
            email=email,
            hash=password_hash,
            now=now,
        )
        return done.rowcount > 0

    async def forget_address(self, email: str, *, but: UUID) -> None:
        """Drop what is left at an address from an account that is gone: its invitation was revoked half way."""
        await self._run(
            "DELETE FROM atendeai.credential WHERE clinic_id = :clinic_id AND email = :email AND user_id <> :but",
            email=email,
            but=but,
        )

    async def hash_of(self, user_id: UUID) -> Credential | None:
        """The credential of a user."""
        rows = await self._run(
            "SELECT user_id, email, password_hash FROM atendeai.credential "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id",
            user_id=user_id,
        )
        row = rows.mappings().first()
        return Credential(**row) if row else None

    async def holds(self, user_id: UUID, password_hash: str) -> bool:
        """Whether this is the user's password still; until this transaction ends nobody changes it."""
        rows = await self._run(
            "SELECT 1 FROM atendeai.credential "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND password_hash = :hash FOR SHARE",
            user_id=user_id,
            hash=password_hash,
        )
        return rows.first() is not None

    async def renew_hash(self, credential: Credential, password_hash: str, *, now: datetime) -> bool:
        """Replace the hash that was read by another; False when it was replaced meanwhile."""
        done = await self._run(
            "UPDATE atendeai.credential SET password_hash = :hash, updated_at = :now "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND password_hash = :old",
            user_id=credential.user_id,
            hash=password_hash,
            old=credential.password_hash,
            now=now,
        )
        return done.rowcount > 0

    async def open_session(
        self,
        *,
        session_id: UUID,
        user_id: UUID,
        user_agent: str | None,
        address: str,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Begin a session, the family of its refresh tokens."""
        await self._run(
            "INSERT INTO atendeai.session (clinic_id, id, user_id, user_agent, address, created_at, last_used_at, "
            "expires_at) VALUES (:clinic_id, :id, :user_id, :user_agent, :address, :now, :now, :expires_at)",
            id=session_id,
            user_id=user_id,
            user_agent=user_agent,
            address=address,
            now=now,
            expires_at=expires_at,
        )

    async def sessions(self, user_id: UUID, window: Window, *, now: datetime) -> list[dict[str, Any]]:
        """A page of the sessions of a user that have neither been ended nor expired, and one more if there is one."""
        behind, values = window.condition()
        rows = await self._run(
            "SELECT id, user_agent, address, created_at, last_used_at, expires_at FROM atendeai.session "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND revoked_at IS NULL AND expires_at > :now "
            f"AND {behind} ORDER BY {window.order_by()} LIMIT :limit",
            user_id=user_id,
            now=now,
            limit=window.limit,
            **values,
        )
        return [dict(row) for row in rows.mappings()]

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
        row = rows.mappings().one_or_none()  # None: the session was forgotten while we waited for it
        return None if row is None else RefreshToken(**dict(row))

    async def owner_of_token(self, fingerprint: str) -> UUID | None:
        """Whose refresh token it is, whatever its state."""
        rows = await self._run(
            "SELECT s.user_id FROM atendeai.refresh_token t "
            "JOIN atendeai.session s ON s.clinic_id = t.clinic_id AND s.id = t.session_id "
            "WHERE t.clinic_id = :clinic_id AND s.clinic_id = :clinic_id AND t.token_sha256 = :fingerprint",
            fingerprint=fingerprint,
        )
        found: UUID | None = rows.scalar_one_or_none()
        return found

    async def use_token(
        self, token: RefreshToken, *, user_agent: str | None, address: str, now: datetime, expires_at: datetime
    ) -> None:
        """Note that a refresh token was exchanged, and from where; the session lives until its successor ends."""
        await self._run(
            "UPDATE atendeai.refresh_token SET used_at = :now WHERE clinic_id = :clinic_id AND id = :id",
            id=token.id,
            now=now,
        )
        await self._run(
            "UPDATE atendeai.session SET last_used_at = :now, expires_at = :expires_at, user_agent = :user_agent, "
            "address = :address WHERE clinic_id = :clinic_id AND id = :id",
            id=token.session_id,
            user_agent=user_agent,
            address=address,
            expires_at=expires_at,
            now=now,
        )
        # One that has expired is refused like one that never was.
        await self._run(
            "DELETE FROM atendeai.refresh_token "
            "WHERE clinic_id = :clinic_id AND session_id = :session_id AND expires_at <= :now",
            session_id=token.session_id,
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

    async def revoke_sessions(
        self,
        user_id: UUID,
        *,
        reason: str,
        now: datetime,
        dead: datetime,
        only: UUID | None = None,
        but: UUID | None = None,
    ) -> dict[UUID, bool]:
        """End a user's sessions: all, `only` one, or all `but` one. Which ended, and whether it was open until now.

        Those that expired after `dead` end too, for an access token of them may live.
        """
        rows = await self._run(
            "WITH ending AS (SELECT id FROM atendeai.session WHERE clinic_id = :clinic_id AND user_id = :user_id "
            "AND revoked_at IS NULL AND expires_at > :dead "
            "AND (CAST(:only AS uuid) IS NULL OR id = CAST(:only AS uuid)) "
            "AND (CAST(:but AS uuid) IS NULL OR id <> CAST(:but AS uuid)) ORDER BY id FOR UPDATE) "
            "UPDATE atendeai.session s SET revoked_at = :now, revoked_reason = :reason FROM ending "
            "WHERE s.clinic_id = :clinic_id AND s.id = ending.id RETURNING s.id, s.expires_at > :now AS open",
            user_id=user_id,
            reason=reason,
            now=now,
            dead=dead,
            only=only,
            but=but,
        )
        return {row.id: row.open for row in rows}

    async def forget_sessions(self, user_id: UUID, *, dead: datetime) -> None:
        """Drop a user's sessions that had expired by then, their refresh tokens included."""
        await self._run(
            # Of two sign-ins at once one tidies up.
            "DELETE FROM atendeai.session WHERE clinic_id = :clinic_id AND id IN (SELECT id FROM atendeai.session "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND expires_at <= :dead FOR UPDATE SKIP LOCKED)",
            user_id=user_id,
            dead=dead,
        )

    async def add_reset(self, *, user_id: UUID, fingerprint: str, expires_at: datetime, created_by: str) -> None:
        """Store a reset token of a user, in place of an earlier one."""
        await self._run(
            "INSERT INTO atendeai.password_reset (clinic_id, user_id, token_sha256, expires_at, created_by) "
            "VALUES (:clinic_id, :user_id, :fingerprint, :expires_at, :created_by) ON CONFLICT (clinic_id, user_id) "
            "DO UPDATE SET token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at, "
            "created_by = excluded.created_by",
            user_id=user_id,
            fingerprint=fingerprint,
            expires_at=expires_at,
            created_by=created_by,
        )

    async def reset_of(self, fingerprint: str, *, now: datetime) -> tuple[UUID, str] | None:
        """Whose reset token it is, and who issued it; None when it is unknown or has expired."""
        rows = await self._run(
            "SELECT user_id, created_by FROM atendeai.password_reset "
            "WHERE clinic_id = :clinic_id AND token_sha256 = :fingerprint AND expires_at > :now",
            fingerprint=fingerprint,
            now=now,
        )
        found = rows.one_or_none()
        return (found.user_id, found.created_by) if found else None

    async def take_reset(self, fingerprint: str, *, now: datetime) -> bool:
        """Use up a reset token; False when somebody else has, or it has expired."""
        done = await self._run(
            "DELETE FROM atendeai.password_reset "
            "WHERE clinic_id = :clinic_id AND token_sha256 = :fingerprint AND expires_at > :now",
            fingerprint=fingerprint,
            now=now,
        )
        return done.rowcount > 0

    async def drop_reset(self, user_id: UUID) -> None:
        """End a user's open reset token: the password was changed another way."""
        await self._run(
            "DELETE FROM atendeai.password_reset WHERE clinic_id = :clinic_id AND user_id = :user_id", user_id=user_id
        )

    async def _run(self, statement: str, **arguments: Any) -> CursorResult[Any]:
        return await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})
