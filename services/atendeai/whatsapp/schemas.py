"""What callers send and get, checked by pydantic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"\S")]


class Choice(BaseModel):
    """One button, or one row of a list. Long titles are cut when shown; the id comes back when it is chosen."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200, pattern=r"\S")


class Outbound(BaseModel):
    """A message that another service wants sent."""

    model_config = ConfigDict(extra="forbid")

    contact_id: UUID
    kind: Literal["text", "buttons", "list"] = "text"
    text: Text
    buttons: list[Choice] = Field(default_factory=list, max_length=10)
    reply_to: UUID | None = None
    purpose: str = Field(default="reply", min_length=1, max_length=64)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        most = {"text": 0, "buttons": 3, "list": 10}[self.kind]
        if len(self.buttons) > most:
            raise ValueError(f"buttons: at most {most} with kind {self.kind}")
        if self.kind != "text" and not self.buttons:
            raise ValueError(f"buttons: at least one with kind {self.kind}")
        if self.kind == "buttons" and len(self.text) > 1024:  # noqa: PLR2004 - the platform's limit
            raise ValueError("text: at most 1024 characters with kind buttons")
        if len({choice.id for choice in self.buttons}) < len(self.buttons):
            raise ValueError("buttons: ids must differ")
        return self


class StaffMessage(BaseModel):
    """A message that a person of the clinic sends."""

    model_config = ConfigDict(extra="forbid")

    contact_id: UUID
    text: Text


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


class Message(BaseModel):
    """A message in either direction."""

    id: UUID
    direction: Literal["inbound", "outbound"]
    contact: Contact
    kind: str
    text: str
    at: datetime
    state: str
    author: str | None = None
    error: MessageError | None = None


class Messages(BaseModel):
    """A page of messages, newest first; `next` goes into `before` for the page after it."""

    items: list[Message]
    next: str | None


class Token(BaseModel):
    """Whether the Graph API took the access token when it was last asked."""

    valid: bool | None
    checked_at: datetime | None
    problem: str | None


class ChannelError(MessageError):
    """The account's last refusal."""

    at: datetime


class Channel(BaseModel):
    """The health of the clinic's WhatsApp channel."""

    state: Literal["ok", "broken", "unconfigured", "unknown"]
    phone_number_id: str
    token: Token
    error: ChannelError | None
    waiting: int
    last_inbound_at: datetime | None
    last_sent_at: datetime | None
