"""Two services in one wish ("exame de sangue e limpeza de pele amanhã"): each with what was said of it."""

import re
from datetime import datetime

from atendeai.domain.dialogue import people
from atendeai.domain.dialogue.clinic import Clinic, Service
from atendeai.domain.dialogue.state import Wish
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import fold

_AND = re.compile(
    r"(?P<comma>[,+\n])|\b(?:e|mais)\b"
    r"(?:\s+(?:tambem|mais|depois|um|uma|outr[oa]|[oa]|fazer|marcar|agendar|quero|queria|para|de)\b)*"
)
_SAID_OTHERWISE = re.compile(
    r"\b(?:tenho|tinha|ja|fiz|fui|estive|marcad[oa]|resultados?|pedido|cancel\w+|desmarc\w+|remarc\w+|ontem|ou|nao)\b"
)
"""Words with which the first of the two is not wished for now: it stands, was, or is one of two ways."""
_NAME_WORDS = 5


def named(clinic: Clinic, norm: str, now: datetime) -> list[Wish]:
    """Both services that a normalised message wishes for, in order; none where it names one, or more than can be told.

    ``now``: the clinic's wall-clock time. A day or a professional said of one alone is that of both where it may be.
    """
    names = {s.code: s.name for s in clinic.services}
    if any(" e " in fold(name) and fold(name) in norm for name in names.values()):
        return []
    for joint in _AND.finditer(norm):
        left, right = norm[: joint.start()], norm[joint.end() :]
        first = None if _SAID_OTHERWISE.search(left) else _only(clinic, left, generic=not joint["comma"])
        second = _beginning(clinic, right)
        if first is not None and second is not None and first.code != second.code:
            return _shared(clinic, [(first, left), (second, right)], now)
    return []


def picked(norm: str, services: list[Service]) -> str | None:
    """The code of the one of ``services`` that an answer names, "exame" being enough where one is an exam.

    Of several the one called first, else the one named before the others ("o exame, depois a limpeza").
    """
    at: dict[str, int] = {}
    words = [(m.start(), m.group()) for m in re.finditer(r"[a-z0-9]+", norm)]
    for service in services:
        own = set(fold(service.name).split()) & GENERIC
        places = [p for p, word in words if word in own or match(word, {service.code: service.name})]
        if places:
            at[service.code] = places[0]
    first = [c for c, p in at.items() if re.search(r"\bprimeir[oa] (?:[oa] |com |pel[oa] )?$", norm[:p])]
    order = first or sorted(at, key=lambda code: at[code])
    tied = len(order) > 1 and len({at[code] for code in order[:2]}) == 1
    return None if not order or tied else order[0]


def _only(clinic: Clinic, part: str, *, generic: bool) -> Service | None:
    """The one service that part of a message names, by its own words or, with ``generic``, by "consulta" and the like.

    A professional who is named with it tells which consultation is meant.
    """
    codes = match(part, {s.code: s.name for s in clinic.services if set(fold(s.name).split()) - GENERIC})
    if codes:
        return clinic.service(codes[0]) if len(codes) == 1 else None
    said = GENERIC & set(re.findall(r"[a-z]+", part))
    who = clinic.professional(people.meant(clinic, part))
    able = [s for s in clinic.services if said & set(fold(s.name).split()) and (who is None or s.code in who.services)]
    return able[0] if generic and len(able) == 1 else None


def _beginning(clinic: Clinic, part: str) -> Service | None:
    """The one service with whose name part of a message begins."""
    words = re.findall(r"[a-z0-9]+", re.split(r"[,.;+\n]|\be\b", part, maxsplit=1)[0])
    if not words:
        return None
    service = _only(clinic, " ".join(words[:_NAME_WORDS]), generic=True)
    begins = service is not None and (words[0] in GENERIC or match(words[0], {service.code: service.name}))
    return service if begins else None


def _shared(clinic: Clinic, parts: list[tuple[Service, str]], now: datetime) -> list[Wish]:
    """What was said of each; what was said of one alone goes for the other, too."""
    whens = [parse(said, now, hours=clinic.hours or None).moment for _, said in parts]
    people_said = [people.meant(clinic, said) for _, said in parts]
    wishes: list[Wish] = []
    for index, (service, _) in enumerate(parts):
        own, other = people_said[index], people_said[1 - index]
        able = [p.code for code in (own, other) if (p := clinic.professional(code)) and service.code in p.services]
        when = whens[index] if not whens[index].empty else whens[1 - index]
        wishes.append(Wish(service.code, when, able[0] if able else None))
    return wishes
