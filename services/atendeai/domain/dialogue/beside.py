"""What stands beside each other in one message: a wish and a price, a wish and a change, two changes; pure."""

import re
from datetime import datetime

from atendeai.domain.dialogue import kin, pairs, people
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.state import Wish
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import Text

_VISIT = re.compile(r"\b(?:consultas?|exames?|retornos?|sess(?:ao|oes)|horarios?|avaliac(?:ao|oes)|a (?:d[aeo]|que))\b")
_CHANGES = re.compile(
    r"\b(?:(?:remarc|reagend|antecip|cancel|desmarc|desmarq|alter|adiant|transfer)\w*|remarque\w*|"
    r"(?:mud|troc|adi|pass)(?:ar|a|e)|troque)\b"
)
_CANCELS = re.compile(r"\b(?:cancel|desmarc|desmarq)\w*")
_TWO = 2
_WISHES = re.compile(
    r"\b(?:quero|queria|gostaria|preciso|precisava|marcar?|marque|agendar?|agende|fazer|tambem|aproveit\w+|uma?|"
    r"outr[oa])\b"
)
_ONE_MORE = re.compile(r"\b(?:uma?|outr[oa]|tambem|mais|nov[oa])\b")
_OWN = re.compile(rf"\b(?:minha|meu|nossa|nosso|ess[ae]|est[ae]) (?!{kin.KINSHIP})")
_PRICE = re.compile(r"\b(?:quanto (?:e|esta|fica|custa|sai|seria|cobra\w*)|precos?|valor(?:es)?|custa\w*)\b")
_QUESTION = re.compile(
    r"[.?!;\n]+|,|\b(?:e|mas)\b(?= (?:tambem |ja |eu |aproveitando,? )?(?:quero|queria|gostaria|preciso|marca|agenda|"
    r"ver|saber|qual|quanto))"
)
"""Between a question and a wish that stand beside each other."""
_BORDER = re.compile(r"[,;.!?\n+]+|\b(?:e|mas|porem)\b|\s(?=(?:quero|queria|gostaria|preciso|precisava|aproveit\w+)\b)")
"""Between two things that are said one after the other, in whatever way they are joined."""


def without_prices(clinic: Clinic, norm: str) -> str:
    """What a message says besides asking for prices, where that names what is wished for; else the whole of it.

    "Quero uma consulta e saber o valor do clareamento" wishes for a consultation.
    """
    parts = _QUESTION.split(norm)
    left = [part for part in parts if not _PRICE.search(part)]
    rest = " , ".join(left)
    named_there = match(rest, {s.code: s.name for s in clinic.services}) or GENERIC & set(re.findall(r"[a-z]+", rest))
    return rest if len(left) < len(parts) and named_there else norm


def two_changes(clinic: Clinic, text: Text) -> tuple[str, str] | None:
    """Two changes of different appointments in one message, each as written: "cancela a limpeza e remarca a consulta".

    To cancel and to book again the same is one change.
    """
    norm, begun = text.norm, 0
    changing: list[tuple[int, str]] = []
    for end in [*(border.span() for border in _BORDER.finditer(norm)), (len(norm), len(norm))]:
        said = norm[begun : end[0]]
        changing += [(begun, said)] if _CHANGES.search(said) else []
        begun = end[1]
    if len(changing) != _TWO:
        return None
    (_, one), (at, other) = changing
    first, second = (pairs.services_in(clinic, said, generic=True, many=True) for said in (one, other))
    alike = bool(_CANCELS.search(one)) == bool(_CANCELS.search(other)) or any(s in second for s in first)
    return None if alike or not first or not second else (text.raw[: text.origin[at]], text.raw[text.origin[at] :])


def wished_for(clinic: Clinic, text: Text, now: datetime) -> tuple[list[Wish], str]:
    """What is wished for anew beside a change ("quero limpeza e remarcar minha consulta"), and the rest as written."""
    norm, begun = text.norm, 0
    clauses: list[tuple[int, int]] = []
    for border in _BORDER.finditer(norm):
        clauses.append((begun, border.start()))
        begun = border.end()
    clauses.append((begun, len(norm)))
    changing = " ".join(norm[a:b] for a, b in clauses if _CHANGES.search(norm[a:b]))
    wishes: list[Wish] = []
    rest, kept = "", 0
    for begin, until in clauses:
        said = norm[begin:until]
        generic = not pairs.services_in(clinic, said, generic=False)
        services = pairs.services_in(clinic, said, generic=True) if changing and _anew(said, changing) else []
        if len(services) != 1 or services[0] in pairs.services_in(clinic, changing, generic=generic, many=True):
            continue
        who = clinic.professional(people.meant(clinic, said))
        able = who.code if who is not None and services[0].code in who.services else None
        whom = kin.whom(said)
        when = parse(said, now, hours=clinic.hours or None).moment
        wishes.append(Wish(services[0].code, when, able, None if whom == kin.SELF else whom))
        rest += text.raw[kept : text.origin[begin]] if begin < len(norm) else ""
        kept = text.origin[until] if until < len(norm) else len(text.raw)
    return wishes, rest + text.raw[kept:]


def _anew(said: str, changing: str) -> bool:
    """Whether part of a message wishes for something new, beside the part that changes what is booked."""
    if _CHANGES.search(said) or pairs.SAID_OTHERWISE.search(said) or _OWN.search(said) or not _WISHES.search(said):
        return False
    return bool(_ONE_MORE.search(said) or _VISIT.search(changing))
