"""A patient who wants no more of what is being arranged: a booking is dropped, an appointment stays where it is."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import booking, changes
from atendeai.domain.dialogue.ports import Answer, Request
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Purpose, Stage
from atendeai.domain.understanding.intent import Intent

_DROPS = re.compile(
    r"\b(?:deixa (?:para la|quieto)|nao quero(?: mais\b|\W*$|\W+(?:obrigad[oa]|valeu|entao))|desist\w+|"
    r"depois eu (?:vejo|marco)|outra hora eu|"
    r"(?:achei|encontrei|consegui|marquei|vou (?:em|n[ao]|marcar em)) (?:em |n?um )?outr[oa]|nao preciso mais|"
    r"ja resolvi)\b|^\W*(?:ah |nao |entao |ok |bom )*deixa\W*(?:$|,)"
)
_LEAVES_IT = re.compile(r"^\W*(?:(?:nao|entao|ok|ta|bom)\W+)*pode deixar(?: entao| assim| por enquanto)?\W*$")
"""Said to a question for the day; said to an offer it is a yes."""
_STAYS = re.compile(
    r"\b(?:deixa?|deixe|mantem|mantenha|manter|fica|ficar|continua)\b(?: (?:tudo|o|a|no|na|ele|ela|entao))? ?"
    r"(?:como (?:esta|ta)\b|assim\b|mesm[oa]\b|marcad[oa]\b|no (?:mesmo )?horario|onde (?:esta|ta)\b)|"
    r"\bnao (?:precisa|quero|vou) (?:mais )?(?:mudar|remarcar|trocar|mexer|alterar)\b|\besquece\b"
)
"""An appointment about to be moved stays where it is."""


def drops(norm: str) -> bool:
    """Whether no more is wanted of what is being arranged, or an appointment is to stay as it is."""
    return bool(_DROPS.search(norm) or _STAYS.search(norm))


def take(session: Session) -> Generator[Request, Answer, bool | None]:
    """Ends the flow when the patient wants no more of it; None: they go on, False: an appointment is meant."""
    state = session.state
    if state.stage not in {Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED}:
        return None
    leaves = state.stage is Stage.COLLECTING and _LEAVES_IT.match(session.norm)
    drops = session.reading.when.empty and bool(_DROPS.search(session.norm) or leaves)
    if session.reading.intent is Intent.CANCEL and not _gives_up(session):
        return False
    if session.reading.intent is Intent.CANCEL or (drops and state.purpose is Purpose.BOOK):
        yield from booking.drop(session)
        return True
    stays = session.reading.when.empty and bool(_STAYS.search(session.norm))
    if state.purpose is Purpose.RESCHEDULE and (drops or stays):
        changes.kept(session)
        return True
    return None


def _gives_up(session: Session) -> bool:
    """Whether the patient gives the booking under way up, rather than cancelling an appointment that stands."""
    return (
        session.state.purpose is Purpose.BOOK
        and session.reading.existing.empty
        and not any(word in session.norm.split() for word in ("minha", "meu"))
    )
