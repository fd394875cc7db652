"""The time a message means: one moment or span, several that it may mean, or one that cannot be."""

import datetime as dt
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a span of days, a time of day, a span of it, or a day and a time of it. All wall-clock, clinic-local."""

    date: dt.date | None = None
    time: dt.time | None = None
    time_from: dt.time | None = None
    time_to: dt.time | None = None
    date_from: dt.date | None = None
    date_to: dt.date | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing at all is said."""
        return all(getattr(self, f.name) is None for f in fields(self))

    @property
    def has_day(self) -> bool:
        """Whether a day or a span of days is said."""
        return self.date is not None or self.date_from is not None or self.date_to is not None

    @property
    def has_time(self) -> bool:
        """Whether a time of day or a span of it is said."""
        return self.time is not None or self.time_from is not None or self.time_to is not None

    def merged(self, newer: "Moment") -> "Moment":
        """This moment, with what ``newer`` says instead; days and times are replaced as wholes."""
        result = self
        if newer.has_day:
            result = replace(result, date=newer.date, date_from=newer.date_from, date_to=newer.date_to)
        if newer.has_time:
            result = replace(result, time=newer.time, time_from=newer.time_from, time_to=newer.time_to)
        return result

    def to_json(self) -> dict[str, str]:
        """Only the keys that are said: dates as YYYY-MM-DD, times as HH:MM."""
        out: dict[str, str] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if value is not None:
                out[f.name] = value.strftime("%H:%M") if isinstance(value, dt.time) else value.isoformat()
        return out

    @classmethod
    def from_json(cls, data: dict[str, str]) -> "Moment":
        """The inverse of ``to_json``. Raises ValueError on a malformed value."""
        return cls(
            **{
                key: dt.time.fromisoformat(value) if key.startswith("time") else dt.date.fromisoformat(value)
                for key, value in data.items()
            }  # type: ignore[arg-type]  # the key decides the type, which mypy cannot see
        )


@dataclass(frozen=True, slots=True)
class When:
    """What a message says about time.

    At most one of ``candidates`` and ``invalid`` is set; ``moment`` is then empty. ``otherwise``: what would do where
    that is not free ("dia 2, se não tiver, dia 3"), one after the other.
    """

    moment: Moment = field(default_factory=Moment)
    candidates: tuple[Moment, ...] = ()
    invalid: bool = False
    otherwise: tuple[Moment, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the message may mean several moments."""
        return bool(self.candidates)

    @property
    def empty(self) -> bool:
        """Whether the message says nothing about time."""
        return self.moment.empty and not self.candidates and not self.invalid

    def to_json(self) -> dict[str, Any]:
        """The keys of ``understand``'s output that concern time."""
        if self.invalid:
            return {"invalid": True}
        if self.candidates:
            return {"ambiguous": True, "candidates": [c.to_json() for c in self.candidates]}
        return dict(self.moment.to_json())
