"""What the clinic service answers. Never a credential: only whether a channel is set up."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from atendeai.clinic.additions import ExceptionView
from atendeai.kit.clinic_config import Weekday
from atendeai.kit.paging import Page
from atendeai.kit.schemas import Answer


class Hours(Answer):
    """One stretch of a day, `HH:MM`, in the clinic's own time."""

    opens: str
    closes: str


Week = dict[Weekday, list[Hours]]


class Offer(Answer):
    """Something that can be booked."""

    code: str
    name: str
    duration_minutes: int
    price_brl: str | None
    preparation: str | None


class ProfessionalView(Answer):
    """Somebody who sees patients; `services` are the codes they offer, `hours` their own or the clinic's."""

    code: str
    name: str
    services: list[str]
    hours: Week


class PoliciesView(Answer):
    """What patients may do by themselves, and until how many minutes before an appointment."""

    cancellation_notice_minutes: int
    waiting_list: bool
    waiting_offer_minutes: int


class ProfileView(Answer):
    """What the clinic is and offers. A weekday that is missing is closed."""

    business_hours: Week
    services: list[Offer]
    professionals: list[ProfessionalView]
    insurance: list[str]
    address: str | None
    holidays: list[date]
    exceptions: list[ExceptionView]
    """Of two for the same day and person the resource's holds."""
    policies: PoliciesView


class PersonaView(Answer):
    """How the attendant presents itself."""

    name: str | None
    tone: str | None
    greeting: str | None


class ChannelView(Answer):
    """How the clinic can be reached and which calendar it keeps."""

    whatsapp_phone_number_id: str | None
    whatsapp_configured: bool
    calendar_provider: Literal["Google", "None"]
    ai_provider: Literal["Embedded", "OpenAI"]


class ClinicView(Answer):
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
    """Of the Clinic resource."""
    version: int
    """Of the profile: it grows with every change, by the resource or by staff."""
    profile: ProfileView
    persona: PersonaView
    set_by_staff: list[str]
    """What of profile and persona staff have set, as paths; everything else is the resource's."""
    channels: ChannelView


class ContextView(Answer):
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


class ChangeView(Answer):
    """One difference between two versions, in words; `before` is null for what is new, `after` for what is gone."""

    field: str
    before: str | None
    after: str | None


class VersionLine(Answer):
    """One version of the profile: since when it holds, and who made it so."""

    version: int
    at: datetime
    source: Literal["resource", "staff"]
    changed_by: str | None
    """Who of the staff, as in the audit log; null for the resource, whose `generation` says which change it was."""
    generation: int
    """Of the Clinic resource at that moment."""
    reason: str | None
    changes: list[ChangeView]
    """What is different from the version before; none of the first one that is kept."""


class VersionPage(Page):
    """Versions of the profile."""

    items: list[VersionLine]


class VersionView(VersionLine):
    """A version with the profile as it stood."""

    display_name: str
    timezone: str
    profile: ProfileView
    persona: PersonaView
    handoff_topics: list[str]
