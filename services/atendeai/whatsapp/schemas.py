"""What callers send and get, checked by pydantic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from atendeai.domain import interactive, templates
from atendeai.kit.paging import Page
from atendeai.kit.schemas import STORABLE, WHOLE, Flag, Moment
from atendeai.kit.wording import spelt

MOST_CAPTION = 1024
PIN_DIGITS = 6
"""Of the number's two-step verification."""

_FILLED = spelt(r"\S", "text with more in it than blanks")
_TEMPLATE = spelt(r"^[a-z0-9_]{1,512}$", "a template's name: lower-case letters, digits and _, at most 512")
_LANGUAGE = spelt(r"^[a-z]{2,3}(_[A-Z]{2,3})?$", "a language as Meta writes it, as in pt_BR")
_FILENAME = spelt(r"^[^/\\\x00-\x1f]+$", "a file's name, without a folder (/ or \\) and without control characters")
Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=_FILLED), STORABLE]


class Choice(BaseModel):
    """One button, or one row of a list. Long titles are cut when shown; the id comes back when it is chosen.

    `description` stands below a row's title, and under no button.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200, pattern=_FILLED)
    description: str | None = Field(default=None, min_length=1, max_length=interactive.DESCRIPTION, pattern=_FILLED)


class TemplateMessage(BaseModel):
    """What is sent instead when the 24-hour window is closed. `parameters` fill the body, `payloads` its buttons."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=_TEMPLATE)
    language: str = Field(default=templates.PT_BR, pattern=_LANGUAGE)
    parameters: list[Annotated[str, Field(min_length=1, max_length=1024, pattern=_FILLED)]] = Field(
        default_factory=list, max_length=20
    )
    payloads: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(default_factory=list, max_length=10)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.parameters = [templates.parameter(value) for value in self.parameters]
        known = templates.BY_NAME.get(self.name)
        if known is None or known.language != self.language:
            return self  # one of the clinic's own: Meta knows what it wants
        if len(self.parameters) != known.parameters:
            raise ValueError(f"parameters: {known.parameters} are required by {known.name}")
        if self.payloads and len(self.payloads) != len(known.buttons):
            raise ValueError(f"payloads: {len(known.buttons)} are required by {known.name}, or none")
        return self

    def text(self) -> str | None:
        """What the person reads; None for a template that only Meta knows."""
        known = templates.BY_NAME.get(self.name)
        return known.filled(self.parameters) if known and known.language == self.language else None


class Outbound(BaseModel):
    """A message that another service wants sent."""

    model_config = ConfigDict(extra="forbid")

    contact_id: UUID
    kind: Literal["text", "buttons", "list"] = "text"
    text: Text
    buttons: list[Choice] = Field(default_factory=list, max_length=10)
    reply_to: UUID | None = None
    purpose: str = Field(default="reply", min_length=1, max_length=64)
    template: TemplateMessage | None = None
    expires_at: Moment | None = None
    """From when on it is not sent any more."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        most = {"text": 0, "buttons": interactive.MOST_BUTTONS, "list": interactive.MOST_ROWS}[self.kind]
        if len(self.buttons) > most:
            raise ValueError(f"buttons: at most {most} with kind {self.kind}")
        if self.kind != "text" and not self.buttons:
            raise ValueError(f"buttons: at least one with kind {self.kind}")
        if self.kind == "buttons" and len(self.text) > interactive.BUTTONS_TEXT:
            raise ValueError(f"text: at most {interactive.BUTTONS_TEXT} characters with kind buttons")
        if len({choice.id for choice in self.buttons}) < len(self.buttons):
            raise ValueError("buttons: ids must differ")
        return self


class Preferences(BaseModel):
    """What a person wants of the clinic's messages."""

    model_config = ConfigDict(extra="forbid")

    opted_out: Flag


class PreferencesKept(Preferences):
    """The same, as it now stands."""

    contact_id: UUID


class KnownContact(BaseModel):
    """A contact, by the id that it goes by, and when a person of the clinic last wrote to it."""

    id: UUID
    staff_wrote_at: datetime | None


class Queued(BaseModel):
    """A message waits to be sent."""

    outbound_id: UUID


class Withdrawal(BaseModel):
    """What a service does not want sent any more, by the keys under which it asked for it."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(min_length=1, max_length=20)


class Withdrawn(BaseModel):
    """How many messages had not been sent, and will not be."""

    withdrawn: int


class Sent(BaseModel):
    """A message of a person waits to be sent."""

    id: UUID
    state: Literal["queued"]


class Upload(BaseModel):
    """A file that staff want to send; its bytes follow in parts."""

    model_config = ConfigDict(extra="forbid")

    mime_type: Annotated[str, Field(min_length=3, max_length=128), STORABLE]
    size: Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE]
    filename: str | None = Field(default=None, min_length=1, max_length=240, pattern=_FILENAME)


class UploadState(BaseModel):
    """How far an upload is."""

    id: UUID
    state: Literal["waiting", "stored"]
    received: int
    size: int


class StaffMessage(BaseModel):
    """A message that a person of the clinic sends: a text, or a file with or without one."""

    model_config = ConfigDict(extra="forbid")

    contact_id: UUID
    text: Annotated[str, Field(max_length=4096), STORABLE] = ""
    media_id: UUID | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.media_id is None and not self.text.strip():
            raise ValueError("text: required without media_id")
        if self.media_id is not None and len(self.text) > MOST_CAPTION:
            raise ValueError(f"text: at most {MOST_CAPTION} characters with media_id")
        return self


class MessageError(BaseModel):
    """Why a message was not delivered, in the provider's words."""

    code: int
    title: str | None
    details: str | None


class Contact(BaseModel):
    """The other side of a message."""

    id: UUID
    name: str | None
    wa_id: str | None
    user_id: str | None


class Offered(BaseModel):
    """One option that could be tapped: a button's title, or a row's with what stands below it."""

    title: str
    description: str | None = None


class MediaInfo(BaseModel):
    """A file of a message; `state` is waiting, stored, refused (see `problem`) or erased by the person who sent it."""

    id: UUID
    state: str
    mime_type: str | None
    filename: str | None
    size: int
    problem: str | None


class Message(BaseModel):
    """A message in either direction."""

    id: UUID
    direction: Literal["inbound", "outbound"]
    contact: Contact
    kind: str
    text: str
    options: list[Offered] = Field(default_factory=list)
    """What an outbound message of kind `buttons` or `list` offered to be tapped."""
    at: datetime
    state: str
    author: str | None = None
    error: MessageError | None = None
    media: MediaInfo | None = None
    edited_at: datetime | None = None
    revoked_at: datetime | None = None


class MessagePage(Page):
    """Messages in both directions."""

    items: list[Message]


class Token(BaseModel):
    """Whether the Graph API took the access token when it was last asked."""

    valid: bool | None
    checked_at: datetime | None
    problem: str | None
    expires_at: datetime | None
    """Null for one without an end, or when Meta does not say."""


class ChannelError(MessageError):
    """The account's last refusal."""

    at: datetime


class TemplateState(BaseModel):
    """One message template as Meta has it."""

    name: str
    language: str
    category: str | None = None
    status: str
    reason: str | None = None
    body: str | None = None
    updated_at: datetime | None = None


class Templates(BaseModel):
    """The clinic's templates; those the attendant needs and Meta does not have are `missing`."""

    items: list[TemplateState]
    missing: list[str]
    synced_at: datetime | None
    problem: str | None


class OnboardingRequest(BaseModel):
    """What to do: the steps that are not done yet, unless some are named. The number's two-step PIN is not kept."""

    model_config = ConfigDict(extra="forbid")

    pin: SecretStr | None = None
    steps: list[Literal["register", "subscribe", "templates"]] | None = None

    @field_validator("pin")
    @classmethod
    def _six_digits(cls, pin: SecretStr | None) -> SecretStr | None:
        digits = pin.get_secret_value() if pin is not None else "000000"
        if not (len(digits) == PIN_DIGITS and digits.isascii() and digits.isdigit()):
            raise ValueError(f"{PIN_DIGITS} digits are required")
        return pin


class OnboardingStep(BaseModel):
    """One step: what it came to in the words of the clinic's people (Portuguese), and Meta's own answer, `meta`."""

    name: str
    title: str
    ok: bool
    message: str
    at: datetime | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class OnboardingState(BaseModel):
    """All steps; `done` when each of them is."""

    done: bool
    steps: list[OnboardingStep]


class TemplateHealth(BaseModel):
    """Whether the attendant can write first: the names of its templates by what Meta says of them."""

    usable: list[str]
    pending: list[str]
    refused: list[str]
    missing: list[str]
    synced_at: datetime | None


class Channel(BaseModel):
    """The health of the clinic's WhatsApp channel."""

    state: Literal["ok", "broken", "unconfigured", "unknown"]
    phone_number_id: str
    token: Token
    error: ChannelError | None
    templates: TemplateHealth
    quality_rating: str | None
    messaging_limit: str | None
    account_event: str | None
    waiting: int
    last_inbound_at: datetime | None
    last_sent_at: datetime | None
    recently_sent: int
    """Of the last quarter of an hour."""
    recently_failed: int
