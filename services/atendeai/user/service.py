"""What happens to staff accounts, and under which rules.

A change takes one transaction: the account, its entry in the audit log, and the end of the person's sessions where they
lost something. Their access tokens end with that transaction, in every service and whether auth answers or not; auth
ends the sessions themselves, by an errand that is as durable as the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem, conflict, forbidden, invalid, not_found
from atendeai.kit.identity import Principal, revoke_person
from atendeai.kit.paging import Window
from atendeai.kit.permissions import Role, allowed, may_manage
from atendeai.kit.preconditions import require_match, version_tag
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.user import audit_repository
from atendeai.user.repository import UserRepository
from atendeai.user.schemas import OwnerRequest, Reason, Status, User, UserPage, UserPatch

END_SESSIONS = "user-sessions"
"""The queue of sessions that are to end: `<person's id> <id of the audit event that says who ended them and why>`."""


@dataclass(frozen=True, slots=True)
class Users:
    """The use cases of the user service."""

    database: Database

    async def page(self, tenant: Tenant, window: Window, *, status: Status | None, role: Role | None) -> UserPage:
        """One page of accounts."""
        async with self.database.transaction(tenant) as connection:
            items, token = await UserRepository(connection, tenant.id).page(window, status=status, role=role)
        return UserPage(items=items, next_page_token=token)

    async def get(self, tenant: Tenant, who: Principal, user_id: UUID) -> User:
        """One account; everybody may read their own."""
        if who.subject != str(user_id) and not allowed("users.read", who.roles):
            raise forbidden("The roles of this account do not allow it to read others' accounts.")
        return await self.find(tenant, user_id)

    async def find(self, tenant: Tenant, user_id: UUID) -> User:
        """One account, for another service; 404 when there is none."""
        async with self.database.transaction(tenant) as connection:
            found = await UserRepository(connection, tenant.id).get(user_id)
        if found is None:
            raise not_found("user")
        return found

    async def change(
        self, tenant: Tenant, who: Principal, user_id: UUID, patch: UserPatch, if_match: str | None = None
    ) -> User:
        """Change name, roles or status, within what the caller may manage; the last owner stays one.

        Raises a 412 problem when `if_match` names another version, and others for what is not allowed.
        """
        async with self.database.transaction(tenant) as connection:
            repository = UserRepository(connection, tenant.id)
            # Owners are always locked before the account itself: one order for everybody, so no deadlock.
            owners = await repository.lock_owners()
            before = await repository.get(user_id, lock=True)
            if before is None:
                raise not_found("user")
            require_match(if_match, version_tag(before.version))
            after = _changed(before, patch)
            _check(who, before, after, owners)
            if after == before:
                return before
            if patch.reason is None and (after.roles, after.status) != (before.roles, before.status):
                raise invalid("reason", "it is needed where roles or status change: it goes into the audit log")
            changed = await repository.update(
                user_id, name=after.name, roles=list(after.roles), status=after.status, now=clock.now()
            )
            assert changed is not None  # noqa: S101 - the row is locked
            details = {
                "fields": sorted(field for field in patch.model_fields_set if field != "reason"),
                "roles": {"before": list(before.roles), "after": list(after.roles)},
                "status": {"before": before.status, "after": after.status},
            }
            reason = patch.reason or ("asked-by-holder" if who.subject == str(user_id) else "corrected")
            event = await audit.record(
                connection, tenant.id, who, "user.update", f"user:{user_id}", details, reason=reason
            )
            if after.status == "deactivated" or set(before.roles) - set(after.roles):
                # Tokens carry roles: whoever lost one signs in again.
                await _end_sessions(connection, tenant, user_id, event)
        return changed

    async def remove(
        self, tenant: Tenant, who: Principal, user_id: UUID, reason: Reason, if_match: str | None = None
    ) -> None:
        """Deactivate an account, so that its history stays; one that was never opened goes altogether.

        Raises a 412 problem when `if_match` names another version.
        """
        account = await self.find(tenant, user_id)
        if account.status == "invited":
            async with self.database.transaction(tenant) as connection:
                locked = await UserRepository(connection, tenant.id).get(user_id, lock=True)
                if locked is not None and locked.status == "invited":
                    require_match(if_match, version_tag(locked.version))
                    await withdraw(connection, tenant, who, locked, reason)
                    return
        await self.change(tenant, who, user_id, UserPatch(status="deactivated", reason=reason), if_match)

    async def end_sessions(self, tenant: Tenant, who: Principal, user_id: UUID, reason: Reason) -> None:
        """End every session of somebody else."""
        account = await self.find(tenant, user_id)
        if not may_manage(who.roles, account.roles):
            raise forbidden("Only an owner may manage an owner.")
        async with self.database.transaction(tenant) as connection:
            event = await audit.record(
                connection, tenant.id, who, "user.end-sessions", f"user:{user_id}", reason=reason
            )
            await _end_sessions(connection, tenant, user_id, event)

    async def errand(self, tenant: Tenant, key: str) -> dict[str, str]:
        """What auth is asked for by a key of END_SESSIONS: whose sessions end, by whom and why."""
        user_id, _, event = key.partition(" ")
        async with self.database.transaction(tenant) as connection:
            cause = await audit_repository.find(connection, tenant.id, UUID(event)) if event else None
        told = {"actor": cause.actor, "reason": cause.reason} if cause is not None and cause.reason else {}
        return {"user_id": user_id, **told}

    async def ensure_owner(self, tenant: Tenant, owner: OwnerRequest) -> User:
        """The first owner's account, open; the same account again when asked again.

        Raises a 409 problem when the address is somebody's who is no owner: who was one and no longer is must not
        become it again by the invitation of back then, which whoever reads the Clinic resource's Secret still has.
        """
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
                if found.status != "active" or Role.OWNER not in found.roles:
                    raise _no_owner(found)
                return found
            await audit.record(
                connection,
                tenant.id,
                "service:auth",
                "user.create-owner",
                f"user:{added.id}",
                reason="declared-by-clinic-resource",
            )
            return added


async def withdraw(connection: AsyncConnection, tenant: Tenant, who: Principal, account: User, reason: Reason) -> None:
    """Take back an account that was never opened, with its invitation; its address is free again."""
    if not may_manage(who.roles, account.roles):
        raise forbidden("Only an owner may manage an owner.")
    await UserRepository(connection, tenant.id).remove(account.id)
    await audit.record(connection, tenant.id, who, "user.revoke-invitation", f"user:{account.id}", reason=reason)


async def _end_sessions(connection: AsyncConnection, tenant: Tenant, user_id: UUID, event: UUID) -> None:
    await revoke_person(connection, tenant.id, user_id)
    await enqueue(connection, tenant.id, END_SESSIONS, f"{user_id} {event}")


def _no_owner(account: User) -> Problem:
    what = "no owner" if account.status == "active" else account.status
    return conflict(
        "owner-is-staff",
        f"spec.owner.email of the Clinic resource is the address of an account that is {what}: have an owner make it"
        " one under Staff, or name another address there.",
    )


def _check(who: Principal, before: User, after: User, owners: list[UUID]) -> None:
    """Raise the problem that forbids this change, if one does."""
    itself = who.subject == str(before.id)
    if not (itself and after == before.model_copy(update={"name": after.name})):
        if not allowed("users.update", who.roles):
            raise forbidden("The roles of this account do not allow it to change staff accounts.")
        if not may_manage(who.roles, {*before.roles, *after.roles}):
            raise forbidden("Only an owner may manage an owner.")
    if before.status == "invited" and after.status != before.status:
        raise invalid("status", "an invited account is opened by its invitation, and withdrawn by revoking that")
    stays = after.status == "active" and Role.OWNER in after.roles
    if owners == [before.id] and not stays:
        raise Problem(
            409, "last-owner", "Conflict", "The clinic's last owner stays; make somebody else an owner first."
        )


def _changed(user: User, patch: UserPatch) -> User:
    """The account with the patch's fields, absent and null ones left as they are."""
    fields = {
        name: value for name in patch.model_fields_set - {"reason"} if (value := getattr(patch, name)) is not None
    }
    return user.model_copy(update=fields)
