"""A yes at a last word with another act beside it ("sim, e cancela a de quinta"): each is taken by itself."""

import re

from atendeai.domain.dialogue import beside, doubt, kin, pairs, which, whose
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Purpose, Stage
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.understand import Understanding, understand

_ACTS = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.RESCHEDULE, Intent.CANCEL])
_CANCELS = re.compile(r"\b(?:cancel|desmarc|desmarq)\w*")
_ONE_MORE = re.compile(
    r"\b(?:tambem|mais uma?|nov[oa]|outr[oa](?! (?:dia|data|hora|horario|semana|medic[oa]|doutora?|dra?|profissional|"
    r"dentista)\b))\b"
)
_ANOTHER = re.compile(r"\b(?:[ao]s? |minhas? |meus? )(?:minha |meu )?outr[oa]s?\b")
_OF_A_DAY = re.compile(r"\b(?:[ao]|minha|meu) (?:[a-z]+ )?(?:d[aeo]s?|que)\b")
_DEFINITE = re.compile(r"^\W*(?:(?:e|tambem|mais|aproveita|aproveitando)\W+)*[ao]s? (?!mesm[oa]\b)[a-z]")
"""One that stands is spoken of, not one more."""
_ALSO = re.compile(r"\btambem\b")
_AND = re.compile(r"\be\b", re.IGNORECASE)
_STAYS = re.compile(r"\b(?:nao|fica|ficam|continua|mantem|mantenha|deixa|deixe|permanece)\b")
_OWN = re.compile(r"\b(?:minha|meu)\b")


def apart(session: Session, asked: Asks | None) -> tuple[str, str] | None:
    """The yes and what is asked for beside it, each as written; None where all of it belongs to the open question.

    What may put the answer right (a time, a person, the same service) belongs to it: it is asked about again.
    """
    state, text = session.state, session.reading.text
    open_to_it = (state.stage is Stage.OFFERED and asked in {Asks.CONFIRMATION, Asks.NAME}) or (
        state.stage is Stage.CANCELLING and asked is Asks.CONFIRMATION
    )
    if not open_to_it or doubt.takes_back(session.norm):
        return None
    both = beside.after_a_yes(text, cancelling=state.stage is Stage.CANCELLING)
    if state.stage is Stage.CANCELLING:
        further = _further(session, both)
        if further is not None:
            return further
    return both if both is not None and _another_act(session, both[1]) else None


def _further(session: Session, both: tuple[str, str] | None) -> tuple[str, str] | None:
    """The yes to a cancellation, and another that is wished for with no word but "a de sexta também".

    The rest is empty where it only says that another appointment stays. "Sim, a do João" puts right which one is meant.
    """
    agreed, said = both if both is not None else ("sim", session.reading.text.raw)
    reading = understand(said, session.now, hours=session.clinic.hours or None, names=session.clinic.names)
    norm = reading.text.norm
    raw = session.reading.text.raw
    joined = _ALSO.search(norm) or _ANOTHER.search(norm) or _AND.search(raw[len(agreed) : len(raw) - len(said)])
    definite = _DEFINITE.match(norm) if both is not None else _CANCELS.search(norm) and _ALSO.search(norm)
    if not (joined and definite) or "?" in norm or not _names_another(session, reading):
        return None
    if both is None:
        return None if _STAYS.search(norm) else (agreed, said)
    if beside.changes(norm):
        return None
    return agreed, "" if _STAYS.search(norm) else f"cancela {said}"


def _names_another(session: Session, reading: Understanding) -> bool:
    """Whether something is said of an appointment other than those about to be cancelled."""
    state, norm = session.state, reading.text.norm
    at_hand = [state.target] if state.target is not None else list(state.targets)
    moments = [m for m in (reading.existing.moment, *reading.existing.candidates) if not m.empty]
    named = {s.code for s in pairs.services_in(session.clinic, norm, generic=False, many=True)}
    if any(which.fits(a, m) for a in at_hand for m in moments) or any(a.service in named for a in at_hand):
        return False
    who = whose.narrowed(session, at_hand)
    return bool(moments or named or _ANOTHER.search(norm) or (who is not None and not who.items))


def _another_act(session: Session, said: str) -> bool:
    """Whether part of a message asks for something that cannot be meant of what is about to be settled."""
    state, clinic = session.state, session.clinic
    reading = understand(said, session.now, hours=clinic.hours or None, names=clinic.names)
    norm = reading.text.norm
    for_another = bool(_ONE_MORE.search(norm)) and kin.speaks_for_another(norm)
    if reading.intent not in _ACTS and not (for_another and reading.intent is Intent.OUT_OF_SCOPE):
        return False
    at_hand = [state.target] if state.target is not None else list(state.targets)
    services = {a.service for a in at_hand} | {slot.service for slot in state.slots}
    named = {service.code for service in pairs.services_in(clinic, norm, generic=True, many=True)}
    other = bool(named) and services.isdisjoint(named)
    if not beside.changes(norm):
        more = for_another or (bool(named) and bool(_ONE_MORE.search(norm)))
        return other or (more and state.stage is Stage.OFFERED)
    existing, cancels = reading.existing, bool(_CANCELS.search(norm))
    days = {moment.date for moment in (existing.moment, *existing.candidates) if moment.date is not None}
    if any(a.start.date() in days for a in at_hand):
        return False
    if not cancels:
        days -= {reading.when.moment.date}  # "passa pra sexta" names only the new day
    own = state.purpose is Purpose.BOOK and cancels and bool(_OWN.search(norm))
    return other or own or bool(_ANOTHER.search(norm)) or (bool(days) and bool(_OF_A_DAY.search(norm)))
