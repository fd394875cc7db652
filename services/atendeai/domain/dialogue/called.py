"""Several people by their names, each a patient: "pro Lucas e pra Bia", "meus filhos lucas e bia"; pure."""

import re

from atendeai.domain.dialogue import kin, people
from atendeai.domain.dialogue.naming import name_answer, tidy_name
from atendeai.domain.understanding.lexicon import KNOWN
from atendeai.domain.understanding.normalise import fold

_TO = r"(?:para|pra|pro|pros|pras|p/|p(?=\s))\s*(?:[oa]s?\s+)?"
_BEGIN = re.compile(
    rf"\b{_TO}|\b(?:meus|minhas|nossos|nossas)\s+(?:(?:2|dois|duas|3|tr[eê]s)\s+)?"
    r"(?:filh[oa]s|net[oa]s|sobrinh[oa]s|irm[ãa]s|irm[ãa]os)\s*[,:(]?\s*(?:[oa]\s+)?",
    re.IGNORECASE,
)
_JOINT = re.compile(
    rf"\s*(?:,\s*e\b|,|\b(?:e|mais)\b)\s*(?:(?:um|uma|outr[oa])\s+)?(?:{_TO}|[oa]\s+)?",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"(?i:(?P<self>mim)\b|(?P<own>meu|minha|nosso|nossa)\s+(?P<kin>[^\W\d_]+))|"
    r"(?P<name>(?:[^\W\d_]{3,}|[A-ZÀ-Ý][a-zà-ÿ])(?:\s+[A-ZÀ-Ý][a-zà-ÿ]+)?)"
)
_CAPITAL = re.compile(r"(?:\s+[A-ZÀ-Ý][a-zà-ÿ]+)+")
_BARE = re.compile(r"\s*,\s*(?:[oa]\s+)?", re.IGNORECASE)
"""Between somebody and what else they are, as between two of a list."""
_NAMED = 2
_REST = re.compile(rf"(?P<rest>(?:\s+[^\W\d_]{{2,}}){{1,4}}?)(?=(?:{_JOINT.pattern})|\s*[.!?;\n]|\s*$)", re.IGNORECASE)
"""What stands between somebody and the next one, or the end."""
_WHOLE_NAME = 2
_SURNAMES = frozenset(["martins", "marques", "marcal"])
"""Surnames that lie so near to another word that the spelling is told to leave them alone."""
_SECOND = re.compile(r"\s+(?P<name>[^\W\d_]{3,})")


def together(raw: str) -> list[str]:
    """Those for whom one thing is wished for, in order, where a name is among them; none where it is one person.

    ``raw``: the message as written. A name has its capital or is a common one; beside such a one a word that means
    nothing else is one, too.
    """
    for begin in _BEGIN.finditer(raw):
        said = _from(raw, begin.end())
        if len(said) > 1:
            return said
    return []


def apart(raw: str) -> list[str]:
    """The same where something stands between them ("pro lucas na quinta e pra bia na sexta")."""
    said = dict.fromkeys(one for begin in _BEGIN.finditer(raw) for one in _from(raw, begin.end()))
    return list(said) if len(said) > 1 else []


def alone(raw: str) -> str | None:
    """The one person by whose name it is said whom something is for ("é pra Bia Souza"); None where nobody is named."""
    for begin in _BEGIN.finditer(raw):
        one = _one(raw, begin.end())
        if one is None or not one[2] or _kind(one[0]) != _NAMED:
            continue
        further = _CAPITAL.match(raw, one[1])
        return f"{one[0]}{further[0]}" if further is not None else one[0]
    return None


def names(raw: str) -> dict[str, str]:
    """The whole names that are given with those of the family ("minha filha ana souza"), by how these are spoken of."""
    found: dict[str, str] = {}
    for one in _ONE.finditer(raw):
        if one["kin"] is None or not kin.is_kin(one["kin"]):
            continue
        end = _name_after(raw, one.end())
        name = raw[one.end() : end].split()
        if len(name) >= _WHOLE_NAME:
            found.setdefault(kin.yours(one["own"].lower(), one["kin"]), tidy_name(" ".join(name)))
    return found


def _name_after(raw: str, at: int) -> int:
    """Where the name that begins there ends: one with its capitals, or a common one and what follows in small."""
    capital = _CAPITAL.match(raw, at)
    rest = _REST.match(raw, at)
    if rest is not None:
        first = fold(rest["rest"].split()[0])
        if people.is_first_name(first) and is_name(rest["rest"]):
            return rest.end()
    return capital.end() if capital is not None else at


def is_name(said: str) -> bool:
    """Whether nothing but a name stands there, in small letters perhaps: no word of it means anything else."""
    words = [fold(word) for word in said.split()]
    whole = len((name_answer(said) or "").split()) == len(words)
    return whole and all(people.is_first_name(word) or word in _SURNAMES or word not in KNOWN for word in words)


def _from(raw: str, at: int) -> list[str]:
    """The people who are named from there on; nobody where no name is sure."""
    said: list[str] = []
    sure, apposed = False, False
    while (one := _one(raw, at)) is not None:
        whom, at, named = one
        joint = _JOINT.match(raw, at)
        listed = joint is not None and "," not in joint[0]  # "pra mim, Lucas e Bia" are three
        if not apposed or listed or _kind(whom) == _kind(said[-1]):
            said.append(whom)
        sure = sure or named
        if joint is None:
            break
        at, apposed = joint.end(), _BARE.fullmatch(joint[0]) is not None  # "pro Davi, meu filho" is one
    return list(dict.fromkeys(said)) if sure else []


def _kind(whom: str) -> int:
    """Whether somebody is who writes, of the family, or called by a name."""
    return 0 if whom == kin.SELF else 1 if kin.is_relation(whom) else _NAMED


def _one(raw: str, at: int) -> tuple[str, int, bool] | None:
    """Who is named at a place, where that ends, and whether it is surely a name; None where it is nobody."""
    one = _ONE.match(raw, at)
    if one is None or (one["kin"] is not None and not kin.is_kin(one["kin"])):
        return None
    if one["self"]:
        return kin.SELF, one.end(), False
    if one["kin"]:
        end = _name_after(raw, one.end())  # "minha mãe Lúcia"
        return kin.yours(one["own"].lower(), one["kin"]), end, end > one.end()
    first = fold(one["name"]).split()[0]
    capital = one["name"][:1].isupper() and not raw.isupper()
    common = people.is_first_name(first)
    if not common and (first in KNOWN or people.is_no_name(first)):
        return None  # "pro Lucas e pra Bia, quinta": what follows is said of them
    second = _SECOND.match(raw, one.end())
    if common and second is not None and people.is_first_name(fold(second["name"])):
        name, end = f"{one['name']} {second['name']}", second.end()  # "ana clara"
    else:
        name, end = one["name"], one.end()
    rest = _REST.match(raw, end) if common and not capital else None
    if rest is not None and is_name(f"{name}{rest['rest']}"):
        name, end = f"{name}{rest['rest']}", rest.end()  # "ana souza e …"
    return name if capital else tidy_name(name), end, capital or common
