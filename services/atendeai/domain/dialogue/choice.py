"""Which of several numbered options an answer picks."""

import re

from atendeai.domain.dialogue.ports import Slot
from atendeai.domain.understanding.when import When

_NO_MONDAY = r"(?!,? (?:feira|que vem|agora|dia|proxima|de manha|a tarde|de tarde|a noite|cedo|as \d|\d))(?!-feira)"
_ORDINALS = (
    (r"primeir[oa](?! (?:semana|quinzena|vez|consulta|dia|coisa|avaliacao|so\b|eu\b|[oa] [a-z]))|1[oa]", 0),
    (rf"segund[oa]{_NO_MONDAY}|2[oa](?! feira|-feira)", 1),
    (r"terceir[oa]|3[oa](?! feira|-feira)", 2),
    (r"quart[oa] (?:opcao|alternativa|horario)|4[oa] (?:opcao|alternativa|horario)", 3),
)
_NUMBER = re.compile(
    r"^\W*(?:(?:o|a|opcao|numero|n|alternativa|pode ser (?:o|a)?|quero (?:o|a)?|prefiro (?:o|a)?|"
    r"fico com (?:o|a)?)\s*)*"
    r"(?P<n>[1-9])\W*(?:por favor|mesmo|pode ser|obrigad[oa])?\W*$"
)
_EARLIEST = re.compile(
    r"^\W*(?:pode ser |quero |prefiro |entao )?(?:(?:n?[oa]|n?ess[ea]|n?est[ea]) )?(?:mais cedo|de cima)\b"
)
_SOONER = re.compile(
    r"\bmais (?:cedo|proxim[oa]|rapid[oa])\b|\bquanto antes\b|\bprimeir[oa] que (?:tiver|der|vagar|abrir|aparecer)\b|"
    r"\bque (?:tiver|der|vagar|abrir|aparecer|for|houver|estiver)\b[^,.;!?]{0,20}\b(?:antes|primeiro|logo)\b"
)
_DECLINED = re.compile(
    r"^\W*(?P<which>(?:[ao]|n[ao]) [a-z0-9 ]{1,20}?) nao\b\W*(?:(?:quero|prefiro|pode ser) )?[ao] outr[oa]\b"
)
_TWO = 2
_LATEST = re.compile(
    r"\bultim[oa]\b(?! (?:vez|consulta|sessao|visita|semana|mes))|^\W*(?:pode ser |quero |prefiro |entao "
    r")?(?:n?[oa]|n?ess[ea]) (?:mais tarde|de baixo)\b"
)


def sooner(norm: str) -> bool:
    """Whether an answer wants whatever is to be had first ("a mais cedo"): among things without a time it is no number.

    Which of them that is the diary tells.
    """
    return bool(_SOONER.search(norm))


def names_slot(when: When, slot: Slot) -> bool:
    """Whether a time is named and is that of the slot, as far as it goes."""
    moments = list(when.candidates) or ([] if when.moment.empty else [when.moment])
    return any(
        m.date in {None, slot.start.date()}
        and m.time in {None, slot.start.time()}
        and not (m.date_from or m.date_to or m.time_from or m.time_to)
        for m in moments
    )


def chosen_index(norm: str, count: int) -> int | None:
    """The index (from 0) of the option the normalised answer picks, or None when it picks none by number."""
    declined = _DECLINED.match(norm)
    if declined is not None and count == _TWO:
        first = chosen_index(declined["which"], count)
        return None if first is None else 1 - first  # "o segundo não, o outro"
    number = _NUMBER.match(norm)
    if number is not None and int(number["n"]) <= count:
        return int(number["n"]) - 1
    if _EARLIEST.search(norm):
        return 0
    if _LATEST.search(norm):
        return count - 1
    for pattern, index in _ORDINALS:
        if index < count and re.search(rf"\b(?:o|a|opcao|no|na|pode ser|quero|prefiro|^)? ?(?:{pattern})\b", norm):
            return index
    return None
