"""What a rule is, and the words that rules share.

General patterns rather than remembered phrases: a verb of the act, its object, and what would turn it round. Rules
read normalised text: lower case, no accents, slips put right.
"""

import re
from dataclasses import dataclass

from atendeai.domain.understanding.intent import Intent

WANT = (
    r"(?:quero|queria|qeria|gostaria(?: de)?|preciso(?: de)?|precisava(?: de)?|queremos|gostariamos|desejo|"
    r"pretendo|necessito(?: de)?|to querendo|estou querendo|vim|posso|podemos|consigo|da para|tem como|"
    r"teria como|como (?:faco|eu faco|e que eu faco)(?: para)?|seria possivel|e possivel|pode|poderia|"
    r"podia|voces? (?:pode|podem|consegue|conseguem)|vamos|bora|vou|para|me ajuda a|ajuda para|favor|"
    r"ajude a)"
)
VISIT = (
    r"(?:consultas?|horarios?|exames?|avaliac(?:ao|oes)|retornos?|atendimentos?|sess(?:ao|oes)|vaga(?! (?:para|de) "
    r"(?:estacion|carro|moto|emprego|trabalho|estagio))|"
    r"encaixe|agendamentos?|hora|limpeza|check[ -]?up|procedimento|visita|vacina|ultrassom|revisao)"
)
NAMES = (
    r"(?:dermatolog\w*|cardiolog\w*|ginecolog\w*|ortoped\w*|pediatr\w*|psicolog\w*|psiquiatr\w*|"
    r"oftalmolog\w*|oculista|urolog\w*|neurolog\w*|endocrinolog\w*|nutricionista|nutrolog\w*|fisioterap\w*|"
    r"otorrino\w*|gastroentero\w*|reumatolog\w*|mastolog\w*|geriatr\w*|dentista|ortodont\w*|fono\w*|"
    r"clinico geral|medic[oa]|doutora?|dra?)"
)
PLAN = (
    r"(?:unimed|bradesco|sul ?america|amil|hapvida|notre ?dame|intermedica|porto seguro|porto saude|cassi|"
    r"geap|golden cross|prevent senior|ipasgo|ipsemg|iamspe|omint|care ?plus|sus|planserv|odontoprev|"
    r"uniodonto|cartao de todos)"
)
EXAMS = (
    r"(?:exames?|resultados?|laudos?|biopsias?|hemograma|raio[ -]?x|ultrassom|mamografia|tomografia|ressonancia|"
    r"papanicolau|preventivo|endoscopia|eletrocardiograma|ecocardiograma)"
)
"""What there is a result of."""
NOTICES = (
    r"(?:lembretes?|avis(?:os?|inhos?)|mensage(?:m|ns)|notificac(?:ao|oes)|propagandas?|promoc(?:ao|oes)|"
    r"ofertas|envios?|recebimento|disparos?|publicidades?|comunicados?|informativos?|newsletters?|spams?)"
)
"""What the clinic sends of its own accord."""
AT_THE_DOOR = (
    r"\b(?:estou|cheguei|estamos|chegamos|parei|me deixou)\b(?! (?:atras|cheg|a caminho|indo|n[ao] transito))"
    r"[^?!]{0,60}\b(?:e (?:aqui|ess[ea]|ai|por aqui|nest[ea]|ness[ea])\b|"
    r"qual (?:e )?(?:[ao] )?(?:sala|andar|porta|portao|numero|entrada|predio|interfone|campainha|conjunto|"
    r"rua)|(?:direita|esquerda)\b|nao (?:acho|encontro|vejo|sei qual|estou achando|estou vendo)|que andar|por onde "
    r"(?:entro|subo))"
)
"""Who stands in the street or the house and asks the way from there."""
STOP = (
    r"(?:(?:cancel|desmarc|desativ|deslig|suspend|interromp|bloque|dispens|tir|retir|encerr)(?:ar|er|a|e|em|o|ando)|"
    r"desmarqu(?:e|em)|deslig(?:ue|uem)|(?:remov|exclu)(?:er|ir|a|am|e|em|i|o)|par(?:ar|em|e)|"
    r"(?:para|chega)(?= (?:de|com)\b))"
)
"""Orders to end something."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A sign of an intent. ``weight`` is how sure it makes us, between 0 and 1."""

    intent: Intent
    pattern: re.Pattern[str]
    weight: float = 0.9


def rules(intent: Intent, *patterns: str, weight: float = 0.9) -> list[Rule]:
    """One rule for each pattern."""
    return [Rule(intent, re.compile(p), weight) for p in patterns]
