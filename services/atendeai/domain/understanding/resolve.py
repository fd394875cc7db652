"""Which day a word for a day is, given now, the time of day said with it and the clinic's hours."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from atendeai.domain.understanding.calendar_math import next_day_of_month
from atendeai.domain.understanding.refs import Choice, Day, DayOfMonth, Ref, Span, Weekday
from atendeai.domain.understanding.times import TimeMention
from atendeai.domain.understanding.when import Moment

DAY_ENDS = time(22)

Hours = Mapping[int, Sequence[tuple[time, time]]]
"""Opening hours by weekday (Monday is 0); a missing weekday is closed."""


class Resolver:
    """Settles words for days against now and the clinic's hours."""

    def __init__(self, now: datetime, hours: Hours | None) -> None:
        self.now = now
        self.today = now.date()
        self.hours = hours

    # ------------------------------------------------------------ what lies ahead
    def _day_end(self, weekday: int) -> time | None:
        if self.hours is None:
            return DAY_ENDS
        spans = self.hours.get(weekday)
        return max(end for _, end in spans) if spans else None

    def ahead_today(self, at: TimeMention | None) -> bool:
        """Whether this time of today, or what is left of the clinic's day, still lies ahead."""
        clock = self.now.time()
        if at is not None and at.at is not None:
            return at.at > clock
        if at is not None and at.until is not None:
            return at.until > clock
        end = self._day_end(self.today.weekday())
        return end is not None and end > clock

    # ------------------------------------------------------------ one word for a day
    def resolve(self, ref: Ref, at: TimeMention | None) -> list[Moment] | None:
        """The days ``ref`` may be; None when it cannot be."""
        match ref:
            case Day(day):
                return self._plain(day, at)
            case Weekday(n, which):
                return self.weekday(n, which, at)
            case DayOfMonth():
                return self._day_of_month(ref, at)
            case Span(begin, until):
                return [Moment(date_from=begin, date_to=until)]
            case Choice(options):
                found = [m for option in options for m in self.resolve(option, at) or []]
                return found or None
        return None

    def _plain(self, day: date, at: TimeMention | None) -> list[Moment] | None:
        if day < self.today:
            return None
        if day == self.today and at is not None and not self.ahead_today(at) and not self.evening(at):
            return None
        return [Moment(date=day)]

    def evening(self, at: TimeMention) -> time | None:
        """The same bare hour twelve hours later, when that still lies ahead in the day and the clinic is open then."""
        end = self._day_end(self.today.weekday())
        if not at.bare or at.at is None or end is None:
            return None
        later = at.at.replace(hour=at.at.hour + 12)
        return later if self.now.time() < later < end else None

    def weekday(self, n: int, which: str, at: TimeMention | None) -> list[Moment] | None:
        """The days a weekday may be; ``which`` as in ``refs.Weekday``."""
        current = self.today.weekday()
        nearest = self.today + timedelta(days=(n - current) % 7 or 7)
        monday = self.today - timedelta(days=current)
        if which == "this_week":
            return self._plain(monday + timedelta(days=n), at)
        if which == "next_week":
            days = [monday + timedelta(days=7 + n)]
        elif which == "next":
            # Ahead in this week, whether the week begins on Monday or on Sunday: it may be meant, or the one after.
            ahead = n != current and (n > current or (n + 1) % 7 > (current + 1) % 7)
            days = [nearest, nearest + timedelta(days=7)] if ahead else [nearest]
        elif n == current and self.ahead_today(at):
            days = [self.today] if which == "nearest" else [self.today, nearest]
        else:
            days = [nearest]
        return [Moment(date=day) for day in days]

    def _day_of_month(self, ref: DayOfMonth, at: TimeMention | None) -> list[Moment] | None:
        today = self.today
        if ref.months is not None:
            index = today.month - 1 + ref.months
            try:
                day = date(today.year + index // 12, index % 12 + 1, ref.number)
            except ValueError:
                return None
            return self._plain(day, at)
        first = next_day_of_month(today, ref.number, after_today=False)
        if first is None:
            return None
        found = [first]
        if first == today:
            after = next_day_of_month(today, ref.number, after_today=True)
            found = [first] if self.ahead_today(at) else []
            found += [after] if after else []
        if ref.weekday is not None:
            return self.agreed([Moment(date=d) for d in found], ref.weekday, at)
        return [Moment(date=d) for d in found]

    def agreed(self, days: list[Moment], weekday: int, at: TimeMention | None) -> list[Moment] | None:
        """Days said together with a weekday: those that fall on it, or else all that either may mean."""
        fitting = [m for m in days if m.date is not None and m.date.weekday() == weekday]
        if fitting:
            return fitting[:1]
        return sorted(days + (self.weekday(weekday, "bare", at) or [])[-1:], key=lambda m: m.date or date.max)
