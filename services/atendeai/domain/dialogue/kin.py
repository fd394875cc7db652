"""Of whom a message speaks: of who writes, or of somebody of the family whom the appointment is for; pure."""

import re

from atendeai.domain.understanding.normalise import fold

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
    r"\b(?:e|seria|era|sera|so|somente) (?:para|pra) mim\b|\b(?:para|pra) mim mesm[oa]\b|"
    r"\bsou eu (?:mesm[oa]|que vou)\b"
)

_ALSO_ONESELF = re.compile(r"\b(?:para|pra) mim\b")
_RELATION = re.compile(rf"\b(?P<own>meu|minha|nosso|nossa) (?P<kin>{KINSHIP})")
_PERSON = rf"(?:(?:o |a )?(?:mim|(?:meu|minha|nosso|nossa) {KINSHIP}))"
_ANOTHER = rf"(?:,? (?:e|mais) (?:(?:um|uma|outr[oa]) )?(?:para )?|,? (?:(?:um|uma|outr[oa]) )?para ){_PERSON}"
_TOGETHER = re.compile(
    rf"\b(?:(?:meu|minha) {KINSHIP}(?: e eu\b|(?:, (?:meu|minha) {KINSHIP})* e (?:o |a )?(?:meu|minha) {KINSHIP}"
    r"(?= (?:precis|quer|gostari|necessit|vao)))|"
    rf"(?:para {_PERSON}|eu(?= e ))(?:(?:, ?{_PERSON})*{_ANOTHER})+)"
    r"(?! (?:que|ja|nao|vai|foi|disse|falou|indicou|pediu)\b)"
)
_SEVERAL = re.compile(
    r"\b(?:meus|minhas|nossos|nossas) (?P<number>2|dois|duas|3|tres) (?P<kin>filh[oa]|net[oa]|sobrinh[oa]|irma[os]?)s\b"
)
_NUMBERS = {"2": 2, "dois": 2, "duas": 2, "3": 3, "tres": 3}
_EACH = re.compile(rf"\b(?P<self>eu|mim)\b|{_RELATION.pattern}")
_WRITTEN = {"mae": "mãe", "irma": "irmã", "bebe": "bebê", "irmao": "irmão"}
SELF = "você"
"""Who writes, where it is said to them whom something is for."""


_INTRODUCES = re.compile(
    r"^\W*(?:(?:oi+e?|ola|opa|bom dia|boa tarde|boa noite|tudo bem|moca|e)\W+)*(?:aqui (?:e|fala) |(?:eu )?sou |"
    r"quem fala e )"
    rf"(?:[ao] )?{KINSHIP} d[aeo]s? [a-z]+(?: [a-z]+){{0,3}}\W*$"
)


def introduces(norm: str) -> bool:
    """Whether a message only says whose relative writes ("boa tarde, sou a avó da Helena")."""
    return _INTRODUCES.search(norm) is not None


def relation(norm: str) -> str | None:
    """Who of the family is spoken of first, in a word ("mae", "filha")."""
    found = _RELATION.search(norm)
    return found["kin"] if found else None


def yours(own: str, relative: str) -> str:
    """How a relative is spoken of to who wrote of them: "sua mãe". ``own``: "minha"; ``relative``: "mae"."""
    word = fold(relative)
    grandparent = "avô" if own in {"meu", "nosso"} else "avó"
    written = grandparent if word == "avo" else _WRITTEN.get(word, relative.lower())
    return f"{'seu' if own in {'meu', 'nosso'} else 'sua'} {written}"


def is_kin(word: str) -> bool:
    """Whether a word says who of the family somebody is ("mãe")."""
    return re.fullmatch(KINSHIP, fold(word)) is not None


def key(whom: str) -> str:
    """Who of the family is meant by "sua mãe", as ``relation`` says it ("mae")."""
    return fold(whom).split()[-1]


def is_relation(whom: str) -> bool:
    """Whether somebody is spoken of as one of the family ("sua mãe"), not by name."""
    return whom.startswith(("seu ", "sua "))


def is_further(whom: str) -> bool:
    """Whether it is another of the same relation ("seu outro filho")."""
    return " outr" in whom


def whom(norm: str) -> str | None:
    """The one for whom something is wished for, as it is said to who writes ("sua filha"); None: nobody is named."""
    found = _RELATION.search(norm) if speaks_for_another(norm) else None
    if found is not None:
        return yours(found["own"], found["kin"])
    return SELF if _ALSO_ONESELF.search(norm) else None


def together(norm: str) -> list[str]:
    """Those for whom one thing is wished for, in order ("pra mim e pro meu marido"); none where it is one person."""
    children = _SEVERAL.search(norm)
    if children is not None:
        one = children["kin"].rstrip("s")
        own, other = ("minha", "outra") if one.endswith("a") else ("meu", "outro")
        possessive, word = yours(own, one).split()
        return [f"{possessive} {word}", *[f"{possessive} {other} {word}"] * (_NUMBERS[children["number"]] - 1)]
    found = _TOGETHER.search(norm)
    each = _EACH.finditer(found[0]) if found else ()
    people = list(dict.fromkeys(SELF if one["self"] else yours(one["own"], one["kin"]) for one in each))
    return people if len(people) > 1 else []


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
