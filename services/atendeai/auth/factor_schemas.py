"""What auth reads and answers about the second factor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr

from atendeai.auth.schemas import PresentPassword, Reason
from atendeai.kit.schemas import Answer, Body

Code = Annotated[SecretStr, Field(min_length=6, max_length=40)]


class Enrolment(Body):
    """Begin: the present password proves that it is the account's holder who asks."""

    password: PresentPassword


class Enrolled(Answer):
    """What the authenticator app needs; shown this once."""

    secret: str
    """Base32 (RFC 4648)."""

    uri: str
    """The same as `otpauth://…`, for a QR code."""


class Confirmation(Body):
    """Six digits that the app shows."""

    code: Code


class RecoveryCodes(Answer):
    """Each signs in once in place of the app; shown this once."""

    recovery_codes: list[str]


class FactorState(Answer):
    """Whether a second factor guards the account."""

    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


class FactorReset(Body):
    """Whose factor is to be taken away, and why."""

    user_id: UUID
    reason: Reason
