"""Of whom a message speaks: of who writes, or of somebody of the family whom the appointment is for; pure."""

import re

KINSHIP = (
    r"(?:filh\w+|mae|pai|espos\w+|marido|mulher|avo|sobrinh\w+|net[oa]|irma\w*|namorad\w+|bebe|sogr[oa]|"
    r"ti[oa]|amig[oa]|prim[oa])\b"
)
"""Whom an appointment may be for besides who writes."""
_TOLD = (
    # "minha filha tem 6 anos", "meu pai precisa de consulta": told of somebody, it is they who come
    rf"\b(?:meu|minha|nosso|nossa) {KINSHIP},? (?:(?:que|ja|so|ainda|[a-z]+ de) )?"
    r"(?:(?:tem|fez|faz|completou|com|de) (?:\d+|um|uma|dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez) "
    r"(?:aninhos?|anos?|mes|meses|dias)\b|"
    r"(?:esta|ta|anda) (?:com (?:muita |uma )?(?:febre|dor|tosse|gripe|alergia|coceira)|doente|gripad\w|sentindo)\b|"
    r"(?:precis\w+|quer\w*|gostaria|necessit\w+) (?:de )?(?:(?:uma? )?"
    r"(?:consulta|exame|avaliacao|retorno|medic\w+|dentista)|(?:se )?(?:marcar|agendar|consultar|passar)|fazer um)\b)"
)
_OTHER = re.compile(
    r"(?<!ver )(?<!falar )(?<!conversar )(?<!combinar )(?<!confirmar )(?<!perguntar )"
    rf"\b(?:para|pra|da|do|de|e|com) (?:o |a |os |as )?(?:meu|minha|meus|minhas|nosso|nossa) {KINSHIP}|{_TOLD}"
)
_ASKED_FOR = re.compile(
    rf"{_TOLD}|\b(?:para|e|seria|era) (?:o |a |os |as |um |uma )?(?:meu|minha|meus|minhas|nosso|nossa) {KINSHIP}|"
    rf"\btenho (?:um |uma |dois |duas )?{KINSHIP}(?: \w+)? (?:de|com) (?:\d+|um|uma|dois|duas|tres|quatro|cinco|"
    rf"seis|sete|"
    r"oito|nove|dez) (?:aninhos?|anos?|mes|meses|dias)\b"
)
"""Somebody of the family for whom a question is asked."""
_ONESELF = re.compile(
    r"\b(?:e|seria|era|sera) (?:para|pra) mim\b|\b(?:para|pra) mim mesm[oa]\b|\bsou eu (?:mesm[oa]|que vou)\b"
)

_ALSO_ONESELF = re.compile(r"\b(?:para|pra) mim\b")
_RELATION = re.compile(rf"\b(?:meu|minha|nosso|nossa) (?P<kin>{KINSHIP})")


def relation(norm: str) -> str | None:
    """Who of the family is spoken of first, in a word ("mae", "filha")."""
    found = _RELATION.search(norm)
    return found["kin"] if found else None


def speaks_for_another(norm: str) -> bool:
    """Whether a message says that somebody of the family is meant ("para minha mãe", "é meu pai")."""
    return bool(_OTHER.search(norm))


def speaks_for_several(norm: str) -> bool:
    """Whether a message wishes for something for who writes, and for somebody of the family too."""
    return speaks_for_another(norm) and bool(_ALSO_ONESELF.search(norm))


def asks_for_another(norm: str) -> bool:
    """Whether a question is asked for somebody of the family ("atendem criança? é pro meu filho")."""
    return bool(_ASKED_FOR.search(norm))


def speaks_for_oneself(norm: str) -> bool:
    """Whether a message says that who writes is the patient ("é pra mim mesmo")."""
    return bool(_ONESELF.search(norm)) and not speaks_for_another(norm)
