"""Arithmetic of days, weeks (Monday to Sunday) and months."""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atendeai.domain.understanding.refs import Span


FURTHEST = timedelta(days=3600)
"""Nobody makes an appointment for later, and no diary goes further: beyond it is a slip of the pen (9999) or forged."""


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it is shorter."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def month_span(day: date) -> tuple[date, date]:
    """The first and the last day of the month of ``day``."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def week_span(today: date, ahead: int) -> tuple[date, date]:
    """Monday and Sunday of the week ``ahead`` weeks from that of ``today``."""
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=ahead)
    return monday, monday + timedelta(days=6)


def next_year_of(day: date) -> date:
    """The same day a year later; 29 February becomes 28."""
    return add_months(day, 12)


def clip(span: "Span", today: date) -> "Span":
    """The span without the days that have gone by."""
    if span.begin is not None and span.begin < today:
        return replace(span, begin=today)
    return span


def next_day_of_month(today: date, number: int, *, after_today: bool) -> date | None:
    """The next day ``number`` (skipping months without one), today included unless ``after_today``."""
    for months in range(14):
        first = add_months(today.replace(day=1), months)
        if number > monthrange(first.year, first.month)[1]:
            continue
        day = first.replace(day=number)
        if day > today or (day == today and not after_today):
            return day
    return None
