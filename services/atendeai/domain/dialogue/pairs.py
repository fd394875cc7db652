"""Several services in one wish ("exame e limpeza amanhã", "limpeza ou exame"): each with what was said of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atendeai.domain.dialogue import kin, people
from atendeai.domain.dialogue.clinic import Clinic, Service
from atendeai.domain.dialogue.state import Wish
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.when import When

_BEFORE = r"antes(?! d(?:e|[ao]s?)\b)(?: dis[st]o| del[ae])?"
_JOINT = re.compile(
    rf"(?:(?P<comma>[,+\n])|\b(?:e|mais|(?P<either>ou)|(?:mas|porem)(?= antes\b)|{_BEFORE})\b(?! melhor\b))"
    rf"(?:[\s,]+(?:tambem|mais|depois|entao|um|uma|outr[oa]|[oa]|fazer|marcar|agendar|quero|queria|gostaria|preciso|"
    rf"eu|para|d[aeo]|com|(?:mas|porem)(?= antes\b)|{_BEFORE})\b)*"
)
_FIRST = re.compile(rf"\b{_BEFORE}\b")
_THEN = re.compile(r"\bdepois\b")
SAID_OTHERWISE = re.compile(
    r"\b(?:tenho|tinha|ja|fiz|fui|estive|marcad[oa]|resultados?|pedido|cancel\w+|desmarc\w+|remarc\w+|ontem|nao|"
    r"ou melhor)\b"
)
"""Words with which the first of them is not wished for now: it stands, or was."""
_WAVERS = re.compile(r"\bnao (?:sei|decidi|tenho certeza)(?: (?:bem|ainda|direito))?(?: (?:se|qual|o que))?\b")
"""Who does not know which of two is wished for wishes for one of them."""
_ANEW = re.compile(r"^.*\b(?:ou melhor|quer dizer|alias)\b", re.DOTALL)
_DENIED = re.compile(
    r"\bnao (?:quero|queria|preciso de|e|era|seria)(?: mais)? [^,.;\n]{2,40}[,.;\n]+ *"
    r"(?=(?:e |eu |mas |sim |so )*(?:quero|queria|prefiro|preciso|e|sim|so)\b)"
)
_NAME_WORDS = 5
_TIMES = re.compile(
    r"(?<!as )(?<!os )(?<!tenho )(?<!tinha )(?<!dia )(?<!dias )(?<![/:.])\b(?P<number>2|dois|duas|3|tres) "
    r"(?P<what>[a-z]+)\b"
)
"""The plural is not looked for: it may have been put right as a slip."""
_NUMBERS = {"2": 2, "dois": 2, "duas": 2, "3": 3, "tres": 3}
_VISITS = frozenset(["consulta", "horario", "vaga"])


_SENT_BY = re.compile(
    r"[,.;]?\s*\b(?:[ao]|meu|minha|um|uma|outr[oa]) (?:[a-z]+ ){1,5}?(?:que )?(?:me )?(?:mandou|pediu|encaminhou|"
    r"indicou|solicitou|receitou|falou|disse|recomendou)\b"
)
"""Who sent the patient is told ("o dentista do posto que mandou"), and wished for by nobody."""


@dataclass(frozen=True, slots=True)
class Several:
    """What a message wishes for, in order. ``either``: one of them alone ("ou"), not all."""

    wishes: list[Wish]
    either: bool
    ordered: bool
    """Which comes first was said ("limpeza, mas antes uma consulta")."""


def named(clinic: Clinic, norm: str, now: datetime, called: Sequence[str] = ()) -> Several | None:
    """The services that a normalised message wishes for; None where it names one, or more than can be told.

    ``now``: the clinic's wall-clock time. A day or a professional said of one alone is that of all where it may be, and
    so are the people named last, for whom all of it is wished for. ``called``: those whom it calls by their names.
    """
    names = {s.code: s.name for s in clinic.services}
    if any(" e " in fold(name) and fold(name) in norm for name in names.values()):
        return None
    norm = _SENT_BY.sub(" ", _WAVERS.sub(" ", norm))
    parts: list[tuple[list[Service], str]] = []
    joints: list[str] = []
    begun, either = 0, False
    for joint in _JOINT.finditer(norm):
        one_of, alone = joint["either"] is not None, joint["comma"] and not _FIRST.search(joint[0])
        left, right = norm[begun : joint.start()], norm[joint.end() :]
        first = [] if SAID_OTHERWISE.search(left) else services_in(clinic, left, generic=not alone, many=one_of)
        second = _beginning(clinic, right, many=one_of)
        if first and second and not {s.code for s in first} & {s.code for s in second}:
            parts.append((first, left))
            joints.append(joint[0])
            begun, either = joint.end(), either or one_of
    if not parts:
        return None
    parts.append((_beginning(clinic, norm[begun:], many=either), norm[begun:]))
    order = [0]
    for index, said in enumerate(joints, 1):
        order.insert(0 if _FIRST.search(said) else index, index)
    apart = order != sorted(order)
    wishes = _wishes(clinic, [parts[index] for index in order], now, called, shared=not apart)
    return Several(wishes, either, not either and all(_FIRST.search(said) or _THEN.search(said) for said in joints))


def times(clinic: Clinic, norm: str) -> int:
    """How often one service is wished for at once ("2 limpezas"); 1 where that is not said."""
    found = _TIMES.search(norm)
    if found is None:
        return 1
    one = re.sub(r"oes$", "ao", found["what"]).rstrip("s")
    alike = one in _VISITS or len(services_in(clinic, one, generic=True)) == 1
    return _NUMBERS.get(found["number"], 1) if alike else 1


def twice(clinic: Clinic, norm: str, now: datetime) -> tuple[When, str] | None:
    """One service wished for at two times ("consulta quinta 10h e outra sexta 10h"): when first, and the rest in words.

    None where it is no such wish. ``now``: the clinic's wall-clock time.
    """
    for joint in _ONE_MORE.finditer(norm):
        first, rest = norm[: joint.start()], norm[joint.end() :]
        one, other = (parse(part, now, hours=clinic.hours or None) for part in (first, rest))
        timed = all(when.moment.date is not None and when.moment.time is not None for when in (one, other))
        named = [services_in(clinic, part, generic=True) for part in (first, rest)]
        alike = len(named[0]) == 1 and (named[1] == named[0] or (joint["other"] is not None and not named[1]))
        if timed and alike and one != other:
            return one, f"quero marcar {named[0][0].name} {rest}"
    return None


_ONE_MORE = re.compile(r"\b(?:e|mais|e mais|e tambem)\b (?:(?P<other>(?:mais )?(?:uma?|outr[oa])) )?")


def put_right(norm: str) -> str:
    """What holds of a message that corrects itself ("limpeza, ou melhor, exame", "não quero limpeza, quero exame").

    Who sent the patient is left out too.
    """
    said = _SENT_BY.sub(" ", norm)
    return _DENIED.sub("", _ANEW.sub("", said if re.search(r"[a-z]{3}", said) else norm))


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
    first = [c for c, p in at.items() if re.search(r"\b(?:primeir[oa]|antes) (?:[oa] |com |pel[oa] )?$", norm[:p])]
    order = first or sorted(at, key=lambda code: at[code])
    tied = len(order) > 1 and len({at[code] for code in order[:2]}) == 1
    return None if not order or tied else order[0]


def sharing(norm: str, services: list[Service]) -> list[Service]:
    """Those of ``services`` that share the word every clinic uses with an answer ("o exame"); none where all do."""
    said = GENERIC & set(re.findall(r"[a-z]+", norm))
    found = [s for s in services if said & set(re.findall(r"[a-z]+", fold(s.name)))]
    return found if len(found) < len(services) else []


def wavers(norm: str) -> bool:
    """Whether it is not decided yet what is wished for ("não sei se marco limpeza ou clareamento")."""
    return bool(_WAVERS.search(norm))


def services_in(clinic: Clinic, part: str, *, generic: bool, many: bool = False) -> list[Service]:
    """The service that part of a message names, by its own words or, with ``generic``, by "consulta" and the like.

    A professional who is named with it tells which consultation is meant. ``many``: all that may be meant; else none
    where it may be several.
    """
    codes = match(part, clinic.told_apart)
    if codes:
        return [s for s in clinic.services if s.code in codes] if many or len(codes) == 1 else []
    said = GENERIC & set(re.findall(r"[a-z]+", part))
    who = clinic.professional(people.meant(clinic, part))
    able = [s for s in clinic.services if said & set(fold(s.name).split()) and (who is None or s.code in who.services)]
    if len(able) > 1 and not many:
        able = [s for s in able if s == clinic.usual_visit()]  # "uma consulta" is the plain one
    return able if generic else []


def _beginning(clinic: Clinic, part: str, *, many: bool) -> list[Service]:
    """The service with whose name part of a message begins; ``many`` as above."""
    words = re.findall(r"[a-z0-9]+", re.split(r"[,.;+\n]|\b(?:e|ou)\b", part, maxsplit=1)[0])
    if not words:
        return []
    services = services_in(clinic, " ".join(words[:_NAME_WORDS]), generic=True, many=many)
    begins = words[0] in GENERIC or match(words[0], {s.code: s.name for s in services})
    return services if begins else []


def _called_in(said: str, called: Sequence[str]) -> list[str]:
    """Those of ``called`` whose names stand in part of a message."""
    words = set(re.findall(r"[a-z]+", said))
    return [one for one in called if words.issuperset(re.findall(r"[a-z]+", fold(one)))]


def _together(said: str, called: Sequence[str]) -> list[str]:
    """Those for whom part of a message wishes for something, where they are several."""
    named_there = _called_in(said, called)
    return named_there if len(named_there) > 1 else kin.together(said)


def _whom(said: str, called: Sequence[str]) -> str | None:
    """The one for whom part of a message wishes for something, as it is said to who writes; None where nobody is."""
    named_there = _called_in(said, called)
    return kin.whom(said) or (named_there[0] if len(named_there) == 1 else None)


def _wishes(
    clinic: Clinic, parts: list[tuple[list[Service], str]], now: datetime, called: Sequence[str], *, shared: bool
) -> list[Wish]:
    """What was said of each; with ``shared`` the day said of one alone goes for the others, too."""
    read = [parse(said, now, hours=clinic.hours or None) for _, said in parts]
    whens = [said.moment for said in read]
    people_said = [people.meant(clinic, said) for _, said in parts]
    whoms = [_whom(said, called) for _, said in parts]
    several = [_together(said, called) for _, said in parts]
    if shared and several[-1] and not any(whoms[:-1]) and not any(several[:-1]):
        several = [several[-1]] * len(parts)  # "limpeza e exame pra mim e pro meu marido"
    apart = len({whom for whom in whoms if whom is not None}) > 1 or (kin.SELF in whoms and any(several))
    said_first = next((when for when in whens if not when.empty), whens[0])
    wishes: list[Wish] = []
    for index, (services, _) in enumerate(parts):
        own, others = people_said[index], people_said[:index] + people_said[index + 1 :]
        for service in services:
            who = (p for code in (own, *others) if (p := clinic.professional(code)) and service.code in p.services)
            when = said_first if read[index].empty and shared else whens[index]
            if all(wish.service != service.code for wish in wishes):
                able = next((p.code for p in who), None)
                each = several[index]
                wishes.append(Wish(service.code, when, able, each[0] if each else whoms[index] if apart else None))
                wishes += [Wish(service.code, when, able, whom, further=True) for whom in each[1:]]
    return wishes
