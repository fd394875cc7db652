"""What the attendant knows of a clinic: hours, services, professionals. Pure; part of the Clinic's schema."""

# ruff: noqa: RUF012 - pydantic copies the defaults of its models

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from atendeai_operator.api import durations
from atendeai_operator.api.schema import (
    CLOCK,
    DURATION,
    SET_LIST,
    ApiModel,
    ClockTime,
    Code,
    Duration,
    Line,
    LongText,
    Rule,
    UniqueItems,
    formed,
    keyed_list,
    lies_between,
    unique_by,
    where_formed,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Opening(ApiModel):
    """One span of a day, in the clinic's time zone."""

    RULES = (
        Rule(
            where_formed(CLOCK, ("self.opens", "self.closes"), "self.opens < self.closes"),
            "opens must be before closes",
            lambda o: o.opens < o.closes,
        ),
    )

    opens: ClockTime
    """Beginning, as HH:MM."""
    closes: ClockTime
    """End, as HH:MM."""


def _disjoint(spans: list[Opening] | None) -> bool:
    ordered = sorted((span.opens, span.closes) for span in spans or [])
    return all(earlier[1] <= later[0] for earlier, later in pairwise(ordered))


_APART = where_formed(
    rf"^({CLOCK.strip('^$')}){{4}}$",
    ("(a.opens + a.closes + b.opens + b.closes)",),
    "a.opens == b.opens || a.closes <= b.opens || b.closes <= a.opens",
)
"""CEL: two spans do not overlap, or one of them is none."""

Openings = Annotated[list[Opening], Field(max_length=4, json_schema_extra=keyed_list("opens")), unique_by("opens")]


class WeekHours(ApiModel):
    """Opening hours by weekday; a missing weekday is closed."""

    RULES = tuple(
        Rule(
            f"!has(self.{day}) || self.{day}.all(a, self.{day}.all(b, {_APART}))",
            f"the spans of {day} must not overlap",
            lambda hours, day=day: _disjoint(getattr(hours, day)),  # type: ignore[misc]  # mypy cannot infer a lambda that binds a loop variable
        )
        for day in WEEKDAYS
    )

    mon: Openings | None = None
    """Monday."""
    tue: Openings | None = None
    """Tuesday."""
    wed: Openings | None = None
    """Wednesday."""
    thu: Openings | None = None
    """Thursday."""
    fri: Openings | None = None
    """Friday."""
    sat: Openings | None = None
    """Saturday."""
    sun: Openings | None = None
    """Sunday."""


class ClinicService(ApiModel):
    """Something the clinic does."""

    RULES = (
        lies_between("duration", "1m", "24h", lambda s: s.duration),
        Rule(
            where_formed(DURATION, ("self.duration",), "duration(self.duration).getSeconds() % 60 == 0"),
            "duration must be whole minutes: write it as in 30m or 1h30m",
            lambda s: durations.seconds(s.duration) % 60 == 0,
        ),
    )

    code: Code
    """Short name that professionals refer to."""
    name: Line
    """Name, as patients read it."""
    duration: Duration = "30m"
    """How long it takes: whole minutes, a day at most."""
    price_brl: (
        Annotated[
            str,
            Field(max_length=24),
            formed(r"^[0-9]{1,7}(\.[0-9]{2})?$", "must be an amount in reais with a point, such as 250.00 or 90"),
        ]
        | None
    ) = Field(default=None, alias="priceBRL")
    """Price in reais, for example `250.00`."""
    preparation: LongText | None = None
    """What a patient must know beforehand."""


class Professional(ApiModel):
    """Somebody who works at the clinic."""

    code: Code
    """Short name."""
    name: Line
    """Name, as patients read it."""
    services: Annotated[list[Code], Field(max_length=64, json_schema_extra=SET_LIST), UniqueItems] = []
    """Codes of the services this person does; none means all."""
    hours: WeekHours | None = None
    """Hours of this person; absent means the clinic's."""
    calendar_id: Annotated[str, Field(min_length=1, max_length=254, pattern=r"^[^\s]+$")] | None = None
    """Calendar of this person; absent means the clinic's."""


class Address(ApiModel):
    """Where the clinic is."""

    street: Line | None = None
    """Street."""
    number: Line | None = None
    """Number."""
    complement: Line | None = None
    """Floor, room."""
    district: Line | None = None
    """District."""
    city: Line | None = None
    """City."""
    state: Annotated[str, Field(min_length=2, max_length=2, pattern=r"^[A-Z]{2}$")] | None = None
    """State, two letters."""
    postal_code: Annotated[str, Field(min_length=8, max_length=9, pattern=r"^[0-9]{5}-?[0-9]{3}$")] | None = None
    """CEP."""
    text: LongText | None = None
    """The whole, as patients read it: how to get there, parking."""


def _real_date(text: str) -> str:
    date.fromisoformat(text)
    return text


IsoDate = Annotated[
    str,
    Field(
        min_length=10,
        max_length=10,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        json_schema_extra={"format": "date"},
    ),
    AfterValidator(_real_date),
]


EXCEPTION_DAYS = 366


def _lasts(exception: ProfileException) -> bool:
    last = date.fromisoformat(exception.date_to or exception.date_from)
    return 0 <= (last - date.fromisoformat(exception.date_from)).days < EXCEPTION_DAYS


class ProfileException(ApiModel):
    """Days with hours of their own."""

    RULES = (
        Rule(
            # A string of the format date is a timestamp to CEL.
            "!has(self.dateTo) || (self.dateFrom <= self.dateTo"
            f" && self.dateTo - self.dateFrom < duration('{EXCEPTION_DAYS * 24}h'))",
            f"dateTo must be between dateFrom and {EXCEPTION_DAYS - 1} days later",
            _lasts,
        ),
        Rule(
            f"!has(self.hours) || self.hours.all(a, self.hours.all(b, {_APART}))",
            "the spans of hours must not overlap",
            lambda e: _disjoint(e.hours),
        ),
    )

    date_from: IsoDate
    """First day."""
    date_to: IsoDate | None = None
    """Last day; absent means the first."""
    professional: Code | None = None
    """Code of whom it is for; absent means the clinic, outside whose hours then nobody works."""
    hours: Openings = []
    """Hours on these days, in place of the weekday's; none means closed."""
    reason: Line | None = None
    """Why, for the clinic's staff."""


class Policies(ApiModel):
    """What patients may still do by themselves, and until when."""

    RULES = (
        lies_between("cancellationNotice", "0m", "336h", lambda p: p.cancellation_notice),
        lies_between("waitingOffer", "5m", "24h", lambda p: p.waiting_offer),
    )

    cancellation_notice: Duration = "0m"
    """How long before an appointment a patient may still cancel or move it without a person; 0m: until it begins."""
    waiting_list: bool = True
    """Whether patients may wait for a time that gets free."""
    waiting_offer: Duration = "30m"
    """How long a patient has to take a time that got free before it is offered to the next."""


class Profile(ApiModel):
    """What the attendant knows of the clinic."""

    RULES = (
        Rule(
            "self.professionals.all(p, p.services.all(c, self.services.exists(s, s.code == c)))",
            "professionals may only name services of the profile:"
            " each entry of professionals[].services must be the code of an entry of profile.services",
            lambda p: {c for person in p.professionals for c in person.services} <= {s.code for s in p.services},
        ),
        Rule(
            "self.exceptions.all(e, !has(e.professional) || self.professionals.exists(p, p.code == e.professional))",
            "exceptions may only name professionals of the profile",
            lambda p: {e.professional for e in p.exceptions} <= {None, *(person.code for person in p.professionals)},
        ),
    )

    business_hours: WeekHours = WeekHours()
    """Opening hours."""
    services: Annotated[
        list[ClinicService], Field(max_length=64, json_schema_extra=keyed_list("code")), unique_by("code")
    ] = []
    """What the clinic does."""
    professionals: Annotated[
        list[Professional], Field(max_length=64, json_schema_extra=keyed_list("code")), unique_by("code")
    ] = []
    """Who works there."""
    insurance: Annotated[list[Line], Field(max_length=64, json_schema_extra=SET_LIST), UniqueItems] = []
    """Health plans it takes."""
    address: Address | None = None
    """Where it is."""
    policies: Policies = Policies()
    """What patients may do by themselves."""
    holidays: Annotated[list[IsoDate], Field(max_length=128, json_schema_extra=SET_LIST), UniqueItems] = []
    """Days on which it is closed."""
    exceptions: Annotated[list[ProfileException], Field(max_length=64)] = []
    """Days with hours of their own; of two for the same day and person the later one holds."""
