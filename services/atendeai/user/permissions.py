"""Who may do what with staff accounts: the one table that the checks read and the documentation prints.

Pure. Roles are those of the product (owner, admin, professional, receptionist); a person may hold several.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a member of staff is in the clinic."""

    OWNER = "owner"
    ADMIN = "admin"
    PROFESSIONAL = "professional"
    RECEPTIONIST = "receptionist"


class Action(StrEnum):
    """What can be done with staff accounts."""

    LIST = "list"
    READ = "read"
    INVITE = "invite"
    UPDATE = "update"
    DEACTIVATE = "deactivate"


_STAFF: Final = frozenset(Role)
_MANAGERS: Final = frozenset({Role.OWNER, Role.ADMIN})

PERMISSIONS: Final[dict[Action, frozenset[Role]]] = {
    Action.LIST: _MANAGERS,
    Action.READ: _MANAGERS,
    Action.INVITE: _MANAGERS,
    Action.UPDATE: _MANAGERS,
    Action.DEACTIVATE: _MANAGERS,
}
"""Action → roles that may do it to others. Everybody may read their own account."""

GRANTABLE: Final[dict[Role, frozenset[Role]]] = {
    Role.OWNER: _STAFF,
    Role.ADMIN: _STAFF - {Role.OWNER},
    Role.PROFESSIONAL: frozenset(),
    Role.RECEPTIONIST: frozenset(),
}
"""Role → roles it may give, take or manage: an admin has no say over an owner."""


def allowed(action: Action, roles: Iterable[str]) -> bool:
    """Whether somebody with these roles may do this to another's account."""
    return not PERMISSIONS[action].isdisjoint(_known(roles))


def may_manage(roles: Iterable[str], target: Iterable[str]) -> bool:
    """Whether somebody with `roles` may manage an account that has, or is to have, the roles `target`."""
    grantable: set[Role] = set()
    for role in _known(roles):
        grantable |= GRANTABLE[role]
    return set(target) <= grantable


def _known(roles: Iterable[str]) -> set[Role]:
    return {Role(role) for role in roles if role in set(Role)}
