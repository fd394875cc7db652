"""What the clinic service answers. Never a credential: only whether a channel is set up."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from atendeai.kit.clinic_config import Weekday


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Hours(_Answer):
    """One stretch of a day, `HH:MM`, in the clinic's own time."""

    opens: str
    closes: str


Week = dict[Weekday, list[Hours]]


class Offer(_Answer):
    """Something that can be booked."""

    code: str
    name: str
    duration_minutes: int
    price_brl: str | None
    preparation: str | None


class ProfessionalView(_Answer):
    """Somebody who sees patients; `services` are the codes they offer, `hours` their own or the clinic's."""

    code: str
    name: str
    services: list[str]
    hours: Week


class PoliciesView(_Answer):
    """What patients may do by themselves, and until how many minutes before an appointment."""

    cancellation_notice_minutes: int
    waiting_list: bool
    waiting_offer_minutes: int


class ProfileView(_Answer):
    """What the clinic is and offers. A weekday that is missing is closed."""

    business_hours: Week
    services: list[Offer]
    professionals: list[ProfessionalView]
    insurance: list[str]
    address: str | None
    holidays: list[date]
    policies: PoliciesView


class ChannelView(_Answer):
    """How the clinic can be reached and which calendar it keeps."""

    whatsapp_phone_number_id: str | None
    whatsapp_configured: bool
    calendar_provider: Literal["Google", "None"]
    ai_provider: Literal["Embedded", "OpenAI"]


class ClinicView(_Answer):
    """The clinic."""

    id: UUID
    name: str
    display_name: str
    isolation: Literal["Dedicated", "Shared"]
    suspended: bool
    timezone: str
    locale: str
    url: str | None
    hosts: list[str]
    generation: int
    profile: ProfileView
    channels: ChannelView


class PersonaView(_Answer):
    """How the attendant presents itself."""

    name: str | None
    tone: str | None
    greeting: str | None


class ContextView(_Answer):
    """What the attendant knows of the clinic at this moment."""

    clinic_id: UUID
    display_name: str
    timezone: str
    locale: str
    now: datetime
    weekday: Weekday
    open_now: bool
    today: list[Hours]
    persona: PersonaView
    handoff_topics: list[str]
    profile: ProfileView
