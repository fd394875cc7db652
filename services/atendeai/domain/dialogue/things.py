"""Examinations and treatments by names that no list of ours holds: "exame de vista", "cirurgia plástica"; pure."""

import re

from atendeai.domain.understanding.normalise import Text

_OFFERS = re.compile(
    r"\b(?:faz|fazem|realiza|realizam|oferece|oferecem|aplicam?|colocam?|vendem?|trabalham? com|operam?|"
    r"(?:tem|teria|existe|ha)(?= (?:\w+ ){0,2}(?:medic[oa]|especialista|exame|teste|cirurgia|tratamento|consulta|"
    r"sessao|"
    r"vacina|terapia|aula|profissional)))\s+"
    r"(?:(?:ai|aqui|tambem|ja|o|a|os|as|um|uma|algum|alguma|de|esse|essa|isso|por acaso|voces)\s+)*"
    r"(?P<thing>[a-z][a-z -]{2,40})"
)
_WISHED = re.compile(
    r"\b(?:marcar|agendar|fazer|quero|queria|preciso(?: de)?|gostaria de)\s+(?:(?:um|uma|o|a|fazer|marcar|agendar|"
    r"de)\s+)*"
    r"(?P<thing>(?:exame|cirurgia|tratamento|teste|vacina|sessao|aula|limpeza|aplicacao) (?:de|da|do|"
    r"para) [a-z]{3,}(?: de [a-z]{3,})?)"
)
_ENDS = re.compile(
    r"\s+(?:ai|aqui|hoje|amanha|voces?|para|pra|por|pelo|pela|com|na|no|nessa|nesse|em|e|ou|que|mas|porque|quando|"
    r"tambem|ou nao|"
    r"ne|quanto|qual|sem|tem|se|as|aos|a partir|(?:segunda|terca|quarta|quinta|sexta|sabado|domingo))\b.*$"
)
_TOO_WIDE = re.compile(
    r"^(?:medic[oa]s?|profissional|profissionais|especialistas?|exames?|tratamentos?|testes?|cirurgias?|sess(?:ao|"
    r"oes)|"
    r"consultas?|procedimentos?|vacinas?|atendimentos?)$"
)
"""Words that name nothing by themselves."""
_NOTHING_BOOKABLE = re.compile(
    r"^(?:desconto|agendamento|orcamento|parte|parcela\w*|entrega|plantao|emergencia|urgencia|encaixe|horario|hora|"
    r"vaga|"
    r"cadastro|nota|recibo|reembolso|convenio|plano|isso|algo|alguma coisa|tudo|nada|mais|online|telemedicina|"
    r"video\w*|pix|"
    r"cartao|bem|mal|sentido|diferenca|efeito|parar|menos|quanto|questao|favor|uso|conta|atendimento)\b|"
    r"^exames? de (?:rotina|hoje|amanha|novo|voces)|^consultas? (?:online|por|de rotina|hoje|particular|em casa)"
)
_LONGEST = 4
"""More words are a sentence, and no name."""


def wished_for(text: Text) -> str | None:
    """What is wished for, as the patient calls it; None where it has no such name."""
    return _thing(text, _WISHED)


def asked_for(text: Text) -> str | None:
    """What it is asked of whether it is done or sold here."""
    return _thing(text, _OFFERS)


def _thing(text: Text, pattern: re.Pattern[str]) -> str | None:
    found = pattern.search(text.norm)
    if found is None:
        return None
    words = _ENDS.sub("", f"{found['thing']} ").strip(" -")
    if not words or _NOTHING_BOOKABLE.search(words) or _TOO_WIDE.match(words) or len(words.split()) > _LONGEST:
        return None
    at = found.start("thing")
    return text.surface(at, at + len(words))
