"""Whose appointment a message means: that of a patient who is named, of a relative, or of who writes; pure.

A contact may have booked for a whole family. What is said of one of them is never done to another's appointment.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atendeai.domain.dialogue import kin, people
from atendeai.domain.dialogue.naming import own_name
from atendeai.domain.dialogue.ports import Appointment
from atendeai.domain.dialogue.session import Session
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.lexicon import KNOWN
from atendeai.domain.understanding.normalise import fold

_PARTICLES = frozenset(["de", "da", "do", "das", "dos", "e"])
_TITLE = re.compile(r"\b(?:dra?|doutora?)\b\.? ?$|\bcom (?:[ao] )?$")
"""Before a name: it is that of somebody who sees patients."""
_VISIT = r"(?:consultas?|horarios?|exames?|retornos?|sess(?:ao|oes)|agendamentos?|avaliac(?:ao|oes)|vaga)"
_CHANGES = (
    r"(?:remarc\w*|remarque|reagend\w*|cancel\w*|desmarc\w*|desmarque|adi(?:ar|a|e)|antecip\w*|"
    r"mud(?:ar|a|e)|troc(?:ar|a)|troque|passa?r?)"
)
_OF = r"(?:d[aeo]|para|pra|pro)(?: [ao])?"
_AT = (
    r"(?: marcad[oa]s?)?(?: (?:d[aeo]s?|para|as|n[ao])(?: dia)? (?:hoje|amanha|segunda|terca|quarta|quinta|sexta|"
    r"sabado|\d[\w/:]*)(?:[ -]feira)?)*"
)
"""When it is, between what is meant and whose it is."""
_CANNOT = (
    r"(?:nao (?:vai|vem|pode|podera|poderia|consegue|conseguira|quer|ira)|desistiu|"
    rf"(?:precisa|quer|pediu para) {_CHANGES})\b"
)
_ANSWERS = r"(?:nao|sim|e|eh|era|seria|so|quero|isso|mas|pode ser)"


def _reference(who: str) -> re.Pattern[str]:
    """Where somebody's appointment is spoken of: "a da …", "consulta de amanhã do …", "remarca pro …", "… não vai"."""
    return re.compile(
        rf"(?=\b(?:{_VISIT}|[ao]s?|{_CHANGES}){_AT} {_OF} {who}"
        rf"|\b{_CHANGES}(?: [ao])? {who}"
        rf"|\b{who} (?:\w+ )?{_CANNOT}"
        rf"|^\W*(?:{_ANSWERS}\W+)*{_OF} {who})"
    )


_RELATIVES = _reference(rf"((?:meu|minha|nosso|nossa) {kin.KINSHIP})")
_SOMEBODYS = _reference(r"([a-z]{3,})\b")
_FOR_SOMEBODY = re.compile(r"\b(?:para|pra|pro)(?: [ao])? ([a-z]{3,})\b")
_MINE = re.compile(
    rf"\b(?:[ao] (?:minha|meu)|(?:minha|meu) {_VISIT}|(?:para|pra) mim)\b(?! {kin.KINSHIP}| nome\b| filh)"
)
_MINE_ALONE = re.compile(rf"\b[ao] (?:minha|meu)\b(?! (?:{kin.KINSHIP}|{_VISIT}|nome\b))")


@dataclass(frozen=True, slots=True)
class Whose:
    """The appointments of those who are meant, and how the message calls them ("Pedro", "sua mãe")."""

    items: list[Appointment]
    said: str


def narrowed(session: Session, items: Sequence[Appointment]) -> Whose | None:
    """Of ``items`` those of whom the message names, perhaps none; None where it says of nobody whose it is."""
    said = fold(session.reading.text.raw)
    introduced = fold(own_name(session.reading.text.raw) or "")
    others = said.replace(introduced, " ") if introduced else said
    found = _by_name(others, items)
    if found:
        return Whose(found, found[0].patient_name or "")
    unnamed = [a for a in items if a.patient_name is None]
    stranger = named(session)
    if stranger is not None and not any(same(stranger, own) for own in _own_names(session)):
        return Whose(unnamed, stranger)
    relative = _RELATIVES.search(session.norm)
    if relative is not None:
        group = next(number for number, text in enumerate(relative.groups(), 1) if text)
        return Whose(_relatives(session, relative[group].split()[-1], items), _yours(session, relative, group))
    found = _by_name(said, items) if introduced else []
    if found:
        return Whose(found, found[0].patient_name or "")
    mine = [a for a in items if is_own(session, a)] if _MINE.search(session.norm) else []
    return Whose(mine + unnamed, "") if mine and len(mine) < len(items) else None


def named(session: Session) -> str | None:
    """The first name of somebody whose appointment is spoken of ("a do Pedro"); nobody who works here."""
    return _first_name(session, _SOMEBODYS)


def wished_for(session: Session) -> str | None:
    """The first name of somebody for whom one is wished ("e pro Pedro?"); nobody who works here."""
    return _first_name(session, _FOR_SOMEBODY)


def _first_name(session: Session, pattern: re.Pattern[str]) -> str | None:
    raw, clinic = session.reading.text.raw, session.clinic
    own = fold(own_name(raw) or "").split()
    written: dict[str, str] = {fold(word): word for word in re.findall(r"[^\W\d_]+", raw)}
    for found in pattern.finditer(fold(raw)):
        word: str = next(text for text in found.groups() if text)
        surface = written.get(word, "")
        capital = surface[:1].isupper() and not raw.isupper() and word not in KNOWN and _no_day(session, word)
        if (people.is_first_name(word) or capital) and word not in clinic.names.vocabulary() and word not in own:
            return surface.capitalize() if surface.islower() or surface.isupper() else surface
    return None


def _no_day(session: Session, word: str) -> bool:
    """Whether a word names no day ("pro Natal")."""
    return parse(f"no {word}", session.now).empty


def speaks_of_own(session: Session) -> bool:
    """Whether "a minha" is said, where another's is spoken of."""
    return bool(_MINE_ALONE.search(session.norm))


def is_own(session: Session, appointment: Appointment) -> bool:
    """Whether an appointment is surely that of who writes."""
    name = appointment.patient_name
    return name is not None and any(same(name, own) for own in _own_names(session))


def several(session: Session, items: Iterable[Appointment]) -> bool:
    """Whether the appointments are not all of one person, or not of who writes."""
    names = [a.patient_name for a in items if a.patient_name]
    own = _own_names(session)
    return any(not same(name, names[0]) for name in names) or any(
        own and not any(same(name, mine) for mine in own) for name in names
    )


def same(one: str, other: str) -> bool:
    """Whether two names may be one person's: "Maria Souza", "Maria Souza Lima"."""
    a, b = _words(one), _words(other)
    return a[:1] == b[:1] and (set(a) <= set(b) or set(b) <= set(a))


def _own_names(session: Session) -> list[str]:
    names = (session.patient.name, session.state.name)
    return [name for name in names if name]


def _words(name: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]+", fold(name)) if word not in _PARTICLES]


def _by_name(said: str, items: Iterable[Appointment]) -> list[Appointment]:
    """Those whose patient's first name is said; where several bear it, those of whom the most is said."""
    spoken = {m[0] for m in re.finditer(r"[^\W\d_]+", said) if not _TITLE.search(said[: m.start()])}
    scores = [
        (sum(word in spoken for word in words), a)
        for a in items
        if (words := _words(a.patient_name or "")) and words[0] in spoken
    ]
    most: dict[str, int] = {}
    for score, a in scores:
        first = _words(a.patient_name or "")[0]
        most[first] = max(score, most.get(first, 0))
    return [a for score, a in scores if score == most[_words(a.patient_name or "")[0]]]


def _relatives(session: Session, relation: str, items: Iterable[Appointment]) -> list[Appointment]:
    """Those of a relative: by the name they were booked under, else all that may be theirs."""
    family = session.state.family
    names = family.get(relation, [])
    theirs = [a for a in items if any(same(a.patient_name or "", name) for name in names)]
    if theirs:
        return theirs
    known = [name for one, several_names in family.items() if one != relation for name in several_names]
    return [a for a in items if not is_own(session, a) and not any(same(a.patient_name or "", name) for name in known)]


def _yours(session: Session, found: re.Match[str], group: int) -> str:
    """How "minha mãe" is said to who wrote it: "sua mãe"."""
    words = found[group].split()
    at = found.end(group) - len(words[-1])
    relative = session.reading.text.surface(at, found.end(group))
    return kin.yours(words[0], relative)
