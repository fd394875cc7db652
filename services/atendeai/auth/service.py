"""Registration, login in one step or two, refresh with rotation, logout, and passwords.

A session is the family of one login's refresh tokens. Each is good for one exchange; a second use of one means that
somebody else holds a copy, so the whole family ends (RFC 9700, section 4.14).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.auth.accounts import INACTIVE, Account, Accounts, invitation_unknown
from atendeai.auth.factor_repository import FactorRepository
from atendeai.auth.factors import Factors
from atendeai.auth.lockout import Lockout
from atendeai.auth.passwords import WRONG_PASSWORD, Passwords
from atendeai.auth.repository import AuthRepository, Credential
from atendeai.auth.schemas import Challenge, Login, Me, PasswordChange, Registration, ResetIssued, Tokens
from atendeai.auth.sessions import Client, SessionBook, fingerprint, session_of
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem, conflict, forbidden, invalid, not_found, unauthenticated
from atendeai.kit.identity import Principal, hold_status
from atendeai.kit.tenancy import Tenant

RESET_LIFETIME = timedelta(hours=1)
_ENDED = "This session has ended; sign in again."
_NO_GUESS = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})


@dataclass(frozen=True, slots=True)
class Auth:
    """The use cases of the auth service."""

    database: Database
    accounts: Accounts
    sessions: SessionBook
    factors: Factors
    passwords: Passwords
    lockout: Lockout

    async def register(self, tenant: Tenant, request: Registration, client: Client) -> Tokens:
        """Take up an invitation: the owner's, which the Clinic resource issued, or one that user issued."""
        token = request.invitation
        is_owner = _is_owner_token(tenant, token)
        account = await (
            self.accounts.owner(tenant, request.name) if is_owner else self.accounts.invited(tenant, token)
        )
        if not is_owner and account.status != "invited":
            raise _invitation_used()
        hashed = await self.passwords.hash(request.password.get_secret_value())
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            await repository.forget_address(account.email, but=account.id)
            # An owner's invitation is good once; of two that come at once, too, for the row itself decides.
            if not await repository.set_password(
                user_id=account.id,
                email=account.email,
                password_hash=hashed,
                now=clock.now(),
                replace=not is_owner,
            ):
                raise _owner_registered()
            # Looked at once more: somebody may have taken the same invitation up meanwhile, or taken it back.
            status = "invited" if is_owner else await hold_status(connection, tenant.id, account.id)
            if status != "invited":
                raise _invitation_used() if status == "active" else invitation_unknown()
            await audit.record(
                connection,
                tenant.id,
                f"person:{account.id}",
                "auth.register",
                f"user:{account.id}",
                reason="invitation-taken-up",
            )
        if not is_owner:
            # Last, and repeatable: until it has happened the same invitation can be taken up again.
            account = await self.accounts.accept(tenant, token, request.name)
        stands = await self._taken_up(tenant, account, request, hashed)
        return await self._signed_in(tenant, account, client, stands, superseded=_invitation_used)

    async def _taken_up(self, tenant: Tenant, account: Account, request: Registration, hashed: str) -> str:
        """The hash that stands for the password: another one where the same registration was sent twice at once."""
        async with self.database.transaction(tenant) as connection:
            stands = await AuthRepository(connection, tenant.id).hash_of(account.id)
        if stands is None or stands.password_hash == hashed:
            return hashed
        fits, _ = await self.passwords.verify(request.password.get_secret_value(), stands.password_hash)
        return stands.password_hash if fits else hashed

    async def login(self, tenant: Tenant, request: Login, client: Client) -> Tokens | Challenge:
        """E-mail and password for a pair of tokens, or for a challenge where a second factor guards the account.

        One answer for an unknown address and a wrong password. Raises a 429 problem after too many failures.
        """
        async with self.lockout.attempt(request.email, client.address) as mark:
            found, renewed = await self._proven(tenant, request.email, request.password.get_secret_value())
            if found is None:
                raise unauthenticated(WRONG_PASSWORD, error="invalid_grant")
            account = await self.accounts.find(tenant, found.user_id)
            if account is None or not account.is_open:
                raise forbidden(INACTIVE)
            if renewed is not None:
                found = await self._renewed(tenant, request, found, renewed)
            challenge = await self.factors.challenge(tenant, found)
            if challenge is None:
                return await self._signed_in(tenant, account, client, found.password_hash)
        await self.lockout.passed(account.email, client.address, mark)
        return challenge

    async def _renewed(self, tenant: Tenant, request: Login, found: Credential, renewed: str) -> Credential:
        """Store a hash of today's kind. Raises a 401 problem when the password is another one by now."""
        async with self.database.transaction(tenant) as connection:
            done = await AuthRepository(connection, tenant.id).renew_hash(found, renewed, now=clock.now())
        if done:
            return replace(found, password_hash=renewed)
        # Another sign-in has renewed it meanwhile, or it was changed.
        again, _ = await self._proven(tenant, request.email, request.password.get_secret_value())
        if again is None:
            raise unauthenticated(WRONG_PASSWORD, error="invalid_grant")
        return again

    async def verify(self, tenant: Tenant, challenge: str, code: str, client: Client) -> Tokens:
        """The second step: a code for a pair of tokens. Raises a 401 problem for a wrong code or an ended challenge."""
        user_id, email = await self.factors.challenged(tenant, challenge)
        async with self.lockout.attempt(email, client.address):
            # Asked before the code is used up: should user be away, the same can be sent again.
            account = await self.accounts.find(tenant, user_id)
            # Read before the challenge is taken: it ends with the password that it was given for.
            async with self.database.transaction(tenant) as connection:
                proven = await AuthRepository(connection, tenant.id).credential(email)
            if account is None or proven is None or not account.is_open:
                raise forbidden(INACTIVE)
            await self.factors.answer(tenant, challenge, code)
            return await self._signed_in(tenant, account, client, proven.password_hash)

    async def refresh(self, tenant: Tenant, refresh_token: str, client: Client) -> Tokens:
        """Exchange a refresh token for a new pair; a second use of one ends its family."""
        digest, now = fingerprint(refresh_token), clock.now()
        async with self.database.transaction(tenant) as connection:
            user_id = await AuthRepository(connection, tenant.id).owner_of_token(digest)
        if user_id is None:
            raise unauthenticated(_ENDED, error="invalid_grant")
        # Asked before the token is used up: should user be away, the same token can be sent again.
        account = await self.accounts.find(tenant, user_id)
        issued: str | None = None
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            token = await repository.lock_token(digest)
            if token is None or token.revoked_at is not None or token.expires_at <= now:
                raise unauthenticated(_ENDED, error="invalid_grant")
            if token.used_at is not None:
                await self._end_family(connection, tenant, token.session_id, "refresh-token-reused")
            elif account is None or not account.is_open:
                await self._end_family(connection, tenant, token.session_id, "account-closed")
            else:
                ends = self.sessions.refresh_ends(tenant, now)
                await repository.use_token(
                    token, user_agent=client.user_agent, address=client.address, now=now, expires_at=ends
                )
                issued = await self.sessions.new_refresh(repository, tenant, token.session_id)
        if issued is None or account is None:  # said only now: the end of the family must be committed
            raise unauthenticated(_ENDED, error="invalid_grant")
        return self.sessions.pair(tenant, account, token.session_id, issued)

    async def logout(self, tenant: Tenant, who: Principal) -> None:
        """End the session that the access token belongs to."""
        async with self.database.transaction(tenant) as connection:
            if await self.sessions.end(connection, tenant, session_of(who), "logout"):
                await audit.record(
                    connection, tenant.id, who, "auth.logout", f"session:{who.sid}", reason="asked-by-holder"
                )

    async def me(self, tenant: Tenant, who: Principal) -> Me:
        """The account behind the access token, as it is now."""
        account = await self.accounts.find(tenant, UUID(who.subject))
        if account is None:
            raise unauthenticated(_ENDED)
        return Me(
            id=account.id,
            email=account.email,
            name=account.name,
            roles=sorted(account.roles),
            clinic_id=tenant.id,
            session_id=session_of(who),
            second_factor=(await self.factors.state(tenant, account.id)).enabled,
        )

    async def change_password(self, tenant: Tenant, who: Principal, request: PasswordChange, client: Client) -> None:
        """Set a new password and end the person's other sessions. Raises a 422 problem for a wrong present one.

        Also for one that was replaced since it was proven: a reset, which takes an account back from whoever knows its
        password, must not be undone by a change that began before it.
        """
        field = "current_password"
        found = await self.prove(tenant, who, request.current_password.get_secret_value(), client, field=field)
        if request.new_password.get_secret_value() == request.current_password.get_secret_value():
            raise invalid("new_password", "is the present one; choose another")
        hashed = await self.passwords.hash(request.new_password.get_secret_value())
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            if not await repository.renew_hash(found, hashed, now=clock.now()):
                raise _not_present(field)
            await repository.drop_reset(found.user_id)
            await FactorRepository(connection, tenant.id).drop_challenges(found.user_id)
            await audit.record(
                connection, tenant.id, who, "auth.change-password", f"user:{found.user_id}", reason="asked-by-holder"
            )
            await self.sessions.end_within(
                connection, tenant, found.user_id, actor=who, reason="password-changed", but=session_of(who)
            )

    async def prove(
        self, tenant: Tenant, who: Principal, password: str, client: Client, *, field: str = "password"
    ) -> Credential:
        """The credential of whoever is signed in, proven anew by the password in the request's `field`.

        Raises a 422 problem for a wrong password, a 429 after too many: a stolen token does not make guessing free.
        """
        async with self.database.transaction(tenant) as connection:
            found = await AuthRepository(connection, tenant.id).hash_of(UUID(who.subject))
        if found is None:
            raise unauthenticated(_ENDED)
        async with self.lockout.attempt(found.email, client.address) as mark:
            fits, _ = await self.passwords.verify(password, found.password_hash)
            if not fits:
                raise _not_present(field)
        # No sign-in: what else was tried on this account stays counted, or a password would buy guesses of the codes.
        await self.lockout.passed(found.email, client.address, mark)
        return found

    @asynccontextmanager
    async def guessing(self, tenant: Tenant, who: Principal, client: Client) -> AsyncIterator[None]:
        """Count the code that is tried inside like a password: a stolen token does not make guessing free.

        Raises a 429 problem after too many. What was no guess (404, 409: there is nothing to guess) is taken back.
        """
        async with self.database.transaction(tenant) as connection:
            found = await AuthRepository(connection, tenant.id).hash_of(UUID(who.subject))
        if found is None:
            raise unauthenticated(_ENDED)
        async with self.lockout.attempt(found.email, client.address) as mark:
            try:
                yield
            except Problem as problem:
                if problem.status in _NO_GUESS:
                    await self.lockout.passed(found.email, client.address, mark)
                raise
        await self.lockout.passed(found.email, client.address, mark)

    async def issue_reset(self, tenant: Tenant, who: Principal, user_id: UUID, reason: str) -> ResetIssued:
        """A token with which its holder sets a new password, once and within the hour; an earlier one ends."""
        account = await self.accounts.managed(tenant, who, user_id)
        if not account.is_open:
            raise _not_active()
        token, expires_at = secrets.token_urlsafe(32), clock.now() + RESET_LIFETIME
        async with self.database.transaction(tenant) as connection:
            # Looked at once more: what is issued must not outlive a deactivation of this very moment.
            if await hold_status(connection, tenant.id, user_id) != "active":
                raise _not_active()
            await AuthRepository(connection, tenant.id).add_reset(
                user_id=user_id, fingerprint=fingerprint(token), expires_at=expires_at, created_by=who.actor
            )
            await audit.record(
                connection, tenant.id, who, "auth.issue-password-reset", f"user:{user_id}", reason=reason
            )
        return ResetIssued(user_id=user_id, token=token, expires_at=expires_at)

    async def redeem_reset(self, tenant: Tenant, token: str, password: str) -> None:
        """Set a new password by a reset token and end every session; a second factor stays."""
        digest = fingerprint(token)
        async with self.database.transaction(tenant) as connection:
            issued = await AuthRepository(connection, tenant.id).reset_of(digest, now=clock.now())
        if issued is None:
            raise _reset_unknown()
        user_id, issuer = issued
        account = await self.accounts.find(tenant, user_id)
        if account is None or not account.is_open or not await self.accounts.still_manages(tenant, issuer, account):
            raise _reset_unknown()
        hashed = await self.passwords.hash(password)
        async with self.database.transaction(tenant) as connection:
            repository = AuthRepository(connection, tenant.id)
            if not await repository.take_reset(digest, now=clock.now()):
                raise _reset_unknown()
            await repository.forget_address(account.email, but=user_id)
            await repository.set_password(user_id=user_id, email=account.email, password_hash=hashed, now=clock.now())
            await FactorRepository(connection, tenant.id).drop_challenges(user_id)
            actor = f"person:{user_id}"
            await audit.record(
                connection, tenant.id, actor, "auth.reset-password", f"user:{user_id}", reason="reset-token-taken-up"
            )
            await self.sessions.end_within(connection, tenant, user_id, actor=actor, reason="password-reset")
        await self.lockout.forget(account.email)

    async def _proven(self, tenant: Tenant, email: str, password: str) -> tuple[Credential | None, str | None]:
        async with self.database.transaction(tenant) as connection:
            found = await AuthRepository(connection, tenant.id).credential(email)
        fits, renewed = await self.passwords.verify(password, found.password_hash if found else None)
        return (found, renewed) if fits else (None, None)

    async def reset_factor(self, tenant: Tenant, who: Principal, user_id: UUID, reason: str) -> None:
        """Take another's second factor away and end their sessions: the app was lost."""
        await self.accounts.managed(tenant, who, user_id)
        async with self.database.transaction(tenant) as connection:
            if not await FactorRepository(connection, tenant.id).remove(user_id):
                raise not_found("second factor", "No second factor guards this account.")
            await audit.record(connection, tenant.id, who, "auth.reset-second-factor", f"user:{user_id}", reason=reason)
            await self.sessions.end_within(connection, tenant, user_id, actor=who, reason="second-factor-reset")

    async def _signed_in(
        self,
        tenant: Tenant,
        account: Account,
        client: Client,
        password_hash: str,
        *,
        superseded: Callable[[], Problem] = lambda: unauthenticated(WRONG_PASSWORD, error="invalid_grant"),
    ) -> Tokens:
        """Open a session. Raises `superseded` when the password is another one by now."""
        if not account.is_open:
            raise forbidden(INACTIVE)
        tokens = await self.sessions.open(tenant, account, client, password_hash)
        if tokens is None:  # the password was changed or reset while this one was looked at
            raise superseded()
        await self.lockout.succeeded(account.email, client.address)
        return tokens

    async def _end_family(self, connection: AsyncConnection, tenant: Tenant, session_id: UUID, reason: str) -> None:
        await self.sessions.end(connection, tenant, session_id, reason)
        await audit.record(
            connection, tenant.id, "service:auth", "auth.end-session", f"session:{session_id}", reason=reason
        )


def _not_active() -> Problem:
    return conflict("not-active", "user_id: the account is not active; invite its holder, or activate it first.")


def _invitation_used() -> Problem:
    return conflict("invitation-used", "invitation: it was taken up already; sign in instead.")


def _owner_registered() -> Problem:
    return conflict(
        "invitation-used",
        "invitation: it was taken up already; sign in instead. Where no owner can sign in any more, have the platform"
        " team name another address in spec.owner.email of the Clinic resource: it is invited as an owner, who resets"
        " the password and the second factor of the others.",
    )


def _not_present(field: str) -> Problem:
    return invalid(field, "it is not the present password of this account")


def _reset_unknown() -> Problem:
    return Problem(
        403,
        "reset-unknown",
        "Not allowed",
        "token: it is unknown, was used or has expired; ask an owner or admin of the clinic for a new one.",
    )


def _is_owner_token(tenant: Tenant, token: str) -> bool:
    expected = tenant.config.credentials.owner.token_sha256
    return bool(expected) and hmac.compare_digest(fingerprint(token), expected.lower())
