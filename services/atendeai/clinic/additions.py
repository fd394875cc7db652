"""What staff may add to the profile, on the wire (snake_case) and as it is stored (the Clinic resource's shapes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from atendeai.domain.profile_values import MAX_EXCEPTION_DAYS
from atendeai.kit.schemas import STORABLE, VISIBLE, Answer, Body, Code, Day, Moment
from atendeai.kit.wording import spelt

_CLOCK = spelt(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of day, as in 08:30")
_PRICE = spelt(r"^[0-9]{1,7}(\.[0-9]{2})?$", "an amount in reais, as in 250 or 250.00")
Clock = Annotated[str, StringConstraints(pattern=_CLOCK)]
Price = Annotated[str, StringConstraints(pattern=_PRICE, max_length=10)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True), STORABLE]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), VISIBLE]
Reason = Name
# pydantic says of other keys nothing, though it refuses them.
_CODES = Field(
    max_length=64, json_schema_extra={"additionalProperties": False, "propertyNames": {"minLength": 1, "maxLength": 63}}
)


class Span(Body):
    """One stretch of a day, `HH:MM`, in the clinic's own time; `opens` before `closes`."""

    opens: Clock
    closes: Clock

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes; hours past midnight belong to the next day")
        return self


def _apart(spans: list[Span]) -> list[Span]:
    ordered = sorted(spans, key=lambda span: span.opens)
    if any(later.opens < earlier.closes for earlier, later in pairwise(ordered)):
        raise ValueError("the stretches of hours overlap")
    return ordered


class Spans(Body):
    """The hours of a day: at most four stretches that do not overlap; none is closed."""

    hours: Annotated[list[Span], Field(max_length=4)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        self.hours = _apart(self.hours)
        return self


class WeekSpans(Body):
    """Hours by weekday; a missing one is closed."""

    mon: Annotated[list[Span], Field(max_length=4)] | None = None
    tue: Annotated[list[Span], Field(max_length=4)] | None = None
    wed: Annotated[list[Span], Field(max_length=4)] | None = None
    thu: Annotated[list[Span], Field(max_length=4)] | None = None
    fri: Annotated[list[Span], Field(max_length=4)] | None = None
    sat: Annotated[list[Span], Field(max_length=4)] | None = None
    sun: Annotated[list[Span], Field(max_length=4)] | None = None

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        for day, spans in self:
            try:
                _apart(spans or [])
            except ValueError as error:
                raise ValueError(f"{day}: {error}") from None
        return self


class ServiceAddition(Body):
    """What is said of one service where the resource does not say it."""

    price_brl: Price | None = None
    preparation: Prose | None = None


class ProfessionalAddition(Body):
    """What is said of one professional where the resource does not say it."""

    hours: WeekSpans | None = None


class PersonaAddition(Body):
    """How the attendant presents itself, where the resource does not say it."""

    name: Name | None = None
    greeting: Prose | None = None


class _Additions(Body):
    business_hours: WeekSpans | None = None
    insurance: Annotated[list[Name], Field(max_length=64)] | None = None
    address: Prose | None = None
    holidays: Annotated[list[Day], Field(max_length=128)] | None = None
    services: Annotated[dict[Code, ServiceAddition], _CODES] | None = None
    professionals: Annotated[dict[Code, ProfessionalAddition], _CODES] | None = None
    persona: PersonaAddition | None = None


class AdditionsChange(_Additions):
    """A change: each field that is named replaces what staff had set of it, `null` takes it back."""

    reason: Reason | None = None
    """Why, for the history; nothing of a patient belongs here."""

    @property
    def named(self) -> list[str]:
        """The fields to be changed."""
        return [name for name in _Additions.model_fields if name in self.model_fields_set]


class AdditionsView(_Additions):
    """What staff have set, and which of it has no effect because the Clinic resource came to declare it."""

    version: int
    changed_at: Moment | None
    changed_by: str | None
    overridden: dict[str, str]
    """A path of these additions → the field of the Clinic resource that holds instead."""


class ExceptionRequest(Spans):
    """Days with hours of their own, for one professional or for the clinic; without hours they are closed."""

    date_from: Day
    date_to: Day | None = None
    """The last day, inclusive; the same day when absent."""
    professional_code: Code | None = None
    reason: Reason | None = None

    @field_validator("date_to")
    @classmethod
    def _lasts(cls, last: date | None, known: ValidationInfo) -> date | None:
        first = known.data.get("date_from")
        if last is None or first is None:
            return last
        if not timedelta(0) <= last - first < timedelta(days=MAX_EXCEPTION_DAYS):
            raise ValueError(f"must be between date_from and {MAX_EXCEPTION_DAYS - 1} days later")
        return last

    @property
    def last(self) -> date:
        """The last day, inclusive."""
        return self.date_to or self.date_from


class ExceptionView(Answer):
    """An exception from the hours; `id` of what staff set, which may be taken back here."""

    id: UUID | None
    date_from: date
    date_to: date
    professional_code: str | None
    hours: list[Span]
    reason: str | None
    source: Literal["resource", "staff"]
    affected: str
    """Where to read which appointments of these days stay although they lie outside the hours now."""


class ExceptionList(Answer):
    """Exceptions by their first day."""

    items: list[ExceptionView]
    version: int


def stored_field(name: str, change: AdditionsChange) -> tuple[str, Any]:
    """Return a field of a change as it is stored: its name there and its value, None when it is taken back."""
    value = getattr(change, name)
    key, make = _STORED[name]
    return key, None if value is None else make(value)


def shown_additions(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored additions as they go over the wire."""
    address = stored.get("address")
    return {
        "business_hours": stored.get("businessHours"),
        "insurance": stored.get("insurance"),
        "address": address.get("text") if isinstance(address, Mapping) else address,
        "holidays": stored.get("holidays"),
        "services": _each(
            stored.get("services"),
            lambda one: {"price_brl": one.get("priceBRL"), "preparation": one.get("preparation")},
        ),
        "professionals": stored.get("professionals"),
        "persona": stored.get("persona"),
    }


def stored_exception(request: ExceptionRequest, new_id: UUID) -> dict[str, Any]:
    """Return an exception as it is stored."""
    return _without_none(
        {
            "id": str(new_id),
            "dateFrom": request.date_from.isoformat(),
            "dateTo": request.last.isoformat(),
            "professional": request.professional_code,
            "hours": [span.model_dump() for span in request.hours],
            "reason": request.reason,
        }
    )


def shown_exception(stored: Mapping[str, Any]) -> ExceptionView:
    """Return a stored exception as it goes over the wire."""
    first, last, person = stored["dateFrom"], stored.get("dateTo") or stored["dateFrom"], stored.get("professional")
    outside = {"date_from": first, "date_to": last, "status": "booked", "outside_hours": "true"}
    return ExceptionView(
        id=stored.get("id"),
        date_from=first,
        date_to=last,
        professional_code=person,
        hours=stored.get("hours") or [],
        reason=stored.get("reason"),
        source="staff" if stored.get("id") else "resource",
        affected=f"/api/v1/appointments?{urlencode(outside | ({'professional_code': person} if person else {}))}",
    )


def wire_path(path: str) -> str:
    """Return a path into stored additions as the wire spells it: `services.consulta.priceBRL` → `…price_brl`."""
    spelt = {"businessHours": "business_hours", "priceBRL": "price_brl"}
    return ".".join(spelt.get(part, part) for part in path.split("."))


def _stored_week(week: WeekSpans | None) -> dict[str, Any] | None:
    return None if week is None else week.model_dump(exclude_none=True)


def _each(values: Mapping[str, Any] | None, make: Any) -> dict[str, Any] | None:
    return None if values is None else {code: _without_none(make(one)) for code, one in values.items()}


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def last_day(stored: Mapping[str, Any]) -> date:
    """Return the last day of a stored exception."""
    return date.fromisoformat(stored.get("dateTo") or stored["dateFrom"])


_STORED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "business_hours": ("businessHours", _stored_week),
    "insurance": ("insurance", lambda plans: list(dict.fromkeys(plans))),
    "address": ("address", lambda words: {"text": words}),
    "holidays": ("holidays", lambda days: sorted({day.isoformat() for day in days})),
    "services": (
        "services",
        lambda value: _each(value, lambda one: {"priceBRL": one.price_brl, "preparation": one.preparation}),
    ),
    "professionals": ("professionals", lambda value: _each(value, lambda one: {"hours": _stored_week(one.hours)})),
    "persona": ("persona", lambda value: _without_none(value.model_dump())),
}
"""A field of the wire → its name as it is stored, and how its value gets there."""
