"""The SQL of consents: the refresh token a person let the clinic have, and consents still being asked for.

What would open a calendar is sealed with the clinic's data key before it is written. Every statement names its clinic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.tenancy import Tenant

__all__ = ["Consent", "ConsentRepository", "ConsentRequest"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as Google granted it; `refused_at` when Google no longer honoured it."""

    refresh_token: str = field(repr=False)
    granted_at: datetime
    granted_by: str
    refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A consent that somebody was sent to Google for."""

    client_id: str
    person: str
    sid: str
    verifier: str = field(repr=False)
    redirect_uri: str
    expires_at: datetime


class ConsentRepository:
    """Reads and writes one clinic's consents inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, tenant: Tenant) -> None:
        self._connection = connection
        self._tenant = tenant

    async def get(self, client_id: str) -> Consent | None:
        """Return the consent given to an OAuth client; one that was sealed with another key is none."""
        row = (
            await self._run(
                "SELECT refresh_token, granted_at, granted_by, refused_at FROM atendeai.calendar_consent"
                " WHERE clinic_id = :clinic_id AND client_id = :client_id",
                client_id=client_id,
            )
        ).one_or_none()
        token = self._opened(row.refresh_token) if row is not None else None
        return Consent(token, row.granted_at, row.granted_by, row.refused_at) if token is not None else None

    async def save(self, client_id: str, consent: Consent) -> None:
        """Keep a consent in place of an earlier one."""
        await self._run(
            "INSERT INTO atendeai.calendar_consent (clinic_id, client_id, refresh_token, granted_at, granted_by)"
            " VALUES (:clinic_id, :client_id, :refresh_token, :granted_at, :granted_by)"
            " ON CONFLICT (clinic_id, client_id) DO UPDATE SET refresh_token = excluded.refresh_token,"
            " granted_at = excluded.granted_at, granted_by = excluded.granted_by, refused_at = NULL",
            client_id=client_id,
            refresh_token=self._sealed(consent.refresh_token),
            granted_at=consent.granted_at,
            granted_by=consent.granted_by,
        )

    async def refused(self, client_id: str, granted_at: datetime, at: datetime) -> bool:
        """Note that Google does not honour the consent given at that moment any more; False when it is another now."""
        result = await self._run(
            "UPDATE atendeai.calendar_consent SET refused_at = :at"
            " WHERE clinic_id = :clinic_id AND client_id = :client_id AND granted_at = :granted_at",
            client_id=client_id,
            granted_at=granted_at,
            at=at,
        )
        return bool(result.rowcount)

    async def forget(self, client_id: str) -> None:
        """Drop a consent."""
        await self._run(
            "DELETE FROM atendeai.calendar_consent WHERE clinic_id = :clinic_id AND client_id = :client_id",
            client_id=client_id,
        )

    async def ask(self, state_sha256: bytes, request: ConsentRequest, *, now: datetime) -> None:
        """Remember that somebody was sent to Google; what has expired goes."""
        await self._run(
            "DELETE FROM atendeai.calendar_consent_request WHERE clinic_id = :clinic_id AND expires_at <= :now", now=now
        )
        await self._run(
            "INSERT INTO atendeai.calendar_consent_request (clinic_id, state_sha256, client_id, person, sid, verifier,"
            " redirect_uri, expires_at) VALUES (:clinic_id, :state, :client_id, :person, :sid, :verifier,"
            " :redirect_uri, :expires_at)",
            state=state_sha256,
            client_id=request.client_id,
            person=request.person,
            sid=request.sid,
            verifier=self._sealed(request.verifier),
            redirect_uri=request.redirect_uri,
            expires_at=request.expires_at,
        )

    async def take(self, state_sha256: bytes) -> ConsentRequest | None:
        """Return what a state stands for and forget it: it serves once, whatever comes of it."""
        row = (
            await self._run(
                "DELETE FROM atendeai.calendar_consent_request"
                " WHERE clinic_id = :clinic_id AND state_sha256 = :state"
                " RETURNING client_id, person, sid, verifier, redirect_uri, expires_at",
                state=state_sha256,
            )
        ).one_or_none()
        verifier = self._opened(row.verifier) if row is not None else None
        if verifier is None:
            return None
        return ConsentRequest(row.client_id, row.person, row.sid, verifier, row.redirect_uri, row.expires_at)

    def _sealed(self, value: str) -> bytes:
        return self._tenant.config.cipher.encrypt(value.encode())

    def _opened(self, value: bytes) -> str | None:
        try:
            return self._tenant.config.cipher.decrypt(bytes(value)).decode()
        except InvalidToken:
            log.error("calendar_consent_unreadable", clinic_id=str(self._tenant.id))  # noqa: TRY400 - nothing to trace
            return None

    async def _run(self, statement: str, **arguments: Any) -> Any:
        return await self._connection.execute(text(statement), {"clinic_id": self._tenant.id} | arguments)
