"""Words for days, named but not yet settled: what a name means may depend on the hour it is said with."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Day:
    """One day, already known. ``feast``: it was named as a holiday."""

    date: date
    feast: bool = False


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week. ``which``: bare, "next" (que vem), "nearest" (agora), "this_week", "next_week"."""

    number: int
    which: str = "bare"


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """The day N of some month.

    ``months``: how many months ahead it was said to be, None when nothing was said; ``weekday``: the day of the week
    said with it ("sexta 27").
    """

    number: int
    months: int | None = None
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``begin`` to ``until``; ``week``/``month`` say what it is, so that a day inside it can be named."""

    begin: date | None
    until: date | None
    kind: str = "span"


@dataclass(frozen=True, slots=True)
class Choice:
    """Several days or spans it may mean."""

    options: tuple["Day | Span | DayOfMonth", ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """A date that does not exist, or has gone by."""


Ref = Day | Weekday | DayOfMonth | Span | Choice | Impossible


@dataclass(frozen=True, slots=True)
class DayMention:
    """A word for a day, with the place it stands at."""

    start: int
    end: int
    ref: Ref
