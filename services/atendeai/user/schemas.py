"""What user reads and answers. Unknown request fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from atendeai.kit.audit import Details
from atendeai.kit.paging import Page
from atendeai.kit.permissions import Role
from atendeai.kit.schemas import VISIBLE, Answer, Body, Email

Name = Annotated[str, Field(min_length=1, max_length=120), VISIBLE]
Roles = Annotated[
    list[Role], Field(min_length=1, max_length=len(Role)), AfterValidator(lambda roles: sorted(set(roles)))
]
Reason = Annotated[str, Field(min_length=3, max_length=300), VISIBLE]
"""Why somebody does this, for the audit log."""

Status = Literal["invited", "active", "deactivated"]


class NewUser(Body):
    """A member of staff to invite."""

    email: Email
    name: Name
    roles: Roles
    reason: Reason | None = None


class Renewal(Body):
    """Another token for an invitation, and why."""

    reason: Reason | None = None


class UserPatch(Body):
    """What changes; a field that is absent stays. What somebody else may do or is takes a reason."""

    name: Name | None = None
    roles: Roles | None = None
    status: Literal["active", "deactivated"] | None = None
    reason: Reason | None = None


class User(Answer):
    """A staff account."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int


class UserPage(Page):
    """One page of accounts."""

    items: list[User]


class Invitation(Answer):
    """The invitation of an account; `token` is shown this once."""

    id: UUID
    token: str
    expires_at: datetime


class Invited(User):
    """A new account with its invitation."""

    invitation: Invitation


class OpenInvitation(Answer):
    """An invitation that has not been taken up."""

    id: UUID
    user: User
    created_at: datetime | None
    invited_by: str | None
    """Who made it or renewed it last: `person:<id>`, as in the audit log."""

    expires_at: datetime
    expired: bool
    """Whether it must be renewed to be taken up."""


class InvitationPage(Page):
    """One page of invitations."""

    items: list[OpenInvitation]


class AuditEvent(Answer):
    """One deed: who did what to what, when and why. Which `details` there are depends on the action.

    The log itself holds ids only; `actor_name` is what a person is called by now, also after they left.
    """

    id: UUID
    at: datetime
    actor: str
    actor_name: str | None
    action: str
    target: str
    reason: str | None
    details: Details


class AuditPage(Page):
    """One page of the audit log."""

    items: list[AuditEvent]


class OwnerRequest(Body):
    """The first owner, as the Clinic resource invites them (from auth only)."""

    email: Email
    name: Name


class TokenRequest(Body):
    """An invitation's token (from auth only)."""

    token: str = Field(min_length=20, max_length=200)


class AcceptRequest(TokenRequest):
    """The invitation is taken up, under this name."""

    name: Name
