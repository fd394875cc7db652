"""What travels in and out of the conversation service."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Contact(BaseModel):
    """Who wrote, as WhatsApp shows them."""

    model_config = ConfigDict(extra="ignore")

    wa_id: str | None = None
    user_id: str | None = None
    name: Annotated[str | None, Field(max_length=200)] = None


class InboundMessage(BaseModel):
    """A message as whatsapp hands it on."""

    model_config = ConfigDict(extra="ignore")

    message_id: UUID
    wamid: Annotated[str, Field(max_length=300)] = ""
    contact_id: UUID
    contact: Contact = Field(default_factory=Contact)
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    text: Annotated[str, Field(max_length=65536)] = ""
    sent_at: AwareDatetime
    context: dict[str, Any] | None = None


class Taken(BaseModel):
    """The message is stored."""

    conversation_id: UUID
    message_id: UUID


class Conversation(BaseModel):
    """A conversation as staff sees it. ``alert`` says why a person must look."""

    id: UUID
    contact_id: UUID
    contact_name: str | None
    status: Literal["open", "handed_off"]
    outcome: str
    alert: str | None
    alert_at: datetime | None
    handed_off_at: datetime | None
    opted_out: bool
    last_message_at: datetime
    created_at: datetime


class Conversations(BaseModel):
    """A page of conversations; ``next_cursor`` goes into ``cursor`` for the page after it."""

    items: list[Conversation]
    next_cursor: str | None


class Entry(BaseModel):
    """One line of a transcript."""

    id: UUID
    position: int
    author: Literal["patient", "attendant"]
    kind: str
    text: str
    at: datetime
    intent: str | None
    state: str
    error: str | None


class Transcript(BaseModel):
    """A page of a transcript, newest first; ``next_before`` goes into ``before`` for the page after it."""

    items: list[Entry]
    next_before: int | None
