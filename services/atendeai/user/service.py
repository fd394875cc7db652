"""What happens to staff accounts, and under which rules.

A change takes one transaction, with its entry in the audit log. Ending the sessions of a deactivated person is asked of
auth afterwards: the account is closed first, so that a refresh in between finds it closed.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem, conflict, forbidden, invalid, not_found
from atendeai.kit.http import ServiceClient
from atendeai.kit.identity import Principal
from atendeai.kit.tenancy import Tenant
from atendeai.user.permissions import Action, Role, allowed, may_manage
from atendeai.user.repository import UserRepository
from atendeai.user.schemas import Invitation, Invited, NewUser, OwnerRequest, User, UserPage, UserPatch

INVITATION_LIFETIME = timedelta(days=7)


def fingerprint(token: str) -> str:
    """SHA-256 of a token, in hex: what is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Users:
    """The use cases of the user service."""

    database: Database
    services: ServiceClient

    async def page(self, tenant: Tenant, who: Principal, *, after: str, limit: int) -> UserPage:
        """One page of accounts, by e-mail."""
        _require(Action.LIST, who)
        async with self.database.transaction(tenant) as connection:
            found = await UserRepository(connection, tenant.id).page(after=after, limit=limit + 1)
        more = len(found) > limit
        return UserPage(items=found[:limit], next_page_token=found[limit - 1].email if more else None)

    async def get(self, tenant: Tenant, who: Principal, user_id: UUID) -> User:
        """One account; everybody may read their own."""
        if who.subject != str(user_id):
            _require(Action.READ, who)
        return await self.find(tenant, user_id)

    async def find(self, tenant: Tenant, user_id: UUID) -> User:
        """One account, for another service; 404 when there is none."""
        async with self.database.transaction(tenant) as connection:
            found = await UserRepository(connection, tenant.id).get(user_id)
        if found is None:
            raise not_found("user")
        return found

    async def invite(self, tenant: Tenant, who: Principal, new: NewUser) -> Invited:
        """A new account, closed until its invitation is taken up."""
        _require(Action.INVITE, who)
        if not may_manage(who.roles, new.roles):
            raise forbidden("Only an owner may invite an owner.")
        now, token = clock.now(), secrets.token_urlsafe(32)
        expires_at = now + INVITATION_LIFETIME
        async with self.database.transaction(tenant) as connection:
            repository = UserRepository(connection, tenant.id)
            added = await repository.add(
                user_id=uuid4(), email=new.email, name=new.name, roles=list(new.roles), status="invited", now=now
            )
            if added is None:
                raise conflict("email-taken", "email: it has an account in this clinic already.")
            await repository.invite(
                invitation_id=uuid4(), user_id=added.id, token_sha256=fingerprint(token), expires_at=expires_at
            )
            details = {"roles": list(new.roles)}
            await audit.record(connection, tenant.id, who, "user.invite", f"user:{added.id}", details)
        return Invited(**added.model_dump(), invitation=Invitation(token=token, expires_at=expires_at))

    async def change(self, tenant: Tenant, who: Principal, user_id: UUID, patch: UserPatch) -> User:
        """Change name, roles or status, within what the caller may manage; the last owner stays one."""
        async with self.database.transaction(tenant) as connection:
            repository = UserRepository(connection, tenant.id)
            # Owners are always locked before the account itself: one order for everybody, so no deadlock.
            owners = await repository.lock_owners()
            before = await repository.get(user_id, lock=True)
            if before is None:
                raise not_found("user")
            after = _changed(before, patch)
            self._check(who, before, after, owners)
            if after == before:
                return before
            changed = await repository.update(
                user_id, name=after.name, roles=list(after.roles), status=after.status, now=clock.now()
            )
            assert changed is not None  # noqa: S101 - the row is locked
            details = {"fields": sorted(patch.model_fields_set), "roles": list(after.roles), "status": after.status}
            await audit.record(connection, tenant.id, who, "user.update", f"user:{user_id}", details)
        if after.status == "deactivated" or set(before.roles) - set(after.roles):
            # Tokens carry roles: whoever lost one signs in again.
            await self._end_sessions(tenant, user_id)
        return changed

    async def ensure_owner(self, tenant: Tenant, owner: OwnerRequest) -> User:
        """The first owner's account, open; the same account again when asked again."""
        async with self.database.transaction(tenant) as connection:
            repository = UserRepository(connection, tenant.id)
            added = await repository.add(
                user_id=uuid4(),
                email=owner.email,
                name=owner.name,
                roles=[Role.OWNER],
                status="active",
                now=clock.now(),
            )
            if added is None:
                found = await repository.by_email(owner.email)
                if found is None:
                    raise not_found("user")
                return found
            await audit.record(connection, tenant.id, "service:auth", "user.create-owner", f"user:{added.id}", {})
            return added

    async def invited(self, tenant: Tenant, token: str) -> User:
        """The account an invitation belongs to; 404 when the token is unknown or has expired."""
        async with self.database.transaction(tenant) as connection:
            found = await UserRepository(connection, tenant.id).invited(fingerprint(token), now=clock.now())
        if found is None:
            raise not_found("invitation")
        return found

    async def accept(self, tenant: Tenant, token: str, name: str) -> User:
        """Open the account of an invitation. Taking it up twice is the same as once."""
        async with self.database.transaction(tenant) as connection:
            repository, now = UserRepository(connection, tenant.id), clock.now()
            found = await repository.invited(fingerprint(token), now=now)
            if found is None:
                raise not_found("invitation")
            if found.status != "invited":
                return found
            await repository.accept(fingerprint(token), now=now)
            opened = await repository.update(found.id, name=name, roles=list(found.roles), status="active", now=now)
            assert opened is not None  # noqa: S101 - the row is locked
            await audit.record(connection, tenant.id, "service:auth", "user.accept-invitation", f"user:{found.id}", {})
            return opened

    async def _end_sessions(self, tenant: Tenant, user_id: UUID) -> None:
        await self.services.call(tenant, "auth", "POST", "/internal/v1/sessions/revoke", json={"user_id": str(user_id)})

    @staticmethod
    def _check(who: Principal, before: User, after: User, owners: list[UUID]) -> None:
        """Raise the problem that forbids this change, if one does."""
        itself = who.subject == str(before.id)
        if not (itself and after == before.model_copy(update={"name": after.name})):
            _require(Action.DEACTIVATE if after.status == "deactivated" else Action.UPDATE, who)
            if not may_manage(who.roles, {*before.roles, *after.roles}):
                raise forbidden("Only an owner may manage an owner.")
        if after.status == "active" and before.status == "invited":
            raise invalid("status", "an invited account is opened by its invitation, not by hand")
        stays = after.status == "active" and Role.OWNER in after.roles
        if owners == [before.id] and not stays:
            raise Problem(
                409, "last-owner", "Conflict", "The clinic's last owner stays; make somebody else an owner first."
            )


def _changed(user: User, patch: UserPatch) -> User:
    """The account with the patch's fields, absent and null ones left as they are."""
    fields = {name: value for name in patch.model_fields_set if (value := getattr(patch, name)) is not None}
    return user.model_copy(update=fields)


def _require(action: Action, who: Principal) -> None:
    if not allowed(action, who.roles):
        raise forbidden(f"The roles of this account do not allow it to {action} staff accounts.")
