"""What travels in and out of the calendar service. Moments are RFC 3339 with an offset."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from atendeai.kit.paging import Page
from atendeai.kit.schemas import STORABLE, WHOLE, Answer, Body, Code, Moment

CalendarId = Annotated[str, StringConstraints(min_length=1, max_length=1024), STORABLE]
LATEST_VERSION = 2**31 - 1
"""The largest that the column holds."""


class FreeBusyRequest(Body):
    """Whose time is taken in `[time_min, time_max)`: professionals by code, or calendars by id."""

    professional_codes: Annotated[list[Code], Field(max_length=200)] | None = None
    calendar_ids: Annotated[list[CalendarId], Field(max_length=200)] | None = None
    time_min: Moment
    time_max: Moment

    @model_validator(mode="after")
    def _sound(self) -> FreeBusyRequest:
        if (self.professional_codes is None) == (self.calendar_ids is None):
            raise ValueError("give professional_codes or calendar_ids, one of the two")
        if self.time_max <= self.time_min:
            raise ValueError("time_max does not lie after time_min")
        return self


class EventRequest(Body):
    """The event that an appointment should have. `version` is the appointment's: an older one is ignored."""

    professional_code: Code
    start: Moment
    end: Moment
    summary: Annotated[str, Field(max_length=300), STORABLE]
    description: Annotated[str, Field(max_length=2000), STORABLE] = ""
    version: Annotated[int, Field(ge=0, le=LATEST_VERSION), WHOLE] = 0

    @model_validator(mode="after")
    def _in_order(self) -> EventRequest:
        if self.end <= self.start:
            raise ValueError("end does not lie after start")
        return self


class BusyView(Answer):
    """Time that is taken."""

    start: datetime
    end: datetime


class UnavailableView(Answer):
    """A calendar that cannot be read, by its professional or by its id, and why."""

    professional_code: str | None = None
    calendar_id: str | None = None
    reason: str


class FreeBusyView(Answer):
    """Taken times by professional or by calendar; what is `unavailable` has none here."""

    busy: dict[str, list[BusyView]]
    unavailable: list[UnavailableView]


class EventView(Answer):
    """The event of an appointment."""

    appointment_id: UUID
    professional_code: str
    event_id: str
    state: str
    start: datetime
    end: datetime
    conflict: str | None


class EventPage(Page):
    """Events by start."""

    items: list[EventView]


class WatchView(Answer):
    """Whether push arrives."""

    state: Literal["live", "silent", "refused", "none"]
    reason: str | None
    expires_at: datetime | None


class CalendarStatusView(Answer):
    """One professional's calendar."""

    professional_code: str
    readable: bool
    reason: str | None
    last_synced_at: datetime | None
    sync_error: str | None
    watch: WatchView


class ConsentView(Answer):
    """How a person's consent stands, and since when."""

    state: Literal["connected", "refused", "missing", "declared"]
    granted_at: datetime | None


class StatusView(Answer):
    """Whether the clinic's calendars can be read and written; else why not, and what to do."""

    provider: Literal["Google", "None"]
    ready: bool
    calendars: list[CalendarStatusView]
    consent: ConsentView | None = None
    reason: str | None = None
    remedy: str | None = None


class AuthorizationView(Answer):
    """Where to consent."""

    authorization_url: str
