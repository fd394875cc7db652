"""What auth reads and answers about signing in, sessions and passwords. Unknown request fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Secret, SecretStr

from atendeai.auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from atendeai.kit.permissions import Role

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), AfterValidator(str.lower)]
"""As in user: no stricter than the Clinic resource, which names the first owner."""

Password = Secret[Annotated[str, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH)]]
"""A new password. The length is the text's own, so that a refusal speaks of characters."""

PresentPassword = Annotated[SecretStr, Field(min_length=1, max_length=MAXIMUM_LENGTH)]
Token = Annotated[str, Field(min_length=20, max_length=200)]
Reason = Annotated[str, Field(min_length=3, max_length=300, pattern=r"\S")]
"""Why somebody does this, for the audit log."""


class Request(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid")


class Registration(Request):
    """An invitation taken up: it names the account, its holder names the password."""

    invitation: Token
    name: str = Field(min_length=1, max_length=120, pattern=r"\S")
    password: Password


class Login(Request):
    """E-mail and password."""

    email: Email
    password: PresentPassword


class Verification(Request):
    """The second step of a login: six digits of the authenticator app, or a recovery code."""

    challenge: SecretStr = Field(min_length=20, max_length=200)
    code: SecretStr = Field(min_length=6, max_length=40)


class Refresh(Request):
    """The refresh token that was answered last."""

    refresh_token: SecretStr = Field(min_length=20, max_length=200)


class Tokens(BaseModel):
    """A pair of tokens (RFC 6749 names): the refresh token is good for one use."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - its kind, not a secret
    expires_in: int
    """Seconds until the access token ends."""


class Challenge(BaseModel):
    """The password was right and a second factor is wanted: `POST …/login/verify` takes it with this challenge."""

    challenge: str
    methods: list[Literal["totp", "recovery_code"]] = ["totp", "recovery_code"]
    expires_in: int
    """Seconds until the challenge ends."""


class Me(BaseModel):
    """Who the access token speaks for."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    clinic_id: UUID
    session_id: UUID
    second_factor: bool


class Session(BaseModel):
    """One sign-in that has not ended."""

    id: UUID
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    """Whether it is the one that asks."""


class Sessions(BaseModel):
    """A person's open sessions, the last used first."""

    items: list[Session]


class PasswordChange(Request):
    """The present password and the next."""

    current_password: PresentPassword
    new_password: Password


class ResetRequest(Request):
    """Whose password is to be set anew, and why."""

    user_id: UUID
    reason: Reason


class ResetIssued(BaseModel):
    """The token with which its holder sets a new password, once; it is shown this once."""

    user_id: UUID
    token: str
    expires_at: datetime


class ResetRedemption(Request):
    """A reset token taken up."""

    token: SecretStr = Field(min_length=20, max_length=200)
    password: Password


class RevokeRequest(Request):
    """End every session of a user (from user only)."""

    user_id: UUID


class Revoked(BaseModel):
    """How many sessions ended."""

    sessions: int
