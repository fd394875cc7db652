"""What a message tells, apart from what it asks for beside it.

"Queria marcar uma consulta, minha mãe não acorda" asks for one thing and tells another. What is asked for is cut out,
so that what is told can be judged as if it stood alone.
"""

import re

from atendeai.domain.understanding.rulebook import NAMES, PLAN, VISIT

_DAYS = (
    r"(?:hoje|amanha|agora|ja|logo|cedo|urgente|depois|ontem|segunda|terca|quarta|quinta|sexta|sabado|feira|manha|"
    r"tarde|noite|dia|semana|mes|horas?|que vem|proxim[oa]|vem|ess[ea]|possivel|\d+ ?h?)"
)
_GOES_WITH_IT = (
    rf"(?:{VISIT}|{NAMES}|{PLAN}|{_DAYS}|horarios?|clinic[oa]|particular|convenio|plano|mim|voces?|favor|ai|aqui|la)"
)
_JOINING = r"(?:o|a|os|as|um|uma|de|d[aeo]s?|n[ao]s?|em|ao|para|com|por|pel[ao]|meus?|minhas?|mais|so|ate|me|outr[oa])"
_FOR_KIN = (
    r"para (?:o |a )?(?:meu|minha) "
    r"(?:filh[oa]|mae|pai|marido|esposa|mulher|avo|net[oa]|bebe|irma|irmao|sogr[oa]|ti[oa])"
)
_REST = rf"(?:\s+(?:{_FOR_KIN}|(?:{_JOINING}\s+)*+{_GOES_WITH_IT})\b)"
"""One step further of what is asked for: "uma consulta", "com o cardiologista", "para hoje"."""
_WISH = (
    r"(?:(?:eu|so|sera que|e|voces?|quero|queria|gostaria(?: de)?|preciso|precisava|vim|posso|pode(?:m|ria)?|podia|"
    r"consigo|consegue\w*|da para|tem como|teria como|seria possivel|vou|vamos|me|nos|para) )"
)
_VERB = (
    r"(?:(?:re|des)?marc(?:ar|a|o|que)|(?:re)?agend(?:ar|a|o|e)|cancel(?:ar|a|o|e)|(?:des|re)marque|adi(?:ar|a)|"
    r"antecip(?:ar|a)|consultar|encaix(?:ar|a|e)|confirmar)"
)
_OF_A_WISH = r"(?:mudar|trocar|passar|falar|ir|atend\w+|lig(?:ar|a|ue)|retorn(?:ar|a|e)|(?:ser|sou) atendid[oa])"
"""Verbs that ask for something only after a word of wishing."""
_ASKED = re.compile(
    rf"\b(?>{_WISH}{{0,6}}+{_VERB}\b{_REST}*+"
    rf"|{_WISH}{{1,6}}+{_OF_A_WISH}\b{_REST}*+"
    rf"|(?:(?:quero|queria|preciso de|gostaria de|preciso)|(?:voces? )?(?:tem|teria|ha)){_REST}++"
    rf"|(?:quanto (?:custa|e|fica|esta|sai)|qual (?:e |seria )?[oa] (?:valor|preco|endereco|horario))\b{_REST}*+"
    rf"|(?:voces? )?(?:aceitam?|atendem?){_REST}++"
    rf"|(?:sera que )?(?:o|a) {NAMES} (?:me |nos )?(?:atende|pode|consegue)\b(?: me| nos)?(?: atender| ver)?{_REST}*+"
    r"|por favor|(?:muito )?obrigad[oa])"
    r"(?!\s+(?:que|quem|de|d[ao]s?|para|sem|sobre|contra|quando)\b)(?![a-z])"
)
"""What is asked for, to its end. Where it goes on ("um médico que trate …", "consulta para …") it is no aside."""
_LEFT_OVER = re.compile(r"\s*([,.;!?])(?:\s*[,.;!?])*\s*")
_EDGES = re.compile(
    r"^[\s,.;!?]*(?:(?:e|mas|porque|pois|que|entao|oi|ola|bom dia|boa tarde|boa noite)\b[\s,.;!?]*)*|"
    r"[\s,;]*(?:\b(?:e|mas|porque|pois)\b)?[\s,;]*$"
)


def told(norm: str) -> str:
    """What a normalised message tells; empty where it only asks for something."""
    rest, cut = _ASKED.subn(", ", norm)
    return _EDGES.sub("", _LEFT_OVER.sub(r"\1 ", rest)) if cut else norm
