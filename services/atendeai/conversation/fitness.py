"""What a model must not say to a patient: that something was done, prices and times that nobody told it, links; pure.

Where it is not certain that a reply may be said it is not: the embedded dialogue answers then.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import orjson

from atendeai.domain.understanding.blanks import blanked
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.times import TimeMention, find_times

_LONGEST = 900
_LINK = re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|net|org|br|io|me|ly)\b")
_SENTENCE = re.compile(r"[.!?;\n]+(?!\d)")
_CLAUSE = re.compile(r"[,()\u2013\u2014]|:(?!\d)|\b(?:e|mas|porem|pois|porque|entao|que)\b")
_ACT = r"(?:re|des)?(?:{})"
_DID = re.compile(
    rf"\b{_ACT.format('marquei|agendei|cancelei|confirmei|reservei')}\b|"
    rf"\b(?:acabei de|estou|vou) {_ACT.format('mar(?:car|cando)|agenda(?:r|ndo)|cancela(?:r|ndo)|reserva(?:r|ndo)')}\b|"
    rf"\b{_ACT.format('marcamos|agendamos|cancelamos|confirmamos|reservamos')} (?:[oa] )?(?:seu|sua|para|pra)\b"
)
"""The first person: a model does none of that."""
_DONE = re.compile(rf"\b{_ACT.format('agendad|marcad|cancelad|confirmad|reservad')}[oa]s?\b")
_STANDS = re.compile(r"\b(?:agendad|marcad)[oa]s?\b")
"""What may be said of an appointment that was listed."""
_NOT = re.compile(r"\b(?:nao|nem|nunca|nada|nenhuma?|sem(?! (?:problemas?|duvidas?|falta|custo|erro)\b))\b")
_DENIED = re.compile(
    r"\b(?:nao|nem|nenhuma?|infelizmente|ocupad[oa]s?|indisponive(?:l|is)|lotad[oa]s?|esgotad[oa]s?|chei[oa]s?)\b"
)
_OPENS = re.compile(r"\b(?:abr(?:e|em|imos)|fecha(?:m|mos)?|funciona(?:m|mos)?|atende(?:m|mos)?|encerra(?:m|mos)?)\b")
_AHEAD = re.compile(r"\b[1-3] ?(?:h|hs|horas?) antes\b")
"""How long before, and no time of day."""
_AND = re.compile(r" e (?=\d{1,2} ?(?:h|:))")
_BETWEEN = re.compile(r"\bentre\b")
"""Of "9h e 10h" the second is an hour, no minutes; "entre 9h e 10h" is a span."""
_NUMBER = r"\d[\d.]*(?:,\d{1,2})?"
_MONEY = re.compile(
    rf"(?:r\$|\bbrl) ?(?P<sign>{_NUMBER})|(?:(?P<digits>{_NUMBER}) ?|\b[a-z]+ )(?:reais|contos|pilas)\b|"
    rf"\bcust\w+ (?:apenas |so |somente |cerca de |uns |em torno de )?(?P<bare>{_NUMBER})(?! ?(?:h\b|hora|min|x\b|%|/))"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a model was told, or may know: ``info`` is what the clinic publishes, ``heard`` what the patient wrote.

    ``listed``: starts of the patient's own appointments; ``free``: times that a tool found, or that are on offer;
    ``before``: what the patient was answered last.
    """

    info: Any
    heard: str = ""
    before: str = ""
    listed: Collection[datetime] = ()
    free: Collection[datetime] = ()


def fit(text: str, told: Told) -> bool:
    """Whether a model's words may be said to the patient."""
    norm = fold(text)
    if not text or len(text) > _LONGEST or text.count("?") > 1 or _LINK.search(norm):
        return False
    published = fold(orjson.dumps(told.info).decode())
    if not _amounts(norm) <= _amounts(published):
        return False
    return all(_true(sentence, told) for sentence in _SENTENCE.split(norm)) and _in_time(norm, told)


def _amounts(norm: str) -> set[Decimal | None]:
    """The sums of money in a folded text, None for one whose number cannot be read."""
    return {_sum(match["sign"] or match["digits"] or match["bare"]) for match in _MONEY.finditer(norm)}


def _sum(number: str | None) -> Decimal | None:
    return Decimal(number.replace(".", "").replace(",", ".")) if number else None


def _true(sentence: str, told: Told) -> bool:
    """Whether a folded sentence claims nothing to be done but that an appointment stands which was listed."""
    claimed = [clause for clause in _CLAUSE.split(sentence) if _claims(clause)]
    if any(_DID.search(clause) or len(_DONE.findall(clause)) > len(_STANDS.findall(clause)) for clause in claimed):
        return False
    return not claimed or (bool(told.listed) and _times(sentence) <= {start.time() for start in told.listed})


def _claims(clause: str) -> bool:
    """Whether a clause says that something is done, and does not deny it."""
    claim = _DID.search(clause) or _DONE.search(clause)
    return claim is not None and not _NOT.search(clause[: claim.start()])


def _in_time(norm: str, told: Told) -> bool:
    """Whether every time of day in a folded text is the clinic's, was found by a tool, or is denied."""
    hours = {at for words in _strings(told.info) for at in _times(fold(words))}
    known = {start.time() for start in (*told.listed, *told.free)} | _times(fold(told.before))
    heard = _times(fold(told.heard))
    for sentence in _SENTENCE.split(norm):
        for mention in _mentions(sentence):
            clause = _clause_of(sentence, mention.start)
            allowed = known | heard if _DENIED.search(clause) else known
            if mention.at is None or _OPENS.search(clause):
                allowed = allowed | hours
            if not all(_among(at, allowed, bare=mention.bare) for at in _hours(mention)):
                return False
    return True


def _clause_of(sentence: str, place: int) -> str:
    """The clause that a place of a sentence lies in."""
    ends = list(_CLAUSE.finditer(sentence))
    first = max((end.end() for end in ends if end.end() <= place), default=0)
    return sentence[first : min((end.start() for end in ends if end.start() > place), default=len(sentence))]


def _mentions(norm: str) -> list[TimeMention]:
    """The hours that a folded text names, parts of the day left out."""
    norm = _AHEAD.sub(lambda ahead: "#" * len(ahead[0]), norm)
    if not _BETWEEN.search(norm):
        norm = _AND.sub(" , ", norm)
    return [m for m in find_times(blanked(norm)) if not m.part]


def _times(norm: str) -> set[time]:
    return {at for mention in _mentions(norm) for at in _hours(mention)}


def _hours(mention: TimeMention) -> list[time]:
    return [at for at in (mention.at, mention.begin, mention.until) if at is not None]


def _among(at: time, allowed: Collection[time], *, bare: bool) -> bool:
    return at in allowed or (bare and at.replace(hour=at.hour + 12) in allowed)


def _strings(value: Any) -> Iterator[str]:
    """All texts within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
