"""Days named by their number or their month: "dia 15", "25/12", "primeira segunda de dezembro", "fim do mês".

Each function turns a match of one of the patterns of ``daywords`` into the day or days it names.
"""

import re
from datetime import date, timedelta

from atendeai.domain.understanding.calendar_math import (
    FURTHEST,
    add_months,
    clip,
    month_span,
    next_day_of_month,
    next_year_of,
)
from atendeai.domain.understanding.holidays import working_days_from
from atendeai.domain.understanding.numbers import WORDS, number
from atendeai.domain.understanding.refs import Choice, Day, DayOfMonth, Impossible, Ref, Span

WEEKDAYS = {"segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "sabado": 5, "domingo": 6}
_ORDINAL_DAYS = {"2a": 0, "3a": 1, "4a": 2, "5a": 3, "6a": 4}
MONTHS = {
    name: index + 1
    for index, names in enumerate(
        (
            ("janeiro", "jan"),
            ("fevereiro", "fev"),
            ("marco", "mar"),
            ("abril", "abr"),
            ("maio", "mai"),
            ("junho", "jun"),
            ("julho", "jul"),
            ("agosto", "ago"),
            ("setembro", "set"),
            ("outubro", "out"),
            ("novembro", "nov"),
            ("dezembro", "dez"),
        )
    )
    for name in names
}
_NTH: dict[str, int | None] = {
    "primei": 0,
    "segund": 1,
    "tercei": 2,
    "quarto": 3,
    "quarta": 3,
    "ultima": None,
    "ultimo": None,
}


def weekday(match: re.Match[str]) -> int:
    """The weekday named; Monday is 0."""
    word = match["wd"]
    return _ORDINAL_DAYS[word] if word in _ORDINAL_DAYS else WEEKDAYS.get(word, 4)  # "sesta feira" is Friday


def _dated(day: int, month: int, year: int | None, today: date) -> Ref:
    """DD/MM with or without its year. Without: this year or, when gone by, the next."""
    if not (1 <= month <= 12):  # noqa: PLR2004 - months of a year
        return Impossible()
    try:
        if year is not None:
            found = date(year + 2000 if year < 100 else year, month, day)  # noqa: PLR2004 - a year of two digits
            return Day(found) if today <= found <= today + FURTHEST else Impossible()
        found = (
            date(today.year, month, day)
            if (month, day) >= (today.month, today.day)
            else date(today.year + 1, month, day)
        )
    except ValueError:
        return Impossible()
    return Day(found)


def numeric(m: re.Match[str], today: date) -> Ref | None:
    """Reads "25/12", "25.12.2026", "dia 3 do 12"."""
    day, month = int(m["d"]), int(m["m"])
    if day > 39 or month > 19 or day == 0 or month == 0:  # noqa: PLR2004 - fractions, measures: not meant as a date
        return None
    if m["sep"] in {".", "-"} and not m["year"] and not m["dia"]:
        return None  # "10-12", "8.30": too often a span or a time
    return _dated(day, month, int(m["year"]) if m["year"] else None, today)


def day_of_named_month(m: re.Match[str], today: date) -> Ref:
    """Reads "15 de dezembro"."""
    year = int(m["year"]) if m["year"] else today.year + 1 if m["nexty"] else None
    return _dated(number(m["d"]), MONTHS[m["mon"]], year, today)


def _one_number(m: re.Match[str]) -> bool:
    """Whether "a e b" is one number in words ("vinte e cinco") rather than two."""
    return f"{m['a']} {m['join']} {m['b']}" in WORDS


def days_of_named_month(m: re.Match[str], today: date) -> Ref | None:
    """Reads "de 10 a 15 de dezembro", "10 ou 11 de dezembro"."""
    if _one_number(m):
        return None
    first = _dated(number(m["a"]), MONTHS[m["mon"]], None, today)
    last = _dated(number(m["b"]), MONTHS[m["mon"]], None, today)
    if not isinstance(first, Day) or not isinstance(last, Day):
        return Impossible()
    if m["join"] in {"ou", "e"} and not m["entre"]:
        return Choice((first, last))
    return Span(first.date, last.date) if first.date <= last.date else None


def days_of_month(m: re.Match[str], today: date) -> Ref | None:
    """Two days of the coming weeks ("entre os dias 10 e 15", "dia 15 ou 16")."""
    a, b = number(m["a"]), number(m["b"])
    if _one_number(m) or not (1 <= a <= 31 and 1 <= b <= 31):  # noqa: PLR2004 - days of a month
        return None
    if m["join"] in {"ou", "e"} and not m["entre"]:
        return Choice((DayOfMonth(a), DayOfMonth(b)))
    first = next_day_of_month(today, a, after_today=False)
    last = next_day_of_month(first, b, after_today=True) if first else None
    return Span(first, last) if first and last else None


def days_of_numbered_month(m: re.Match[str], today: date) -> Ref | None:
    """Reads "de 10 a 15/12", "10 ou 11/12"."""
    first, last = (_dated(int(m[day]), int(m["m"]), None, today) for day in ("a", "b"))
    if not isinstance(first, Day) or not isinstance(last, Day):
        return None
    if m["join"] in {"ou", "e"} and not m["entre"]:
        return Choice((first, last))
    return Span(first.date, last.date) if first.date < last.date else None


def iso(m: re.Match[str], today: date) -> Ref:
    """Reads "2026-12-03"."""
    return _dated(int(m["d"]), int(m["m"]), int(m["year"]), today)


def _month_ahead(m: re.Match[str], today: date) -> date | None:
    """The first day of the month named after a weekday or a working day; None for the current one."""
    if m["mon"]:
        month = MONTHS[m["mon"]]
        return date(today.year + (month < today.month), month, 1)
    if re.search(r"que vem|proximo|seguinte|outro", m["rel"]):
        return add_months(today.replace(day=1), 1)
    return None


def nth_weekday(m: re.Match[str], today: date) -> Ref:
    """Finds "primeira segunda de dezembro"; when it has gone by, that of the next month or year."""
    nth, day_of_week = _NTH[m["nth"][:6]], weekday(m)
    named = _month_ahead(m, today)
    begin = named or today.replace(day=1)
    for _ in range(14):
        first, last = month_span(begin)
        if nth is None:
            day = last - timedelta(days=(last.weekday() - day_of_week) % 7)
        else:
            day = first + timedelta(days=(day_of_week - first.weekday()) % 7 + 7 * nth)
        if day >= today and day <= last:
            return Day(day)
        begin = add_months(begin, 12 if m["mon"] else 1)
    return Impossible()


def nth_week(m: re.Match[str], today: date) -> Ref:
    """Reads "primeira semana de dezembro": seven days of it, the last ones for "última"."""
    nth = _NTH[m["nth"][:6]]
    first, last = month_span(_month_ahead(m, today) or today.replace(day=1))
    begin = last - timedelta(days=6) if nth is None else first + timedelta(days=7 * nth)
    until = begin + timedelta(days=6)
    return clip(Span(begin, until), today) if until >= today else Impossible()


def first_working_day(m: re.Match[str], today: date) -> Ref:
    """Reads "primeiro dia útil de dezembro"."""
    begin = _month_ahead(m, today) or add_months(today.replace(day=1), 1)
    return Day(max(working_days_from(begin - timedelta(days=1), 1), today))


def day_of_month(m: re.Match[str], _today: date) -> Ref:
    """Reads "dia 15", "dia 5 do mês que vem"."""
    n = number(m["d"])
    if not 1 <= n <= 31:  # noqa: PLR2004 - days of a month
        return Impossible()
    which = m["which"] or ""
    if re.search(r"que vem|proximo|seguinte|outro", which):
        return DayOfMonth(n, months=1)
    if re.search(r"desse|deste|este|esse", which):
        return DayOfMonth(n, months=0)
    return DayOfMonth(n)


def _part_of_month(part: str | None, first: date, last: date) -> tuple[date, date]:
    if not part:
        return first, last
    if re.search(r"fim|final", part):
        return first.replace(day=21), last
    if re.search(r"comeco|inicio", part):
        return first, first.replace(day=10)
    if "primeira" in part:
        return first, first.replace(day=15)
    if "segunda" in part:
        return first.replace(day=16), last
    return first.replace(day=11), first.replace(day=20)


def relative_month(m: re.Match[str], today: date) -> Ref:
    """Reads "mês que vem", "fim do mês"."""
    ahead = 1 if re.search(r"que vem|proximo|seguinte|outro", m.group()) else 0
    begin, until = _part_of_month(m["part"], *month_span(add_months(today.replace(day=1), ahead)))
    if until < today:
        begin, until = _part_of_month(m["part"], *month_span(add_months(today.replace(day=1), 1)))
    return clip(Span(begin, until, "month"), today)


def named_month(m: re.Match[str], today: date) -> Ref:
    """Reads "em dezembro", "fim de janeiro"."""
    month = MONTHS[m["mon"]]
    year = today.year if month >= today.month else today.year + 1
    if m["nexty"]:
        year = today.year + 1
    begin, until = _part_of_month(m["part"], *month_span(date(year, month, 1)))
    if until < today:
        begin, until = next_year_of(begin), next_year_of(until)
    return clip(Span(begin, until, "month"), today)
