"""The name put right while a proposal names it: "não, é Sofia Martins Rocha", "o nome tá errado, é …".

Once it is booked a person of the clinic puts it right: under whose name an appointment stands is theirs to judge.
"""

import re

from atendeai.domain.dialogue import called, kin, people
from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.dialogue.naming import name_answer, name_in, tidy_name, written_as_a_name
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold

_NOT_THAT = re.compile(
    r"^\W*(?:(?:n[ãa]o|op[as]+|ops|na verdade|na real|perd[ãa]o|desculp\w+|errad[oa]|corrigindo|corrij\w+|correto|"
    r"o certo|certo|e|é|eh)\b[\s,.:!]*)+",
    re.IGNORECASE,
)
_NOT_HERS_BUT_HIS = re.compile(
    r"\bn[ãa]o (?:(?:é|e|eh|era|seria) )?(?:em|no) nome d[eao] (?P<old>[^,;.!?\n]+?)[,;.!\n]+\s*"
    r"(?:(?:e|mas|é|eh|e sim|sim|seria)\s+)*(?:(?:em|no) nome )?d[eao] (?P<new>[^,;.!?\n]+)",
    re.IGNORECASE,
)
"""One name in the place of another: "não é em nome de Maria, é de Pedro"; the first name alone will do."""
_OF_THE_NAME = re.compile(r"\b(?:nome|sobrenome|se escreve|escrit[oa]|grafia)\b|\bcom (?:dois|duas|um|uma) [a-z]\b")
_OF_THEIR_DATA = re.compile(r"\b(?:dados|lgpd|apag\w+|exclu\w+|delet\w+|remov\w+)\b")
_PUT_RIGHT = re.compile(
    r"\b(?:troc|troqu|mud|alter|corrig|corrij|arrum|acert|coloc|coloqu|poe|ponh|bot)\w*\b[^,;.!?\n]{0,25}\bnome\b|"
    r"\bnome\b[^,;.!?\n]{0,20}\b(?:errad|trocad|incorret)\w*|\berr\w+ [^,;.!?\n]{0,10}\bnome\b|\bnome e com\b"
)
_OF_ELSE = re.compile(r"\b(?:medic|dentist|doutor|dra?\b|profissional|outr[oa]s?\b|mais\b|tambem\b|marc|agend|quem\b)")
"""Of whoever attends, or of one more appointment: "marca outra no nome da minha filha"."""
_TITLED = re.compile(r"(?:dra?|doutora?)\b")
_ONE_MORE = re.compile(r"\b(?:tambem|outr[oa]|mais uma?|nov[oa])\b")
_PARTS = re.compile(r"[,;:.!?\n]+")
_WHOLE_NAME = 2
_PARTICLES = frozenset(["de", "da", "do", "das", "dos", "e"])
_MAY_CORRECT = frozenset(
    [Intent.CONFIRM_NO, Intent.CONFIRM_YES, Intent.OUT_OF_SCOPE, Intent.DATA_REQUEST, Intent.BOOK, Intent.RESCHEDULE]
)


def corrected(session: Session, asked: Asks | None) -> str | None:
    """The name the message puts in the place of the one just proposed; None when it does not."""
    state, reading = session.state, session.reading
    proposed = state.stage is Stage.OFFERED and state.purpose is Purpose.BOOK and asked is Asks.CONFIRMATION
    if not proposed or session.name_missing or reading.intent not in _MAY_CORRECT:
        return None
    if reading.intent is Intent.DATA_REQUEST and _OF_THEIR_DATA.search(session.norm):
        return None  # "quero apagar os meus dados, meu nome é …"
    if speaks_for_another(session.norm) and not state.for_other:
        return None
    name = _another_name(session, session.name or "")
    # A time beside the name is another wish; one inside it is none ("Domingos Terra").
    timed = name is not None and not reading.when.empty and parse(fold(name), session.now).empty
    return None if timed else name


def for_another(session: Session, asked: Asks | None) -> bool:
    """Takes over the name of another patient for whom the last word is said: "ok, é pra Bia Souza", "Lucas".

    False where it names nobody, who works here, the patient already proposed, or wishes for one more.
    """
    state, raw = session.state, session.reading.text.raw
    if state.purpose is not Purpose.BOOK or asked is not Asks.CONFIRMATION or _ONE_MORE.search(session.norm):
        return False
    name = called.alone(raw) or _first_name(session)
    if name is None or _words(name) <= _words(session.name or "") or _TITLED.match(fold(name)):
        return False
    mentioned = " ".join(str(value) for value in session.reading.entities.to_json().values())
    if _words(name) <= session.clinic.names.vocabulary() | _words(mentioned):
        return False
    state.own = state.own or (None if state.for_other else state.name)
    state.for_other, state.relative = True, False
    state.kin = kin.relation(session.norm)
    state.name = name
    return True


def _first_name(session: Session) -> str | None:
    """A common first name that is all the message says."""
    raw = session.reading.text.raw.strip(" .!")
    return tidy_name(raw) if people.is_first_name(fold(raw)) and session.says_nothing else None


_IN_MY_PLACE = re.compile(
    r"\b(?:vai|vao|ir|va|iria|vir|vem|comparece\w*|use|usar|usa)\b[^.?!]{0,25}\bn?[oa] (?:meu|minha) (?:lugar|vez)\b|"
    r"\b(?:pass|transfer|troc|mud)\w* (?:(?:a|o|minha|meu|vaga|consulta|horario|lugar|exame|sessao) )+para "
    rf"(?:[oa] nome d[aeo] |o nome d[aeo] )?(?:[oa] )?(?:meu|minha|um|uma) (?:{kin.KINSHIP}|colega|conhecid[oa]|"
    rf"vizinh[oa])"
)
"""Somebody else is to come at the patient's time: a person of the clinic puts the name right, and the time stays."""


def in_my_place(session: Session) -> bool:
    """Whether the message leaves the patient's time to somebody by name or kinship ("minha irmã vai no meu lugar")."""
    return _IN_MY_PLACE.search(session.norm) is not None


def late(session: Session) -> bool:
    """Whether the name of what has been arranged is to be another: "troca o nome pra Maria", "meu nome saiu errado"."""
    state, norm = session.state, session.norm
    arranged = state.last is not None and state.done in {Outcome.BOOKED, Outcome.RESCHEDULED, Outcome.CONFIRMED}
    if not arranged or not _PUT_RIGHT.search(norm) or _OF_THEIR_DATA.search(norm) or _OF_ELSE.search(norm):
        return False
    return session.reading.when.empty  # "muda a consulta em nome da Rita pra quinta" moves it


def instead(session: Session) -> str | None:
    """The name put in the place of another in so many words: "não é em nome de Maria, é de Pedro"."""
    found = _NOT_HERS_BUT_HIS.search(session.reading.text.raw)
    return name_answer(found["new"], for_other=session.state.for_other) if found else None


def _another_name(session: Session, current: str) -> str | None:
    raw = session.reading.text.raw
    exchanged = instead(session)
    if exchanged is not None:
        return exchanged
    said = name_in(raw, for_other=session.state.for_other)
    names = [said] if said else []
    names += [n for part in reversed(_PARTS.split(raw)) if (n := _in_part(session, part))]
    whole = [n for n in names if len(n.split()) >= _WHOLE_NAME and fold(n) != fold(current)]
    return next((n for n in whole if n == said or _fits(session, n, current)), None)


def _in_part(session: Session, part: str) -> str | None:
    bare = _NOT_THAT.sub("", part).strip()
    return name_answer(bare, for_other=session.state.for_other) if bare else None


def _fits(session: Session, name: str, current: str) -> bool:
    """Whether it is surely a name: it repeats some of the old one, the name is spoken of, or it reads as one."""
    if _words(name) & _words(current):
        return True
    clinic = session.clinic
    agrees = session.reading.intent is Intent.CONFIRM_YES
    common = people.is_first_name(fold(name).split()[0]) and called.is_name(name)
    if common and not agrees and not _words(name) <= clinic.names.vocabulary():
        return True  # "joana da silva"
    known = {p.code: p.name for p in clinic.professionals} | {s.code: s.name for s in clinic.services}
    if entities.match(session.norm, known) or session.reading.entities.service:
        return False
    said = bool(_OF_THE_NAME.search(session.norm))
    return said or (not agrees and written_as_a_name(name) and name in _raw(session))


def _raw(session: Session) -> str:
    return " ".join(session.reading.text.raw.split())


def _words(name: str) -> set[str]:
    return set(fold(name).split()) - _PARTICLES
