"""What travels in and out of the calendar service. Moments are RFC 3339 with an offset."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Code = Annotated[str, StringConstraints(min_length=1, max_length=63)]
CalendarId = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Body(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class FreeBusyRequest(Body):
    """Whose time is taken in `[time_min, time_max)`: professionals by code, or calendars by id."""

    professional_codes: Annotated[list[Code], Field(max_length=200)] | None = None
    calendar_ids: Annotated[list[CalendarId], Field(max_length=200)] | None = None
    time_min: AwareDatetime
    time_max: AwareDatetime

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
    start: AwareDatetime
    end: AwareDatetime
    summary: Annotated[str, Field(max_length=300)]
    description: Annotated[str, Field(max_length=2000)] = ""
    version: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _in_order(self) -> EventRequest:
        if self.end <= self.start:
            raise ValueError("end does not lie after start")
        return self
