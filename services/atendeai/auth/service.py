"""Registration, login, refresh with rotation, logout, and the end of sessions.

A session is the family of one login's refresh tokens. Each is good for one exchange; a second use of one means that
somebody else holds a copy, so the whole family ends (RFC 9700, section 4.14).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.auth.passwords import Passwords
from atendeai.auth.repository import AuthRepository
from atendeai.auth.schemas import Login, Me, Registration, Tokens
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem, conflict, forbidden, unauthenticated
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.identity import Principal, issue_access_token, revoke_session
from atendeai.kit.tenancy import Tenant

_WRONG = "The e-mail or the password is wrong."
_ENDED = "This session has ended; sign in again."


@dataclass(frozen=True, slots=True)
class Account:
    """What user says of an account."""

    id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    status: str

    @classmethod
    def read(cls, document: dict[str, Any]) -> Account:
        """From user's JSON."""
        return cls(
            UUID(document["id"]), document["email"], document["name"], tuple(document["roles"]), document["status"]
        )


@dataclass(frozen=True, slots=True)
class Auth:
    """The use cases of the auth service."""

    database: Database
    services: ServiceClient
    passwords: Passwords

    async def register(self, tenant: Tenant, request: Registration) -> Tokens:
        """Take up an invitation: the owner's, which the Clinic resource issued, or one that user issued."""
        token = request.invitation
        is_owner = _is_owner_token(tenant, token)
        account = await (self._owner(tenant, request) if is_owner else self._invited(tenant, token))
        hashed = await self.passwords.hash(request.password.get_secret_value())
        now = clock.now()
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            taken = await repository.credential(account.email)
            if taken is not None and (is_owner or account.status != "invited"):
                raise conflict("invitation-used", "invitation: it was taken up already; sign in instead.")
            await repository.set_password(user_id=account.id, email=account.email, password_hash=hashed, now=now)
            await audit.record(connection, tenant.id, f"person:{account.id}", "auth.register", f"user:{account.id}")
        if not is_owner:
            # Last, and repeatable: until it has happened the same invitation can be taken up again.
            accepted = {"token": token, "name": request.name}
            account = Account.read(await self._user(tenant, "POST", "invitations/accept", accepted))
        return await self._open(tenant, account)

    async def login(self, tenant: Tenant, request: Login) -> Tokens:
        """E-mail and password for a pair of tokens; one answer for an unknown address and a wrong password."""
        async with self.database.transaction(tenant) as connection:
            found = await AuthRepository(connection, tenant.id).credential(request.email)
        password = request.password.get_secret_value()
        fits, renewed = await self.passwords.verify(password, found.password_hash if found else None)
        if found is None or not fits:
            raise unauthenticated(_WRONG, error="invalid_grant")
        account = await self._account(tenant, found.user_id)
        if account is None or account.status != "active":
            raise forbidden("This account is not active; ask an owner of the clinic.")
        if renewed is not None:
            async with self.database.transaction(tenant) as connection:
                await AuthRepository(connection, tenant.id).set_password(
                    user_id=account.id, email=request.email, password_hash=renewed, now=clock.now()
                )
        return await self._open(tenant, account)

    async def refresh(self, tenant: Tenant, refresh_token: str) -> Tokens:
        """Exchange a refresh token for a new pair; a second use of one ends its family."""
        now = clock.now()
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            token = await repository.lock_token(_fingerprint(refresh_token))
            if token is None or token.revoked_at is not None or token.expires_at <= now:
                raise unauthenticated(_ENDED, error="invalid_grant")
            reused = token.used_at is not None
            if reused:
                await self._end(connection, tenant, token.session_id, "refresh-token-reused")
                await audit.record(
                    connection, tenant.id, "service:auth", "auth.refresh-reuse", f"session:{token.session_id}"
                )
            else:
                await repository.use_token(token, now=now)
                issued = await self._new_refresh(repository, tenant, token.session_id)
        if reused:  # said only now: the end of the family must be committed
            raise unauthenticated(_ENDED, error="invalid_grant")
        account = await self._account(tenant, token.user_id)
        if account is None or account.status != "active":
            async with self.database.transaction(tenant) as connection:
                await self._end(connection, tenant, token.session_id, "account-closed")
            raise unauthenticated(_ENDED, error="invalid_grant")
        return self._pair(tenant, account, token.session_id, issued)

    async def logout(self, tenant: Tenant, who: Principal) -> None:
        """End the session that the access token belongs to."""
        async with self.database.transaction(tenant) as connection:
            await self._end(connection, tenant, _session_of(who), "logout")

    async def me(self, tenant: Tenant, who: Principal) -> Me:
        """The account behind the access token, as it is now."""
        account = await self._account(tenant, UUID(who.subject))
        if account is None:
            raise unauthenticated(_ENDED)
        return Me(
            id=account.id,
            email=account.email,
            name=account.name,
            roles=list(account.roles),
            clinic_id=tenant.id,
            session_id=_session_of(who),
        )

    async def revoke_user(self, tenant: Tenant, user_id: UUID) -> int:
        """End every session of a user; returns how many."""
        async with self.database.transaction(tenant) as connection:
            ended = await AuthRepository(connection, tenant.id).open_sessions(user_id)
            for session_id in ended:
                await self._end(connection, tenant, session_id, "account-changed")
        return len(ended)

    @staticmethod
    async def _end(connection: AsyncConnection, tenant: Tenant, session_id: UUID, reason: str) -> None:
        """End a session with this transaction: its refresh tokens, and its access tokens in every process."""
        now = clock.now()
        await AuthRepository(connection, tenant.id).revoke_session(session_id, reason=reason, now=now)
        last = now + timedelta(seconds=tenant.config.settings.security.access_token_ttl_seconds)
        await revoke_session(connection, tenant.id, str(session_id), last)

    async def _open(self, tenant: Tenant, account: Account) -> Tokens:
        session_id = uuid4()
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            await repository.open_session(session_id=session_id, user_id=account.id, now=clock.now())
            issued = await self._new_refresh(repository, tenant, session_id)
        return self._pair(tenant, account, session_id, issued)

    @staticmethod
    async def _new_refresh(repository: AuthRepository, tenant: Tenant, session_id: UUID) -> str:
        token, now = secrets.token_urlsafe(32), clock.now()
        lifetime = timedelta(seconds=tenant.config.settings.security.refresh_token_ttl_seconds)
        await repository.add_token(
            token_id=uuid4(),
            session_id=session_id,
            fingerprint=_fingerprint(token),
            now=now,
            expires_at=now + lifetime,
        )
        return token

    @staticmethod
    def _pair(tenant: Tenant, account: Account, session_id: UUID, refresh_token: str) -> Tokens:
        access, _ = issue_access_token(tenant, subject=str(account.id), roles=account.roles, sid=str(session_id))
        seconds = tenant.config.settings.security.access_token_ttl_seconds
        return Tokens(access_token=access, refresh_token=refresh_token, expires_in=seconds)

    async def _owner(self, tenant: Tenant, request: Registration) -> Account:
        owner = {"email": tenant.config.credentials.owner.email.lower(), "name": request.name}
        return Account.read(await self._user(tenant, "POST", "owners", owner))

    async def _invited(self, tenant: Tenant, token: str) -> Account:
        try:
            return Account.read(await self._user(tenant, "POST", "invitations/lookup", {"token": token}))
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - HTTP
                raise
            raise Problem(
                403,
                "invitation-unknown",
                "Not allowed",
                "invitation: it is unknown or has expired; ask an owner of the clinic for a new one.",
            ) from error

    async def _account(self, tenant: Tenant, user_id: UUID) -> Account | None:
        try:
            return Account.read(await self._user(tenant, "GET", f"users/{user_id}"))
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - HTTP
                raise
            return None

    async def _user(self, tenant: Tenant, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        return await self.services.call(tenant, "user", method, f"/internal/v1/{path}", json=body)


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_owner_token(tenant: Tenant, token: str) -> bool:
    expected = tenant.config.credentials.owner.token_sha256
    return bool(expected) and hmac.compare_digest(_fingerprint(token), expected.lower())


def _session_of(who: Principal) -> UUID:
    return UUID(who.sid)
