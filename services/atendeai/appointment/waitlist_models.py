"""The waiting list: what a patient waits for, on the wire and as a row.

On the wire an entry looks like an appointment of FHIR R5 whose status is `waitlist`, with the days that would suit in
place of a time. It becomes `booked` when what the patient waited for is booked, and `cancelled` when it ends otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, Literal
from uuid import UUID

from pydantic import ValidationInfo, field_validator

from atendeai.appointment.models import Appointment, Period, PersonName
from atendeai.domain.slots import MAX_DAYS, Window
from atendeai.kit.schemas import Code

__all__ = ["JoinRequest", "Wish", "WishStatus"]

WishStatus = Literal["waitlist", "booked", "cancelled"]


class JoinRequest(Period):
    """Wait for a time: which days, and which part of them; any professional unless one is named."""

    contact_id: UUID
    patient_name: PersonName
    service_code: Code
    professional_code: Code | None = None

    @field_validator("date_to")
    @classmethod
    def _not_too_many(cls, value: date, info: ValidationInfo) -> date:
        first = info.data.get("date_from")
        if first is not None and (value - first).days >= MAX_DAYS:
            raise ValueError(f"the days span more than {MAX_DAYS}")
        return value


@dataclass(frozen=True, slots=True)
class Wish:
    """One row of `atendeai.waitlist_entry`."""

    id: UUID
    status: WishStatus
    contact_id: UUID
    patient_name: str
    service_code: str
    professional_code: str | None
    date_from: date
    date_to: date
    time_from: time | None
    time_to: time | None
    source: str
    joined_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    appointment_id: UUID | None

    def window(self, first: date | None = None, last: date | None = None) -> Window:
        """Return the days and times that suit, or one or some days of them."""
        return Window(first or self.date_from, last or first or self.date_to, self.time_from, self.time_to)

    def as_json(self, tz: tzinfo, offer: Appointment | None = None) -> dict[str, Any]:
        """Render for the wire, moments in the clinic's time zone; `offer` is what is being offered at the moment."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "status": self.status,
            "service_code": self.service_code,
            "professional_code": self.professional_code,
            "patient": {"name": self.patient_name, "contact_id": str(self.contact_id)},
            "date_from": self.date_from.isoformat(),
            "date_to": self.date_to.isoformat(),
            "time_from": _clock(self.time_from),
            "time_to": _clock(self.time_to),
            "source": self.source,
            "created_at": self.joined_at.astimezone(tz).isoformat(),
        }
        if offer is not None and offer.expires_at is not None:
            body["offer"] = {
                "appointment_id": str(offer.id),
                "start": offer.starts_at.astimezone(tz).isoformat(),
                "professional_code": offer.professional_code,
                "expires_at": offer.expires_at.astimezone(tz).isoformat(),
            }
        if self.ended_at is not None:
            body["ended_at"] = self.ended_at.astimezone(tz).isoformat()
        if self.end_reason is not None:
            body["end_reason"] = self.end_reason
        if self.appointment_id is not None:
            body["appointment_id"] = str(self.appointment_id)
        return body


def _clock(value: time | None) -> str | None:
    return value.isoformat("minutes") if value is not None else None
