"""The audit log: who did or read what and why, in the transaction of the deed. Append only; ids, never contents.

`Details` is the one table of what an event may tell besides: `record` takes nothing else, and the document of the audit
log is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# pydantic reads no TypedDict of Python 3.11's own.
from typing_extensions import TypedDict

from atendeai.kit import clock
from atendeai.kit.identity import Principal
from atendeai.kit.responses import dumps


class ChangedRoles(TypedDict):
    """The roles of an account before and after a change."""

    before: list[str]
    after: list[str]


class ChangedStatus(TypedDict):
    """The status of an account before and after a change."""

    before: str
    after: str


# `from` is a word of Python's, which a class could not have.
Details = TypedDict(
    "Details",
    {
        # user.update, clinic.additions.change: which fields were named.
        "fields": list[str],
        # user.update; user.invite: those that the account is to have.
        "roles": ChangedRoles | list[str],
        # user.update; appointment.*: how it stands now.
        "status": ChangedStatus | str,
        # appointment.*: how it stood before; the version that it has now.
        "from_status": str,
        "version": int,
        # auth.end-sessions: how many ended.
        "sessions": int,
        # auth.use-recovery-code: how many are left.
        "left": int,
        # clinic.exception.*: which one; its first and its last day.
        "exception": UUID,
        "from": date,
        "to": date,
        # Lists that were read: of whom, or how many; whatsapp.message.send and withdraw: the messages.
        "ids": list[UUID],
        "count": int,
        "id": UUID,
        # contact.join, conversation.join: the contact that it goes by now; how many appointments and wishes went along;
        # whose conversation it was.
        "into": UUID,
        "moved": int,
        "contact_id": UUID,
        # whatsapp.onboarding: each step that was run, and whether it came off.
        "register": bool,
        "subscribe": bool,
        "templates": bool,
    },
    total=False,
)
"""What an event tells besides who did what to what: those of these that its action has something to say of."""

READING = frozenset({"read", "list", "history"})
"""The last word of an action that changes nothing. Every other one is written with a reason."""

ASKED_BY_STAFF = "asked-by-staff"
ASKED_BY_PATIENT = "asked-by-patient"
SAME_PERSON = "same-person"
"""Two contacts turned out to be one."""

_RECORD = text(
    "INSERT INTO atendeai.audit_event (clinic_id, id, at, actor, action, target, reason, details)"
    " VALUES (:clinic_id, :id, :at, :actor, :action, :target, :reason, CAST(:details AS jsonb))"
)


def check_details(table: Any, action: str, details: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a detail that the table of what an action may tell (a TypedDict) does not name."""
    unknown = details.keys() - table.__annotations__.keys()
    if unknown:
        raise ValueError(f"{table.__name__} does not name {', '.join(sorted(unknown))}, which {action} tells")


async def record(
    connection: AsyncConnection,
    clinic_id: UUID,
    actor: Principal | str,
    action: str,
    target: str,
    details: Mapping[str, Any] | None = None,
    *,
    reason: str | None = None,
) -> UUID:
    """Write one event and return its id.

    `actor` is `person:<id>` or `service:<name>`, `action` like `appointment.cancel`, `target` like `appointment:<id>`;
    `details` are some of `Details` and hold no message text, names or numbers. `reason` is why, in the words of whoever
    did it or as a short code of the service; what only reads (`READING`) needs none. Raises `ValueError` for a change
    without a reason, and for a detail that `Details` does not name.
    """
    check_details(Details, action, details or {})
    if not reason and action.rpartition(".")[2] not in READING:
        raise ValueError(f"{action} is a change, and says no reason")
    event = uuid4()
    await connection.execute(
        _RECORD,
        {
            "clinic_id": clinic_id,
            "id": event,
            "at": clock.now(),
            "actor": actor.actor if isinstance(actor, Principal) else actor,
            "action": action,
            "target": target,
            "reason": reason,
            "details": dumps(dict(details or {})).decode(),
        },
    )
    return event
