"""The days Brazilians name instead of giving a date: national holidays and the feasts that hang on Easter."""

from collections.abc import Callable
from datetime import date, timedelta


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm of Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _from_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter(year) + timedelta(days=days)


def _second_sunday(month: int) -> Callable[[int], date]:
    def of(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(6 - first.weekday()) % 7 + 7)

    return of


_FREE_DAYS = frozenset(
    [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)],
)
"""The national holidays of a fixed date (laws 662/1949, 6.802/1980 and 14.759/2023)."""


def is_holiday(day: date) -> bool:
    """Whether a day is a national holiday, or Good Friday, carnival, Corpus Christi: kept almost everywhere."""
    moving = (day - easter(day.year)).days
    return (day.month, day.day) in _FREE_DAYS or moving in _HANGING_ON_EASTER


_HANGING_ON_EASTER = frozenset([-48, -47, -2, 60])


def is_working_day(day: date) -> bool:
    """Monday to Friday and no national holiday; Good Friday counts as one."""
    free = (day.month, day.day) in _FREE_DAYS or day == easter(day.year) - timedelta(days=2)
    return day.weekday() < 5 and not free  # noqa: PLR2004 - Saturday


def working_days_from(day: date, count: int) -> date:
    """The ``count``-th working day after ``day``."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


# Longer names first where one contains the other. Law 662/1949 with 6.802/1980, 14.759/2023 and custom.
NAMED: tuple[tuple[str, Callable[[int], date]], ...] = (
    (r"vespera d[eo] natal", _fixed(12, 24)),
    (r"vespera d[eo] ano novo|reveillon|virada do ano", _fixed(12, 31)),
    (r"(?:quarta(?:[ -]feira)?|4a(?:[ -]feira)?) de cinzas", _from_easter(-46)),
    (r"sexta(?:[ -]feira)? (?:santa|da paixao)|paixao de cristo", _from_easter(-2)),
    (r"sabado de aleluia", _from_easter(-1)),
    (r"segunda(?:[ -]feira)? de carnaval", _from_easter(-48)),
    (r"(?:terca(?:[ -]feira)? de )?carnaval", _from_easter(-47)),
    (r"(?:domingo de )?pascoa", _from_easter(0)),
    (r"corpus christi", _from_easter(60)),
    (r"(?:dia de )?(?<!\bpre )(?<!\bpre-)natal\b(?! (?:rn|capital))", _fixed(12, 25)),
    (r"ano novo|confraternizacao universal", _fixed(1, 1)),
    (r"tiradentes", _fixed(4, 21)),
    (r"dia d[oe] trabalh(?:o|ador)", _fixed(5, 1)),
    (r"(?:dia d[ae] )?independencia", _fixed(9, 7)),
    (r"(?:dia de )?nossa senhora(?: aparecida)?|dia das? criancas?", _fixed(10, 12)),
    (r"(?:dia de )?finados", _fixed(11, 2)),
    (r"proclamacao da republica", _fixed(11, 15)),
    (r"(?:dia da )?consciencia negra", _fixed(11, 20)),
    (r"dia dos namorados", _fixed(6, 12)),
    (r"(?:dia de )?sao joao", _fixed(6, 24)),
    (r"dia das maes", _second_sunday(5)),
    (r"dia dos pais", _second_sunday(8)),
)


def upcoming(of: Callable[[int], date], today: date) -> date:
    """The next such day, today included."""
    this_year = of(today.year)
    return this_year if this_year >= today else of(today.year + 1)
