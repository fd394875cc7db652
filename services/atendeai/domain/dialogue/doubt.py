"""A yes that the same message takes back ("sim, não", "sim nao pode ser outro dia"): nothing is settled by it."""

import re

_TWICE = re.compile(r"\b(nao (?:[a-z]+ ){1,3})nao\b(?=\W*$)")
"""One no said twice: "não vou faltar não"."""
_HARMLESS = re.compile(
    r"\b(?:(?:por ?que|pois) nao\b|"
    r"nao (?:tem|ha|tenho|vejo|vai ter|tera|teria) "
    r"(?!como\b|jeito|condic|disponib|tempo\b|interesse|certeza|outr)[a-z]+|"
    r"nao (?:vou |quero |pretendo |irei |precisa )?(?:me |te |lhe |se )?(?:falt|atras|esquec|perd|perc|preocup|desmarc|"
    r"cancel|desist)\w*|"
    r"nao precis\w+ (?:de|nem|mudar|trocar|remarcar|avisar|lembrar|confirmar)\b|"
    r"nao sei (?:como|onde|chegar|quanto|qual|o)\b|nao (?:lembro|conheco|uso)\b)"
)
"""What a no beside a yes may say without taking it back: "não tem problema", "não vou faltar"."""
_BARE = re.compile(r"(?:\b(?:nao|nunca|negativo|nops?)\b(?=\W*(?:$|[,.;!?\n]|sim\b|nao\b))|👎|❌)")
_REFUSES = re.compile(
    r"\b(?:(?:claro|acho|certeza|pode ser|agora|hoje|melhor|prefiro)(?: que)? nao\b|"
    r"nao (?:posso|quero|da\b|serve|consigo|vou|poderei|tenho|tem|vai dar|gostei)|"
    r"outr[oa] (?:dia|data|hora|horario|semana))"
)
_DECIDED = re.compile(r"^\W*(?:sim|pode (?:ser|marcar|confirmar|agendar)|confirmo|confirmado|fechado|quero)\b")
_COUNTERS = re.compile(
    r"^\W*(?:(?:sim|ok|ah|e|oi|entao|mas|tambem)\W+)*(?:pode(?:ria)?|podia) ser "
    r"(?:(?:um pouco|bem|so|tambem|para|num|n?em|n[ao]|um|uma) )*"
    r"(?:mais (?:cedo|tarde|para|perto|longe|proxim\w+)|n?outr[oa]\b|antes\b|depois\b|"
    r"(?P<else>online|remot\w+|por (?:video|telefone)|que\b(?! sim)))|"
    r"\b(?P<later>(?:mais tarde|depois|amanha|daqui a pouco) (?:eu )?(?:confirmo|aviso|falo|respondo|vejo|te \w+))\b"
)
"""What begins like a yes and asks for something else ("pode ser outro dia?"), or puts the yes off."""
_ANY = re.compile(r"\b(?:nao|nunca|negativo|nops?)\b|👎|❌")


def decided(norm: str) -> bool:
    """Whether a message begins with a yes, whatever stands beside it ("sim, e qual o endereço?")."""
    return bool(_DECIDED.search(norm))


def takes_back(norm: str) -> bool:
    """Whether a normalised message that says yes to an offer also says no to it."""
    return bool(_ANY.search(_left(norm)) or _COUNTERS.search(norm))


def counters(norm: str) -> bool:
    """Whether what begins like a yes asks for another time ("pode ser mais cedo?")."""
    found = _COUNTERS.search(norm)
    return found is not None and not (found["else"] or found["later"])


def says_both(norm: str) -> bool:
    """Whether a normalised message says yes and, in so many words, no: "sim, não" to "Confirma o cancelamento?"."""
    return bool(_BARE.search(_left(norm)))


def declines(norm: str) -> bool:
    """Whether what takes the yes back is the clearer of the two: "claro que não", "não pode ser outro dia"."""
    return bool(_REFUSES.search(_left(norm))) or counters(norm)


def _left(norm: str) -> str:
    return _HARMLESS.sub(" ", _TWICE.sub(r"\1", norm))
