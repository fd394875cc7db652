"""A clinic as the attendant knows it: what it offers, who works there, when, where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from atendeai.domain.profile_values import address_text, parse_duration, parse_exceptions, parse_holidays, parse_week
from atendeai.domain.understanding.entities import GENERIC
from atendeai.domain.understanding.holidays import is_holiday
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Names

WeekHours = Mapping[int, tuple[tuple[time, time], ...]]


@dataclass(frozen=True, slots=True)
class Service:
    """Something that can be booked. ``price``: reais as the profile writes them, or None when not published."""

    code: str
    name: str
    duration: timedelta
    price: str | None = None
    preparation: str | None = None
    """What a patient must know beforehand, in the clinic's words."""


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who can be booked. ``hours``: their own, by weekday; None: the clinic's."""

    code: str
    name: str
    services: frozenset[str]
    hours: WeekHours | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """How the attendant presents itself."""

    name: str | None = None
    greeting: str | None = None
    tone: str | None = None
    """``Formal`` or ``Friendly``; None: neither."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic's profile, ready for the dialogue. ``hours`` by weekday (Monday is 0); a missing one is closed."""

    name: str
    services: tuple[Service, ...] = ()
    professionals: tuple[Professional, ...] = ()
    hours: WeekHours = field(default_factory=dict)
    insurance: tuple[str, ...] = ()
    address: str | None = None
    holidays: frozenset[date] = frozenset()
    special: Mapping[date, tuple[tuple[time, time], ...]] = field(default_factory=dict)
    """The clinic's hours on single days, in place of the weekday's; none: closed."""
    persona: Persona = field(default_factory=Persona)
    handoff_topics: tuple[str, ...] = ()
    waiting_list: bool = True
    """Whether patients may wait for a time that is taken."""

    def hours_on(self, day: date) -> tuple[tuple[time, time], ...]:
        """The hours of one day: none on holidays and where it is closed."""
        if day in self.holidays:
            return ()
        return self.special[day] if day in self.special else self.hours.get(day.weekday()) or ()

    def undeclared_holiday(self, day: date) -> bool:
        """Whether a day is a holiday of which the clinic did not say whether it opens; by the week it would."""
        return day not in self.holidays and day not in self.special and is_holiday(day) and bool(self.hours_on(day))

    @property
    def names(self) -> Names:
        """The names by which patients may call its services, people and plans."""
        return Names(
            services=tuple(s.name for s in self.services),
            professionals=tuple(p.name for p in self.professionals),
            plans=self.insurance,
        )

    @property
    def told_apart(self) -> dict[str, str]:
        """Its services' names by code, but for those that consist of words every clinic uses ("Consulta")."""
        return {s.code: s.name for s in self.services if set(fold(s.name).split()) - GENERIC}

    def service(self, code: str | None) -> Service | None:
        """The service of that code, if it has it."""
        return next((s for s in self.services if s.code == code), None)

    def professional(self, code: str | None) -> Professional | None:
        """The professional of that code, if it has them."""
        return next((p for p in self.professionals if p.code == code), None)

    def default_service(self) -> Service | None:
        """What is meant when nothing is said: the only service, or the only plain consultation."""
        if len(self.services) == 1:
            return self.services[0]
        plain = [s for s in self._visits() if fold(s.name) in _PLAIN_VISITS]
        return plain[0] if len(plain) == 1 else None

    def usual_visit(self) -> Service | None:
        """What "uma consulta" means when nothing else is said: the default, or the only consultation there is."""
        visits = self._visits()
        return self.default_service() or (visits[0] if len(visits) == 1 else None)

    def _visits(self) -> list[Service]:
        return [s for s in self.services if "consulta" in fold(s.name) and "retorno" not in fold(s.name)]


_PLAIN_VISITS = frozenset(
    ["consulta", "consulta medica", "consulta geral", "consulta clinica", "consulta clinica geral", "consulta inicial"]
)


def _clock(minutes: int) -> time:
    return time(23, 59) if minutes >= 24 * 60 else time(minutes // 60, minutes % 60)


def _hours(raw: Mapping[str, Any], field: str) -> WeekHours:
    week = parse_week(raw, field)
    return {day: tuple((_clock(a), _clock(b)) for a, b in spans) for day, spans in week.items()}


def clinic_from_profile(
    name: str,
    profile: Mapping[str, Any],
    *,
    persona: Persona | None = None,
    handoff_topics: Sequence[str] = (),
) -> Clinic:
    """Reads a profile in the shapes of the Clinic resource. Raises ValueError naming the field that cannot be read."""
    services = tuple(
        Service(
            code=str(raw["code"]),
            name=str(raw.get("name") or raw["code"]),
            duration=parse_duration(raw.get("duration") or "30m", f"services[{raw['code']}].duration"),
            price=raw.get("priceBRL"),
            preparation=raw.get("preparation") or None,
        )
        for raw in profile.get("services") or ()
    )
    return Clinic(
        name=name,
        services=services,
        professionals=tuple(
            Professional(
                code=str(raw["code"]),
                name=str(raw.get("name") or raw["code"]),
                services=frozenset(raw.get("services") or (s.code for s in services)),
                hours=None if raw.get("hours") is None else _hours(raw["hours"], f"professionals[{raw['code']}].hours"),
            )
            for raw in profile.get("professionals") or ()
        ),
        hours=_hours(profile.get("businessHours") or {}, "businessHours"),
        insurance=tuple(str(plan) for plan in profile.get("insurance") or ()),
        address=address_text(profile.get("address")),
        holidays=parse_holidays(profile.get("holidays") or ()),
        special={
            day: tuple((_clock(a), _clock(b)) for a, b in spans)
            for (day, who), spans in parse_exceptions(profile.get("exceptions") or ()).items()
            if who is None
        },
        persona=persona or Persona(),
        handoff_topics=tuple(handoff_topics),
        waiting_list=bool((profile.get("policies") or {}).get("waitingList", True)),
    )
