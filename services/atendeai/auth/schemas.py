"""What auth reads and answers about signing in, sessions and passwords. Unknown request fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, Secret, SecretStr

from atendeai.auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from atendeai.kit.paging import Page
from atendeai.kit.permissions import Role
from atendeai.kit.schemas import VISIBLE, Answer, Body, Email
from atendeai.kit.wording import spelt

Password = Secret[Annotated[str, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH)]]
"""A new password. The length is the text's own, so that a refusal speaks of characters."""

_ACTOR = spelt(r"^(person|service):[A-Za-z0-9_-]{1,64}$", "person:<id> or service:<name>")
PresentPassword = Annotated[SecretStr, Field(min_length=1, max_length=MAXIMUM_LENGTH)]
Token = Annotated[str, Field(min_length=20, max_length=200)]
Reason = Annotated[str, Field(min_length=3, max_length=300), VISIBLE]
"""Why somebody does this, for the audit log."""


class Registration(Body):
    """An invitation taken up: it names the account, its holder names the password."""

    invitation: Token
    name: Annotated[str, Field(min_length=1, max_length=120), VISIBLE]
    password: Password


class Login(Body):
    """E-mail and password."""

    email: Email
    password: PresentPassword


class Verification(Body):
    """The second step of a login: six digits of the authenticator app, or a recovery code."""

    challenge: SecretStr = Field(min_length=20, max_length=200)
    code: SecretStr = Field(min_length=6, max_length=40)


class Refresh(Body):
    """The refresh token that was answered last."""

    refresh_token: SecretStr = Field(min_length=20, max_length=200)


class Tokens(Answer):
    """A pair of tokens (RFC 6749 names): the refresh token is good for one use."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - its kind, not a secret
    expires_in: int
    """Seconds until the access token ends."""


class Challenge(Answer):
    """The password was right and a second factor is wanted: `POST …/login/verify` takes it with this challenge."""

    challenge: str
    methods: tuple[Literal["totp"], Literal["recovery_code"]] = ("totp", "recovery_code")
    expires_in: int
    """Seconds until the challenge ends."""


class Me(Answer):
    """Who the access token speaks for."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    clinic_id: UUID
    session_id: UUID
    second_factor: bool


class Session(Answer):
    """One sign-in that has not ended."""

    id: UUID
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    """Whether it is the one that asks."""


class SessionPage(Page):
    """One page of a person's open sessions."""

    items: list[Session]


class PasswordChange(Body):
    """The present password and the next."""

    current_password: PresentPassword
    new_password: Password


class ResetRequest(Body):
    """Whose password is to be set anew, and why."""

    user_id: UUID
    reason: Reason


class ResetIssued(Answer):
    """The token with which its holder sets a new password, once; it is shown this once."""

    user_id: UUID
    token: str
    expires_at: datetime


class ResetRedemption(Body):
    """A reset token taken up."""

    token: SecretStr = Field(min_length=20, max_length=200)
    password: Password


class RevokeRequest(Body):
    """End every session of a user (from user only): who had them ended, as the audit log names them, and why."""

    user_id: UUID
    actor: Annotated[str, Field(pattern=_ACTOR)] = "service:user"
    reason: Reason = "account-changed"


class Revoked(Answer):
    """How many sessions ended."""

    sessions: int
