"""Which of many free slots are worth naming to a patient; pure."""

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta

from atendeai.domain.dialogue.ports import Slot
from atendeai.domain.understanding.when import Moment

_WEEKDAYS = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_DAY = rf"(?:n?[ao]s? |em |de |d[ao] )?(?:{'|'.join(_WEEKDAYS)})(?:-feira| feira)?"
_ALL_DAY = r"(?!(?: ir| ser)?(?: de| a| as| ate| antes d[aeo]s?| depois d[aeo]s?| pela)? (?:manha|tarde|noite|cedo|\d))"
_RULED_OUT = re.compile(
    rf"\b(?:menos|exceto|tirando|fora|sem ser|so nao(?: pode ser)?|nem|"
    r"(?P<cannot>nao (?:posso|consigo|quero|da|pode(?: ser)?|serve)(?: ir| ser)?)) "
    rf"(?P<days>{_DAY}(?:(?:,| e| ou| nem| e nem) {_DAY}(?!,? (?:posso|pode|da|consigo|tem|serve|sim)\b))*)"
    rf"(?(cannot){_ALL_DAY})"
)
_RULED_OUT_AFTER = re.compile(
    rf"(?<!quero )(?<!queria )(?<!prefiro )(?<!pode ser )(?<!posso )(?<!tem )(?<!para )"
    rf"\b(?P<days>{_DAY}(?:(?:,| e| ou| nem| e nem) {_DAY})*),? (?:eu )?(?:ja )?"
    r"nao (?:posso|consigo|da\b|vai dar|vou (?:poder|conseguir)|serve|rola|tenho como)"
    rf"\b{_ALL_DAY}"
)
_BUSY_ON = re.compile(
    rf"\b(?P<days>{_DAY}),? (?:eu )?(?:(?:estou|to|esta|fico) (?:de (?:plantao|viagem)|viajando|em viagem|ocupad[oa]|"
    rf"trabalhando|fora)|(?:tenho|trabalho|dou) (?:plantao|aula|prova|reuniao|viagem|o dia todo|"
    rf"compromisso))\b{_ALL_DAY}"
)
NEAREST = 3
"""So many are named beside a time that is taken."""


def spread(slots: Sequence[Slot], count: int) -> list[Slot]:
    """A few slots that differ: one of each of the first days, or spread over the only day."""
    distinct = list({s.start: s for s in reversed(slots)}.values())
    distinct.sort(key=lambda s: s.start)
    if len(distinct) <= count:
        return distinct
    days = sorted({s.start.date() for s in distinct})
    if len(days) >= count:
        return [next(s for s in distinct if s.start.date() == d) for d in days[:count]]
    step = (len(distinct) - 1) / max(1, count - 1)
    return [distinct[round(i * step)] for i in range(count)]


def days_ruled_out(norm: str) -> set[int]:
    """The weekdays (Monday is 0) that the message rules out ("menos quarta e quinta", "nem segunda nem sexta")."""
    return {
        _WEEKDAYS.index(day)
        for pattern in (_RULED_OUT, _RULED_OUT_AFTER, _BUSY_ON)
        for found in pattern.finditer(norm)
        for day in re.findall(r"[a-z]+", found["days"])
        if day in _WEEKDAYS
    }


def not_ruled_out(slots: Sequence[Slot], out: Collection[int]) -> list[Slot]:
    """Those that are on none of the weekdays in ``out`` ("qualquer dia menos segunda")."""
    return [s for s in slots if s.start.weekday() not in out]


def runs(first: date, last: date, out: Collection[int]) -> list[tuple[date, date]]:
    """The days from ``first`` to ``last`` but those on the weekdays in ``out``, as spans of days on end."""
    found: list[tuple[date, date]] = []
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        if day.weekday() in out:
            continue
        if found and found[-1][1] == day - timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def by_nearness(slots: Sequence[Slot], wish: Moment, at: time) -> list[Slot]:
    """The few nearest to a time, on the day wished for or on the first that has any."""
    target = datetime.combine(wish.date or slots[0].start.date(), at)
    distinct = {s.start: s for s in reversed(slots)}.values()
    return sorted(distinct, key=lambda s: (abs(s.start - target), s.start))[:NEAREST]
