"""Finds words for days in a normalised message and names them, without yet asking which day they are.

What a name means may depend on the hour it is said with; ``dates`` settles that.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from atendeai.domain.understanding.calendar_math import (
    add_months,
    clip,
    month_span,
    week_span,
)
from atendeai.domain.understanding.holidays import NAMED, upcoming, working_days_from
from atendeai.domain.understanding.monthwords import (
    MONTHS,
    day_of_month,
    day_of_named_month,
    days_of_month,
    days_of_named_month,
    days_of_numbered_month,
    first_working_day,
    iso,
    named_month,
    nth_week,
    nth_weekday,
    numeric,
    relative_month,
    weekday,
)
from atendeai.domain.understanding.numbers import NUMBER, number, words_between
from atendeai.domain.understanding.refs import Choice, Day, DayMention, DayOfMonth, Impossible, Ref, Span, Weekday

_WD = (
    r"(?P<wd>segunda|terca|quarta|quinta|sexta|(?:sesta|cesta|sesxta)(?=[ -]?feira)|sabado|domingo|[2-6]a)"
    r"(?P<feira>[ -]?feira)?"
)
_N31 = rf"(?:\d{{1,2}}|{words_between(1, 31)})\b"
_MONTH = r"(?P<mon>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b"
_OF_MONTH = (
    r"(?:(?:de|do mes de|em) (?P<mon>"
    + "|".join(sorted(MONTHS, key=len, reverse=True))
    + r")\b|(?P<rel>d[oe] mes que vem|do proximo mes|do mes seguinte|do outro mes|d[eo]ss?te? mes|do mes)\b)"
)
_YEAR = r"(?:(?:,? de |/|-| d?o? ?ano d?e? ?)(?P<year>\d{4}|\d\d(?!\d|h|:)))?(?P<nexty>,? do ano que vem)?"


def _other_weekday(m: re.Match[str], today: date) -> Ref:
    """Finds "no outro sábado": not the coming one but the one after it."""
    return Day(today + timedelta(days=((weekday(m) - today.weekday()) % 7 or 7) + 7))


def _weekday_on(m: re.Match[str], _today: date) -> Ref | None:
    n = int(m["d"])
    return DayOfMonth(n, weekday=weekday(m)) if 1 <= n <= 31 else None  # noqa: PLR2004 - days of a month


def _ahead(m: re.Match[str], today: date) -> Ref:
    n = number(m["n"]) if m["n"] else 1
    unit = m["unit"]
    if unit.startswith("dia"):
        return Day(today + timedelta(days=n))
    if unit.startswith("semana"):
        return Day(today + timedelta(weeks=n))
    if unit.startswith("mes"):
        return Day(add_months(today, n))
    return Day(add_months(today, 12 * n))


def _to_eight(m: re.Match[str], today: date) -> Ref:
    """Counts "de hoje a oito": that day of the next week, as people count both ends."""
    weeks = 2 if m["n"] in {"15", "quinze"} else 1
    start = today if m["from"] == "hoje" else today + timedelta(days=1)
    return Day(start + timedelta(weeks=weeks))


def _weekday_to_eight(m: re.Match[str], today: date) -> Ref:
    ahead = (weekday(m) - today.weekday()) % 7 or 7
    return Day(today + timedelta(days=ahead + 7))


def _weekday_in_week(m: re.Match[str], _today: date) -> Ref:
    return Weekday(weekday(m), "next_week" if re.search(r"que vem|proxima|seguinte|outra", m["week"]) else "this_week")


def _relative_week(m: re.Match[str], today: date) -> Ref:
    ahead = 1 if re.search(r"que vem|proxima|seguinte|outra", m.group()) else 0
    begin, until = week_span(today, ahead)
    if m["part"]:
        if re.search(r"comeco|inicio", m["part"]):
            until = begin + timedelta(days=1)
        elif re.search(r"meio|meados", m["part"]):
            begin, until = begin + timedelta(days=2), begin + timedelta(days=2)
        else:
            begin = begin + timedelta(days=3)
        if until < today:
            return Impossible()
    return clip(Span(begin, until, "next_week" if ahead else "this_week"), today)


def _weekend(m: re.Match[str], today: date) -> Ref:
    saturday = today + timedelta(days=(5 - today.weekday()) % 7)
    nearest = Span(today, today) if today.weekday() == 6 else clip(Span(saturday, saturday + timedelta(days=1)), today)  # noqa: PLR2004 - Sunday
    after_saturday = saturday if today.weekday() == 6 else saturday + timedelta(days=7)  # noqa: PLR2004 - Sunday
    after = Span(after_saturday, after_saturday + timedelta(days=1))
    if not re.search(r"que vem|proximo", m.group()):
        return nearest
    return after if today.weekday() >= 5 else Choice((nearest, after))  # noqa: PLR2004 - the weekend itself


def _next_days(m: re.Match[str], today: date) -> Ref:
    days = number(m["n"]) * (7 if m["unit"].startswith("semana") else 1)
    return Span(today, today + timedelta(days=days))


_MONTH_PART = (
    r"(?:(?P<part>fim|final|finalzinho|comeco|inicio|comecinho|meio|meados|(?:primeira|segunda) quinzena) d[eo] )?"
)
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Ref | None]], ...] = (
    (re.compile(r"(?<!\d)(?P<year>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"), iso),
    (
        re.compile(rf"\b(?P<nth>primeir[ao]|segund[ao]|terceir[ao]|quart[ao]|ultim[ao]) {_WD} {_OF_MONTH}"),
        nth_weekday,
    ),
    (re.compile(rf"\bprimeiro dia util {_OF_MONTH}"), first_working_day),
    (re.compile(r"\bultimo dia d[oe](?:sse|ste)? ano\b"), lambda _m, t: Day(date(t.year, 12, 31))),
    (re.compile(r"\bultimo dia d[oe](?:sse|ste)? mes\b(?! que)"), lambda _m, t: Day(month_span(t)[1])),
    (re.compile(r"\b(?:ainda )?(?:n?ess|n?est)e ano\b"), lambda _m, t: Span(t, date(t.year, 12, 31))),
    (re.compile(rf"\b(?P<nth>primeira|segunda|terceira|ultima) semana {_OF_MONTH}"), nth_week),
    (
        re.compile(r"\bprimeiro dia util d[oe] (?:ano(?: que vem)?|proximo ano|ano novo)\b"),
        lambda _m, t: Day(working_days_from(date(t.year, 12, 31), 1)),
    ),
    (re.compile(r"\bproximo dia util\b"), lambda _m, t: Day(working_days_from(t, 1))),
    (
        re.compile(rf"\b(?:daqui(?: a)?|em|dentro de) (?:uns |mais )?(?P<n>{NUMBER}) dias uteis\b"),
        lambda m, t: Day(working_days_from(t, number(m["n"]))),
    ),
    (re.compile(rf"\b(?:n?[oa]|d[oa]|para [oa]|so [oa]) outr[oa] {_WD}"), _other_weekday),
    (re.compile(r"\b(?:n?[eo]?s?s?t?[eo]? ?|proximo )?(?:fim|final) de semana(?: que vem| agora)?\b"), _weekend),
    (re.compile(r"\bdepois de amanha\b"), lambda _m, t: Day(t + timedelta(days=2))),
    (
        re.compile(r"\bamanha ou depois(?! d)\b"),
        lambda _m, t: Choice((Day(t + timedelta(days=1)), Day(t + timedelta(days=2)))),
    ),
    (re.compile(rf"\b(?:de|da|do) {_WD} a (?P<n>oito|8|quinze|15)(?: dias)?\b(?! horas|h)"), _weekday_to_eight),
    (re.compile(r"\bde (?P<from>hoje|amanha) a (?P<n>oito|8|quinze|15)(?: dias)?\b"), _to_eight),
    (
        re.compile(
            rf"(?P<entre>entre (?:os dias |o dia )?)?\b(?:dias? |d[eo]s? (?:dias? )?)?(?P<a>{_N31}) (?P<join>a|ao|"
            rf"ate|e|ou)(?: o)?(?: dia)? (?P<b>{_N31}) de {_MONTH}"
        ),
        days_of_named_month,
    ),
    (
        re.compile(
            r"(?P<entre>entre (?:os dias |o dia )?)?(?<![\d/.,:-])(?P<a>\d{1,2}) (?P<join>a|ao|ate|e|ou)(?: o)?(?: "
            r"dia)? "
            r"(?P<b>\d{1,2})/(?P<m>\d{1,2})(?![\d/])"
        ),
        days_of_numbered_month,
    ),
    (
        re.compile(rf"\b(?:dia )?(?P<d>primeiro\b|1o\b|{_N31})(?: de | d[oe] mes de |/| ){_MONTH}{_YEAR}"),
        day_of_named_month,
    ),
    (
        re.compile(
            r"(?<![\d/.,-])(?P<dia>\bdia )?(?P<d>\d{1,2})(?P<sep>[/.-])(?P<m>\d{1,2})(?:(?P=sep)(?P<year>\d{4}|"
            r"\d\d))?(?![\d/]|[.,]\d|h\b|:)"
        ),
        numeric,
    ),
    (
        re.compile(
            r"\b(?P<dia>dia )?(?P<d>\d{1,2}) do (?P<sep>)(?P<m>1[0-2]|0?[1-9])(?: d[eo] (?P<year>\d{4}))?\b(?! "
            r"?(?:horas|"
            r"h\b))"
        ),
        numeric,
    ),
    (
        re.compile(
            rf"(?P<entre>entre )?\b(?:[on]?s? ?|d?o?s? ?)dias? (?P<a>{_N31}) (?P<join>a|ao|ate|e|ou)(?: [ao]o?)?(?: "
            r"dia)? "
            rf"(?P<b>{_N31})(?! ?(?:h\b|hs\b|hrs?\b|horas?|:|/|h\d|d[ao] (?:manha|tarde|noite)|e meia))"
        ),
        days_of_month,
    ),
    (
        re.compile(
            rf"\bdia (?P<d>primeiro\b|1o\b|{_N31})(?! (?:horas|h\b|vezes))(?P<which>,? (?:do mes que vem|"
            rf"do proximo mes|do mes seguinte|do outro mes|d[eo]ss?te? mes|d[eo]ste mes|agora|que vem))?"
        ),
        day_of_month,
    ),
    (
        re.compile(
            rf"\b(?:daqui(?: a)?|em|dentro de|com) (?:uns |umas |mais )?(?P<n>{NUMBER}) (?P<unit>dias?|semanas?|"
            rf"mes(?:es)?|anos?)\b(?! uteis)"
        ),
        _ahead,
    ),
    (re.compile(rf"\b(?:n?[oa]s |d[oa]s )?(?:proxim[oa]s) (?P<n>{NUMBER}) (?P<unit>dias|semanas)\b"), _next_days),
    (
        re.compile(
            rf"\b{_WD},? (?:d[ae] |na )?(?P<week>(?:outra |proxima )semana|semana (?:que vem|seguinte)|"
            rf"d?[en]ss[ae] semana|d?[en]st[ae] semana|essa semana|esta semana)\b"
        ),
        _weekday_in_week,
    ),
    (
        re.compile(
            r"\b(?P<part>comeco|inicio|meio|meados|fim|final) d?a (?:semana que vem|proxima semana|outra semana|"
            r"semana|dess[ae] semana)\b(?! ?passada)"
        ),
        _relative_week,
    ),
    (
        re.compile(
            r"(?P<part>)\b(?:semana que vem|(?:na |a |para )?(?:proxima|outra) semana|semana seguinte|"
            r"(?:[nd]?ess[ae]|[nd]?est[ae]) (?:mesma )?semana|ainda (?:n?ess[ae] )?semana)\b"
        ),
        _relative_week,
    ),
    (
        re.compile(
            rf"\b{_WD},? (?P<d>\d{{1,2}})(?! ?(?:h\b|hs\b|hrs?\b|horas?|:|/|\d|-|\.\d|h\d|da |e meia|as |pessoas|"
            rf"consultas))"
        ),
        _weekday_on,
    ),
    (re.compile(rf"\b(?:proxima|proximo) {_WD}\b"), lambda m, _t: Weekday(weekday(m), "next")),
    (re.compile(rf"\b{_WD},? (?:que vem|que vier|proxim[ao])\b"), lambda m, _t: Weekday(weekday(m), "next")),
    (re.compile(rf"\b{_WD},? agora\b"), lambda m, _t: Weekday(weekday(m), "nearest")),
    (re.compile(rf"\b(?:[nd]?ess[ea]|[nd]?est[ea]) {_WD}\b"), lambda m, _t: Weekday(weekday(m), "nearest")),
    (
        re.compile(
            rf"\b{_MONTH_PART}(?:mes que vem|proximo mes|mes seguinte|(?:[nd]?esse|[nd]?este) mes|"
            rf"ainda (?:n?esse )?mes)\b"
        ),
        relative_month,
    ),
    (
        re.compile(
            r"\b(?P<part>fim|final|finalzinho|comeco|inicio|comecinho|meio|meados|(?:primeira|"
            r"segunda) quinzena) do mes\b"
        ),
        relative_month,
    ),
    (
        re.compile(
            rf"\b(?:(?:em|para|ate|de|no mes de|mes de) )?(?P<part>fim|final|comeco|inicio|meio|meados|(?:primeira|"
            rf"segunda) quinzena) de {_MONTH}(?P<nexty> do ano que vem)?"
        ),
        named_month,
    ),
    (
        re.compile(rf"(?P<part>)\b(?:em|para|no mes de|mes de|so em|la em) {_MONTH}(?P<nexty> do ano que vem)?"),
        named_month,
    ),
    (
        re.compile(r"\b(?:no )?ano que vem\b|\bproximo ano\b"),
        lambda _m, t: Span(date(t.year + 1, 1, 1), date(t.year + 1, 12, 31)),
    ),
    (re.compile(rf"^\W*(?P<part>)(?P<nexty>){_MONTH}\W*$"), named_month),
    (re.compile(rf"(?<!desde )(?P<part>)(?P<nexty>)\b(?=[a-z]{{5}})(?!marco){_MONTH}"), named_month),
    (re.compile(r"\banteontem\b"), lambda _m, t: Day(t - timedelta(days=2))),
    (re.compile(r"\bontem\b"), lambda _m, t: Day(t - timedelta(days=1))),
    (re.compile(r"\bhoje\b"), lambda _m, t: Day(t)),
    (
        re.compile(
            r"\b(?:[nd]?ess[ae]|[nd]?est[ae]) (?=tarde\b|noite\b|manha\b)|\bagora (?=(?:de|a|pela) (?:manha|tarde|"
            r"noite))"
        ),
        lambda _m, t: Day(t),
    ),
    (re.compile(r"\bamanha\b"), lambda _m, t: Day(t + timedelta(days=1))),
    (
        re.compile(rf"\b(?:(?P<lead>n?[ao]|d[ao]|de|para|em) )?{_WD}\b(?! (?:vez|via))"),
        lambda m, _t: Weekday(weekday(m)) if m["feira"] or m["lead"] or not m["wd"][0].isdigit() else None,
    ),
)


def _holidays(text: str, today: date) -> Iterator[tuple[int, int, Ref]]:
    for pattern, of in NAMED:
        for m in re.finditer(rf"\b{_WD},? (?:logo )?depois d[oae] (?:feriado d[oae] )?(?:{pattern})\b", text):
            feast = upcoming(of, today)
            yield m.start(), m.end(), Day(feast + timedelta(days=(weekday(m) - feast.weekday()) % 7 or 7))
    for pattern, of in NAMED:
        for m in re.finditer(rf"\b(?:{pattern})\b", text):
            yield m.start(), m.end(), Day(upcoming(of, today), feast=True)


def _eves(text: str, today: date) -> Iterator[tuple[int, int, Ref]]:
    """Finds "na véspera do feriado (do dia 8, de finados)", and the weekday said with it where it is that one."""
    for m in re.finditer(
        rf"\bvespera d[eo](?: feriado)?(?: d[eo])?,? dia (?P<d>{_N31})(?! (?:de|/)){_SAID_AFTER}", text
    ):
        ahead = (today + timedelta(days=n) for n in range(1, _TWO_MONTHS))
        feast = next((day for day in ahead if day.day == number(m["d"])), None)
        if feast is not None:
            yield _eve(m, feast)
    for pattern, of in NAMED:
        for m in re.finditer(rf"\bvespera d[eoa] (?:feriado d[eoa] )?(?:{pattern})\b{_SAID_AFTER}", text):
            yield _eve(m, upcoming(of, today))


_TWO_MONTHS = 63
_SAID_AFTER = rf"(?P<after>,? (?:n?[ao] )?{_WD}\b)?"


def _eve(m: re.Match[str], feast: date) -> tuple[int, int, Ref]:
    day = feast - timedelta(days=1)
    agrees = m["after"] is not None and weekday(m) == day.weekday()
    return m.start(), m.end() if agrees or m["after"] is None else m.start("after"), Day(day)


def find_days(text: str, today: date) -> tuple[list[DayMention], str]:
    """The words for days in ``text`` (already ``blanked``), in order, and the text without them."""
    found: list[DayMention] = []

    def take(start: int, end: int, ref: Ref) -> None:
        nonlocal text
        found.append(DayMention(start, end, ref))
        text = text[:start] + "#" * (end - start) + text[end:]

    for start, end, ref in (*_eves(text, today), *_holidays(text, today)):
        if "#" not in text[start:end]:
            take(start, end, ref)
    for pattern, resolve in _RULES:
        for m in pattern.finditer(text):
            if "#" in text[m.start() : m.end()]:
                continue
            ref_found = resolve(m, today)
            if ref_found is not None:
                lead = m.groupdict().get("lead")
                take(m.start() + len(lead or ""), m.end(), ref_found)
    return sorted(found, key=lambda d: d.start), text
