"""Invitations: made, listed, renewed, revoked and taken up."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import conflict, forbidden, not_found
from atendeai.kit.identity import Principal
from atendeai.kit.paging import Window
from atendeai.kit.permissions import allowed, may_manage
from atendeai.kit.preconditions import etag_of, require_match
from atendeai.kit.responses import dumps
from atendeai.kit.tenancy import Tenant
from atendeai.user.invitation_repository import InvitationRepository
from atendeai.user.repository import UserRepository
from atendeai.user.schemas import Invitation, InvitationPage, Invited, NewUser, OpenInvitation, Reason, User
from atendeai.user.service import withdraw

LIFETIME = timedelta(days=7)

_TAKEN = (
    "email: it has an account in this clinic already, or an invitation, which POST"
    " /api/v1/users/invitations/{invitation_id}/renew makes anew."
)


def fingerprint(token: str) -> str:
    """SHA-256 of a token, in hex: what is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Invitations:
    """The use cases around invitations."""

    database: Database

    async def invite(self, tenant: Tenant, who: Principal, new: NewUser) -> Invited:
        """A new account, closed until its invitation is taken up."""
        if not may_manage(who.roles, new.roles):
            raise forbidden("Only an owner may invite an owner.")
        async with self.database.transaction(tenant) as connection:
            added = await UserRepository(connection, tenant.id).add(
                user_id=uuid4(),
                email=new.email,
                name=new.name,
                roles=list(new.roles),
                status="invited",
                now=clock.now(),
            )
            if added is None:
                raise conflict("email-taken", _TAKEN)
            invitation = _new(uuid4())
            await InvitationRepository(connection, tenant.id).add(
                user_id=added.id,
                invitation_id=invitation.id,
                token_sha256=fingerprint(invitation.token),
                invited_by=who.actor,
                now=clock.now(),
                ends=invitation.expires_at,
            )
            details = {"roles": list(new.roles)}
            await audit.record(
                connection,
                tenant.id,
                who,
                "user.invite",
                f"user:{added.id}",
                details,
                reason=new.reason or "invited",
            )
        return Invited(**added.model_dump(), invitation=invitation)

    async def page(self, tenant: Tenant, window: Window) -> InvitationPage:
        """One page of what has not been taken up."""
        async with self.database.transaction(tenant) as connection:
            items, token = await InvitationRepository(connection, tenant.id).page(window, now=clock.now())
        return InvitationPage(items=items, next_page_token=token)

    async def get(self, tenant: Tenant, invitation_id: UUID) -> OpenInvitation:
        """One that has not been taken up. Raises a 404 problem."""
        async with self.database.transaction(tenant) as connection:
            found = await InvitationRepository(connection, tenant.id).open(invitation_id, now=clock.now())
        if found is None:
            raise not_found("invitation")
        return found

    async def renew(
        self, tenant: Tenant, who: Principal, invitation_id: UUID, reason: Reason | None, if_match: str | None = None
    ) -> tuple[Invitation, str]:
        """The invitation with a new token and expiry, and its ETag; the earlier token is worth nothing from then on.

        Renewing again is the same once more. Raises a 412 problem when `if_match` names another state of it.
        """
        async with self.database.transaction(tenant) as connection:
            found = await self._open(connection, tenant, who, invitation_id, if_match)
            renewed = _new(found.id)
            await InvitationRepository(connection, tenant.id).renew(
                found.id,
                token_sha256=fingerprint(renewed.token),
                invited_by=who.actor,
                ends=renewed.expires_at,
            )
            target = f"user:{found.user.id}"
            await audit.record(connection, tenant.id, who, "user.renew-invitation", target, reason=reason or "renewed")
            anew = await self._open(connection, tenant, who, renewed.id, None)
        return renewed, _tag(anew)

    async def revoke(
        self, tenant: Tenant, who: Principal, invitation_id: UUID, reason: Reason, if_match: str | None = None
    ) -> None:
        """Take an invitation back with the account that it would have opened.

        Raises a 412 problem when `if_match` names another state of it.
        """
        async with self.database.transaction(tenant) as connection:
            found = await self._open(connection, tenant, who, invitation_id, if_match)
            await withdraw(connection, tenant, who, found.user, reason)

    async def invited(self, tenant: Tenant, token: str) -> User:
        """The account an invitation belongs to; 404 when the token is unknown or has expired."""
        async with self.database.transaction(tenant) as connection:
            return await self._stands(InvitationRepository(connection, tenant.id), token)

    async def accept(self, tenant: Tenant, token: str, name: str) -> User:
        """Open the account of an invitation. Taking it up twice is the same as once."""
        async with self.database.transaction(tenant) as connection:
            repository, now = InvitationRepository(connection, tenant.id), clock.now()
            found = await self._stands(repository, token)
            if found.status != "invited":
                return found
            await repository.accept(fingerprint(token), now=now)
            opened = await UserRepository(connection, tenant.id).update(
                found.id, name=name, roles=list(found.roles), status="active", now=now
            )
            assert opened is not None  # noqa: S101 - the row is locked
            await audit.record(
                connection,
                tenant.id,
                f"person:{found.id}",
                "user.accept-invitation",
                f"user:{found.id}",
                reason="invitation-taken-up",
            )
            return opened

    @staticmethod
    async def _stands(repository: InvitationRepository, token: str) -> User:
        """The account of an invitation that is good still: whoever issued it might issue it today."""
        found = await repository.by_token(fingerprint(token), now=clock.now())
        if found is None or found.status == "deactivated":
            raise not_found("invitation")
        by = await repository.issuer(fingerprint(token))
        if by is not None:
            able = by.status == "active" and allowed("users.invite", by.roles) and may_manage(by.roles, found.roles)
            if not able:
                raise not_found("invitation")
        return found

    @staticmethod
    async def _open(
        connection: AsyncConnection, tenant: Tenant, who: Principal, invitation_id: UUID, if_match: str | None
    ) -> OpenInvitation:
        found = await InvitationRepository(connection, tenant.id).open(invitation_id, now=clock.now(), lock=True)
        if found is None:
            raise not_found("invitation")
        if not may_manage(who.roles, found.user.roles):
            raise forbidden("Only an owner may manage an owner.")
        require_match(if_match, _tag(found))
        return found


def _new(invitation_id: UUID) -> Invitation:
    return Invitation(id=invitation_id, token=secrets.token_urlsafe(32), expires_at=clock.now() + LIFETIME)


def _tag(invitation: OpenInvitation) -> str:
    return etag_of(dumps(invitation))
