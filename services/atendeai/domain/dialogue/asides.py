"""Messages that neither ask for anything new nor answer anything: waiting, impatience, who is this, too dear.

They are taken before the flow looks at them, so that none of them is mistaken for an answer or a misunderstanding.
"""

import re

from atendeai.domain.dialogue import answers, texts
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Stage
from atendeai.domain.understanding.intent import COURTESIES, Intent

_WAITS = re.compile(
    r"\b(?:pera(?:i| ai)?|(?<!de )esper[ae](?: ai| um pouco)?|(?:so )?um (?:momento|minut\w+|instante|segundo|seg|"
    r"minuto)|"
    r"ja (?:te |lhe |vos )?(?:falo|volto|respondo|confirmo|aviso|digo)|deixa?(?: eu)? (?:ver|pensar|confirmar com|"
    r"checar|olhar|conferir|consultar)|(?:vou|preciso|tenho que) (?:ver|pensar|falar|conversar|perguntar|confirmar|"
    r"conferir|checar|combinar|consultar|olhar)\b|(?:te|lhe) (?:falo|aviso|respondo|retorno|confirmo|digo)|"
    r"depois (?:eu )?(?:te |lhe )?(?:aviso|falo|confirmo|respondo|retorno|digo))\b"
)
_SETTLES = re.compile(r"\b(?:pode (?:marcar|confirmar|deixar|ser)|confirm[oa]d?|quero|marca|nao quero|deixa para la)\b")
_WHO = re.compile(
    r"\b(?:quem (?:e|fala|esta falando|sao|e voce|seria)|com quem (?:eu )?(?:falo|estou falando)|"
    r"de (?:onde|que clinica|qual clinica) (?:e|fala|voces sao|sao)|que (?:numero|clinica|lugar) (?:e|eh) ess[ae]|"
    r"^\W*(?:oi |ola )?(?:e|eh|ai e|aqui e) (?:d[ao]|n[ao]) (?:clinica|consultorio)\b|"
    r"(?:e|isso e) (?:um )?(?:robo|atendimento automatico)|(?:estou|to) falando com (?:um |uma )?(?:robo|maquina|"
    r"pessoa|humano))\b(?! (?:o|a|os|as) (?:medic|dout|dra?\b|profission|dentist))"
)
_MACHINE = re.compile(
    r"^\W*(?:(?:oi+|ola|mas|so|me diz|uma duvida|voces?|isso|isto|aqui|ai|ele|ela)\W+)*(?:e|eh|sao|sera que e|"
    r"(?:estou|to) falando com)\W+(?:um |uma )?(?:robo|bot|maquina|pessoa|humano|gente)\b[^.!]{0,40}\?*\W*$"
)
"""Whether a machine is writing; to ask that is not to ask for a person."""
_WRONG = re.compile(
    r"\b(?:numero errado|foi engano|e engano|engano\b|nao (?:sou|e) (?:eu|ess[ae] pessoa)|pessoa errada|"
    r"nao conheco (?:essa|esta|a) clinica|nunca (?:fui|marquei|estive))\b"
)
_DEAR = re.compile(r"\b(?:(?:muito|meio|bem|achei|ta|esta|que|ficou) )?car[oa]s?(?: demais| pra caramba| ne)?\b")
_ASKS_MONEY = re.compile(r"\b(?:quanto|precos?|valor(?:es)?|lista|mais|tabela|desconto|parcel\w+|qual)\b")
_SUPPOSES = re.compile(
    r"\b(?:se|caso) (?:eu |a gente |ele |ela |por acaso |depois |um dia |algum dia )*(?:precis\w+|quiser|"
    r"quisermos|cancelar|desmarcar|remarcar|"
    r"tiver (?:que|de)|nao (?:puder|possa|conseguir|consiga|der|for)|acontecer|surgir|desistir|faltar|atrasar)\b"
    r"(?=.*(?:\?|\b(?:como|posso|consigo|da para|tem problema|tem multa)\b))"
)
_FINE = re.compile(r"\b(?:multas?|taxas?|cobr\w+|pag(?:o|ar|a|amos)|perco|reembols\w+|devolv\w+)\b")
"""What it would cost, which the clinic alone knows."""
_CHANGES = re.compile(
    r"\b(?:desmarc|cancel|remarc|reagend|desist|falt|mud|troc|adi|atras|nao (?:puder|possa|conseguir|consiga|der|"
    r"for))\w*"
)
_WHY_NAME = re.compile(
    r"\b(?:(?:para|por) ?que|qual (?:e )?(?:o )?motivo|precisam?|tem que|obrigatorio|"
    r"necessario)\b[^.!]{0,30}\bnome\b[^.!]*\?"
)
_ONLY_MARKS = re.compile(r"^[\s?!.…]+$")
_CALLS = re.compile(r"^\W*(?:(?:oi+|ola|alo+|ei|tem alguem ai|alguem ai|cade voce?s?|ainda esta ai|e ai)\W*)+$")
_NOTED = re.compile(
    r"^\W*(?:(?:ah+|ta|esta|ata|entendi|hum+|certo|poxa|puxa|que pena|tudo bem|sem problemas?|bom saber|"
    r"nossa|eita)\W*)+$"
)


def take(session: Session, asked: Asks | None) -> bool:
    """Takes the message when it is one of these; the open question stays open."""
    state, norm, intent = session.state, session.norm, session.reading.intent
    if state.busy and _waits(session):
        session.say(texts.WAITING)
        state.paused = asked
        return True
    who = _WHO.search(norm) and intent in {
        Intent.ASK_SERVICE,
        Intent.OUT_OF_SCOPE,
        Intent.GREETING,
        Intent.ASK_ADDRESS,
    }
    if who or (intent is Intent.HUMAN and _MACHINE.search(norm)):
        session.say(texts.introduction(session.clinic, asks=session.may_ask))
        state.answered = state.answered or not _WRONG.search(norm)
    elif (
        not state.busy
        and _WRONG.search(norm)
        and intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_NO, Intent.ASK_SERVICE}
    ):
        session.say(texts.WRONG_NUMBER)
    elif _supposes(session):
        session.say(texts.CAN_BE_CHANGED)
        if _FINE.search(norm):
            session.pass_on(texts.FINE)
        state.answered = True
    elif _says_dear(session):
        session.say(texts.DEAR_HERE if state.busy else texts.DEAR)
        state.answered = True
    elif state.busy and asked is not None and (_ONLY_MARKS.match(norm) or _CALLS.match(norm)):
        session.say(state.question or texts.HERE, asked)  # "??": nothing but the question again
    elif state.busy and answers.plan_stated(session):
        answers.note_plan(session)
        return session.given_name is None  # which the flow takes
    else:
        return _in_passing(session, asked)
    return True


def _says_dear(session: Session) -> bool:
    """Whether a price is called high, and nothing asked or wished for beside it."""
    norm, reading = session.norm, session.reading
    dear = _DEAR.search(norm) and reading.intent is Intent.ASK_PRICE and reading.when.empty
    return bool(dear) and "?" not in norm and not _ASKS_MONEY.search(norm)


def _in_passing(session: Session, asked: Asks | None) -> bool:
    """Takes what needs one sentence: what the name is wanted for, or that something was noted."""
    norm = session.norm
    if asked is Asks.NAME and _WHY_NAME.search(norm):
        session.say(texts.WHY_NAME)  # the question for it is put again
    elif not session.state.busy and _NOTED.match(norm) and "?" not in norm:
        session.say(texts.NOTED)
    else:
        return False
    return True


def _supposes(session: Session) -> bool:
    """Whether it is asked what happens if they should not come ("e se eu precisar desmarcar?")."""
    found = _SUPPOSES.search(session.norm)
    return found is not None and bool(_CHANGES.search(session.norm[found.start() :]))


def _waits(session: Session) -> bool:
    """Whether the patient asks for a moment, and settles nothing."""
    reading = session.reading
    return (
        session.state.stage in {Stage.COLLECTING, Stage.CHOOSING, Stage.OFFERED, Stage.CANCELLING, Stage.PICKING}
        and reading.when.empty
        and (
            reading.intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_YES, Intent.CONFIRM_NO}
            or reading.intent in COURTESIES
        )
        and not session.norm.startswith("nao")
        and bool(_WAITS.search(session.norm))
        and not _SETTLES.search(session.norm)
    )
