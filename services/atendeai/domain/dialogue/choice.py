"""Which of several numbered options an answer picks."""

import re

_ORDINALS = (
    (r"primeir[oa](?! (?:semana|quinzena|vez|consulta|dia|coisa|avaliacao))|1[oa]", 0),
    (r"segund[oa](?! feira|-feira)|2[oa](?! feira|-feira)", 1),
    (r"terceir[oa]|3[oa](?! feira|-feira)", 2),
    (r"quart[oa] (?:opcao|alternativa|horario)|4[oa] (?:opcao|alternativa|horario)", 3),
)
_NUMBER = re.compile(
    r"^\W*(?:(?:o|a|opcao|numero|n|alternativa|pode ser (?:o|a)?|quero (?:o|a)?|prefiro (?:o|a)?|"
    r"fico com (?:o|a)?)\s*)*"
    r"(?P<n>[1-9])\W*(?:por favor|mesmo|pode ser|obrigad[oa])?\W*$"
)
_EARLIEST = re.compile(r"^\W*(?:pode ser |quero |prefiro )?(?:[oa]|n[oa])? ?(?:mais cedo|de cima)\b")
_LATEST = re.compile(r"\bultim[oa]\b|^\W*(?:pode ser |quero |prefiro )?(?:[oa]|n[oa]) (?:mais tarde|de baixo)\b")


def chosen_index(norm: str, count: int) -> int | None:
    """The index (from 0) of the option the normalised answer picks, or None when it picks none by number."""
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
