"""What travels in and out of the conversation service."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from atendeai.kit.paging import Page
from atendeai.kit.schemas import NAME_LIMIT, STORABLE, Body, Flag, Moment
from atendeai.kit.wording import spelt

_PERSON = spelt(r"^person:[A-Za-z0-9_-]{1,64}$", "person:<id>")


def _cut(name: object) -> object:
    return name[:NAME_LIMIT] if isinstance(name, str) else name


class Contact(Body):
    """Who wrote, as WhatsApp shows them."""

    wa_id: str | None = None
    user_id: str | None = None
    name: Annotated[str | None, BeforeValidator(_cut)] = None
    """As they call themselves, which is no reason to refuse what they write: the rest of a longer one is left out."""


class Media(Body):
    """What came along. ``transcript``: the message's text is what was heard in it."""

    id: UUID
    mime_type: Annotated[str, Field(max_length=200), STORABLE] = ""
    transcript: Flag = False


ButtonId = Annotated[str, Field(max_length=512), STORABLE]


class Context(Body):
    """What a message is about: the outbound one it answers or reacts to, or the inbound one it edits or deletes."""

    outbound_id: UUID | None = None
    message_id: UUID | None = None
    buttons: list[ButtonId] = Field(default_factory=list, max_length=10)
    """Of a reaction: the ids of the buttons of the outbound message."""


class InboundMessage(Body):
    """A message as whatsapp hands it on."""

    message_id: UUID
    wamid: Annotated[str, Field(max_length=300)] = ""
    contact_id: UUID
    contact: Contact = Field(default_factory=Contact)
    kind: Annotated[str, Field(min_length=1, max_length=64), STORABLE]
    text: Annotated[str, Field(max_length=65536)] = ""
    sent_at: Moment
    context: Context | None = None
    reply_id: Annotated[str | None, Field(max_length=512)] = None
    """The id or payload of the button or row that was chosen."""

    media: Media | None = None


class Taken(BaseModel):
    """The message is stored. ``typing``: the attendant is about to answer it."""

    conversation_id: UUID
    message_id: UUID
    typing: bool


class Undelivered(Body):
    """A reply that whatsapp took and then had to give up. ``error``: the provider's code and words."""

    reply_id: UUID
    outbound_id: UUID
    error: Annotated[str, Field(max_length=1000)] = ""


class UndeliveredNotice(Body):
    """A message of the clinic's (a change, a reminder, an offer) that whatsapp took and then had to give up."""

    contact_id: UUID


class StaffMessage(Body):
    """What a person of the clinic wrote: the outbound message's id, and its words (of a file without any: its name)."""

    id: UUID
    text: Annotated[str, Field(max_length=4096), STORABLE]
    at: Moment


class TakeOver(Body):
    """A person of the clinic has written to a contact."""

    contact_id: UUID
    actor: Annotated[str, Field(pattern=_PERSON)]
    """As the audit log names them."""
    message: StaffMessage | None = None
    """None from a whatsapp service of an older version."""


class TakenOver(BaseModel):
    """Whether that was news: the attendant keeps quiet from now on, or an alert is being seen to."""

    taken_over: bool


class JoinedInto(BaseModel):
    """The conversation that goes on with the other contact; None when the first had none."""

    conversation_id: UUID | None


class Shown(BaseModel):
    """Whether staff is now shown what was not known before."""

    shown: bool


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
    opted_out_at: datetime | None
    consent_at: datetime | None
    consent_version: str | None
    last_message_at: datetime
    created_at: datetime


class ConversationPage(Page):
    """Conversations."""

    items: list[Conversation]


class Offered(BaseModel):
    """One option that could be tapped: a button's title, or a row's with what stands below it."""

    title: str
    description: str | None = None


class Entry(BaseModel):
    """One line of a transcript. ``staff_id``: the user who wrote it, where it was a person of the clinic's.

    ``staff_name``: what that person is called by now, also after they left.
    """

    id: UUID
    position: int
    author: Literal["patient", "attendant", "staff"]
    staff_id: str | None
    staff_name: str | None
    kind: str
    text: str
    options: list[Offered]
    """What the attendant's reply offered to be tapped; the text says all of it without them."""
    at: datetime
    intent: str | None
    state: str
    error: str | None


class Transcript(Page):
    """A part of what was written and answered."""

    items: list[Entry]


class ModelHealth(BaseModel):
    """How the clinic's external model did in the last quarter of an hour; ``reason``: of its last fall-back."""

    state: Literal["embedded", "unconfigured", "unused", "ok", "failing"]
    turns: int
    fallbacks: int
    reason: str | None
