"""What auth reads and answers. Unknown request fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Secret, SecretStr

from atendeai.auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), AfterValidator(str.lower)]
"""As in user: no stricter than the Clinic resource, which names the first owner."""

Password = Secret[Annotated[str, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH)]]
"""A new password. The length is the text's own, so that a refusal speaks of characters."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(_Request):
    """An invitation taken up: it names the account, its holder names the password."""

    invitation: str = Field(min_length=20, max_length=200)
    name: str = Field(min_length=1, max_length=120, pattern=r"\S")
    password: Password


class Login(_Request):
    """E-mail and password."""

    email: Email
    password: SecretStr = Field(min_length=1, max_length=MAXIMUM_LENGTH)


class Refresh(_Request):
    """The refresh token that was answered last."""

    refresh_token: SecretStr = Field(min_length=20, max_length=200)


class Tokens(BaseModel):
    """A pair of tokens (RFC 6749 names): the refresh token is good for one use."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - its kind, not a secret
    expires_in: int
    """Seconds until the access token ends."""


class Me(BaseModel):
    """Who the access token speaks for."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    clinic_id: UUID
    session_id: UUID


class RevokeRequest(_Request):
    """End every session of a user (from user only)."""

    user_id: UUID


class Revoked(BaseModel):
    """How many sessions ended."""

    sessions: int
