"""What user reads and answers. Unknown request fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from atendeai.user.permissions import Role

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), AfterValidator(str.lower)]
"""An address in lower case: an account is found by it whatever case its owner types (length: RFC 5321).

No stricter than the Clinic resource, which names the first owner: what it accepts must be able to sign in.
"""
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S")]
Roles = Annotated[list[Role], Field(min_length=1, max_length=4), AfterValidator(lambda roles: sorted(set(roles)))]
Status = Literal["invited", "active", "deactivated"]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewUser(_Request):
    """A member of staff to invite."""

    email: Email
    name: Name
    roles: Roles


class UserPatch(_Request):
    """What changes; a field that is absent stays."""

    name: Name | None = None
    roles: Roles | None = None
    status: Literal["active", "deactivated"] | None = None


class User(BaseModel):
    """A staff account."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int


class Invitation(BaseModel):
    """The invitation of an account; `token` is shown this once."""

    token: str
    expires_at: datetime


class Invited(User):
    """A new account with its invitation."""

    invitation: Invitation


class UserPage(BaseModel):
    """One page of accounts, by e-mail; `next_page_token` is null on the last one."""

    items: list[User]
    next_page_token: str | None


class OwnerRequest(_Request):
    """The first owner, as the Clinic resource invites them (from auth only)."""

    email: Email
    name: Name


class TokenRequest(_Request):
    """An invitation's token (from auth only)."""

    token: str = Field(min_length=20, max_length=200)


class AcceptRequest(TokenRequest):
    """The invitation is taken up, under this name."""

    name: Name
