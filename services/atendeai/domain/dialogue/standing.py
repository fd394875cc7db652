"""Messages inside a flow about appointments that stand: which is meant, the last word, what to do instead."""

import re
from collections.abc import Generator

from atendeai.domain.dialogue import changes, doubt, giving_up, misses, texts, which
from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.dialogue.ports import Answer, Appointment, Request
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Purpose
from atendeai.domain.understanding import negation
from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.intents import is_yes
from atendeai.domain.understanding.when import Moment

Taken = Generator[Request, Answer, bool]
_SAID = 0.6
_FEW_WORDS = 6
_OTHERWISE = re.compile(r"\b(?:nao|nem|mud\w+|remar\w+|troc\w+|adi\w+|passa\w*|transfer\w+|mant\w+|deix\w+)\b")
_COMES = re.compile(
    r"\b(?:eu vou|vou sim|estarei|vou (?:estar|comparecer)|pode confirmar|confirmo|mantem|manter|mantenha|"
    r"deixa? (?:marcad[oa]|como (?:esta|ta))|nao cancel\w+)\b"
)
"""The patient comes after all."""
_GIVES = re.compile(
    r"\b(?:pass(?:a|ar|e)|d(?:a|ar|e)|ced(?:a|er|e)|liber(?:a|ar|e)|oferec(?:a|er|e)) (?:(?:el[ea]|[oa]|meu|minha|vaga|"
    r"lugar|horario|vez) )*para (?:um |uma )?(?:alguem|quem|outr[oa])\b(?! (?:dia|data|hora|horario|semana|mes|"
    r"medic|dr))"
)
"""Somebody else may have the time."""
_SURELY_NOT = re.compile(r"\b(?:claro|certeza|obvio|logico) que nao\b")
_UNSAID = re.compile(r"^\W*pode deixar\W*$|\bpode ser que\b(?! sim)")
"""Which of the two it is remains open: the cancellation is left to be done, or the appointment to stand."""
_STAYS = re.compile(
    r"^\W*(?:(?:e|mas|so|ok|certo|isso|ah)\W+)*[ao]s? (?:d[aeo]s? )?[a-z0-9/ ]{1,25}\b"
    r"(?:fica|continua|mantem|permanece|eu vou|vou nel[ae])\W*$"
)
"""Another one is left as it is."""
_CANCELS = re.compile(r"\b(?:cancel|desmarc)\w*")
_MOVES = re.compile(r"\b(?:remar[cq]|reagend|mud(?:a|ar|e)\b|troc(?:a|ar)\b|adi(?:a|ar|e)\b|antecip|transfer)\w*")
_BESIDE = re.compile(r"\b(?:mais uma?|tambem|outra consulta|nova)\b")
_KEEPS = negation.REFUSED
_NONE = re.compile(
    r"^\W*(?:(?:nao|ah+|hum+|entao|ok|olha|na verdade|pensando bem)\W+)*nenhum[ao]?\b(?! (?:dia|hora|outr))"
)


def as_new_time(session: Session) -> None:
    """Reads the time in the message as the new one of an appointment that is to be moved."""
    session.reread(parse(session.norm, session.now, hours=session.clinic.hours or None, role=Role.NEW))


def picking(session: Session, _asked: Asks | None) -> Taken:
    """The patient says which of several appointments is meant."""
    if session.reading.intent is Intent.BOOK and session.reading.confidence > _SAID:
        return False  # a further booking is wished for
    if _other_act(session):
        return False  # "na verdade remarca a limpeza": begun anew
    refused = session.state.purpose is Purpose.CANCEL and refuses(session) and not which.excepts(session)
    if refused or _none_of_them(session):
        changes.kept(session)
        return True
    yield from changes.picking(session)
    return True


def _none_of_them(session: Session) -> bool:
    """Whether none of several appointments is meant after all ("nenhuma", "não", "deixa pra lá")."""
    if _NONE.match(session.norm):
        return True
    gives_up = session.reading.intent is Intent.CONFIRM_NO or giving_up.drops(session.norm)
    return gives_up and session.says_nothing and not which.names_some(session)


def _other_act(session: Session) -> bool:
    """Whether a move is asked for by its name where a cancellation was under way, or the other way round."""
    intent, norm = session.reading.intent, session.norm
    if session.state.purpose is Purpose.CANCEL:
        return intent is Intent.RESCHEDULE and bool(_MOVES.search(norm))
    return intent is Intent.CANCEL and bool(_CANCELS.search(norm)) and not refuses(session)


def refuses(session: Session) -> bool:
    """Whether a cancellation is refused, and no other asked for in the same breath ("não cancela a de quinta!")."""
    norm = session.norm
    return _KEEPS.search(norm) is not None and not _CANCELS.search(negation.without(norm) or "")


def cancelling(session: Session, _asked: Asks | None) -> Taken:
    """The last word on a cancellation, or another time instead."""
    intent = Intent.CONFIRM_YES if _all_of_them(session) else session.reading.intent
    if _leaves_another(session):
        return True
    if which.excepts(session) or (which.names_one(session) and not refuses(session)):
        yield from changes.picking(session)
    elif refuses(session) or _GIVES.search(session.norm):
        yield from changes.cancelling(session, sure=not refuses(session))
    elif _COMES.search(session.norm) and "cancelamento" not in session.norm and intent is not Intent.CANCEL:
        yield from changes.cancelling(session, sure="confirm" in session.norm and "vou" not in session.norm)
    else:
        return (yield from _last_word(session, intent))
    return True


def _last_word(session: Session, intent: Intent) -> Taken:
    """A yes, a no, or another time, to a cancellation that was asked about."""
    if intent is Intent.CONFIRM_YES and (_another_time(session) or doubt.counters(session.norm)):
        yield from changes.move_instead(session)  # "pode ser sexta no mesmo horário?"
    elif _SURELY_NOT.search(session.norm):
        yield from changes.cancelling(session, sure=False)
    elif intent is Intent.CONFIRM_YES and (doubt.says_both(session.norm) or _UNSAID.search(session.norm)):
        if not misses.count(session):
            session.say(texts.YES_OR_NO)
    elif intent in {Intent.CONFIRM_YES, Intent.CANCEL}:
        yield from changes.cancelling(session, sure=True)
    elif intent is Intent.CONFIRM_NO and session.reading.when.empty:
        yield from changes.cancelling(session, sure=False)
    elif not session.reading.when.empty and (intent is not Intent.BOOK or not _further(session)):
        yield from changes.move_instead(session)
    else:
        return False
    return True


def _leaves_another(session: Session) -> bool:
    """Asks once more where the message only says that another one stays ("a da outra semana fica")."""
    target = session.state.target
    if target is None or session.reading.intent is Intent.CONFIRM_NO or not _STAYS.search(session.norm):
        return False
    changes.ask_again(session, target)
    return True


def _all_of_them(session: Session) -> bool:
    """Whether the last word on several is that all of them are meant ("as duas, isso")."""
    few = len(session.norm.split()) <= _FEW_WORDS and "?" not in session.norm
    return few and which.all_of(session, len(session.state.targets)) and not _OTHERWISE.search(session.norm)


def _another_time(session: Session) -> bool:
    """Whether the message names a time which is not that of an appointment about to be cancelled."""
    state, said = session.state, session.reading.when
    targets = [state.target] if state.target is not None else state.targets
    moments = list(said.candidates) or ([] if said.moment.empty else [said.moment])
    unsaid = not _CANCELS.search(session.norm) and not _all_of_them(session)  # "as duas" is no hour
    bare = not re.search(r"\d", session.norm)  # "a de quarta" is the one on a Wednesday, and not the next Wednesday
    return unsaid and bool(targets and moments) and not any(_fits(t, m, bare=bare) for t in targets for m in moments)


def _fits(target: Appointment, moment: Moment, *, bare: bool) -> bool:
    if bare and moment.date is not None and moment.date.weekday() == target.start.weekday():
        return moment.time in {None, target.start.time()}
    return which.fits(target, moment)


def _further(session: Session) -> bool:
    """Whether a booking is wished for beside the appointment about to be cancelled, rather than instead of it."""
    reading, norm = session.reading, session.norm
    other = bool(reading.entities.service) or speaks_for_another(norm) or bool(_BESIDE.search(norm))
    return reading.confidence > _SAID and other


def reminded(session: Session, _asked: Asks | None) -> Taken:
    """Asked whether to move or to cancel, the patient says which."""
    intent, wanted = session.reading.intent, session.reading.when
    if _COMES.search(session.norm) and wanted.empty and intent is not Intent.CANCEL:
        session.state.reset_flow()
        yield from changes.confirm(session)
    elif intent is Intent.CANCEL or (intent is Intent.CONFIRM_NO and wanted.empty):
        yield from changes.begin(session, Purpose.CANCEL)
    elif is_yes(session.norm):
        if not misses.count(session):
            session.say(texts.MOVE_OR_CANCEL_AGAIN, Asks.CONFIRMATION)  # a yes to "this or that?" picks neither
    elif intent in {Intent.RESCHEDULE, Intent.BOOK, Intent.CONFIRM_YES} or not wanted.empty:
        as_new_time(session)
        yield from changes.begin(session, Purpose.RESCHEDULE)
    else:
        return False
    return True
