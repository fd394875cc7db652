"""The SQL of second factors: `totp_factor`, `recovery_code`, `login_challenge`. Every statement names its clinic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Factor:
    """An authenticator app's secret, sealed; `confirmed_at` is None until a code has proven it."""

    user_id: UUID
    secret: bytes
    confirmed_at: datetime | None
    last_step: int


class FactorRepository:
    """One clinic's second factors, inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def factor(self, user_id: UUID, *, lock: bool = False) -> Factor | None:
        """A user's factor; with `lock` no other code is looked at until this transaction ends."""
        statement = (
            "SELECT user_id, secret, confirmed_at, last_step FROM atendeai.totp_factor "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id"
        )
        rows = await self._run(f"{statement} FOR UPDATE" if lock else statement, user_id=user_id)
        row = rows.mappings().first()
        return Factor(row["user_id"], bytes(row["secret"]), row["confirmed_at"], row["last_step"]) if row else None

    async def begin(self, user_id: UUID, secret: bytes, *, now: datetime) -> bool:
        """Store a new secret in place of an unconfirmed one; False when a confirmed one is there."""
        done = await self._run(
            "INSERT INTO atendeai.totp_factor AS f (clinic_id, user_id, secret, created_at) "
            "VALUES (:clinic_id, :user_id, :secret, :now) ON CONFLICT (clinic_id, user_id) DO UPDATE "
            "SET secret = excluded.secret, created_at = :now, last_step = 0 WHERE f.confirmed_at IS NULL",
            user_id=user_id,
            secret=secret,
            now=now,
        )
        return done.rowcount > 0

    async def take_step(self, user_id: UUID, step: int, *, now: datetime) -> bool:
        """Note that the code of a time step was taken, and with the first one confirm; False when it was before."""
        done = await self._run(
            "UPDATE atendeai.totp_factor SET last_step = :step, confirmed_at = coalesce(confirmed_at, :now) "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND last_step < :step",
            user_id=user_id,
            step=step,
            now=now,
        )
        return done.rowcount > 0

    async def remove(self, user_id: UUID) -> bool:
        """Drop a factor with its recovery codes and open challenges; False when there is none.

        The factor is locked first, as by whoever answers a challenge: in another order the two would wait for each
        other.
        """
        await self.factor(user_id, lock=True)
        await self._run(
            "DELETE FROM atendeai.recovery_code WHERE clinic_id = :clinic_id AND user_id = :user_id", user_id=user_id
        )
        await self.drop_challenges(user_id)
        done = await self._run(
            "DELETE FROM atendeai.totp_factor WHERE clinic_id = :clinic_id AND user_id = :user_id", user_id=user_id
        )
        return done.rowcount > 0

    async def set_recovery_codes(self, user_id: UUID, fingerprints: Iterable[str]) -> None:
        """Store new recovery codes; the earlier ones end."""
        await self._run(
            "DELETE FROM atendeai.recovery_code WHERE clinic_id = :clinic_id AND user_id = :user_id", user_id=user_id
        )
        await self._run(
            "INSERT INTO atendeai.recovery_code (clinic_id, user_id, code_sha256) "
            "SELECT CAST(:clinic_id AS uuid), CAST(:user_id AS uuid), code FROM unnest(CAST(:codes AS text[])) AS code",
            user_id=user_id,
            codes=list(fingerprints),
        )

    async def use_recovery_code(self, user_id: UUID, fingerprint: str, *, now: datetime) -> bool:
        """Use up a recovery code; False when there is no such unused one."""
        done = await self._run(
            "UPDATE atendeai.recovery_code SET used_at = :now WHERE clinic_id = :clinic_id AND user_id = :user_id "
            "AND code_sha256 = :fingerprint AND used_at IS NULL",
            user_id=user_id,
            fingerprint=fingerprint,
            now=now,
        )
        return done.rowcount > 0

    async def recovery_codes_left(self, user_id: UUID) -> int:
        """How many recovery codes are unused."""
        rows = await self._run(
            "SELECT count(*) FROM atendeai.recovery_code "
            "WHERE clinic_id = :clinic_id AND user_id = :user_id AND used_at IS NULL",
            user_id=user_id,
        )
        return int(rows.scalar_one())

    async def add_challenge(
        self, *, user_id: UUID, email: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> None:
        """Store that somebody knew a password; what has expired goes."""
        await self._run(
            "DELETE FROM atendeai.login_challenge WHERE clinic_id = :clinic_id AND expires_at <= :now", now=now
        )
        await self._run(
            "INSERT INTO atendeai.login_challenge (clinic_id, token_sha256, user_id, email, expires_at) "
            "VALUES (:clinic_id, :fingerprint, :user_id, :email, :expires_at)",
            fingerprint=fingerprint,
            user_id=user_id,
            email=email,
            expires_at=expires_at,
        )

    async def challenged(self, fingerprint: str, *, now: datetime) -> tuple[UUID, str] | None:
        """Whose challenge it is and the e-mail that it was given for, or None."""
        rows = await self._run(
            "SELECT user_id, email FROM atendeai.login_challenge "
            "WHERE clinic_id = :clinic_id AND token_sha256 = :fingerprint AND expires_at > :now",
            fingerprint=fingerprint,
            now=now,
        )
        found = rows.one_or_none()
        return (found.user_id, found.email) if found else None

    async def count_attempt(self, fingerprint: str, *, most: int, now: datetime) -> bool:
        """Count an answer to a challenge, which is locked then; False when it has ended or had too many."""
        done = await self._run(
            "UPDATE atendeai.login_challenge SET attempts = attempts + 1 WHERE clinic_id = :clinic_id "
            "AND token_sha256 = :fingerprint AND expires_at > :now AND attempts < :most",
            fingerprint=fingerprint,
            most=most,
            now=now,
        )
        return done.rowcount > 0

    async def drop_challenge(self, fingerprint: str) -> None:
        """End a challenge: it was answered."""
        await self._run(
            "DELETE FROM atendeai.login_challenge WHERE clinic_id = :clinic_id AND token_sha256 = :fingerprint",
            fingerprint=fingerprint,
        )

    async def drop_challenges(self, user_id: UUID) -> None:
        """End all challenges of a user: what they were given for has changed."""
        await self._run(
            "DELETE FROM atendeai.login_challenge WHERE clinic_id = :clinic_id AND user_id = :user_id", user_id=user_id
        )

    async def _run(self, statement: str, **arguments: Any) -> CursorResult[Any]:
        return await self._connection.execute(text(statement), {"clinic_id": self._clinic_id, **arguments})
