"""Everyday names of specialties and treatments: "médica de pele" is a dermatologist, "tirar o tártaro" a cleaning.

Common knowledge and nothing of any clinic's own; whether it has such a service is asked where names are matched.
"""

import re
from collections.abc import Iterator

_SPECIALISTS: dict[str, str] = {
    "dermatologista": r"peles?|manchas?|espinhas?|acne|cabelos?|unhas?",
    "cardiologista": r"corac(?:ao|oes)|cardiacos?|pressao",
    "pediatra": r"criancas?|criancinhas?|bebes?|nenem|nenes?",
    "ginecologista": r"mulher(?:es)?|senhoras",
    "oftalmologista": r"olhos?|vistas?|visao",
    "ortopedista": r"oss(?:o|os|inhos?)|coluna|juntas?|joelhos?",
    "otorrinolaringologista": r"ouvidos?|garganta|nariz|ouvido,? nariz e garganta",
    "gastroenterologista": r"estomago|intestinos?|figado",
    "urologista": r"prostata|bexiga|homens?",
    "nefrologista": r"rim|rins",
    "pneumologista": r"pulma(?:o|es)|pulmoes",
    "endocrinologista": r"hormonios?|tireoide|diabetes?",
    "neurologista": r"cerebro|enxaqueca",
    "geriatra": r"idosos?|velhinhos?",
    "angiologista": r"varizes|veias?|vasos?",
    "hematologista": r"sangue",
    "oncologista": r"cancer",
    "mastologista": r"mamas?|seios?",
    "alergista": r"alergias?",
    "reumatologista": r"reumatismo",
    "dentista": r"dentes?|boca",
}
"""Who treats what, as people call it."""
_TREATMENTS: dict[str, str] = {
    "limpeza": (
        r"(?:tiram?|tirar|retirar|remover|raspar|limpar|raspagem d[eo]|remocao d[eo]) (?:(?:[ao]s?|d[ao]s?|meus?) "
        r")*(?:tartaro|"
        r"placa bacteriana)s?|limpar (?:(?:os|meus) )*dentes|profilaxia"
    ),
    "extracao": (
        r"(?:arrancar|extrair) (?:(?:um|uns|os?|meus?) )*(?:dentes?|sisos?)|(?:tirar|retirar|operar) (?:(?:um|os?|"
        r"meus?) )*"
        r"(?:dentes? d[eo] juizo|(?:dentes? d[eo] )?sisos?)"
    ),
    "clareamento": r"(?:clarear|branquear) (?:(?:os|meus) )*dentes|dentes (?:bem )?(?:mais )?branc\w+",
    "raio x": r"(?:(?:bater|tirar|fazer) )?(?:uma )?chapa d[aeo]s? [a-z]+|radiografia",
    "ecocardiograma": r"(?:ultrassom|ultra som|ultra) d[oe] coracao|eco d[oe] coracao",
    "ultrassom abdome": r"(?:ultrassom|ultra som|ultra) d[ae] barriga",
    "audiometria": r"(?:teste|exame) d[ae] (?:cabine|audicao)",
    "bioimpedancia": r"(?:exame|teste) d[ae] (?:balanca|gordura)\b|medir (?:a )?gordura",
    "tonometria": r"(?:medir|exame d[ae]) (?:a )?pressao d[oe]s? olhos?",
    "vasinhos": r"secar (?:(?:[ao]s?|um\w*) )*(?:veias?|veinhas?|vasos?)",
    "holter": r"24 ?h(?:oras)? (?:medindo|gravando|acompanhando) o coracao",
    "acupuntura": r"agulhinhas?|agulhas? (?:para|contra) (?:a )?dor",
    "puericultura": r"(?:pesar e medir|consulta de rotina d[oe]) (?:[ao] )?(?:(?:meu|minha) )?(?:bebe|nenem)",
    "podologia": r"(?:cuidar|uma geral) (?:dos|nos) pes",
    "restauracao": r"obturacao|obturar (?:(?:um|os?|meus?) )*dentes?",
}
_OF_A_PERSON = frozenset(["pediatra", "geriatra", "ginecologista", "urologista"])
"""A doctor "para criança" is any who sees children, where the clinic has none of these."""
_TITLE = r"(?:medic[oa]s?|doutora?s?|dra?|especialistas?)"
_FOR = r"(?:(?:d[aeo]s?|para|em|que (?:cuida|trata|mexe|entende|ve)(?: (?:d[aeo]s?|com))?|n[ao]s?)(?: [ao]s?)?)"
_ALONE = r"^\W*(?:(?:e|seria|para|com|quero|sim|pode ser)\W+)*(?P<ref>[ao] {body})\W*$"
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    *((re.compile(rf"\b(?P<ref>{_TITLE} {_FOR} (?:{body}))\b"), name) for name, body in _SPECIALISTS.items()),
    *((re.compile(_ALONE.format(body=rf"{_FOR} (?:{body})")), name) for name, body in _SPECIALISTS.items()),
    *((re.compile(rf"\b(?P<ref>{said})\b"), name) for name, said in _TREATMENTS.items()),
)
_STEM = 6
_SHORT = 4
"""Shorter words of a lay name carry none of its meaning."""


def found(norm: str, own: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Where ``norm`` uses a lay name, and the name of the trade for it, in order.

    ``own``: the words of the clinic's own names; a lay name that consists of them is left as it is.
    """
    places: dict[int, tuple[int, str]] = {}
    for pattern, name in _NAMES:
        for match in pattern.finditer(norm):
            said = match["ref"].split()
            words = [word for word in said if len(word) >= _SHORT]
            if "para" in said and name in _OF_A_PERSON and not any(word.startswith(name[:_STEM]) for word in own):
                continue
            if not own.issuperset(words):
                places.setdefault(match.start("ref"), (match.end("ref"), name))
    begun = 0
    for start, (end, name) in sorted(places.items()):
        if start >= begun:
            yield start, end, name
            begun = end
