"""What auth asks of user: accounts, and what becomes of invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from atendeai.kit.errors import Problem, conflict, forbidden, not_found
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.identity import Principal
from atendeai.kit.permissions import allowed, may_manage
from atendeai.kit.tenancy import Tenant

INACTIVE = "This account is not active; ask an owner or admin of the clinic."


def invitation_unknown() -> Problem:
    """403: the invitation is unknown, was revoked or has expired."""
    return Problem(
        403,
        "invitation-unknown",
        "Not allowed",
        "invitation: it is unknown or has expired; ask an owner or admin of the clinic for a new one.",
    )


@dataclass(frozen=True, slots=True)
class Account:
    """What user says of an account."""

    id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    status: str

    @property
    def is_open(self) -> bool:
        """Whether its holder may sign in."""
        return self.status == "active"

    @classmethod
    def read(cls, document: dict[str, Any]) -> Account:
        """From user's JSON."""
        return cls(
            UUID(document["id"]), document["email"], document["name"], tuple(document["roles"]), document["status"]
        )


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of the clinics, as user keeps them. Raises `ServiceError` while user does not answer."""

    services: ServiceClient

    async def find(self, tenant: Tenant, user_id: UUID) -> Account | None:
        """One account, or None."""
        try:
            return Account.read(await self._ask(tenant, "GET", f"users/{user_id}"))
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - HTTP
                raise
            return None

    async def managed(self, tenant: Tenant, who: Principal, user_id: UUID) -> Account:
        """The account that somebody wants to manage. Raises a 404 problem for none, a 403 where they may not."""
        found = await self.find(tenant, user_id)
        if found is None:
            raise not_found("user")
        if str(user_id) == who.subject:
            # Whoever holds a stolen token would otherwise get around the password and the code.
            raise forbidden("user_id: this is for others; for yourself use /password and /second-factor/remove.")
        if not may_manage(who.roles, found.roles):
            raise forbidden("Only an owner may manage an owner.")
        return found

    async def still_manages(self, tenant: Tenant, issuer: str, account: Account) -> bool:
        """Whether who issued a token (an actor of the audit log) may still do so, and for the account as it is now."""
        kind, _, subject = issuer.partition(":")
        found = await self.find(tenant, UUID(subject)) if kind == "person" else None
        if found is None:
            return True
        return found.is_open and allowed("users.secure", found.roles) and may_manage(found.roles, account.roles)

    async def owner(self, tenant: Tenant, name: str) -> Account:
        """The first owner's account, made if absent. Raises a 409 problem when the address is other staff's."""
        owner = {"email": tenant.config.credentials.owner.email.lower(), "name": name}
        try:
            return Account.read(await self._ask(tenant, "POST", "owners", owner))
        except ServiceError as error:
            if error.slug != "owner-is-staff":
                raise
            raise conflict(error.slug, error.problem["detail"]) from error

    async def invited(self, tenant: Tenant, token: str) -> Account:
        """The account of an invitation. Raises a 403 problem when it is unknown, revoked or has expired."""
        return await self._of_invitation(tenant, "lookup", {"token": token})

    async def accept(self, tenant: Tenant, token: str, name: str) -> Account:
        """Open the account of an invitation. Raises a 403 problem when that has been revoked or renewed meanwhile."""
        return await self._of_invitation(tenant, "accept", {"token": token, "name": name})

    async def _of_invitation(self, tenant: Tenant, act: str, body: dict[str, str]) -> Account:
        try:
            return Account.read(await self._ask(tenant, "POST", f"invitations/{act}", body))
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - HTTP
                raise
            raise invitation_unknown() from error

    async def _ask(self, tenant: Tenant, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        return await self.services.call(tenant, "user", method, f"/internal/v1/{path}", json=body)
