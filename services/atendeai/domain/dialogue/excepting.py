"""Appointments that a cancellation leaves alone ("todas menos a limpeza", "não cancela a de quinta, só a outra")."""

import re
from collections.abc import Callable, Sequence

from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.ports import Appointment
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Stage
from atendeai.domain.understanding.negation import REFUSED
from atendeai.domain.understanding.understand import understand

_BUT = re.compile(
    r"(?<!pelo )(?<!ao )(?<!mais ou )\b(?:menos|exceto|excluindo|salvo|tirando|fora|com excecao|a excecao|"
    r"sem (?:ser|contar|incluir)|so nao(?: a| o)?(?= |$))\b(?! que\b)"
)
_CLAUSE = re.compile(
    r"[,;!?]|(?<!\bdr)(?<!\bdra)\.|\b(?:mas|pode|podem|quero|so|apenas|somente|cancel\w+|desmar[cq]\w+)\b"
)
_ALL = re.compile(r"\b(?:tod[ao]s|tudo)\b")
_WANTED = re.compile(r"\b(?:cancel|desmar[cq]|so\b|apenas\b|somente\b|outr[oa]\b)")

Meant = Callable[[Session, list[Appointment]], list[Appointment]]
"""Those of some appointments that fit the message; all of them where it says nothing."""


def left(session: Session, items: Sequence[Appointment], meant: Meant) -> list[Appointment] | None:
    """Of ``items`` those still to be cancelled; none where it is not plain which are left alone.

    None: the message leaves none alone. What ends it, and what stands before and after it, says what is cancelled.
    """
    norm = session.norm
    but, refused = _BUT.search(norm), REFUSED.search(norm)
    found = but or refused
    if found is None:
        return None
    end = _CLAUSE.search(norm, found.end())
    until = end.start() if end is not None else len(norm)
    excepted, rest = norm[found.end() : until], f"{norm[: found.start()]} {norm[until:]}"
    of_several = session.state.stage is Stage.CANCELLING and len(items) > 1
    if but is None and not (of_several or _WANTED.search(rest)):
        return None
    base = _named(session, rest, items, meant) or list(items)
    alone = _named(session, excepted, base, meant)
    if alone is None and len(base) < len(items):  # the one that stays is not among those named to be cancelled
        alone = _named(session, excepted, items, meant) if but is not None and _ALL.search(rest) else None
        if alone is None:
            return base  # "só a consulta"
        base = list(items)  # "todas as consultas menos a limpeza": whatever is booked
    kept = {a.id for a in alone or base}
    return [a for a in base if a.id not in kept]


def _named(session: Session, said: str, items: Sequence[Appointment], meant: Meant) -> list[Appointment] | None:
    """Those that part of the message names; None where it does not tell them apart."""
    index = chosen_index(said, len(items))
    if index is not None:
        return [items[index]]
    reading, clinic = session.reading, session.clinic
    session.reading = understand(said, session.now, hours=clinic.hours or None, names=clinic.names)
    found = meant(session, list(items))
    session.reading = reading
    return found if len(found) < len(items) else None
