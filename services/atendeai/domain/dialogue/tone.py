"""The persona's tone: the same sentences, spoken formally or in a friendly way.

The dialogue is written so that "você" and the verbs of the third person can stand for "o(a) senhor(a)" as they are.
"""

import re

FORMAL = "Formal"
FRIENDLY = "Friendly"

_FORMAL = (
    (re.compile(r"\bVocê\b"), "O(a) senhor(a)"),
    (re.compile(r"\bvocê\b"), "o(a) senhor(a)"),
    (re.compile(r"\bPuxa, (\w)"), lambda m: m[1].upper()),
    (re.compile(r"\bTudo bem, (\w)"), lambda m: f"Perfeitamente, {m[1]}"),
    (re.compile(r"\bOlá(, [^.!?]+)?!"), r"Olá\1."),
    (re.compile(r"\bPor nada!"), "De nada."),
    (re.compile(r"\bAté (lá|logo)!"), r"Até \1."),
    (
        re.compile(
            r"\b(Agendado|Remarcado|Certo|Presença confirmada|Obrigado por avisar|Desculpe o incômodo|"
            r"Estou por aqui)!"
        ),
        r"\1.",
    ),
    (re.compile(" ?[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]"), ""),
)
_FRIENDLY = (
    (re.compile(r"^Olá! (?=Aqui é)"), "Olá! 😊 "),
    (re.compile(r"\bAté lá!$"), "Até lá! 😊"),
    (re.compile(r"^Por nada!"), "Por nada! 😊"),
)


def spoken(text: str, tone: str | None) -> str:
    """A reply in the persona's tone; unchanged where it has none."""
    for pattern, instead in _FORMAL if tone == FORMAL else _FRIENDLY if tone == FRIENDLY else ():
        text = pattern.sub(instead, text)
    return text.strip()
