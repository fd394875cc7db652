"""How days, times, hours and prices are written to a patient, in Brazilian Portuguese."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from atendeai.domain.dialogue.clinic import Clinic, WeekHours
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import Moment

WEEKDAYS = ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo")
_SHORT = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")
_SHORTEST = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


_MASCULINE = re.compile(
    r"^(?:consultorio|hospital|instituto|centro|espaco|laboratorio|nucleo|posto|ambulatorio|studio|estudio|grupo|dr|"
    r"doutor)\b"
)


def of_the(name: str) -> str:
    """A clinic's name with the preposition that goes with it: "da Clínica Sol", "do Instituto Sol"."""
    return f"{'do' if _MASCULINE.match(fold(name)) else 'da'} {name}"


_DOCTOR = re.compile(r"^(?P<dra>dra\b|doutora\b|professora\b)|^(?:dr\b|doutor\b|professor\b)(?!\(a\))")


def the(who: str) -> str:
    """A professional's name with its article where the title tells it: "a Dra. Ana Lima", "o Dr. Caio Prado"."""
    title = _DOCTOR.match(fold(who))
    return f"{'a' if title['dra'] else 'o'} {who}" if title else who


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def inside(name: str) -> str:
    """A service's name as it stands inside a sentence: "consulta com pediatra", but "MAPA 24h", "Botox"."""
    return name[:1].lower() + name[1:] if fold(name).split()[:1] and fold(name).split()[0] in _COMMON_NOUNS else name


_COMMON_NOUNS = frozenset(
    re.findall(
        r"\w+",
        """
        consulta retorno exame avaliacao limpeza sessao tratamento procedimento cirurgia aplicacao teste vacina revisao
        clareamento extracao canal restauracao acompanhamento atendimento eletrocardiograma ecocardiograma ultrassom
        ultrassonografia mamografia fisioterapia terapia drenagem massagem depilacao peeling
        """,
    )
)
_SATURDAY = 5
_NAMED_DAYS = 2
"""More days in a row than these are written as a span."""


def clock(value: time) -> str:
    """14h, 14h30."""
    return f"{value.hour}h{value.minute:02d}" if value.minute else f"{value.hour}h"


def day(value: date, today: date) -> str:
    """Hoje (terça-feira, 24/11), amanhã (…), sexta-feira, 27/11; with the year when it is another."""
    written = f"{value:%d/%m}" if value.year == today.year else f"{value:%d/%m/%Y}"
    full = f"{WEEKDAYS[value.weekday()]}, {written}"
    if value == today:
        return f"hoje ({full})"
    if value == today + timedelta(days=1):
        return f"amanhã ({full})"
    return full


def on(value: date, today: date) -> str:
    """A day with its preposition: "na quarta-feira, 02/12", "no sábado, 28/11"; "hoje" and "amanhã" need none."""
    named = day(value, today)
    if named.startswith(("hoje", "amanhã")):
        return named
    return f"{'no' if value.weekday() >= _SATURDAY else 'na'} {named}"


def moment(value: datetime, today: date) -> str:
    """amanhã (quarta-feira, 25/11) às 14h."""
    return f"{day(value.date(), today)} {_at(value.time())}"


def on_at(value: datetime, today: date) -> str:
    """The same with its preposition: "na segunda-feira, 30/11 às 8h"."""
    return f"{on(value.date(), today)} {_at(value.time())}"


def short(value: datetime) -> str:
    """The same as a button holds it: "qua, 25/11 às 14h30"."""
    return f"{short_day(value.date())} {_at(value.time())}"


def short_day(value: date) -> str:
    """Its day alone: "qua, 25/11"."""
    return f"{_SHORTEST[value.weekday()]}, {value:%d/%m}"


def _at(value: time) -> str:
    return f"{'à' if value.hour == 1 else 'às'} {clock(value)}"


def wish(value: Moment, today: date, *, free: bool = False) -> str:
    """A wished time as the attendant repeats it: what is known of the day and the hour.

    ``free``: it stands in a sentence by itself ("na quinta-feira, 26/11"), not beside others.
    """
    parts: list[str] = []
    if value.date:
        parts.append(on(value.date, today) if free else day(value.date, today))
    elif value.date_from and value.date_to:
        parts.append(f"de {value.date_from:%d/%m} a {value.date_to:%d/%m}")
    elif value.date_from:
        parts.append(f"a partir de {day(value.date_from, today)}")
    elif value.date_to:
        parts.append(f"até {day(value.date_to, today)}")
    if value.time:
        parts.append(f"às {clock(value.time)}")
    elif value.time_from and value.time_to:
        parts.append(f"entre {clock(value.time_from)} e {clock(value.time_to)}")
    elif value.time_from:
        parts.append(f"a partir das {clock(value.time_from)}")
    elif value.time_to:
        parts.append(f"até as {clock(value.time_to)}")
    return " ".join(parts)


def waited_for(value: Moment, today: date) -> str:
    """For when somebody waits: "para quinta-feira, 26/11", "para um horário a partir de segunda-feira, 30/11"."""
    return f"para {'' if value.date else 'um horário '}{wish(value, today)}"


def listed(items: Iterable[str], last: str = "e") -> str:
    """a, b e c."""
    pieces = list(items)
    if len(pieces) <= 1:
        return "".join(pieces)
    return f"{', '.join(pieces[:-1])} {last} {pieces[-1]}"


def numbered(items: Sequence[str]) -> str:
    """One line each, with the number a patient may answer with."""
    return "\n".join(f"{index}) {item}" for index, item in enumerate(items, start=1))


def lasting(value: timedelta) -> str:
    """30 minutos, 1 hora, 1h30."""
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    if not hours:
        return f"{minutes} minutos"
    return f"{hours}h{minutes:02d}" if minutes else f"{hours} hora{'s' if hours > 1 else ''}"


def price(value: str) -> str:
    """R$ 250,00 for "250", "250.5" or "250.00"."""
    whole, _, cents = value.partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return f"R$ {grouped},{(cents + '00')[:2]}"


def stretches(hours: Sequence[tuple[time, time]]) -> str:
    """One day's hours: "das 8h às 12h e das 14h às 18h"."""
    return listed(f"das {clock(a)} às {clock(b)}" for a, b in hours)


def week(hours: WeekHours) -> str:
    """The opening hours, days alike put together: "segunda a sexta, das 8h às 18h; sábado, das 8h às 12h"."""
    texts = []
    for days, spans in _alike(hours):
        span = f"{_SHORT[days[0]]} a {_SHORT[days[-1]]}"
        name = span if len(days) > _NAMED_DAYS else listed(_SHORT[d] for d in days)
        texts.append(f"{name}, {stretches(spans)}")
    return "; ".join(texts)


def every_week(hours: WeekHours) -> str:
    """The same inside a sentence: "de segunda a sexta, das 8h às 18h; aos sábados, das 8h às 12h"."""
    texts = []
    for days, spans in _alike(hours):
        span = f"de {_SHORT[days[0]]} a {_SHORT[days[-1]]}"
        name = span if len(days) > _NAMED_DAYS else listed(map(_every, days))
        texts.append(f"{name}, {stretches(spans)}")
    return "; ".join(texts)


def _every(weekday: int) -> str:
    return f"{'aos' if weekday >= _SATURDAY else 'às'} {_SHORT[weekday]}s"


def _alike(hours: WeekHours) -> list[tuple[list[int], tuple[tuple[time, time], ...]]]:
    """Days in a row that have the same hours, with these; closed ones are left out."""
    groups: list[tuple[list[int], tuple[tuple[time, time], ...]]] = []
    for weekday in range(7):
        spans = hours.get(weekday) or ()
        if not spans:
            continue
        if groups and groups[-1][1] == spans and groups[-1][0][-1] == weekday - 1:
            groups[-1][0].append(weekday)
        else:
            groups.append(([weekday], spans))
    return groups


_FURTHEST = 14


def opens_again(clinic: Clinic, now: datetime) -> str | None:
    """When the clinic opens next ("na segunda-feira, 30/11 às 8h"); None while it is open, or its hours not known."""
    for ahead in range(_FURTHEST):
        value = now.date() + timedelta(days=ahead)
        if ahead and clinic.undeclared_holiday(value):
            continue  # nobody said that it opens then
        for opens, closes in clinic.hours_on(value):
            if ahead == 0 and opens <= now.time() < closes:
                return None
            if ahead or opens > now.time():
                return on_at(datetime.combine(value, opens), now.date())
    return None


def hours_of(clinic: Clinic, value: date, today: date) -> str:
    """Whether and when the clinic is open on one day, as a sentence."""
    named = sentence(on(value, today))
    named += "" if named.endswith(")") else ","
    if value in clinic.holidays:
        return f"{named} é feriado e não abrimos."
    spans = clinic.hours_on(value)
    return f"{named} atendemos {stretches(spans)}." if spans else f"{named} não abrimos."
