"""Sessions: one sign-in each, the family of its refresh tokens; opened, listed and ended.

An ended session takes its refresh tokens along at once and its access tokens within seconds, in every process.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.auth.accounts import INACTIVE, Account
from atendeai.auth.factor_repository import FactorRepository
from atendeai.auth.repository import AuthRepository
from atendeai.auth.schemas import Session, SessionPage, Tokens
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import forbidden, not_found
from atendeai.kit.identity import LONGEST_ACCESS_TOKEN, Principal, hold_roles, issue_access_token, revoke_sessions
from atendeai.kit.paging import Window
from atendeai.kit.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from, as shown in the list of sessions."""

    address: str
    user_agent: str | None


def fingerprint(token: str) -> str:
    """SHA-256 of a token, in hex: what is stored of it. Tokens are random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of(who: Principal) -> UUID:
    """The session that an access token belongs to."""
    return UUID(who.sid)


@dataclass(frozen=True, slots=True)
class SessionBook:
    """The sessions of the clinics."""

    database: Database

    async def open(self, tenant: Tenant, account: Account, client: Client, password_hash: str) -> Tokens | None:
        """Begin a session, with the roles that the account has at this moment.

        None when the password it was proven by is another one by now: the sessions that this ended were all there were.
        Raises a 403 problem when the account was closed since it was asked for: so were its sessions.
        """
        session_id, now = uuid4(), clock.now()
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            if not await repository.holds(account.id, password_hash):
                return None
            roles = await hold_roles(connection, tenant.id, account.id)
            if roles is None:
                raise forbidden(INACTIVE)
            await repository.forget_sessions(account.id, dead=now - LONGEST_ACCESS_TOKEN)
            await repository.open_session(
                session_id=session_id,
                user_id=account.id,
                user_agent=client.user_agent,
                address=client.address,
                now=now,
                expires_at=self.refresh_ends(tenant, now),
            )
            issued = await self.new_refresh(repository, tenant, session_id)
            person, session = f"person:{account.id}", f"session:{session_id}"
            await audit.record(connection, tenant.id, person, "auth.sign-in", session, reason="sign-in")
        return self.pair(tenant, replace(account, roles=roles), session_id, issued)

    @staticmethod
    def refresh_ends(tenant: Tenant, now: datetime) -> datetime:
        """When a refresh token that is issued now ends."""
        return now + timedelta(seconds=tenant.config.settings.security.refresh_token_ttl_seconds)

    async def new_refresh(self, repository: AuthRepository, tenant: Tenant, session_id: UUID) -> str:
        """Issue the session's next refresh token."""
        token, now = secrets.token_urlsafe(32), clock.now()
        await repository.add_token(
            token_id=uuid4(),
            session_id=session_id,
            fingerprint=fingerprint(token),
            now=now,
            expires_at=self.refresh_ends(tenant, now),
        )
        return token

    @staticmethod
    def pair(tenant: Tenant, account: Account, session_id: UUID, refresh_token: str) -> Tokens:
        """The answer of a sign-in."""
        access, _ = issue_access_token(tenant, subject=str(account.id), roles=account.roles, sid=str(session_id))
        seconds = tenant.config.settings.security.access_token_ttl_seconds
        return Tokens(access_token=access, refresh_token=refresh_token, expires_in=seconds)

    async def page(self, tenant: Tenant, who: Principal, window: Window) -> SessionPage:
        """A page of a person's open sessions."""
        async with self.database.transaction(tenant) as connection:
            rows = await AuthRepository(connection, tenant.id).sessions(UUID(who.subject), window, now=clock.now())
        shown, token = window.page(
            rows, lambda row: {"id": row["id"], "last_used_at": row["last_used_at"], "created_at": row["created_at"]}
        )
        items = [Session(**row, current=row["id"] == session_of(who)) for row in shown]
        return SessionPage(items=items, next_page_token=token)

    async def end_own(self, tenant: Tenant, who: Principal, session_id: UUID) -> None:
        """End one of a person's own sessions. Raises a 404 problem when it is none of theirs or has ended."""
        async with self.database.transaction(tenant) as connection:
            if not await self._end(connection, tenant, UUID(who.subject), "ended-by-holder", only=session_id):
                raise not_found("session")
            await audit.record(
                connection, tenant.id, who, "auth.end-session", f"session:{session_id}", reason="ended-by-holder"
            )

    async def end_all(
        self, tenant: Tenant, user_id: UUID, *, actor: Principal | str, reason: str, but: UUID | None = None
    ) -> int:
        """End a person's sessions, all or all but one; returns how many ended."""
        async with self.database.transaction(tenant) as connection:
            return await self.end_within(connection, tenant, user_id, actor=actor, reason=reason, but=but)

    async def shut_out(self, tenant: Tenant, user_id: UUID, *, actor: str, reason: str) -> int:
        """End a person's sessions and what else was on its way into the account; returns how many sessions ended.

        A reset token, or a password that was right and waits for its code, would otherwise outlive a deactivation.
        """
        async with self.database.transaction(tenant) as connection:
            # In the order in which a reset that is taken up locks them.
            await AuthRepository(connection, tenant.id).drop_reset(user_id)
            await FactorRepository(connection, tenant.id).drop_challenges(user_id)
            return await self.end_within(connection, tenant, user_id, actor=actor, reason=reason)

    async def end_within(
        self,
        connection: AsyncConnection,
        tenant: Tenant,
        user_id: UUID,
        *,
        actor: Principal | str,
        reason: str,
        but: UUID | None = None,
    ) -> int:
        """The same, in a transaction that does something else as well."""
        ended = sum((await self._end(connection, tenant, user_id, reason, but=but)).values())
        if ended:
            details = {"sessions": ended}
            await audit.record(
                connection, tenant.id, actor, "auth.end-sessions", f"user:{user_id}", details, reason=reason
            )
        return ended

    @staticmethod
    async def _end(
        connection: AsyncConnection,
        tenant: Tenant,
        user_id: UUID,
        reason: str,
        *,
        only: UUID | None = None,
        but: UUID | None = None,
    ) -> dict[UUID, bool]:
        """End a person's sessions with this transaction; which, and whether each was open.

        One that was not, for its refresh tokens had run out, may have access tokens that live.
        """
        now = clock.now()
        ended = await AuthRepository(connection, tenant.id).revoke_sessions(
            user_id, reason=reason, now=now, dead=now - LONGEST_ACCESS_TOKEN, only=only, but=but
        )
        await revoke_sessions(connection, tenant.id, map(str, ended), now + LONGEST_ACCESS_TOKEN)
        return ended

    @staticmethod
    async def end(connection: AsyncConnection, tenant: Tenant, session_id: UUID, reason: str) -> bool:
        """End a session with this transaction: its refresh tokens, and its access tokens in every process.

        False when it had ended before.
        """
        now = clock.now()
        ended = await AuthRepository(connection, tenant.id).revoke_session(session_id, reason=reason, now=now)
        await revoke_sessions(connection, tenant.id, [str(session_id)], now + LONGEST_ACCESS_TOKEN)
        return ended
