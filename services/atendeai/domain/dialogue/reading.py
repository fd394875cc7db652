"""Reads a message where the conversation stands: the trained judge is heard, but an answer stays an answer.

The judge was taught on messages that begin something. Of an answer ("a das 15h", "Orlando Pires", "a do clínico") it
knows little, and always has an opinion; there the rules have the word unless they see nothing at all. Emergencies count
from wherever they are seen, except where a question is open and the judge alone sees one in nothing but the name that
was asked for, or in the choice of a service ("o de sangue"). Where its sign is doubtful the message is read as what it
asks for, and marked: help is named, and the dialogue goes on.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from atendeai.domain.dialogue.beside import wants_a_person
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.naming import name_answer, written_as_a_name
from atendeai.domain.dialogue.session import Message
from atendeai.domain.dialogue.state import Asks, Purpose, Stage, State
from atendeai.domain.understanding import negation
from atendeai.domain.understanding.emergency import is_emergency
from atendeai.domain.understanding.entities import match
from atendeai.domain.understanding.intent import COURTESIES, Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.model import trained
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding, understand

_SURE = 0.8
"""The judge's confidence from which it is followed although a question is open."""
_ALARMED_AMONG_ANSWERS = 0.78
"""The judge's confidence from which it alone calls an answer an emergency."""
_LIKELY = 0.55
"""Below it the judge is guessing: better to ask again than to answer something else."""
_ARRANGES = frozenset([Intent.BOOK, Intent.CANCEL, Intent.RESCHEDULE, Intent.ASK_AVAILABILITY])
_MISREAD = frozenset([Intent.CANCEL, Intent.BOOK])
"""What a refused cancellation, or a question after one, is taken for."""
_NOTHING_ELSE = frozenset([Intent.OUT_OF_SCOPE, Intent.CONFIRM_YES, Intent.CONFIRM_NO, *COURTESIES])
"""Beside a refused cancellation these add nothing: what stands is told."""
_FEW_WORDS = 3
_LONGEST_COURTESY = 14
_SURELY_SAID = 0.6
"""The rules' confidence up to which they only guessed from a time or a name."""


_BOOKS = re.compile(
    r"\b(?:quero|queria|gostaria(?: de)?|preciso|posso|pode|vim|da para|tem como)\b(?: [a-z]+){0,3} "
    r"(?:marcar|agendar|consulta\w*|exame)\b|\b(?:marca|agenda)\b"
)
_WISHES_NOTHING = frozenset([Intent.OUT_OF_SCOPE, *COURTESIES])
"""What asks for nothing and answers nothing: there a sign of the rules stands, however doubtful."""


class _Calm:
    """A judge that sees emergencies nowhere and everything else as another does."""

    def __init__(self, judge: Classifier) -> None:
        self._judge = judge

    def margins(self, norm: str, marks: Collection[str]) -> Mapping[Intent, float]:
        """As far as the other judge's, and furthest from an emergency."""
        return {**self._judge.margins(norm, marks), Intent.EMERGENCY: -math.inf}


class _RulesAlone:
    """A judge without an opinion: what the rules say stands, emergencies included."""

    def margins(self, norm: str, marks: Collection[str]) -> Mapping[Intent, float]:
        """Far from every intent, though not so far from an emergency that one the rules saw were taken back."""
        del norm, marks
        return {intent: -0.5 if intent is Intent.EMERGENCY else -1.0 for intent in Intent}


def read(
    message: Message, state: State, clinic: Clinic, now: datetime, classifier: Classifier | None = None
) -> Understanding:
    """What a message says. Who asks for a person gets one, whatever else is wished for: the person reads it.

    Of several messages read as one, the last has the word when it does.
    """
    reading = _read(message.text, message, state, clinic, now, classifier)
    meant = _as_meant(reading, message, state, clinic, now, classifier)
    return replace(meant, doubtful=reading.doubtful)


def _as_meant(
    reading: Understanding, message: Message, state: State, clinic: Clinic, now: datetime, classifier: Classifier | None
) -> Understanding:
    """A message as read, put right where it denies, tells a story, wants a person or takes itself back."""
    rest = negation.without_what_stays(reading.text.norm) if reading.intent in _ARRANGES else None
    if rest:
        reading = replace(_read(rest, message, state, clinic, now, _RulesAlone()), text=reading.text)
    if reading.intent in _MISREAD and state.purpose is not Purpose.CANCEL:
        reading = _not_cancelled(reading, message, state, clinic, now)
    if reading.intent in COURTESIES and len(reading.text.norm.split()) > _LONGEST_COURTESY:
        reading = replace(reading, intent=Intent.OUT_OF_SCOPE)  # a story, with a courtesy in it at most
    *before, last = message.text.splitlines() or [""]
    if reading.intent not in _ARRANGES:
        return reading
    if wants_a_person(reading.text.norm):
        return replace(reading, intent=Intent.HUMAN)
    if before:
        final = _read(last, message, state, clinic, now, classifier)
        if final.intent is Intent.HUMAN:
            return final
    return reading


def _not_cancelled(
    reading: Understanding, message: Message, state: State, clinic: Clinic, now: datetime
) -> Understanding:
    """What is meant where a cancellation is refused or only asked after: what else is said, or else what stands."""
    norm = reading.text.norm
    rest = negation.without(norm)
    if rest is None:
        return reading
    again = _read(rest, message, state, clinic, now, _RulesAlone())
    refused = negation.REFUSED.search(norm) is not None
    if refused and ("confirm" in rest or message.reminded or state.stage is Stage.REMINDED):
        comes = again.intent not in _ARRANGES or again.confidence <= _SURELY_SAID
        return replace(again, text=reading.text, intent=Intent.CONFIRM_YES) if comes else again
    if again.intent in _NOTHING_ELSE or again.confidence <= _SURELY_SAID:
        return replace(reading, intent=Intent.LIST_APPOINTMENTS)
    return replace(again, text=reading.text)


def _names_only_a_service(norm: str, clinic: Clinic) -> bool:
    """Whether nothing but words of the clinic's services stands there, and what goes with a choice ("o de sangue")."""
    own = {word for name in clinic.names.services for word in re.findall(r"[a-z]+", fold(name))} - _CHOOSING
    words = re.findall(r"[a-z]+", norm)
    return bool(own.intersection(words)) and own.union(_CHOOSING).issuperset(words)


def _alarmed(judged: Understanding, ruled: Understanding, state: State, clinic: Clinic) -> Understanding:
    """An emergency as it is read: none where it is but the name that was asked for, or the choice of a service."""
    asked = state.asks or state.paused
    if asked is Asks.NAME and _only_a_name(judged, for_other=state.for_other):
        return replace(judged, intent=Intent.OUT_OF_SCOPE) if ruled.intent is Intent.EMERGENCY else ruled
    if is_emergency(judged.text.norm) or (asked is None and not state.busy):
        return judged
    # Among answers the judge alone must be sure: the ambulance for "ela prefere mulher" ends a dialogue that went well.
    guessed = judged.confidence < _ALARMED_AMONG_ANSWERS or _names_only_a_service(judged.text.norm, clinic)
    return ruled if guessed else judged


def _of_doubt(alarmed: Understanding, classifier: Classifier | None) -> Classifier | None:
    """The judge that says what a doubtful alarm asks for; None where there is no doubt, or none to say."""
    doubtful = alarmed.intent is Intent.EMERGENCY and alarmed.doubtful
    return classifier or trained() if doubtful and not isinstance(classifier, _RulesAlone) else None


def _calmly(alarmed: Understanding, calm: Understanding) -> Understanding:
    """A doubtful alarm as what it asks for (``calm``), marked; certain where that is nothing and the rules see it."""
    if calm.intent in _WISHES_NOTHING:
        if _BOOKS.search(alarmed.text.norm):
            calm = replace(calm, intent=Intent.BOOK)
        elif is_emergency(alarmed.text.norm):
            return alarmed
    return replace(calm, doubtful=True)


def _only_a_name(judged: Understanding, *, for_other: bool) -> bool:
    """Whether a message taken for an emergency is nothing but the name that was asked for ("Viviane das Dores").

    Written as a name it may also hold "Socorro", which the rules see. In small letters it is one as long as nothing in
    it stands in no name ("cachorro mordeu o pescoço"), and the judge only guesses.
    """
    raw, norm = judged.text.raw, judged.text.norm
    words = _WORDS.findall(fold(name_answer(raw, for_other=for_other) or ""))
    said = _WORDS.findall(fold(raw))
    if not words or said[-len(words) :] != words or not _INTRODUCES.issuperset(said[: -len(words)]):
        return False
    if written_as_a_name(" ".join(raw.split()[len(said) - len(words) :])):
        return not is_emergency(_SOCORRO.sub(" ", norm))
    return not is_emergency(norm) and not _IN_NO_NAME.intersection(words) and judged.confidence < _SURE


def _wishes(reading: Understanding, clinic: Clinic) -> bool:
    """Whether a message of which nothing was understood names one of the clinic's services: that is what it is about.

    "A médica do postinho pediu transvaginal". A question about it is answered, and what is denied is left alone.
    """
    norm = reading.text.norm
    return "?" not in norm and not _DENIES.search(norm) and len(match(norm, clinic.told_apart)) == 1


_DENIES = re.compile(r"\b(?:nao|nunca|nem|sem|odei\w+|obrigad[oa]|fiz|fizemos|feit[oa])\b")
_WORDS = re.compile(r"[^\W\d_]+")
_SOCORRO = re.compile(r"\bsocorro\b")
_INTRODUCES = frozenset(
    re.findall(r"\w+", "sim e eh o a meu nome completo sou eu aqui me chamo dele dela paciente para mim ok claro")
)
"""Words that may come before a name that was asked for."""
_IN_NO_NAME = frozenset(re.findall(r"\w+", "o a os as um uma me se no na em com que ou foi esta ta nao"))
_CHOOSING = frozenset(
    re.findall(
        r"\w+",
        """
        o a os as um uma de do da e ou para pra sim ah entao quero queria gostaria prefiro pode poderia ser seria marcar
        agendar fazer vou esse essa este esta aquele aquela so apenas mesmo primeiro primeira segundo segunda terca
        quarta quinta sexta sabado feira hoje amanha dia manha cedo tarde hora horas h exame consulta por favor obrigado
        obrigada
        """,
    )
)
"""Words beside which a word of a service is the choice of it, and no sign of anything."""


def _read(
    text: str, message: Message, state: State, clinic: Clinic, now: datetime, classifier: Classifier | None
) -> Understanding:
    hours, names = clinic.hours or None, clinic.names
    judged = understand(text, now, hours=hours, names=names, classifier=classifier)
    ruled = understand(text, now, hours=hours, names=names, classifier=_RulesAlone())
    if judged.intent is Intent.EMERGENCY:
        alarmed = _alarmed(judged, ruled, state, clinic)
        judge = _of_doubt(alarmed, classifier)
        return alarmed if judge is None else _calmly(alarmed, _read(text, message, state, clinic, now, _Calm(judge)))
    asked = state.asks or state.paused
    if judged.intent is ruled.intent:
        names_it = asked is None and not state.busy and judged.intent is Intent.OUT_OF_SCOPE and _wishes(judged, clinic)
        return replace(judged, intent=Intent.BOOK, confidence=_SURELY_SAID) if names_it else judged
    if ruled.intent is Intent.EMERGENCY:
        return judged
    if asked is None and not state.busy and not message.reminded:
        dated = ruled.intent is Intent.OUT_OF_SCOPE and judged.intent in _ARRANGES and not judged.when.empty
        return ruled if judged.confidence < _LIKELY and not dated else judged  # where a day is told the guess is good
    if ruled.intent is Intent.OUT_OF_SCOPE or ruled.confidence <= _SURELY_SAID:
        enough = len(text.split()) >= _FEW_WORDS and judged.confidence >= _SURE
        return judged if enough else ruled
    return ruled
