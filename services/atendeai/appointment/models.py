"""What travels in and out of the appointment service, and what a row of it is.

Names of statuses are FHIR R5's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from atendeai.domain.appointment_states import Status
from atendeai.kit import clock
from atendeai.kit.schemas import NAME_LIMIT, STORABLE, VISIBLE, WHOLE, Body, Code, Flag, Moment, WallTime
from atendeai.kit.schemas import Day as AnyDay

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT, strip_whitespace=True), VISIBLE]
Text = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True), STORABLE]

_Day = TypeVar("_Day", bound=date)
HORIZON = timedelta(days=3652)
"""How far ahead anything may be asked for; what lies beyond is a slip of the pen (2062, 9999)."""


def _in_sight(value: _Day) -> _Day:
    """Refuse a day or a moment beyond the horizon; compared by its own date, for year 9999 bears no conversion."""
    day = value.date() if isinstance(value, datetime) else value
    if day > (clock.now() + HORIZON).date():
        raise ValueError("lies too far ahead")
    return value


def _whole_minute(value: datetime) -> datetime:
    """Refuse seconds: everybody reads a time as hours and minutes, and two that look alike would not be the same."""
    if value.second or value.microsecond:
        raise ValueError(f"has seconds, and appointments begin on whole minutes: write it as in {value:%H:%M}:00")
    return value


Day = Annotated[AnyDay, AfterValidator(_in_sight)]
"""A day within the horizon."""
Start = Annotated[
    Moment,
    AfterValidator(_in_sight),
    AfterValidator(_whole_minute),
    Field(description="when it begins: a whole minute"),
]
"""A moment with an offset, within the horizon, at which an appointment may begin."""

HOLD_EXPIRED = "hold-expired"
"""The cancel reason of a hold nobody booked in time: such rows are kept briefly and shown to no one."""
OFFER_EXPIRED = "offer-expired"
"""The cancel reason of an offer to the waiting list that nobody took in time; kept, so that it is not made again."""
LAPSED = (HOLD_EXPIRED, OFFER_EXPIRED)
HOLD_RELEASED = "hold-released"
"""The cancel reason of a hold that whoever had it let go of: it never was an appointment."""
NEVER_LISTED = (*LAPSED, HOLD_RELEASED)
"""Cancel reasons of what lists of appointments leave out."""
OFFER_DECLINED = "declined"
"""The cancel reason of an offer to the waiting list that the patient did not want."""

CancelCode = Literal["pat", "prov", "maint", "meds-inc", "oth-err", "oth-weath", "other"]
"""FHIR's codes for `cancellationReason`: the patient; the professional; closed for maintenance; medical preparation
incomplete; a mistake; the weather; anything else. Source:
http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason."""

_SEEN = frozenset({Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED})


class Period(Body):
    """Days, inclusive, and a part of each; `time_from == time_to` means that exact time."""

    date_from: Day
    date_to: Day
    time_from: Annotated[WallTime | None, Field(description="the earliest start")] = None
    time_to: Annotated[WallTime | None, Field(description="starts lie before it")] = None

    @field_validator("date_to")
    @classmethod
    def _days_in_order(cls, value: date, info: ValidationInfo) -> date:
        first = info.data.get("date_from")
        if first is not None and value < first:
            raise ValueError("date_to lies before date_from")
        return value

    @field_validator("time_to")
    @classmethod
    def _times_in_order(cls, value: time | None, info: ValidationInfo) -> time | None:
        first = info.data.get("time_from")
        if first is not None and value is not None and value < first:
            raise ValueError("time_to lies before time_from")
        return value


class SlotSearch(Period):
    """Which service, when, with which professional."""

    service_code: Code
    professional_code: Code | None = None
    limit: Annotated[int, Field(ge=1, le=200), WHOLE] = 20
    contact_id: UUID | None = None
    """Holds of this contact do not count as taken: the patient may pick what is already held for them."""
    appointment_id: UUID | None = None
    """The appointment about to be moved does not stand in its own way."""


class HoldRequest(Body):
    """Keep a time for a patient for five minutes, while they decide."""

    contact_id: UUID
    patient_name: PersonName | None = None
    service_code: Code
    professional_code: Code
    start: Start


class OwnRequest(Body):
    """What a patient asks about an appointment, a hold or an offer of theirs."""

    contact_id: UUID
    """Who asks. An appointment of somebody else is for them one that is not there."""


class BookRequest(OwnRequest):
    """Turn a hold or an offer into an appointment."""

    patient_name: PersonName | None = None


class CreateRequest(Body):
    """Book at once: what the reception does on the telephone."""

    service_code: Code
    professional_code: Code
    start: Start
    patient_name: PersonName
    contact_id: UUID | None = None
    ignore_calendar: Flag = False
    """Book although the calendar is busy or cannot be read; other appointments still stand in the way."""


class CancelRequest(Body):
    """Undo an appointment, or let go of a hold or an offer. `reason` is for people, the code for counting."""

    reason: Text = ""
    cancellation_reason: CancelCode | None = None
    """Without it: `pat` from the attendant, else `other`."""


class OwnCancelRequest(OwnRequest, CancelRequest):
    """The same, asked by the patient whose it is."""


class StaffCancelRequest(CancelRequest):
    """What staff may say besides."""

    notify: Flag = False
    """Tell the patient through WhatsApp."""


class RescheduleRequest(Body):
    """Move the same appointment."""

    start: Start
    professional_code: Code | None = None
    ignore_calendar: Flag = False


class OwnRescheduleRequest(OwnRequest, RescheduleRequest):
    """The same, asked by the patient whose it is."""


class StaffRescheduleRequest(RescheduleRequest):
    """What staff may say besides."""

    notify: Flag = False
    """Tell the patient through WhatsApp."""


class StatusRequest(Body):
    """What happened at the desk."""

    status: Literal["arrived", "checked-in", "fulfilled", "noshow", "entered-in-error"]


class OpenTimes(NamedTuple):
    """When professionals can be booked: at each place one's code, a beginning and an end (RFC 3339)."""

    codes: list[str]
    opens: list[str]
    closes: list[str]


@dataclass(frozen=True, slots=True)
class Appointment:
    """One row of `atendeai.appointment`."""

    id: UUID
    status: Status
    starts_at: datetime
    ends_at: datetime
    service_code: str
    service_name: str
    professional_code: str
    professional_name: str
    patient_id: UUID | None
    patient_name: str | None
    contact_id: UUID | None
    expires_at: datetime | None
    confirmed_at: datetime | None
    cancel_reason: str | None
    cancel_code: str | None
    source: str
    calendar_state: str
    calendar_version: int
    calendar_error: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    agreed_at: datetime | None = None
    waitlist_id: UUID | None = None
    conflict: dict[str, Any] | None = None
    notice_version: int | None = None

    @property
    def lapsed(self) -> bool:
        """Whether this was a hold or an offer that nobody took in time."""
        return self.status is Status.CANCELLED and self.cancel_reason in LAPSED

    def as_json(self, tz: tzinfo) -> dict[str, Any]:
        """Render for the wire, moments in the clinic's time zone."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "status": self.status.value,
            "start": self.starts_at.astimezone(tz).isoformat(),
            "end": self.ends_at.astimezone(tz).isoformat(),
            "service_code": self.service_code,
            "service_name": self.service_name,
            "professional_code": self.professional_code,
            "professional_name": self.professional_name,
            "patient": {
                "id": str(self.patient_id) if self.patient_id else None,
                "name": self.patient_name,
                "contact_id": str(self.contact_id) if self.contact_id else None,
            },
            "participant": self._participants(),
            "source": self.source,
            "calendar": {"state": self.calendar_state, "error": self.calendar_error},
            "created_at": self.created_at.astimezone(tz).isoformat(),
            "version": self.version,
        }
        if self.expires_at is not None and self.status is Status.PROPOSED:
            body["expires_at"] = self.expires_at.astimezone(tz).isoformat()
        if self.confirmed_at is not None:
            body["confirmed_at"] = self.confirmed_at.astimezone(tz).isoformat()
        if self.cancel_reason is not None:
            body["cancel_reason"] = self.cancel_reason
            body["cancellation_reason"] = {"code": self.cancel_code or "other", "text": self.cancel_reason}
        if self.waitlist_id is not None:
            body["waitlist_id"] = str(self.waitlist_id)
        if self.conflict is not None:
            body["conflict"] = self.conflict
        return body

    def _participants(self) -> list[dict[str, Any]]:
        """FHIR's `Appointment.participant`: who takes part, and whether they said so (`ParticipationStatus`)."""
        patient = "accepted" if self.confirmed_at is not None or self.status in _SEEN else "needs-action"
        if self.status is Status.CANCELLED and self.cancel_code == "pat":
            patient = "declined"
        return [
            {
                "actor": {
                    "type": "Patient",
                    "reference": f"Patient/{self.patient_id}" if self.patient_id else None,
                    "display": self.patient_name,
                },
                "status": patient,
            },
            {
                "actor": {
                    "type": "Practitioner",
                    "reference": f"Practitioner/{self.professional_code}",
                    "display": self.professional_name,
                },
                "status": "accepted" if self.conflict is None else "tentative",
            },
        ]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an appointment's history; `version` is the appointment's, which it led to or was seen at."""

    id: UUID
    version: int
    at: datetime
    actor: str
    actor_name: str | None
    action: str
    from_status: str | None
    to_status: str
    details: dict[str, Any]

    def as_json(self, tz: tzinfo) -> dict[str, Any]:
        """Render for the wire."""
        return {
            "version": self.version,
            "at": self.at.astimezone(tz).isoformat(),
            "actor": self.actor,
            "actor_name": self.actor_name,
            "action": self.action,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "details": self.details,
        }
