"""Finds times of day in a normalised message: moments, spans and parts of the day.

A number is a time only when something says so: "às", "h", a colon, "da tarde". The conventions are the project's:
bare hours 1 to 6 are afternoon, 7 to 11 morning; manhã 08–12, tarde 12–18, noite 18–22.
"""

import re
from dataclasses import dataclass
from datetime import time

from atendeai.domain.understanding.numbers import number, words_between

_HOUR = rf"(?:2[0-3]|1\d|0?\d|(?:{words_between(0, 23)})\b)"
_MINUTE_WORDS = words_between(5, 59)
_PERIOD = r"(?:da|de|na|a)\s+(?P<{p}per>tarde|manha|noite|madrugada)"
_END = r"(?![\d/:])"


def _clock(prefix: str) -> str:
    """A pattern of a time with its groups named ``<prefix>h``, ``m``, ``u`` (a unit was said), ``per``, ``mid``."""
    p = prefix
    return (
        rf"(?:(?P<{p}to>{_MINUTE_WORDS}|\d{{1,2}}) (?:min(?:utos)? )?para (?:as |a |o )?)?"
        rf"(?:(?P<{p}mid>meio[ -]?dia|meia[ -]?noite)(?: e (?P<{p}midm>meia\b|[0-5]\d\b|(?:{_MINUTE_WORDS})\b))?"
        rf"|(?P<{p}h>{_HOUR})"
        rf"(?:(?P<{p}u>\s?(?::|\.(?=\d\d\b)|hrs?\b|hs\b|h(?=\d|\b)|"
        rf"horas?\b))(?:\s?(?:e )?(?P<{p}m>[0-5]\d(?!\d)(?:\s?min\w*)?))?)?"
        rf"(?: e (?P<{p}mw>meia\b|[0-5]\d(?= |$|[.,;?!])|(?:{_MINUTE_WORDS})\b(?! (?:dias|anos))))?"
        rf")(?: horas?)?(?:,? {_PERIOD.format(p=p)})?{_END}"
    )


_AT_WORD = r"(?:(?:la )?p(?:el|or )as|por volta d?[ae]s?|ali pelas|as|depois das)"
_FOLLOW = (
    r"(?=\s*(?:$|[.,;:!?)#\-]|(?:ou|e|para|com|na|no|nas|nos|da|de|do|dia|que|se|pode|por|ta|esta|hoje|"
    r"amanha|mesmo|tem|durante|apos|sera|voce|vou|pra|aqui|"
    r"serve|da|seria|fica|ok|certo|entao|tambem|voces?|em|a|ate|horas?|segunda|terca|quarta|quinta|sexta|"
    r"sabado|domingo|"
    r"nao|ja|obrigad[oa]|sim|consigo|posso|porque|mas|eu|la|ai|ne|depois|antes|semana|quero|queria|gostaria|"
    r"da[iy]|beleza|tudo|combinado|confirmado|perfeito|pode|melhor|prefiro|sem|tchau|so|\d)\b))"
)
_RANGES = (
    re.compile(
        rf"\b(?P<lead>das|entre as|entre|de|d[ao]) {_clock('a')} (?P<join>as|ate as|ate|e as|e|a|"
        rf"ao) {_clock('b')}{_FOLLOW}"
    ),
)
_FROM = re.compile(
    rf"\b(?:depois d[aeo]s?|apos(?: as| o| a)?|a partir d[aeo]s?|passando das|"
    rf"so depois d[aeo]s?) {_clock('a')}"
)
_FROM_ON = re.compile(rf"\b(?:(?:das?|de|as) )?{_clock('a')} (?:em diante|para (?:a )?frente|para cima)")
_TO = re.compile(rf"\b(?:antes d[aeo]s?|ate(?: as| a| o| no maximo as)?|no maximo(?: ate)?(?: as)?) {_clock('a')}")
_BUSY = re.compile(
    r"\b(?:trabalho|trabalhando|estudo|tenho aula|dou aula|estou ocupad[oa]|"
    r"(?:estou|fico) (?:n[ao]|em) (?:trabalho|servico|emprego|escola|faculdade|aula|curso|plantao|reuniao|expediente))"
    r"(?: (?:todo dia|sempre|so|n[ao] [a-z]+|de manha))* $"
)
"""Who is busy until an hour can come from then on."""
_AFTER_THAT = re.compile(r"[^.;?!#]{0,40}\b(?:depois|apos|a partir) (?:diss?o|dess[ea] (?:hora|horario)|dai)\b")
_AT = re.compile(rf"(?<![\d/:,.])\b(?P<lead>{_AT_WORD} |(?:a|umas|uns|tipo|das?|de|ou|e) )?{_clock('a')}")

_SPANS: tuple[tuple[re.Pattern[str], time | None, time | None], ...] = tuple(
    (re.compile(pattern), begin, end)
    for pattern, begin, end in (
        (r"\bdepois d[oe] almoco\b", time(14), None),
        (r"\bantes d[oe] almoco\b", None, time(12)),
        (r"\b(?:depois|apos|saindo) d?o? ?(?:meu )?(?:trabalho|expediente|servico)\b", time(18), None),
        (r"\b(?:na )?hora d[oe] almoco\b|\bhorario d[oe] almoco\b|\bno almoco\b", time(12), time(14)),
        (
            (
                r"\b(?:na |a )?primeira hora\b|\bno comecinho da manha\b|\bprimeir(?:o|inho) horario\b"
                r"(?! (?:livre|vago|disponivel|que (?:tiver|houver)|com (?:a |o )?dra?\b|d[ao] dra?\b))"
            ),
            time(8),
            time(9),
        ),
        (
            r"\b(?:fim|final|finzinho|finalzinho) d[ae] tarde\b|\b(?:fim|final|finzinho|finalzinho) do dia\b",
            time(16),
            time(18),
        ),
        (r"\b(?:comeco|inicio|comecinho) d[ae] tarde\b", time(12), time(14)),
        (r"\b(?:comeco|inicio) d[ae] manha\b", time(8), time(10)),
        (r"\b(?:fim|final|finzinho) d[ae] manha\b", time(10), time(12)),
        (r"\b(?:comeco|inicio|comecinho) d[ae] noite\b", time(18), time(20)),
        (
            (
                r"\b(?:de|da|a|pela|na|no|essa|esta|nessa|nesta|(?:na )?parte d[ae]|(?:no |pelo )?(?:periodo|turno|"
                r"horario) d[ae]) manha\b|\b(?:matutino|manhazinha|de manhazinha)\b"
            ),
            time(8),
            time(12),
        ),
        (
            (
                r"\b(?:de|da|a|pela|na|no|essa|esta|nessa|nesta|(?:na )?parte d[ae]|(?:no |pelo )?(?:periodo|turno|"
                r"horario) d[ae]) tarde\b|\b(?:vespertino|tardezinha|tardinha)\b"
            ),
            time(12),
            time(18),
        ),
        (
            (
                r"\b(?:de|da|a|pela|na|no|essa|esta|nessa|nesta|(?:na )?parte d[ae]|(?:no |pelo )?(?:periodo|turno|"
                r"horario) d[ae]) noite\b|\b(?:noturno|noitinha)\b"
            ),
            time(18),
            time(22),
        ),
        (r"(?<!mais )\bcedo\b|\bcedinho\b", time(8), time(12)),
    )
)
# A bare part of the day counts beside a day ("amanhã tarde", "sexta manhã") or as a whole answer ("tarde").
BARE_SPANS: tuple[tuple[re.Pattern[str], time, time], ...] = (
    (re.compile(r"\bmanha\b"), time(8), time(12)),
    (re.compile(r"(?<!mais )(?<!muito )(?<!boa )(?<!fica )\btarde\b"), time(12), time(18)),
    (re.compile(r"(?<!boa )\bnoite\b"), time(18), time(22)),
)


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time found in a message, with the place it stands at.

    ``bare``: an hour that could also be twelve hours later; ``part``: a part of the day rather than an hour.
    """

    start: int
    end: int
    at: time | None = None
    begin: time | None = None
    until: time | None = None
    bare: bool = False
    part: bool = False


def _value(match: re.Match[str], p: str, part: str | None = None) -> tuple[time, bool] | None:
    """The time of day of group set ``p`` and whether its half of the day was guessed."""
    groups = match.groupdict()
    period = groups[f"{p}per"] or part
    bare = False
    if groups[f"{p}mid"]:
        hour = 12 if groups[f"{p}mid"].startswith("meio") else 0
        after = groups[f"{p}midm"]
        minute = 30 if after == "meia" else number(after) if after else 0
    else:
        hour = number(groups[f"{p}h"])
        minute_text = groups[f"{p}m"] or groups[f"{p}mw"]
        if minute_text is None:
            minute = 0
        elif minute_text == "meia":
            minute = 30
        else:
            minute = number(re.sub(r"\s?min\w*", "", minute_text))
        if period == "tarde":
            hour += 12 if 1 <= hour <= 11 else 0  # noqa: PLR2004 - hours of a clock
        elif period == "noite":
            hour = 0 if hour == 12 else hour + 12 if 5 <= hour <= 11 else hour  # noqa: PLR2004 - hours of a clock
        elif period is None:
            bare = 7 <= hour <= 11  # noqa: PLR2004 - the project's convention for bare hours
            hour += 12 if 1 <= hour <= 6 else 0  # noqa: PLR2004 - the project's convention for bare hours
    if groups[f"{p}to"]:
        before = number(groups[f"{p}to"])
        total = (hour * 60 + minute - before) % (24 * 60)
        hour, minute = divmod(total, 60)
    return (time(hour, minute), bare) if hour < 24 and minute < 60 else None  # noqa: PLR2004 - a clock's ends


def _said(match: re.Match[str], p: str) -> bool:
    """Whether the match says of itself that it is a time: a unit, a part of the day, noon, "quinze para as"."""
    g = match.groupdict()
    return bool(g[f"{p}u"] or g[f"{p}per"] or g[f"{p}mid"] or g[f"{p}mw"] == "meia" or g[f"{p}to"])


def _in_words(match: re.Match[str]) -> bool:
    """Whether hour and minutes are both written out ("nove e quinze"), and are no one number ("vinte e cinco")."""
    hour, minutes = match["ah"] or "", match["amw"] or ""
    return hour.isalpha() and hour != "vinte" and minutes not in {"", "meia"} and not minutes.isdigit()


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + "#" * (end - start) + text[end:]


def _find_ranges(text: str, out: list[TimeMention]) -> str:
    for pattern in _RANGES:
        for m in pattern.finditer(text):
            sure = (
                m["lead"] in {"das", "entre as", "entre"} or m["join"].endswith("as") or _said(m, "a") or _said(m, "b")
            )
            if not sure or (m["lead"] in {"de", "da", "do"} and m["join"] in {"e", "e as"}):
                continue
            last = _value(m, "b")
            part = m["bper"]
            first = _value(m, "a", part) or _value(m, "a")
            if first and last:
                begin, until = first[0], last[0]
                if begin >= until:  # "das 9 às 1": the second is the afternoon's
                    begin = (_value(m, "a") or first)[0]
                if begin < until:
                    out.append(TimeMention(m.start(), m.end(), begin=begin, until=until))
                    text = _blank(text, m.start(), m.end())
    return text


def _find_bounds(text: str, out: list[TimeMention]) -> str:
    for pattern, lower in ((_FROM_ON, True), (_FROM, True), (_TO, False)):
        for m in pattern.finditer(text):
            value = _value(m, "a")
            if value is None or not (_said(m, "a") or _FOLLOWED.match(text, m.end())):
                continue
            free_after = lower or _BUSY.search(text[: m.start()]) or _AFTER_THAT.match(text, m.end())
            mention = (
                TimeMention(m.start(), m.end(), begin=value[0])
                if free_after
                else TimeMention(m.start(), m.end(), until=value[0])
            )
            out.append(mention)
            text = _blank(text, m.start(), m.end())
    return text


_FOLLOWED = re.compile(_FOLLOW)


def _find_parts(text: str, beside_day: tuple[int, ...]) -> tuple[list[TimeMention], str]:
    """The parts of the day that are named, and the text without them."""
    parts: list[TimeMention] = []
    spans = text
    for pattern, begin, until in _SPANS:
        for m in pattern.finditer(spans):
            hours_before = re.search(rf"(?:{_HOUR})(?: horas?| ?h)?,? ?$", spans[: m.start()])
            if hours_before and m.group().startswith(("da ", "de ", "na ", "a ")):
                continue  # "3 da tarde": the part belongs to the hour
            parts.append(TimeMention(m.start(), m.end(), begin=begin, until=until, part=True))
            spans = _blank(spans, m.start(), m.end())
    for bare_pattern, bare_begin, bare_until in BARE_SPANS:
        for m in bare_pattern.finditer(spans):
            beside = any(0 <= m.start() - end <= 2 for end in beside_day)  # noqa: PLR2004 - a space or a comma
            alone = spans.strip(" .,!?") == m.group() or re.search(
                r"\b(?:prefiro|melhor|so) (?:a |de )?$", spans[: m.start()]
            )
            if beside or alone:
                parts.append(TimeMention(m.start(), m.end(), begin=bare_begin, until=bare_until, part=True))
                spans = _blank(spans, m.start(), m.end())
    return parts, spans


def find_times(text: str, *, beside_day: tuple[int, ...] = ()) -> list[TimeMention]:
    """The times of day in ``text`` in order. ``beside_day``: ends of days already found and blanked out of ``text``."""
    out: list[TimeMention] = []
    text = _find_ranges(text, out)
    text = _find_bounds(text, out)
    parts, spans = _find_parts(text, beside_day)
    part_name = _part_name(parts)
    for m in _AT.finditer(spans):
        lead = (m["lead"] or "").strip()
        sure = _said(m, "a")
        named = lead in {"as", "das", "pelas", "la pelas", "ali pelas"} or lead.startswith("por volta")
        joined = lead in {"ou", "e"} and any(t.at and 0 <= m.start() - t.end <= 1 for t in out)
        beside = any(0 <= m.start() - end <= 2 for end in beside_day)  # noqa: PLR2004 - a space or a comma
        spoken = _in_words(m) and (beside or spans.strip(" .,!?") == m.group())
        if not sure and not ((named or joined or spoken) and _FOLLOWED.match(spans, m.end())):
            continue
        value = _value(m, "a", part_name)
        if value is not None:
            out.extend(_left_of(spans, m, part_name))
            out.append(TimeMention(m.start(), m.end(), at=value[0], bare=value[1]))
    if not any(t.at or t.begin or t.until for t in out):
        out.extend(parts)
    return sorted(out, key=lambda t: t.start)


def _left_of(text: str, right: re.Match[str], part_name: str | None) -> list[TimeMention]:
    """A bare number joined to a time by "ou" is one too: the 10 of "10 ou 11 da manhã"."""
    if not (right["lead"] or "").startswith("ou"):
        return []
    m = re.search(rf"(?<![\d/:,.])\b{_clock('a')} $", text[: right.start()])
    value = _value(m, "a", right["aper"] or part_name) if m and not _said(m, "a") else None
    return [TimeMention(m.start(), m.end(), at=value[0], bare=value[1])] if m and value else []


def _part_name(parts: list[TimeMention]) -> str | None:
    """The one part of the day the message names, for hours that name none."""
    if len(parts) != 1 or parts[0].begin is None or parts[0].until is None:
        return None
    begin = parts[0].begin.hour
    return "manha" if begin < 12 else "tarde" if begin < 18 else "noite"  # noqa: PLR2004 - parts of a day
