"""What a message means where the conversation stands: after a reminder, after a booking, beside a question."""

import re
from dataclasses import replace

from atendeai.domain.dialogue import answers, offering, pairs, standing, things, whose
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome
from atendeai.domain.understanding.foreign import is_foreign
from atendeai.domain.understanding.intent import COURTESIES, Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.rulebook import NAMES, VISIT

TIMED_ANSWERS = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.CONFIRM_YES, Intent.OUT_OF_SCOPE, *COURTESIES])
"""Answers to a reminder in which a time says whether the appointment stands or is to be moved."""
_WANTS_ONE = re.compile(r"\b(?:preciso|quero|queria|gostaria)\b.{0,20}?\b(?:marcar|agendar|d?uma?)\b")
_CONFIRMS = re.compile(
    r"\bconfirmar (?:a |o )?(?:minha |meu )?(?:presenca|consulta|horario|agendamento|retorno|exame|"
    r"sessao|a d[aeo]|d[aeo])\b"
)
_WHEN_AGAIN = re.compile(
    r"\b(?:que (?:horas?|dia)|qual (?:o |e o )?(?:dia|horario|hora|data)|quando)\b.{0,20}?\b(?:e|ficou|era|"
    r"vai ser|mesmo|seria|minha|meu)\b"
)


def meant(session: Session) -> Intent:
    """The intent, seen from where the conversation stands."""
    if session.message.reminded:
        return _answers_reminder(session)
    return session.reading.intent if _asks_the_same(session) else _unreminded(session)


def _asks_the_same(session: Session) -> bool:
    """Takes "e o retorno?" for the question that was answered last, of something else."""
    state, reading = session.state, session.reading
    if state.wondered is None or state.busy or not reading.when.empty or not _AND_THAT.search(session.norm):
        return False
    session.reading = replace(reading, intent=Intent(state.wondered))
    return True


def _unreminded(session: Session) -> Intent:
    state, reading = session.state, session.reading
    intent, norm = reading.intent, session.norm
    if intent in {Intent.BOOK, Intent.LIST_APPOINTMENTS} and _CONFIRMS.search(norm):
        return Intent.CONFIRM_YES  # "quero confirmar minha consulta de amanhã"
    intent = _without_a_time(session, intent) if reading.when.empty else _with_a_time(session, intent)
    and_i = (
        intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_YES} and _AND_I.search(norm) and _one_more(session)
    )  # "e pra mim, logo depois?"
    if state.done is Outcome.BOOKED and intent in _OPEN and (and_i or _FOR_SOMEBODY_ELSE.search(norm)):
        _the_same(session)
        return Intent.BOOK  # "e pra minha filha?"
    arranged = state.done in {Outcome.BOOKED, Outcome.RESCHEDULED, Outcome.CONFIRMED}
    names = reading.entities.service or reading.entities.professional
    if arranged and intent in {Intent.BOOK, Intent.ASK_AVAILABILITY}:
        if _one_more(session) or (_ONE_BY_NAME.search(norm) and not _INSTEAD.search(norm)):
            _the_same(session)
            return Intent.BOOK  # "e outra pra mim na quinta", "quero consulta dia 2"
        if not names and not ANOTHER.search(norm):
            intent = Intent.RESCHEDULE  # "e sexta, tem?", just after it was arranged
    if _of_what_was_told(session, intent):
        intent = Intent.RESCHEDULE  # "dá pra ser de tarde?"
    if arranged and intent is Intent.CONFIRM_NO and _another_time(session):
        intent = Intent.RESCHEDULE  # "não, às 15h", written while the yes was tapped
    lasting = state.last is not None and state.done is not Outcome.CANCELLED
    if lasting and intent in {*COURTESIES, Intent.ASK_HOURS, Intent.OUT_OF_SCOPE} and _WHEN_AGAIN.search(norm):
        return Intent.LIST_APPOINTMENTS  # "obrigada, que horas é mesmo?"
    return intent


_AND_THAT = re.compile(
    r"^\W*e (?!.*\b(?:re|des)?(?:marc|agend|cancel)\w*)(?:quanto (?:e|custa|fica) )?"
    r"(?:d[aeo]s? |n?[ao]s? |para |com )?[a-z]+(?: [a-z]+){0,4} ?\?\W*$"
)


def _of_what_was_told(session: Session, intent: Intent) -> bool:
    """Whether another time is asked for of the one appointment that the patient was just told of."""
    names = session.reading.entities.service or session.reading.entities.professional
    asks = intent in {Intent.BOOK, Intent.ASK_AVAILABILITY}
    return asks and session.state.spoken is not None and not (names or ANOTHER.search(session.norm))


def _another_time(session: Session) -> bool:
    """Whether a time is named that is not that of what was arranged last."""
    last, moment = session.state.last, session.reading.when.moment
    if last is None or moment.empty:
        return False
    return moment.date not in {None, last.start.date()} or moment.time not in {None, last.start.time()}


def _without_a_time(session: Session, intent: Intent) -> Intent:
    """What is asked, seen that no time is named."""
    norm = session.norm
    if intent in {Intent.GREETING, Intent.OUT_OF_SCOPE, Intent.ASK_AVAILABILITY} and answers.asks_now(session):
        return Intent.ASK_HOURS  # "boa noite, ainda estão atendendo?"
    if intent in _ABOUT_TIMES and _WHEN_WORKS.search(norm) and not _WANTS.search(norm):
        return Intent.ASK_HOURS  # "quais dias a Dra. Ana atende?"
    if intent is Intent.CONFIRM_YES and session.state.done is None and _ASKS_FOR_ONE.search(norm):
        return Intent.BOOK  # "ok, marca pra mim"
    return _unplaced(session, intent)


def _unplaced(session: Session, intent: Intent) -> Intent:
    """What is asked by words that only the clinic's own names, or what is booked, make plain."""
    norm = session.norm
    wavers = intent in {Intent.OUT_OF_SCOPE, Intent.CONFIRM_NO} and pairs.wavers(norm)
    if wavers and pairs.named(session.clinic, norm, session.now) is not None:
        return Intent.BOOK  # "não sei se marco limpeza ou clareamento"
    if intent is Intent.OUT_OF_SCOPE and offering.named(session) and _WANTS.search(norm):
        return Intent.BOOK  # "vou querer a consulta com o clínico"
    if intent in {Intent.OUT_OF_SCOPE, Intent.ASK_AVAILABILITY} and _ANOTHER_DAY.search(norm):
        return Intent.RESCHEDULE  # "mesmo horário, só outro dia"
    if (
        intent is Intent.OUT_OF_SCOPE
        and "?" in norm
        and things.asked_for(session.reading.text)
        and not is_foreign(norm)
    ):
        return Intent.ASK_SERVICE  # "vocês vendem óculos?"
    return intent


def _the_same(session: Session) -> None:
    """One more is one more of what was just arranged, unless something else is named."""
    state = session.state
    named = {service.code for service in pairs.services_in(session.clinic, session.norm, generic=True, many=True)}
    if state.last is not None and (not named or state.last.service in named):
        state.topic = state.topic or state.last.service


def _one_more(session: Session) -> bool:
    """Whether a further appointment is wished for beside the one just arranged, for whomever ("e outra pra mim")."""
    state, norm, last = session.state, session.norm, session.state.last
    if last is None:
        return False
    name, own = last.patient_name, session.patient.name
    for_oneself = bool(_FOR_ONESELF.search(norm)) and name is not None
    if for_oneself and own is not None and state.name is not None and not whose.same(state.name, own):
        state.name = None  # the last one was booked in the name of somebody else
    somebody = whose.wished_for(session)
    if somebody is not None and not whose.same(somebody, name or ""):
        state.relative = True
        return True
    relatives = [one for names in state.family.values() for one in names]
    theirs = name is not None and (name in relatives if own is None else not whose.same(name, own))
    return bool(_OUTRA.search(norm)) or (for_oneself and theirs)


_ONE_BY_NAME = re.compile(
    rf"\b(?:quero|queria|gostaria(?: de)?|preciso(?: de)?|precisava(?: de)?|marca|marque|agenda|agende)"
    rf"(?: (?:uma?|de|me|ai|por favor))* (?!horario|vaga|encaixe|hora\b)(?:{VISIT}|{NAMES})\b(?! mais (?:cedo|tarde)\b)"
)
"""One is wished for by the word for it, and not the one that stands ("a consulta", "minha consulta")."""
_INSTEAD = re.compile(
    r"\b(?:na verdade|alias|melhor|prefiro|em vez|no lugar|ao inves|mud\w+|troc\w+|remarc\w+|reagend\w+|adi\w+|"
    r"antecip\w+|pass(?:a|ar|e)|desculp\w+|errei|ops|pensando bem)\b"
)
_AND_I = re.compile(r"^\W*e (?:um|uma|outr[oa])? ?(?:para|pra) mim\b|^\W*e eu\b")
_FOR_ONESELF = re.compile(r"\b(?:para|pra) mim\b|^\W*e eu\b")
_OUTRA = re.compile(
    r"^\W*(?:e|mais|agora)\W+(?:mais )?(?:uma?|outr[oa])\b(?! (?:dia|data|hora|horario|semana|medic|dra?\b|doutor))|"
    r"\boutr[oa] (?:tambem )?(?:para|pra) (?:mim|el[ae]|[oa] (?:[a-z]+ )?(?:mesm[oa]|paciente))\b"
)
_ASKS_FOR_ONE = re.compile(r"\b(?:marc(?:a|ar|e)|marque|agend(?:a|ar|e)|reserv(?:a|ar|e)|encaix\w+)\b")
_ANOTHER_DAY = re.compile(
    r"\bmesm[oa] (?:hora|horario)\b[^.?!]{0,20}\boutr[oa] (?:dia|data)\b|"
    r"\boutr[oa] (?:dia|data)\b[^.?!]{0,20}\bmesm[oa] (?:hora|horario)\b"
)
_ABOUT_TIMES = frozenset([Intent.ASK_AVAILABILITY, Intent.ASK_SERVICE, Intent.BOOK, Intent.OUT_OF_SCOPE])
_WHEN_WORKS = re.compile(
    r"\b(?:(?:quais|qual|que|quantos) (?:sao )?(?:os |o )?(?:dias?|horarios?|horas)|quando)\b.{0,30}?"
    r"\b(?:atend\w*|trabalh\w*|esta ai|vem|vai)\b"
)
_WANTS = re.compile(r"\b(?:quer\w*|gostaria|preciso|precisava|marc\w+|agend\w+|fazer|consultar|passar com|ver com)\b")


def _with_a_time(session: Session, intent: Intent) -> Intent:
    """What is asked, seen that a day or an hour is named too."""
    if intent is Intent.RESULTS and offering.named(session) and _WANTS_ONE.search(session.norm):
        return Intent.BOOK  # "preciso de um clínico amanhã para pegar um atestado"
    if intent is Intent.CONFIRM_YES and "confirm" not in session.norm and session.state.last is None:
        return Intent.BOOK  # "pode ser hoje ainda com o clínico?"
    day = session.reading.when.moment.has_day or session.reading.when.ambiguous
    asked = intent in {Intent.ASK_SERVICE, Intent.ASK_HOURS} and not offering.asks_advice(session.norm)
    if asked and (offering.named(session) or session.reading.entities.professional):
        return Intent.ASK_AVAILABILITY  # "tem dermato amanhã?"
    free = Intent.ASK_AVAILABILITY in session.reading.shown or (_IS_THERE.search(session.norm) and day)
    if intent is Intent.ASK_PRICE and free:
        return Intent.ASK_AVAILABILITY  # the price is told beside it
    return intent


_IS_THERE = re.compile(r"\b(?:tem|teria|ha|vagas?|horarios?)\b")


def _answers_reminder(session: Session) -> Intent:
    """The intent of an answer to a reminder."""
    reading, norm = session.reading, session.norm
    intent = _menu(session.message.reminder or "").get(norm.strip(" .!)"), reading.intent)
    vague = intent in {Intent.OUT_OF_SCOPE, *COURTESIES}
    timed = not reading.when.empty
    if "nao vou faltar" in norm:
        return Intent.CONFIRM_YES
    if intent is Intent.CONFIRM_NO and timed:
        standing.as_new_time(session)
        return Intent.RESCHEDULE  # "amanhã não consigo, pode ser quinta?"
    if vague and not timed:
        return _vague_answer(norm) or intent
    if intent in {Intent.BOOK, Intent.ASK_AVAILABILITY} and not timed and not ANOTHER.search(norm):
        return Intent.RESCHEDULE  # "posso ir outro dia?"
    return intent


def _vague_answer(norm: str) -> Intent | None:
    """What an answer to a reminder means that says nothing by itself."""
    if _CANNOT.search(norm):
        return Intent.CONFIRM_NO  # "surgiu um imprevisto, não vou conseguir"
    if _WILL_COME.search(norm) or _NODS.search(norm):
        return Intent.CONFIRM_YES
    return Intent.RESCHEDULE if _OTHERWISE.search(norm) else None  # "dá pra ser mais tarde?"


_OPEN = frozenset(
    [Intent.OUT_OF_SCOPE, Intent.BOOK, Intent.ASK_AVAILABILITY, Intent.ASK_SERVICE, Intent.CONFIRM_YES, *COURTESIES]
)
_FOR_SOMEBODY_ELSE = re.compile(
    r"\b(?:para|pra|pro|d[aeo]) (?:o |a |os |as )?(?:meu|minha|meus|minhas|outr[oa] pessoa|"
    r"(?:meu )?outr[oa] filh\w+)\b"
)
_CANNOT = re.compile(
    r"\bimprevisto\b|\bnao (?:(?:vou|vai|irei) (?:poder|conseguir|dar|ir|comparecer)|posso|consigo|poderei|"
    r"conseguirei|"
    r"da|dara|estarei)\b(?! (?:falta|esquec))"
)
_OTHERWISE = re.compile(
    r"\b(?:mais (?:tarde|cedo)|outr[oa] (?:dia|hora|horario|data)|adi(?:ar|antar|anta)|antecip\w+|mudar|trocar)\b"
)
_WILL_COME = re.compile(
    r"\b(?:pode contar comigo|conte comigo|estou confirmando|(?:esta|estou) confirmad[oa]|"
    r"ate (?:la|amanha|segunda|terca|quarta|quinta|sexta|sabado)|estar(?:ei|emos) (?:la|ai|presente)|"
    r"ja (?:esta )?(?:anot|agend)\w+|nos vemos)\b"
)
_NODS = re.compile(
    r"^\W*(?:ok|okay|certo|certinho|beleza|combinado|ta (?:bom|certo)|esta (?:bom|certo)|tudo certo|perfeito)\b"
)
ANOTHER = re.compile(
    r"\b(?:mais uma?|tambem|nov[oa]|outra (?:consulta|pessoa)|marcar|agendar|filh\w+|marido|esposa|mae|pai|irma\w*)\b"
)
"""The patient speaks of a further appointment, not of the one that stands."""


def _menu(text: str) -> dict[str, Intent]:
    """What the numbers of a reminder stand for ("responda 1 para confirmar ou 2 para cancelar")."""
    found: dict[str, Intent] = {}
    for number, act in _NUMBERED.findall(fold(text)):
        found.setdefault(number, _ACTS[act])
    return found


_NUMBERED = re.compile(
    r"\b(\d)\W{0,3}(?:para |se |-|=|:|\)|e )?\W{0,3}(?:quiser |quer )?(confirm|desmarc|cancel|remarc|reagend)"
)
_ACTS = {
    "confirm": Intent.CONFIRM_YES,
    "desmarc": Intent.CANCEL,
    "cancel": Intent.CANCEL,
    "remarc": Intent.RESCHEDULE,
    "reagend": Intent.RESCHEDULE,
}
