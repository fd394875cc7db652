"""Who may do what: the one table that every route's check reads and from which the documentation is written.

Pure. A person may hold several roles and may do what any of them allows. `permissions.md` beside the services' README
is this table in print: `python -m atendeai.kit.permissions services/permissions.md` writes it, `--check` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a member of staff is in the clinic."""

    OWNER = "owner"
    ADMIN = "admin"
    PROFESSIONAL = "professional"
    RECEPTIONIST = "receptionist"
    AUDITOR = "auditor"


EVERYBODY: Final = frozenset(Role)
STAFF: Final = EVERYBODY - {Role.AUDITOR}
"""Who works with patients. An auditor reads and changes nothing but their own account's password and sessions."""

MANAGERS: Final = frozenset({Role.OWNER, Role.ADMIN})
OVERSIGHT: Final = MANAGERS | {Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class Permission:
    """What is permitted, in a line of the documentation, and to whom."""

    means: str
    roles: frozenset[Role]


PERMISSIONS: Final = MappingProxyType(
    {
        "account.self": Permission("one's own account: password, second factor, sessions", EVERYBODY),
        "users.read": Permission("read staff accounts and invitations", OVERSIGHT),
        "users.invite": Permission("invite staff, renew and revoke invitations", MANAGERS),
        "users.update": Permission("change names, roles and status of others", MANAGERS),
        "users.secure": Permission("reset another's password or second factor, end their sessions", MANAGERS),
        "audit.read": Permission("read the audit log", OVERSIGHT),
        "clinic.read": Permission("read the clinic's profile and the attendant's context", EVERYBODY),
        "clinic.update": Permission("change the clinic's profile, as far as its resource leaves it open", MANAGERS),
        "appointments.read": Permission("read appointments, free times and the waiting list", EVERYBODY),
        "appointments.write": Permission("book, move, cancel and check in; keep the waiting list", STAFF),
        "appointments.feeds": Permission("make and end the secret addresses of calendar feeds", MANAGERS),
        "conversations.read": Permission("read conversations with patients", EVERYBODY),
        "conversations.handoff": Permission("take a conversation over and give it back", STAFF),
        "messages.read": Permission("read messages and files, and the state of the WhatsApp number", EVERYBODY),
        "messages.send": Permission("write to patients and send files", STAFF),
        "channel.manage": Permission("bring the WhatsApp number into service, read its templates", MANAGERS),
        "calendar.read": Permission("read free and busy times, events and the calendars' state", EVERYBODY),
        "calendar.consent": Permission("give and take back the clinic's consent to its calendars", MANAGERS),
    }
)
"""Permission → what it means and who has it."""

GRANTABLE: Final = MappingProxyType(
    {
        Role.OWNER: EVERYBODY,
        Role.ADMIN: EVERYBODY - {Role.OWNER},
        Role.PROFESSIONAL: frozenset[Role](),
        Role.RECEPTIONIST: frozenset[Role](),
        Role.AUDITOR: frozenset[Role](),
    }
)
"""Role → roles whose holders it may manage, and which it may give or take: nobody raises anybody above themselves."""


def allowed(permission: str, roles: Iterable[str]) -> bool:
    """Whether somebody with these roles has the permission. Raises `KeyError` for a permission that is none."""
    return not PERMISSIONS[permission].roles.isdisjoint(roles)


def may_manage(roles: Iterable[str], target: Iterable[str]) -> bool:
    """Whether somebody with `roles` may manage an account that has, or is to have, the roles `target`."""
    grantable: set[str] = set()
    for role in set(roles) & EVERYBODY:
        grantable |= GRANTABLE[Role(role)]
    return set(target) <= grantable


def document() -> str:
    """The table as Markdown."""
    roles = list(Role)
    lines = [
        "# Who may do what",
        "",
        "Written by `make permissions` from `atendeai/kit/permissions.py`, the same table that every route checks.",
        "A person may hold several roles and may do what any of them allows.",
        "",
        f"| permission | {' | '.join(roles)} | |",
        f"|---|{':-:|' * len(roles)}---|",
    ]
    for name, permission in PERMISSIONS.items():
        marks = " | ".join("✓" if role in permission.roles else "" for role in roles)
        lines.append(f"| `{name}` | {marks} | {permission.means} |")
    lines += [
        "",
        "Who manages an account (invites, changes, deactivates it, resets its password or second factor) must be",
        "allowed to manage every role that the account has and is to have:",
        "",
        "| role | may manage, give and take |",
        "|---|---|",
    ]
    for role, manages in GRANTABLE.items():
        lines.append(f"| {role} | {', '.join(other for other in roles if other in manages) or 'nobody'} |")
    lines += ["", "The clinic's last active owner can be neither deactivated nor made anything else.", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the document, or with `--check` say whether the file is what would be written."""
    check = "--check" in arguments
    path = Path(next(argument for argument in arguments if not argument.startswith("-")))
    if not check:
        path.write_text(document(), encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == document():
        return 0
    sys.stderr.write(f"{path} is not what the table says: run `make permissions`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
