"""What a message says about time: the grammar that joins days (``daywords``) and times of day (``times``).

The conventions are the project's own and are tested one by one: values lie ahead of now; weeks run from Monday to
Sunday; what may mean two days says so and names both, and what cannot be is invalid.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import pairwise

from atendeai.domain.understanding import cues
from atendeai.domain.understanding.blanks import blanked
from atendeai.domain.understanding.daywords import find_days
from atendeai.domain.understanding.numbers import NUMBER, number
from atendeai.domain.understanding.refs import Day, DayMention, DayOfMonth, Impossible, Span, Weekday
from atendeai.domain.understanding.resolve import Hours, Resolver
from atendeai.domain.understanding.times import TimeMention, find_times
from atendeai.domain.understanding.when import Moment, When


class Role(Enum):
    """Which of the times in a message is asked for."""

    WANTED = "wanted"
    """A time somebody would like; days they rule out are left out."""
    NEW = "new"
    """Of a change: the new time, not that of the appointment that is to be moved."""
    EXISTING = "existing"
    """That of an appointment that stands, also when it is ruled out ("não posso ir amanhã")."""


_SOON = re.compile(
    rf"\b(?:daqui(?: a)?|em|dentro de) (?:(?:uns|umas|mais|cerca de) )?(?:(?P<half>meia hora)"
    rf"|(?P<h>{NUMBER}) ?(?:h\b|hs\b|hrs?\b|horas?\b)(?: e (?:(?P<mhalf>meia)|(?P<hm>{NUMBER})(?: ?min(?:utos?)?)?))?"
    rf"|(?P<m>{NUMBER}) ?min(?:utos?)?\b)"
)


_Resolve = Callable[[TimeMention | None], list[Moment] | None]
_BOTH_BOUNDS = 2
"""As in "depois das 9, antes das 11"."""


def _after_feast(day: date) -> list[Moment]:
    """The days of "depois do carnaval": the very next day or the week after."""
    monday = day + timedelta(days=7 - day.weekday())
    return [Moment(date_from=begin) for begin in sorted({day + timedelta(days=1), monday})]


def _after(day: Moment) -> Moment:
    last = day.date or day.date_to
    return Moment(date_from=last + timedelta(days=1)) if last else day


def _before(day: Moment) -> Moment:
    first = day.date or day.date_from
    return Moment(date_to=first - timedelta(days=1)) if first else day


def _week_of(day: Moment, today: date) -> Moment:
    named = day.date or today
    monday = named - timedelta(days=named.weekday())
    return Moment(date_from=max(monday, today), date_to=monday + timedelta(days=6))


@dataclass(frozen=True, slots=True)
class _Item:
    """A day of the message: where it stands and what it may be, given the time of day."""

    start: int
    end: int
    resolve: _Resolve
    kind: str
    standing: bool = False
    ruled_out: bool = False


class _Grammar(Resolver):
    """One reading of one message."""

    def __init__(self, text: str, now: datetime, hours: Hours | None) -> None:
        super().__init__(now, hours)
        self.text = text

    # ------------------------------------------------------------ words around a day
    def _bounded(self, mention: DayMention) -> _Resolve:
        """How to settle this day, given the word before it ("depois do", "a partir de", "até", "semana do")."""
        before, ref = self.text[: mention.start], mention.ref
        if cues.AFTER.search(before) and isinstance(ref, Day) and ref.feast:
            return lambda _at: _after_feast(ref.date)
        shapes: tuple[tuple[re.Pattern[str], Callable[[Moment], Moment]], ...] = (
            (cues.AFTER, _after),
            (cues.FROM, lambda d: Moment(date_from=d.date or d.date_from)),
            (cues.UNTIL, lambda d: Moment(date_to=d.date or d.date_to)),
            (cues.BEFORE, _before),
        )
        if isinstance(ref, Day | DayOfMonth):
            shapes = (*shapes, (cues.WEEK_OF, lambda d: _week_of(d, self.today)))
        for cue, shape in shapes:
            if cue.search(before):
                return lambda at, shape=shape: (  # type: ignore[misc]  # mypy cannot infer a lambda that binds a loop variable
                    None if (days := self.resolve(ref, at)) is None else [shape(day) for day in days]
                )
        return lambda at: self.resolve(ref, at)

    def items(self, mentions: list[DayMention]) -> list[_Item]:
        """The days of the message, with weekdays put into the weeks and dates they belong to."""
        out = _ruled_out(mentions, self.text)
        mentions = _in_their_week(mentions, self.text, out)
        items: list[_Item] = []
        for mention in mentions:
            if items and self._joined(items, mention):
                continue
            before = self.text[: mention.start]
            items.append(
                _Item(
                    mention.start,
                    mention.end,
                    self._bounded(mention),
                    type(mention.ref).__name__,
                    standing=bool(cues.STANDING.search(before) or cues.INSTEAD_OF.search(before)),
                    ruled_out=mention.start in out or bool(cues.RULED_OUT_AFTER.search(self.text[mention.end :])),
                )
            )
        return items

    def _joined(self, items: list[_Item], mention: DayMention) -> bool:
        """Joins ``mention`` to the day before it: an apposition ("sexta, dia 27") or a span ("de terça a quinta")."""
        previous = items[-1]
        gap = self.text[previous.end : mention.start]
        lead = self.text[: previous.start]
        kinds = {previous.kind, type(mention.ref).__name__}
        if (
            cues.UP_TO.match(gap)
            and re.search(r"\b(?:de|da|do|entre|desde)(?: o| a)? ?$", lead)
            and (gap.strip() != "e" or "entre" in lead[-9:])
        ):
            begin, ref = previous.resolve, mention.ref

            def span(at: TimeMention | None) -> list[Moment] | None:
                start = begin(None)
                ends = self.resolve(ref, at)
                if not start or not ends or start[-1].date is None:
                    return None
                first = start[-1].date
                days = [m.date for m in ends if m.date is not None]
                until = next((d for d in days if d > first), (days[-1] + timedelta(days=7)) if days else None)
                return [Moment(date_from=first, date_to=until)]

            items[-1] = replace(previous, end=mention.end, resolve=span, kind="Span")
            return True
        if cues.APPOSED.match(gap) and kinds <= {"Day", "Weekday", "DayOfMonth"} and len(kinds | {previous.start}) > 1:
            left, right = previous.resolve, self._bounded(mention)
            right_ref = mention.ref
            if previous.kind == "Weekday" == type(right_ref).__name__:
                return False

            def both(at: TimeMention | None) -> list[Moment] | None:
                a, b = left(at), right(at)
                if a is None or b is None:
                    return None
                if previous.kind == "Weekday":
                    return self.agreed(b, (a[0].date or self.today).weekday(), at)
                if isinstance(right_ref, Weekday):
                    return self.agreed(a, right_ref.number, at)
                return [m for m in a if m in b] or sorted({*a, *b}, key=lambda m: m.date or date.max)

            items[-1] = replace(previous, end=mention.end, resolve=both, kind="Day")
            return True
        return False

    # ------------------------------------------------------------ choosing
    def chosen(self, items: list[_Item], role: Role) -> list[_Item]:
        """The days that count for ``role``: one, or several between which the message leaves the choice."""
        for index in range(len(items) - 1):
            gap = self.text[items[index].end : items[index + 1].start]
            lead = self.text[: items[index].start]
            if (
                role is not Role.WANTED
                and cues.MOVES_TO.match(gap)
                and re.search(r"\b(?:d[aeo]s?|dia|de)(?: dia)? ?$", lead)
            ):
                items[index] = replace(items[index], standing=True)
        if role is Role.EXISTING:
            pool = [i for i in items if i.standing] or items
        else:
            pool = [i for i in items if not i.ruled_out and not (role is Role.NEW and i.standing)]
        if len(pool) <= 1:
            return pool
        groups: list[list[_Item]] = [[pool[0]]]
        for item in pool[1:]:
            gap = self.text[groups[-1][-1].end : item.start]
            between_times = re.sub(r"#+", "", gap)
            if cues.LISTED.match(gap) or cues.OR.search(between_times):
                groups[-1].append(item)
            else:
                groups.append([item])
        if len(groups) == 1 or cues.CORRECTION.search(self.text[groups[0][0].end : groups[-1][0].start]):
            return groups[-1]
        wished = [g for g in groups if cues.WISHED.search(self.text[: g[0].start])]
        return (wished or groups)[-1]

    def times(self, found: list[TimeMention], role: Role, days: list[_Item], others: list[_Item]) -> list[TimeMention]:
        """The times of day that count for ``role``.

        ``days``: those that do, ``others``: the rest of the days; what follows one of them at once is said of it.
        """
        pool = found
        if role is not Role.EXISTING:
            given_up = [day for day in others if day.standing]
            pool = [t for t in found if not self._time_ruled_out(t) and not _right_after(t, given_up)]
        if role is Role.NEW:
            moved = [t for t in pool if _right_after(t, days) or not self._time_stands(t, pool)]
            pool = moved or (pool if len(pool) > 1 else [])
        if len(pool) <= 1:
            return pool
        points = [t for t in pool if t.at is not None]
        if len(points) == len(pool):
            return self._last_choice(points)
        if points:
            return points[-1:]
        bounds = [t for t in pool if not t.part]
        if len(bounds) == _BOTH_BOUNDS:
            begin = next((t.begin for t in bounds if t.begin), None)
            until = next((t.until for t in bounds if t.until), None)
            if begin and until and begin < until:
                return [TimeMention(bounds[0].start, bounds[-1].end, begin=begin, until=until)]
        return pool if cues.OR.search(self.text[pool[0].end : pool[-1].end]) else pool[-1:]

    def _last_choice(self, points: list[TimeMention]) -> list[TimeMention]:
        """The last hour named, with those it is an alternative to ("14h ou 15h")."""
        group = [points[0]]
        for point in points[1:]:
            gap = self.text[group[-1].end : point.start]
            joint = self.text[max(0, point.start - 1) : point.start + 4].strip()
            listed = cues.OR.search(gap) or joint.startswith(("ou ", "e ")) or cues.LISTED.match(gap)
            group = [*group, point] if listed else [point]
        return group

    def _time_ruled_out(self, t: TimeMention) -> bool:
        before, after = self.text[: t.start], self.text[t.end :]
        return bool(
            cues.RULED_OUT.search(before) or cues.INSTEAD_OF.search(before) or cues.RULED_OUT_AFTER.search(after)
        )

    def _time_stands(self, t: TimeMention, pool: list[TimeMention]) -> bool:
        words = self.text[t.start : t.end]
        later = [o for o in pool if o.start > t.end]
        moved = any(
            cues.MOVES_TO.match(re.sub(r"\bas ?$", "", self.text[t.end : o.start + 5]).split("as ")[0]) for o in later
        )
        if moved and re.match(r"(?:d[aeo]s?|as) ", words):
            return True
        before = self.text[: t.start]
        return bool(
            cues.STANDING.search(before)
            or (
                words.startswith(("das ", "de "))
                and re.search(r"\b(?:consulta|horario|exame|retorno|a|o)(?: [a-z#]+){0,4} ?$", before)
            )
        )

    # ------------------------------------------------------------ joining
    def join(self, days: list[_Item], times: list[TimeMention]) -> When:
        """One answer from the days and times that count."""
        pairs: list[tuple[_Item | None, TimeMention | None]]
        if len(days) == len(times) > 1 and _interleaved(days, times):
            pairs = list(zip(days, times, strict=True))
        else:
            pairs = [(d, t) for d in days or [None] for t in times or [None]]  # type: ignore[list-item]  # None stands for what was not said
        found: list[Moment] = []
        impossible = False
        for day, at in pairs:
            resolved = [Moment()] if day is None else day.resolve(at)
            if resolved is None:
                impossible = True
                continue
            for moment in resolved:
                whole = self._with_time(moment, at)
                if whole not in found:
                    found.append(whole)
        found = [m for m in found if not m.empty]
        if not found:
            return When(invalid=impossible)
        if len(found) == 1:
            return When(moment=found[0])
        return When(candidates=tuple(found))

    def _with_time(self, moment: Moment, at: TimeMention | None) -> Moment:
        if at is None:
            return moment
        clock = at.at
        if clock is not None and moment.date == self.today and not self.ahead_today(at):
            clock = self.evening(at) or clock
        return replace(moment, time=clock, time_from=at.begin, time_to=at.until)


def _right_after(t: TimeMention, days: list[_Item]) -> bool:
    return any(0 <= t.start - day.end <= 1 for day in days)


def _interleaved(days: list[_Item], times: list[TimeMention]) -> bool:
    order = sorted([(d.start, "d") for d in days] + [(t.start, "t") for t in times])
    kinds = [kind for _, kind in order]
    return all(kinds[i] != kinds[i + 1] for i in range(len(kinds) - 1))


def _ruled_out(mentions: list[DayMention], text: str) -> set[int]:
    """Where the days begin that the words before them rule out, a list of them with its first."""
    out: set[int] = set()
    listing = False
    for index, mention in enumerate(mentions):
        before = text[: mention.start]
        if cues.RULED_OUT.search(before) or cues.INSTEAD_OF.search(before):
            out.add(mention.start)
            listing = bool(cues.LIST_RULED_OUT.search(before))
        elif index and mentions[index - 1].start in out and not cues.WORKS_AFTER.search(text[mention.end :]):
            gap = text[mentions[index - 1].end : mention.start]
            if cues.ALSO_RULED_OUT.search(gap) or (listing and _comes_to_a_list(mentions, index, text)):
                out.add(mention.start)
    cannot: set[int] = set()
    for one, other in reversed(list(pairwise(mentions))):  # "quarta e quinta não dá"
        joined = cues.ALSO_RULED_OUT.search(text[one.end : other.start]) and not cues.WISHED.search(text[: one.start])
        if joined and (other.start in cannot or cues.CANNOT_AFTER.search(text[other.end :])):
            cannot |= {one.start, other.start}
    return out | cannot


def _comes_to_a_list(mentions: list[DayMention], index: int, text: str) -> bool:
    """Whether commas lead from the day before this one to one that is joined by a word ("segunda, terça e quarta")."""
    for one, other in zip(mentions[index - 1 :], mentions[index:], strict=False):
        gap = text[one.end : other.start]
        if not cues.LISTED.search(gap):
            return False
        if cues.ALSO_RULED_OUT.search(gap):
            return True
    return False


def _in_their_week(mentions: list[DayMention], text: str, ruled_out: set[int]) -> list[DayMention]:
    """Weekdays named with a week, and days named with a month, become days of it."""
    weeks = [m for m in mentions if isinstance(m.ref, Span) and m.ref.kind in {"next_week", "this_week"}]
    months = [m for m in mentions if isinstance(m.ref, Span) and m.ref.kind == "month"]
    out: list[DayMention] = []
    used: set[int] = set()
    for mention in mentions:
        ref = mention.ref
        if mention.start in ruled_out:
            out.append(mention)  # "semana que vem, menos quarta": the week stands
            continue
        near_week = next(
            (
                w
                for w in weeks
                if (
                    not cues.OR.search(text[min(w.end, mention.end) : max(w.start, mention.start)])
                    or len(mentions) > _BOTH_BOUNDS
                )
                and not _moved_to(mention, w, text)
            ),
            None,
        )
        if (
            isinstance(ref, Weekday)
            and ref.which == "bare"
            and near_week is not None
            and isinstance(near_week.ref, Span)
        ):
            out.append(replace(mention, ref=Weekday(ref.number, near_week.ref.kind)))
            used.add(near_week.start)
        elif (
            isinstance(ref, DayOfMonth)
            and ref.months is None
            and months
            and isinstance(months[0].ref, Span)
            and months[0].ref.begin
        ):
            begin = months[0].ref.begin
            used.add(months[0].start)
            try:
                out.append(replace(mention, ref=Day(begin.replace(day=ref.number))))
            except ValueError:
                out.append(replace(mention, ref=Impossible()))
        else:
            out.append(mention)
    return [m for m in out if m.start not in used or not isinstance(m.ref, Span)]


def _moved_to(mention: DayMention, week: DayMention, text: str) -> bool:
    """Whether a day is that of an appointment to be moved to a week: "a consulta de quinta para a semana que vem"."""
    gap = text[mention.end : week.start]
    return bool(cues.STANDING.search(text[: mention.start]) and cues.MOVES_TO.match(gap))


def _soon(text: str, now: datetime) -> When | None:
    """Reads "daqui a 1 hora": a moment, to the minute."""
    m = _SOON.search(text)
    if m is None:
        return None
    if m["half"]:
        minutes = 30
    elif m["h"]:
        minutes = number(m["h"]) * 60 + (30 if m["mhalf"] else number(m["hm"]) if m["hm"] else 0)
    else:
        minutes = number(m["m"])
    then = now + timedelta(minutes=minutes)
    return When(Moment(date=then.date(), time=then.time().replace(second=0, microsecond=0)))


def _preferred(said: str, now: datetime, hours: Hours | None, role: Role) -> tuple[When, When]:
    """What is wished for first, and what would do instead, where both follow the condition.

    "Se não tiver sexta pode ser segunda" wishes for Friday.
    """
    for border in cues.INSTEAD.finditer(said) if not cues.COMING.match(said) else ():
        first = parse(said[: border.start()], now, hours=hours, role=role)
        other = parse(said[border.end() :], now, hours=hours, role=role)
        if not first.empty and not other.empty:
            return first, other
    return When(), When()


def parse(norm: str, now: datetime, *, hours: Hours | None = None, role: Role = Role.WANTED) -> When:
    """What ``norm`` (a normalised message) says about time.

    ``now`` is the clinic's wall-clock time, without a zone. ``hours``: the clinic's own opening hours; without them its
    day is 07:00 to 22:00. ``role``: which time is meant where a message names several.
    """
    text = blanked(norm)
    instead = cues.OTHERWISE.search(text)
    if instead is not None:
        wished = parse(text[: instead.start()], now, hours=hours, role=role)
        other = parse(text[instead.end() :], now, hours=hours, role=role)
        if wished.empty:
            wished, other = _preferred(text[instead.end() :], now, hours, role)
        if not wished.empty and not other.empty and not other.invalid:
            return replace(wished, otherwise=(*(other.candidates or (other.moment,)), *other.otherwise))
    soon = _soon(text, now)
    if soon is not None:
        return soon
    mentions, rest = find_days(text, now.date())
    grammar = _Grammar(text, now, hours)
    found = find_times(rest, beside_day=tuple(m.end for m in mentions))
    items = grammar.items(mentions)
    days = grammar.chosen(items, role)
    others = [item for item in items if item not in days]
    return grammar.join(days, grammar.times(found, role, days, others))
