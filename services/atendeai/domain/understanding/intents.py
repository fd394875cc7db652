"""What the rules say of a message: emergencies first, then the rules, then what remains of courtesies and answers.

``Classifier`` is where a trained model plugs in; ``judge`` brings the two together.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from atendeai.domain.understanding import cues
from atendeai.domain.understanding.emergency import is_emergency
from atendeai.domain.understanding.entities import services_named
from atendeai.domain.understanding.foreign import is_foreign, turns_the_attendant
from atendeai.domain.understanding.intent import CHANGES, PRECEDENCE, QUESTIONS, Intent
from atendeai.domain.understanding.rulebook import AT_THE_DOOR
from atendeai.domain.understanding.rules import RULES


class Classifier(Protocol):
    """A trained judge of intents."""

    def margins(self, norm: str, marks: Collection[str]) -> Mapping[Intent, float]:
        """For every intent, how far a normalised message lies on its side: positive for it, negative against it.

        ``marks`` are the names of what the rules saw in the message.
        """


@dataclass(frozen=True, slots=True)
class Judgement:
    """The intent that counts, how sure it is (0 to 1), and everything else the message showed.

    ``doubtful``: it is an emergency only to be on the safe side, by a sign that may well be a figure of speech.
    """

    intent: Intent
    confidence: float
    shown: frozenset[Intent]
    doubtful: bool = False


_GREETING = (
    r"(?:oi+e*|ola|opa|e ?ai|hey|hello|alo|bom dia|boa tarde|boa noite|bons dias|saudacoes|fala(?: ai)?(?=,)|tudo "
    r"(?:bem|bom|joia|beleza|"
    r"certo|joia)(?: com voces?)?|(?:oi|ola|opa|e ?ai|fala),? (?:beleza|tranquilo|suave|firmeza)|como (?:vai|esta|"
    r"voce esta|estao)(?: voces?)?|beleza(?=\s*\?)|e ai,? beleza|(?:por|"
    r"tudo) ai|prezad[oa]s|"
    r"e d[ao] (?:recepcao|clinica|consultorio)(?=\W*\?)|ola a todos|(?<!\w )(?<!\w)dia(?=\W*$)|(?:tem )?alguem (?:ai|"
    r"online|por ai)(?=\W*$))"
)
_THANKS = (
    r"(?:(?:muito |muitissimo )?obrigad[oa](?:s)?(?: (?:mesmo|viu|pela atencao|pelo atendimento|por tudo|"
    r"pela ajuda|de coracao))?|valeu(?: mesmo)?|(?:o?brigad\w+)|tks|thanks|thx|grat[oa] pel\w+|agradec\w+(?: (?:a|"
    r"pela) (?:atencao|ajuda))?|"
    r"gratidao|grat[oa]|deus (?:te |lhe |os )?abencoe|tmj|show de bola, obrigad[oa]|🙏)"
)
_GOODBYE = (
    r"(?:tchau(?:zinho)?|falou(?=,? ate)|ate(?=\W*$)|ate (?:mais|logo|breve|la|amanha|mais ver|a proxima|segunda|"
    r"terca|quarta|quinta|sexta|"
    r"sabado|domingo|outro dia)|falou|fui|abracos?|bjs?|"
    r"beijos?|um abraco|(?:tenham? )(?:um |uma )?(?:bom|boa|otim[oa]|excelente) \w+|"
    r"(?:um |uma )?(?:otim[oa]|excelente) (?:dia|tarde|noite|semana|fim de semana|final de semana|trabalho|feriado)|"
    r"(?:um |uma )(?:bom|boa) (?:dia|tarde|noite)|"
    r"(?:um |uma )?(?:bom|boa) (?:semana|fim de semana|final de semana|trabalho|descanso|feriado)|adeus|passar bem|"
    r"(?:fica|fiquem?|vai|va) com deus|nos falamos|ate qualquer hora|vou nessa|se cuida\w*)"
)
_SURE_YES = (
    r"(?:sim+|s|claro|com certeza|certeza|pode ser|ok(?:ay|ey)?|okk|confirm(?:o|ado|ada)|fechad[oa]|fechou|beleza|"
    r"perfeito|otimo|maravilha|combinad[oa]|isso|exat[ao](?:mente)?|certo|certinho|correto|uhum|aham|arram|positivo|"
    r"bora|demorou|manda ver|serve|"
    r"aceito|de acordo|concordo|pode (?:marcar|agendar|confirmar|reservar|fechar)|👍\S*|✅|👌\S*)"
)
"""A yes also when more follows: "sim, mas é longe?"; the others of ``_YES`` are verbs that may begin anything."""
_YES = (
    r"(?:sim+|s|siim|claro|com certeza|certeza|pode ser(?: sim)?|pode(?:m)?(?: sim)?|podemos|"
    r"pode (?:marcar|agendar|confirmar|reservar|fechar|deixar|ser)(?: sim| entao)?|ok(?:ay|ey)?|okk|"
    r"confirm(?:o|ado|ada|adissimo|ar|amos|e|a)(?: sim| presenca| a presenca| minha presenca)?|fechad[oa]|"
    r"fechou|"
    r"beleza|perfeito|otimo|maravilha|combinad[oa]|isso(?: mesmo| ai)?|exat[ao](?:mente)?|certo|certinho|"
    r"correto|ta (?:bom|otimo|certo|ok|perfeito|confirmado|combinado)|esta (?:bom|otimo|certo|ok|perfeito|"
    r"confirmado|combinado|correto)|tudo (?:bem|certo|ok)|esse (?:mesmo|serve|ta otimo|esta otimo|horario)|"
    r"essa (?:mesma|serve)|uhum|aham|arram|hum ?hum|"
    r"positivo|s?imbora|bora|demorou|manda ver|(?:ta|esta) feito|fecha|feche|marque(?: ai)?|"
    r"sim senhora?|tri|massa|top|joia|"
    r"partiu|vamos|vou(?: sim)?|vou estar (?:la|ai)|estarei (?:la|ai|presente)|estamos "
    r"confirmad\w+|"
    r"(?:(?:ess[ea]|est[ea]|assim|por mim|para mim|nesse dia|esse horario) )?(?:esta|fica|ficou|e) (?:bom|boa|"
    r"otim[oa]|"
    r"perfeit[oa]|ideal|certo|ok|show)(?: demais)?(?: (?:assim|para mim|esse horario|nesse horario))?|presenca "
    r"confirmada|"
    r"estaremos (?:la|ai|presentes)|eu vou|(?:esta )?confirmadissim[oa]|vou comparecer|pode deixar que (?:eu )?vou|"
    r"acho que (?:sim|da|pode ser)|serve(?: sim)?|aceito|por mim (?:tudo bem|ok|"
    r"pode ser|sim)|show(?: de bola)?|top|bacana|joia|"
    r"quero(?: sim| esse| essa)?|marca(?: sim| ai| para mim| esse)?|agenda(?: sim| ai)?|reserva(?: ai)?|"
    r"fica (?:bom|otimo|combinado|confirmado|perfeito)|da certo|da sim|consigo(?: sim)?|posso(?: sim)?|"
    r"👍\S*|✅|👌\S*|tranquilo|sem problemas?|de acordo|concordo|comparecerei|irei(?: sim)?|confirmadissimo|"
    r"manda ver|pode crer|ate la)"
)
_NO = (
    r"(?:nao+(?! e que\b)|n(?! e que\b)|nunca|negativo|nops?|nem|nao (?:quero|posso|da|vou|consigo|pode|serve|"
    r"precisa|gostei|rola|"
    r"obrigad[oa]|confirmo|vai dar|tenho como|e (?:isso|esse)|esta certo|esta bom|mesmo|nao)(?: (?:mais|"
    r"nesse horario|nesse dia|ir|mesmo|comparecer|esse|essa|horario|dia|nao|sim))*|melhor nao|"
    r"deixa(?: (?:para la|quieto|assim|pra la|para outra hora))?|esquece|de jeito nenhum|prefiro nao|"
    r"ainda nao|agora nao|hoje nao|esse (?:horario |dia )?nao(?: (?:da|posso|serve|consigo))?|"
    r"(?:(?:esse |nesse )(?:horario |dia )|(?:fica |esta |e )?(?:muito |meio )?)(?:e |fica |esta |seria )?(?:muito |"
    r"meio |"
    r"bem )?(?:ruim|cedo|tarde|longe|complicado|dificil|"
    r"apertado)"
    r"(?: demais)?(?: (?:para mim|esse horario|nesse horario|esse dia))?|acho que nao|dessa vez nao|"
    r"nenhum(?:a)?(?: (?:(?:n|d)?ess[ae]s|d?est[ae]s|del[ae]s|horarios?|dias?|opc(?:ao|oes)|nao|me|para mim|da|dao|"
    r"dara|serve|"
    r"servem|rola|presta|bate|encaixa|vai dar|funciona|posso|consigo))*|👎\S*|❌|infelizmente nao)"
)
_FILL = (
    r"(?:por favor|por gentileza|para mim|uai|oxe|tche|opa|oba|nesse horario|esse horario|entao|viu|ta|ne|mesmo|ai|la|"
    r"tambem|"
    r"moca|moco|"
    r"doutora?|querid[oa]|amig[oa]|ih+|ixi+|vi[sx]h?[ei]?|eita|poxa|puxa|hum+|ah+|ai|nossa|bom|"
    r"meu bem|flor|gente|pessoal|ja|eu|senhora?|dona|com voces?|(?:para|a) (?:voces?|todos|todas)|e|,|\.|!|\?|"
    r"😊|😀|🙂|😄|❤️?|🙏\S*|\^\^|"
    r"rs+|kk+|ha(?:ha)+|:\)|;\))"
)
_COURTESY = re.compile(rf"(?:{_GREETING}|{_THANKS}|{_GOODBYE}|{_FILL}|\s|[^\w\s])+")
_GREETING_AT = re.compile(rf"\b{_GREETING}\b")
_THANKS_AT = re.compile(rf"\b{_THANKS}\b|🙏")
_GOODBYE_AT = re.compile(rf"\b{_GOODBYE}\b")
_LONGEST_ANSWER = 90
_WHOLE = 0.95
_ALSO_ANSWERS = frozenset([Intent.BOOK, Intent.ASK_HOURS])
"""Shown also by words that agree: "pode marcar", "fechado"."""
_HELLO = re.compile(rf"^(?:{_GREETING}(?![a-z])[\s,.!?]*(?:{_FILL}(?![a-z])[\s,.!]*)*)+")
_YES_AT = re.compile(rf"^\W*(?:{_FILL}\s+)*{_SURE_YES}(?![a-z])", re.UNICODE)
_NO_AT = re.compile(rf"^\W*(?:{_FILL}\s+)*{_NO}(?![a-z])", re.UNICODE)
_YES_WHOLE = re.compile(
    rf"^(?=.*(?<![a-z]){_YES}(?![a-z]))\W*(?:(?:{_YES}|{_THANKS}|{_GOODBYE}|{_FILL})(?![a-z])\W*)+$"
)
_YES_SOMEWHERE = re.compile(rf"(?<![a-z]){_YES}(?![a-z])")
_NO_WHOLE = re.compile(rf"^(?=.*(?<![a-z]){_NO}(?![a-z]))\W*(?:(?:{_NO}|{_THANKS}|{_GOODBYE}|{_FILL})(?![a-z])\W*)+$")
_ONLY_THANKS = re.compile(
    rf"^\W*(?:(?:ok|certo|ta bom|esta bom|beleza|perfeito|otimo|maravilha|show|entendi|ah)\W+)?{_THANKS}"
)
_COMPLAINT = re.compile(
    r"\b(?:dor(?:es)?|doendo|doi|inflamad\w+|inchad\w+|febre|tosse|coceira|manchas?|alergia|caroco|nodulo|"
    r"enxaqueca|tontura|enjoo|gripe|gripad\w+|infeccao|sangra\w+|quebr(?:ei|ou) (?:o|um) dente|machuquei|"
    r"machucou|pint[ao]s? (?:estranh\w+|crescendo)|queda de cabelo|espinhas?|acne|insonia|ansiedade)\b"
)
_OTHER_TIME = re.compile(
    r"\b(?:da para (?:ser|ir|vir)|outr[oa] (?:dia|data|horario|hora|semana)|"
    r"outr[oa]\b(?! (?:lugar|clinica|medic[oa]|pessoa|paciente|hospital|cidade|profissional))|marcar (?:para|n[ao]|"
    r"de novo|novamente|"
    r"outr)|passar para|mudar|trocar|remarc\w+|reagend\w+|pode ser (?:n[ao]|as|em|outro|amanha|segunda|"
    r"terca|quarta|quinta|sexta|sabado|depois|dia)|"
    r"tem (?:como )?(?:ser )?(?:n[ao]|as|para|outro|amanha|segunda|terca|quarta|quinta|sexta|sabado|"
    r"depois)|consegue (?:n[ao]|para|outro)|nova data)\b"
)
_THE_OTHER_ONE = re.compile(
    r"\b(?:cancel|desmar[cq])\w* (?:tambem )?[ao]s? outr[oa]s?\b"
    r"(?! (?:dia|data|horario|hora|semana)|.*\b(?:para|remarc\w*|marc\w*|agend\w*)\b)"
)
"""Another appointment is to be cancelled too: no other time is wished for."""
_NEGATED_BOOK = re.compile(
    r"\bnao (?:quero|preciso|vou|precisa|desejo)(?: mais)?(?: querer| precisar)? (?:marcar|agendar|fazer|consulta|"
    r"nada)\b"
)
_MONEY = re.compile(r"\b(?:quanto|precos?|valor\w*|cust\w+|parcel\w+|pix|cartao|desconto|boleto|car[oa]|pagamento)\b")
_PRICE_OF = re.compile(r"\b(?:quanto|com \d{2,4}(?: \w+)?)\b[^.,;?!]{0,30}\b(?:para|consigo|da para)\b[^.,;?!]*")
_THERE = {Intent.RUNNING_LATE, Intent.ASK_ADDRESS}
_AT_THE_DOOR = re.compile(AT_THE_DOOR)
_LATE = re.compile(r"\b(?:atras\w+|demor\w+|transito|minut\w+|\d+ ?min)\b")
_ASKS_FOR_PAPERS = re.compile(r"\b(?:precisa|necessario|exige\w*|tem que|tenho que|obrigatori[oa])\b")
_HANDS_OVER = re.compile(
    r"\b(?:seguem?|aqui (?:esta|vai|ta)|(?:te )?(?:mandei|enviei|anexei)|em anexo)\b[^.!?]{0,20}"
    r"\b(?:pedidos?|exames?|receitas?|guias?|encaminhamentos?|laudos?|resultados?|requisicao)\b"
)
"""Papers that come with the message or came before it."""
_BESIDE_PAPERS = {Intent.RESULTS, Intent.GREETING, Intent.THANKS, Intent.GOODBYE}
_WISH_WORDS = re.compile(
    r"\b(?:segunda|terca|quarta|quinta|sexta|sabado|domingo|feiras?|janeiro|fevereiro|marco|abril|maio|junho|julho|"
    r"agosto|"
    r"setembro|outubro|novembro|dezembro|hoje|amanha|depois|antes|proxim[oa]s?|semanas?|mes(?:es)?|ano|dias?|que|vem|"
    r"vier|"
    r"manha|tarde|noite|cedo|horas?|horario|meia|meio|fim|final|comeco|inicio|almoco|entre|ate|partir|qualquer|agora|"
    r"d[aeo]s?|n[ao]s?|[aeo]s?|em|com|para|por|um|uma|ou|so|la|pelas|umas|dra?|doutora?|consulta|exame|retorno|"
    r"quero|queria|pode|podia|ser|seria|tem|posso|consigo|prefiro|melhor|mais|ess[ea]|est[ea]|favor|oi|ola|bom|boa|"
    r"sim|nao|"
    r"obrigad[oa]|eu|me|mim|meu|minha|filh[oa]|mae|pai|dez|onze|doze|duas|tres|quatro|cinco|seis|sete|oito|nove|"
    r"quinze|vinte)\b"
)
_FEW_WORDS = 2
_FEW_WORDS_LEFT = 4
_FOR_GOOD = re.compile(
    r"\bpara (?:um |uma )?outr[oa] (?:pessoa|paciente)\b|\bnao quero mais\b|\bdesist\w+\b|"
    r"\b(?:da|dar|de|passa|passar|ceder?|liber\w+|oferec\w+) (?:[ao] )?(?:minha|meu) (?:vaga|lugar|horario|vez|hora) "
    r"(?:para|a) (?:um |uma )?(?:alguem|quem|outr[oa](?! (?:dia|data|hora|horario|semana|mes|turno|periodo|medic|"
    r"doutor|"
    r"dra?\b|profissional)))"
)
_LIFE_CHANGES = re.compile(
    r"\b(?:mud\w+|troc\w+) d(?:e|o|a) (?:cidade|casa|endereco|bairro|pais|estado|emprego|trabalho|escola|plano|"
    r"convenio|vida|ares|numero|telefone|celular)\b|\bde mudanca\b"
)
"""What changes is not an appointment."""
_MOVES = re.compile(r"\b(?:remarc|reagend|mudar|trocar|adiar)\w*")
_NOT_MOVED = re.compile(
    r"\bnao (?:quero|preciso|precisa|vou|e|era|seria)(?: \w+)? (?:re)?(?:marcar|agendar)|\bnem (?:re)?(?:marcar|"
    r"agendar)"
)
_NOT_CANCELLED = re.compile(r"\bnao (?:quero|preciso|precisa|vou|e|era|seria)(?: \w+)? (?:des)?(?:marcar|cancelar)\b")
_CANCELS_AND_BOOKS = re.compile(
    r"\b(?:cancel|desmarc|desmarq)\w* (?P<one>[^.;!?]*?)\b(?:marcar?|marque|agendar?|agende|quero|queria|preciso)\b"
    r"(?P<other>[^.;!?]*)"
)
_ALREADY = re.compile(
    r"\b(?:ja|eu) (?:tenho|marquei|agendei|estou com) (?:\w+ )?(?:consulta |horario )?(?:marcad[oa]|agendad[oa])?\b"
)


def is_yes(norm: str) -> bool:
    """Whether the whole message can be read as a yes ("tudo bem" is one after an offer, and a greeting before)."""
    return "?" not in norm and bool(_YES_WHOLE.match(norm)) and bool(_YES_SOMEWHERE.search(norm))


def _from_rules(norm: str) -> dict[Intent, float]:
    found: dict[Intent, float] = {}
    for rule in RULES:
        if found.get(rule.intent, 0) < rule.weight and rule.pattern.search(norm):
            found[rule.intent] = rule.weight
    return found


def _settle(found: dict[Intent, float], norm: str) -> None:
    """What two signs in one message mean together."""
    if Intent.CANCEL in found and _FOR_GOOD.search(norm) and not _MOVES.search(norm):
        found.pop(Intent.RESCHEDULE, None)
        found.pop(Intent.BOOK, None)
        return
    _settle_questions(found, norm)
    _settle_changes(found, norm)
    if (
        Intent.RESULTS in found
        and Intent.BOOK in found
        and re.search(r"\b(?:buscar|pegar|mostrar|levar|retorno)\b", norm) is None
    ):
        # "Quero marcar com encaminhamento": the booking is what is wanted, and comes first anyway.
        found[Intent.RESULTS] = 0.6


def _settle_questions(found: dict[Intent, float], norm: str) -> None:
    if found.keys() >= _THERE and _AT_THE_DOOR.search(norm) and not _LATE.search(norm):
        found.pop(Intent.RUNNING_LATE)  # "tô na frente de um prédio azul, é aqui?"
    if Intent.ASK_PRICE in found and Intent.BOOK in found and Intent.BOOK not in _from_rules(_PRICE_OF.sub(" ", norm)):
        found.pop(Intent.BOOK)  # "quanto gasto pra fazer uma limpeza?"
    if Intent.ASK_PRICE in found and Intent.ASK_INSURANCE in found and not _MONEY.search(norm):
        found.pop(Intent.ASK_PRICE)  # "só particular ou tem convênio?"
    if Intent.RESULTS in found and Intent.ASK_SERVICE in found and _ASKS_FOR_PAPERS.search(norm):
        found.pop(Intent.RESULTS)  # "precisa de encaminhamento?"
    if Intent.RESULTS in found and found.keys() - _BESIDE_PAPERS and _HANDS_OVER.search(norm):
        found.pop(Intent.RESULTS)  # "segue o pedido de exame. qual o endereço?": it is given, not asked for
    if (
        Intent.ASK_HOURS in found
        and Intent.ASK_INSURANCE in found
        and not re.search(r"\b(?:hora|horario|dia|sabado|domingo|abre|fecha)", norm)
    ):
        found.pop(Intent.ASK_HOURS)


def _settle_changes(found: dict[Intent, float], norm: str) -> None:
    if Intent.OPT_OUT in found or Intent.DATA_REQUEST in found:
        found.pop(Intent.CANCEL, None)
        found.pop(Intent.BOOK, None)
        found.pop(Intent.RESCHEDULE, None)
    if Intent.BOOK in found and _NEGATED_BOOK.search(norm):
        found.pop(Intent.BOOK)
        found[Intent.CONFIRM_NO] = 0.6
    if Intent.CANCEL in found and _THE_OTHER_ONE.search(norm):
        found.pop(Intent.RESCHEDULE, None)
    if Intent.CANCEL in found and _of_another_kind(norm):
        found.pop(Intent.RESCHEDULE, None)
        found[Intent.CANCEL] = _WHOLE
    elif Intent.CANCEL in found and (Intent.BOOK in found or _OTHER_TIME.search(_THE_OTHER_ONE.sub(" ", norm))):
        if _NOT_MOVED.search(norm):
            found.pop(Intent.RESCHEDULE, None)
        else:
            found[Intent.RESCHEDULE] = 0.9
    if Intent.CANCEL in found and Intent.RESCHEDULE in found and _NOT_CANCELLED.search(norm):
        found.pop(Intent.CANCEL)
    if Intent.RESCHEDULE in found:
        found.pop(Intent.BOOK, None)
    if Intent.ASK_AVAILABILITY in found and _COMPLAINT.search(norm):
        found[Intent.BOOK] = 0.75


def _of_another_kind(norm: str) -> bool:
    """Whether one service is cancelled and another is booked ("cancela a limpeza e marca canal"): two acts."""
    both = _CANCELS_AND_BOOKS.search(norm)
    one, other = (services_named(both[name]) if both else set() for name in ("one", "other"))
    return bool(one and other) and not one & other


def _from_answers(norm: str) -> dict[Intent, float]:
    """Answers and courtesies, for messages in which nothing else was found."""
    found: dict[Intent, float] = {}
    bare = _HELLO.sub("", norm).strip() or norm
    short = len(bare) <= _LONGEST_ANSWER
    if _COURTESY.fullmatch(norm) and norm.strip():
        if _THANKS_AT.search(norm):
            found[Intent.THANKS] = 0.95
        elif _GOODBYE_AT.search(norm) and not re.match(r"^\W*(?:oi|ola|bom dia\W*$|boa (?:tarde|noite)\W*$)", norm):
            found[Intent.GOODBYE] = 0.9
        elif _GREETING_AT.search(norm):
            found[Intent.GREETING] = 0.95
    if _ONLY_THANKS.search(norm) and short:
        found.setdefault(Intent.THANKS, 0.85)
        return found
    first = re.split(r"[,.;!?]", bare, maxsplit=1)[0]
    for whole, at, intent in ((_NO_WHOLE, _NO_AT, Intent.CONFIRM_NO), (_YES_WHOLE, _YES_AT, Intent.CONFIRM_YES)):
        if whole.match(bare) and not found:
            found[intent] = _WHOLE
        elif not found and ((short and at.match(bare)) or (first != bare and whole.match(first))):
            found[intent] = 0.75
    return found


def _courtesy_of_few_words(norm: str) -> dict[Intent, float]:
    """A courtesy with a few words around it that mean nothing else ("oi querida, tudo joia?")."""
    if _THANKS_AT.search(norm):
        return {Intent.THANKS: 0.6}
    if _GOODBYE_AT.search(norm):
        return {Intent.GOODBYE: 0.6}
    rest = _HELLO.sub("", norm)
    if rest != norm and len(rest.split()) <= _FEW_WORDS_LEFT:
        return {Intent.GREETING: 0.6}
    return {}


def _only_a_wish(norm: str) -> bool:
    """Whether little is said besides a time, so that the time alone is what is wanted."""
    said = cues.OTHERWISE.sub(" ", norm)  # "se não der sexta, segunda serve"
    return len(re.findall(r"[a-z]{2,}", _WISH_WORDS.sub(" ", said))) <= _FEW_WORDS


def by_rules(norm: str, *, says_time: bool, names_something: bool) -> Judgement:
    """What the rules alone say of a normalised message.

    ``says_time`` and ``names_something``: whether a time, or a service or professional, was found in it; alone they
    are taken as a wish to book.
    """
    if is_emergency(norm):
        return Judgement(Intent.EMERGENCY, 0.95, frozenset({Intent.EMERGENCY}))
    if turns_the_attendant(norm):
        return Judgement(Intent.OUT_OF_SCOPE, 0.9, frozenset())
    of_appointments = _LIFE_CHANGES.sub(" ", norm)
    found = _from_rules(of_appointments)
    _settle(found, of_appointments)
    if is_foreign(norm) and not found.keys() & (CHANGES | {Intent.HUMAN, Intent.RESULTS}) - {Intent.BOOK}:
        return Judgement(Intent.OUT_OF_SCOPE, 0.85, frozenset())
    answers = _from_answers(norm)
    if answers.get(Intent.CONFIRM_YES, 0) >= _WHOLE and set(found) <= _ALSO_ANSWERS and not says_time:
        found.clear()  # "pode marcar" answers an offer; it asks for nothing of its own
    acts = {i for i in found if i in CHANGES or i not in QUESTIONS}
    for intent, weight in answers.items():
        if not acts or intent not in {Intent.CONFIRM_YES, Intent.CONFIRM_NO}:
            found.setdefault(intent, weight)
    found = found or _courtesy_of_few_words(norm)
    if not found and (names_something or (says_time and _only_a_wish(norm))):
        found[Intent.BOOK] = 0.55
    if not found:
        return Judgement(Intent.OUT_OF_SCOPE, 0.5, frozenset())
    chosen = next(intent for intent in PRECEDENCE if intent in found)
    return Judgement(chosen, found[chosen], frozenset(found))
