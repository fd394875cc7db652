"""What was said of each of several people for whom one thing is wished for: "ela às 10h e eu às 11h"; pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from atendeai.domain.dialogue import kin
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.resolve import Hours
from atendeai.domain.understanding.when import Moment, When

_BORDER = re.compile(
    r"[,;.!?\n+]+(?!\d)|"
    r"\b(?:mas|e)\b(?! (?:meia|quinze|vinte|trinta|quarenta|cinquenta|[1-5]\d\b(?! ?(?:h|:|hora|/)))\b)"
)
"""Between what is said of one and of the other; "às 10 e meia" is one hour."""
_TIME = (
    r"(?:n[ao]s?|as|a partir|de|dia|depois|antes|ate|hoje|amanha|segunda|terca|quarta|quinta|sexta|sabado|domingo|"
    r"semana|a tarde|a noite|meio|\d)"
)
_MAY = (
    r"(?: (?:so|pode(?:ria|m)?|posso|podia|prefir[oa]|prefere|quer|quero|queria|ser|seria|fica|fico|vai|vou|ir|"
    r"gostaria|de|marcar?|tambem))*"
)
_PRONOUNS = {"ela": "sua ", "ele": "seu ", "dela": "sua ", "dele": "seu "}
_SELF = frozenset(["mim", "eu", "meu", "minha"])


def times(norm: str, people: Sequence[str], now: datetime, hours: Hours | None = None) -> dict[str, When]:
    """The time that a normalised message says of each, by whom it is for, as that is said to who writes.

    ``people``: those who are known to be meant, in order. Nothing where no two of them have a day, or an hour, of their
    own; what is said of one alone otherwise goes for all. ``now``: the clinic's wall-clock time.
    """
    known = list(dict.fromkeys([*people, *_wished_for(norm)]))
    found: dict[str, When] = {}
    common = Moment()
    direct: set[str] = set()
    for said in _clauses(norm):
        when = parse(said, now, hours=hours)
        whom, bare = _whom(said, known)
        if when.empty:
            continue
        if whom is None:
            common = common.merged(when.moment)
            continue
        found[whom] = _merged(found.get(whom, When()), when)
        direct |= {whom} if bare else set()
    if direct != found.keys():  # "marca pra minha mãe na quinta, eu posso na sexta" is for her alone
        found = {whom: when for whom, when in found.items() if whom in known}
    ordered = {whom: found[whom] for whom in dict.fromkeys([*known, *found]) if whom in found}
    return _shared(ordered, common) if _differ(ordered) else {}


def _clauses(norm: str) -> Iterator[str]:
    begun = 0
    for border in _BORDER.finditer(norm):
        yield norm[begun : border.start()]
        begun = border.end()
    yield norm[begun:]


def _wished_for(norm: str) -> list[str]:
    """Those for whom something is wished for, with "para" before each."""
    return [
        kin.SELF if one["self"] else kin.yours(one["own"], one["kin"])
        for one in re.finditer(
            rf"\bpara (?:[oa] )?(?:(?P<self>mim)\b|(?P<own>meu|minha|nosso|nossa) (?P<kin>{kin.KINSHIP}))", norm
        )
    ]


def _whom(said: str, known: Sequence[str]) -> tuple[str | None, bool]:
    """Of whom alone a clause speaks, and whether without "para" ("eu na quinta"); nobody where of several, or aside."""
    names = {fold(one): one for one in known if one != kin.SELF and not kin.is_relation(one)}
    relative = rf"(?:meu|minha|nosso|nossa) {kin.KINSHIP}"
    who = "|".join([relative, *_SELF, *_PRONOUNS, *map(re.escape, names)])
    mentions: list[tuple[str, bool]] = []
    for found in re.finditer(rf"(?P<for>\b(?:para|d[ao]) (?:[oa] )?)?(?:\b[oa] )?\b(?P<who>{who})\b", said):
        spoken = found["who"]
        timed = re.match(rf"{_MAY} {_TIME}\b", said[found.end() :]) or not said[found.end() :].strip()
        whom = names.get(spoken) or _person(spoken, known)
        if whom is None or not (found["for"] or timed):
            return None, False
        mentions.append((whom, not found["for"]))
    people = {whom for whom, _ in mentions}
    return mentions[0] if len(people) == 1 else (None, False)


def _person(spoken: str, known: Sequence[str]) -> str | None:
    if spoken in _SELF:
        return kin.SELF
    if spoken not in _PRONOUNS:
        return kin.yours(*spoken.split(maxsplit=1))
    others = [one for one in known if one != kin.SELF]
    fitting = others if len(others) == 1 else [one for one in others if _fits(spoken, one)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(pronoun: str, whom: str) -> bool:
    """Whether "ela" may be somebody, by the word for a relative or the end of a name."""
    own = _PRONOUNS[pronoun]
    first = whom.split(maxsplit=1)[0]
    return whom.startswith(own) if kin.is_relation(whom) else first.endswith("a") == own.startswith("sua")


def _merged(one: When, other: When) -> When:
    if one.empty or other.candidates or other.invalid:
        return other
    return one if other.empty or one.candidates or one.invalid else When(one.moment.merged(other.moment))


def _ways(when: When) -> tuple[Moment, ...]:
    return when.candidates or (when.moment,)


def _day(moment: Moment) -> Moment:
    return Moment(date=moment.date, date_from=moment.date_from, date_to=moment.date_to)


def _clock(moment: Moment) -> Moment:
    return Moment(time=moment.time, time_from=moment.time_from, time_to=moment.time_to)


def _saying(found: Iterable[When], part: Callable[[Moment], Moment]) -> list[When]:
    """Those of what was found that say a day, or an hour."""
    return [when for when in found if any(not part(way).empty for way in _ways(when))]


def _differ(found: Mapping[str, When]) -> bool:
    """Whether two of them have a day, or an hour, of their own."""
    return any(
        len({tuple(part(way) for way in _ways(when)) for when in _saying(found.values(), part)}) > 1
        for part in (_day, _clock)
    )


def _shared(found: Mapping[str, When], common: Moment) -> dict[str, When]:
    """What is said of all, or of one of them alone, goes for each who has no such thing of their own."""
    for part in (_day, _clock):
        saying = _saying(found.values(), part)
        if len(saying) == 1 and not saying[0].candidates:
            common = common.merged(part(saying[0].moment))
    out = dict(found)
    for whom, when in found.items():
        if when.candidates:
            out[whom] = When(candidates=tuple(common.merged(way) for way in when.candidates))
        elif not when.invalid:
            out[whom] = When(common.merged(when.moment))
    return out
