"""What stands beside each other in one message: a wish and a price, a wish and a change, two changes; pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from atendeai.domain.dialogue import kin, pairs, people
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.state import Wish
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.entities import GENERIC, match, services_named
from atendeai.domain.understanding.normalise import Text, normalise
from atendeai.domain.understanding.rulebook import NAMES, VISIT

_VISIT = re.compile(r"\b(?:consultas?|exames?|retornos?|sess(?:ao|oes)|horarios?|avaliac(?:ao|oes)|a (?:d[aeo]|que))\b")
_CHANGES = re.compile(
    r"\b(?:(?:remarc|reagend|antecip|cancel|desmarc|desmarq|alter|adiant|transfer)\w*|remarque\w*|"
    r"(?:mud|troc|adi|pass)(?:ar|a|e)|troque)\b"
)
_CANCELS = re.compile(r"\b(?:cancel|desmarc|desmarq)\w*")
_TWO = 2
_ALIKE = re.compile(
    r"^\W*(?:tambem )?[ao] (?:d[aeo] |minha\b|meu\b|consulta|exame|retorno|sessao|avaliacao|limpeza|horario|"
    r"[a-z]+ d[ao] )"
)
"""Another appointment is spoken of without a verb: "a da minha mãe"."""
_AND_AT_END = re.compile(r"[\s,]*(?:\be)?[\s,]*$", re.IGNORECASE)
_STAYS = re.compile(r"\b(?:nao|fica|continua|mantem|mantenha|deix\w+|ja|esta|era|foi|segue|vai|pode)\b")
"""What is said of the other one is no change."""
_TO = re.compile(r"\bpara\b(?! (?:[oa] )?(?:meu|minha|nosso|nossa|mim)\b)")
_OF = re.compile(r"\b(?:d[aeo]|para)(?: [oa])? ([a-z]{3,})\b")
_MINE = re.compile(rf"\b(?:minha|meu|para mim)\b(?! {kin.KINSHIP})")
_WISHES = re.compile(
    r"\b(?:quero|queria|gostaria|preciso|precisava|marcar?|marque|agendar?|agende|fazer|tambem|aproveit\w+|uma?|"
    r"outr[oa])\b"
)
_ONE_MORE = re.compile(r"\b(?:uma?|outr[oa]|tambem|mais|nov[oa])\b")
_ANOTHER_ONE = re.compile(r"\b(?:marc|marqu|agend|quer|precis|gostari)\w* (?:tambem )?(?:mais )?(?:uma?|outr[oa])\b")
"""One more is wished for without a word of what: the same as is changed, else what "uma consulta" is."""
_OWN = re.compile(rf"\b(?:minha|meu|nossa|nosso|ess[ae]|est[ae]) (?!{kin.KINSHIP})")
_PRICE = re.compile(r"\b(?:quanto (?:e|esta|fica|custa|sai|seria|cobra\w*)|precos?|valor(?:es)?|custa\w*)\b")
_QUESTION = re.compile(
    r"[.?!;\n]+|,|\b(?:e|mas)\b(?= (?:tambem |ja |eu |aproveitando,? )?(?:quero|queria|gostaria|preciso|marca|agenda|"
    r"ver|saber|qual|quanto))"
)
"""Between a question and a wish that stand beside each other."""
_NEXT_QUESTION = re.compile(
    r"[?\n;.!]+|(?:,|\b(?:e|mas)\b)(?= ?(?:tambem |ai )?(?:voces?|quem|qual|quais|quanto|onde|aonde|que|quando|como|"
    r"tem|faz\w*|aceit\w+|atend\w+|abr\w+|precisa|da para|pode)\b)"
)
"""Between one question and the next."""
_ASKS = re.compile(
    r"^\W*(?:(?:e|mas|tambem|ai|aqui|voces?|a clinica|ja|ainda)\W+)*(?:quem|qual|quais|quanto|onde|aonde|que|quando|"
    r"como|tem|teria|ha|existe|faz\w*|aceita\w*|atend\w+|abr\w+|vend\w+|precisa\w*|da para|pode|posso|podemos|"
    r"e possivel|fica|permit\w+|oferec\w+|serv\w+|usa\w*|trabalh\w+)\b"
)
"""How a question begins."""
_VACUOUS = re.compile(
    r"^\W*(?:(?:e|ai|aqui|voces?|atend\w+|aceit\w+|cobr\w+|faz\w*|tem|pode|da|por|favor|para|mim|obrigad[oa])\b\W*)*$"
)
"""A question about what was said before it ("sou da Unimed, atende?")."""
_BORDER = re.compile(r"[,;.!?\n+]+|\b(?:e|mas|porem)\b|\s(?=(?:quero|queria|gostaria|preciso|precisava|aproveit\w+)\b)")
"""Between two things that are said one after the other, in whatever way they are joined."""
_YES_BORDER = re.compile(rf"{_BORDER.pattern}|\s(?=tambem\b)")
_YES = (
    r"sim|isso(?: mesmo)?|ok|okay|claro|certo|beleza|blz|perfeito|otimo|combinado|fechado|aceito|com certeza|"
    r"confirm(?:o|a|ado|ar)|(?:ta|esta) (?:bom|otimo)|tudo bem|quero"
)
_OFFER_YES = re.compile(rf"\b(?:{_YES}|pode(?: (?:ser|marcar|agendar|confirmar|fechar|remarcar|mudar|passar))?)\b")
_CANCEL_YES = re.compile(
    rf"\b(?:{_YES}|(?:pode )?(?:cancel(?:ar|a|e)|desmarc(?:ar|a)|desmarque)(?: (?:ela|ele|ess[ae]))?|pode(?: ser)?)\b"
)
_WITH_A_YES = re.compile(r"^\W*(?:\b(?:sim|entao|por favor|obrigad[oa]|ah|bom)\b\W*)*$")
_NOTICE_BORDER = re.compile(
    r"[,;.!?\n+]+|\b(?:e|mas|porem)\b|(?<!\bnao)\s(?=(?:nao|quero|queria|gostaria|preciso|par(?:a|e|em) de)\b)"
)
_NOTICES = re.compile(
    r"\b(?:mensage|aviso|lembrete|notific|propagand|promoc|envi|receb|mand(?:a|e|ar|em)\b|perturb|incomod|encher|"
    r"(?:des)?cadastr|descadastr|desinscr|lista\b|contato|numero|whats|dados|lgpd|prontuario|registro|historico|"
    r"conversa|consentimento)\w*"
)
"""Words of what is said of our messages, or of what we keep of a patient."""
_APPOINTMENT = re.compile(
    rf"\b(?:minhas?|meus?|nossas?|nossos?|ess[ae]|a|o|as|os) (?:consultas?|exames?|retornos?|sess(?:ao|oes)|"
    rf"horarios?|agendamentos?|avaliac(?:ao|oes))\b|\b[ao] (?:minha|meu)\b|\b[ao] d[aeo] (?:minha|meu) {kin.KINSHIP}"
)
_LEFT = re.compile(r"\b(?:nao|nem|sem) (?:\w+ )?(?:remarc|reagend|cancel|desmarc)\w*")
"""What is said of an appointment is that it stays."""
_APPOINTMENT_ALONE = re.compile(
    r"^\W*(?:tambem )?(?:(?:[ao]s?|minhas?|meus?) )*(?:consultas?|exames?|retornos?|sess(?:ao|oes)|horarios?|"
    r"agendamentos?)(?: (?:d[aeo]s?|as|dia) [\w/:]+){0,3}\W*$"
)
_BOOKS = re.compile(
    rf"\b(?:marcar?|marque|agendar?|agende|reserv(?:ar?|e)|encaix(?:ar?|e))\b|"
    rf"\b(?:quero|queria|gostaria de|preciso(?: de)?) (?:uma? |outr[oa] )?(?:{VISIT}|{NAMES})\b|"
    rf"\b(?:tem|teria|ha) (?:algum |alguma )?(?:horario|vaga|encaixe)\b"
)
_SUPPOSES = re.compile(r"\b(?:se|quando|caso) (?:eu )?(?:precis|quis|quer|for\b|pud)\w*")
_STAFF = (
    r"(?:a |o |um |uma |algum |alguma |outr[oa] )?(?:atendentes?|human[oa]|seres? humanos?|pessoa|recepcao|"
    r"recepcionista|secretaria|gerente|responsavel|funcionari[oa]|moca|alguem(?! (?:para|que|sobre)\b))\b"
)
_PERSON_WISHED = re.compile(
    r"(?<!nao )\b(?:quero|queria|gostaria(?: de)?|preciso(?: de)?|precisava(?: de)?|prefiro|preferia|posso|podemos|"
    r"podem?|poderia|da para|tem como|consigo|desejo|favor)(?: (?:me|eu|so|primeiro|tambem|antes))* "
    rf"(?:falar|conversar|ser atendid[oa]|passar|transferir|chamar) (?:com |por |para )?{_STAFF}|"
    rf"(?:^|[,.;!?\n] *|\b(?:e|mas) )(?:me )?(?:cham[ae]|pass[ae]|transfere|transfira|falar|conversar) "
    rf"(?:para |com )?{_STAFF}"
)
"""A person of the clinic is asked for."""
_IN_VAIN = re.compile(r"\b(?:tent(?:ei|amos|ando)|nao (?:consigo|consegui\w*|estou conseguindo|deu))\b")
"""None could be reached: who says so goes on without one."""


def without_prices(clinic: Clinic, norm: str) -> str:
    """What a message says besides asking for prices, where that names what is wished for; else the whole of it.

    "Quero uma consulta e saber o valor do clareamento" wishes for a consultation.
    """
    parts = _QUESTION.split(norm)
    left = [part for part in parts if not _PRICE.search(part)]
    rest = " , ".join(left)
    named_there = match(rest, {s.code: s.name for s in clinic.services}) or GENERIC & set(re.findall(r"[a-z]+", rest))
    return rest if len(left) < len(parts) and named_there else norm


def questions(text: Text) -> list[str]:
    """The parts of a message that may each be a question, as written; none where it is of one part."""
    parts = [(begin, until) for begin, until in _clauses(_NEXT_QUESTION, text.norm)]
    several = [text.surface(begin, until) for begin, until in parts if not _VACUOUS.match(text.norm[begin:until])]
    return several if len(several) > 1 else []


def asks(norm: str) -> bool:
    """Whether part of a message is a question by the way it begins."""
    return bool(_ASKS.match(norm))


def _clauses(border: re.Pattern[str], norm: str) -> Iterator[tuple[int, int]]:
    """Where each part of a normalised message begins and ends, between the borders."""
    begun = 0
    for found in border.finditer(norm):
        yield begun, found.start()
        begun = found.end()
    yield begun, len(norm)


def two_changes(clinic: Clinic, text: Text, now: datetime) -> tuple[str, str] | None:
    """Of several changes of different appointments in one message the first, and the rest, each to be read by itself.

    "Cancela a limpeza e remarca a consulta"; a verb is carried on ("remarca a minha pra sexta e a da minha mãe pra
    quinta"), and so is a day that is said last. To cancel and to book again the same is one change. The rest is empty
    where it only says that another one stays as it is.
    """
    norm = text.norm
    found: list[tuple[int, str, str]] = []
    for begin, until in _clauses(_BORDER, norm):
        said = norm[begin:until]
        if _CHANGES.search(said):
            found.append((begin, said, ""))
        elif found and _ALIKE.match(said) and _STAYS.search(said):
            return (text.raw[: text.origin[begin]], "") if len(found) == 1 else None
        elif found and _ALIKE.match(said):
            found.append((begin, said, found[-1][2] or _CHANGES.findall(found[-1][1])[0]))
    if len(found) < _TWO:
        return None
    (_, one, _), (at, other, verb) = found[:_TWO]
    if not _of_two(clinic, one, other, carried=bool(verb)):
        return None
    first, rest = text.raw[: text.origin[at]], text.raw[text.origin[at] :]
    day = _TO.search(other)
    if verb and day is not None and parse(one, now).empty:
        first = f"{_AND_AT_END.sub('', first)} {text.surface(at + day.start(), at + len(other))}"
    return (first, f"{verb} {rest}" if verb else rest)


def _of_two(clinic: Clinic, one: str, other: str, *, carried: bool) -> bool:
    """Whether two parts of a message change different appointments: of two people, or of two services."""
    first, second = (_whose(said) for said in (one, other))
    if first is not None and second is not None and first != second:
        return True
    services = [pairs.services_in(clinic, said, generic=True, many=True) for said in (one, other)]
    apart = all(services) and not any(s in services[1] for s in services[0])
    return apart and (carried or bool(_CANCELS.search(one)) != bool(_CANCELS.search(other)))


def _whose(said: str) -> str | None:
    """Whose appointment part of a message speaks of, in a word; None where it does not say."""
    relative = kin.relation(said)
    if relative is not None:
        return relative
    named = [word for word in _OF.findall(said) if people.is_first_name(word)]
    return named[0] if named else kin.SELF if _MINE.search(said) else None


def wants_a_person(norm: str) -> bool:
    """Whether a message asks for a person of the clinic, whatever it wishes for beside."""
    return bool(_PERSON_WISHED.search(norm)) and not _IN_VAIN.search(norm) and "ou" not in norm.split()


def books(norm: str) -> bool:
    """Whether a message wishes for an appointment in so many words, be it no more than "marca"."""
    return bool(_BOOKS.search(norm))


def beside_notices(text: Text, now: datetime) -> str | None:
    """What a message wants besides what it says of our messages and the patient's data; None where that is nothing.

    A change of an appointment it names, a booking, or a person: "cancela minha consulta e não me mandem mais
    mensagens" cancels the first; "cancela as mensagens" changes none.
    """
    kept: list[str] = []
    cancels = False
    for begin, until in _clauses(_NOTICE_BORDER, text.norm):
        said = text.norm[begin:until]
        if _NOTICES.search(said):
            cancels = bool(_CANCELS.search(said)) and not _LEFT.search(said)
        elif said.strip():
            carried = "cancela " if cancels and _APPOINTMENT_ALONE.match(said) else ""
            kept.append(carried + text.surface(begin, until))  # "cancela os lembretes e a consulta"
            cancels = False
    rest = " , ".join(kept)
    read = normalise(rest).norm
    if _LEFT.search(read) or _SUPPOSES.search(read):
        return None
    named = _APPOINTMENT.search(read) or not parse(read, now).empty
    wanted = (named and _CHANGES.search(read)) or _BOOKS.search(read) or wants_a_person(read)
    return rest if wanted else None


def wished_for(clinic: Clinic, text: Text, now: datetime) -> tuple[list[Wish], str]:
    """What is wished for anew beside a change ("quero limpeza e remarcar minha consulta"), and the rest as written."""
    norm = text.norm
    clauses = list(_clauses(_BORDER, norm))
    changing = " ".join(norm[a:b] for a, b in clauses if _CHANGES.search(norm[a:b]))
    wishes: list[Wish] = []
    rest, kept = "", 0
    for begin, until in clauses:
        said = norm[begin:until]
        generic = not pairs.services_in(clinic, said, generic=False)
        services = pairs.services_in(clinic, said, generic=True) if changing and _anew(said, changing) else []
        whom = kin.whom(said)
        another = whom not in {None, kin.SELF} and whom != kin.whom(changing)
        if not services and changing and another and _anew(said, changing) and _ANOTHER_ONE.search(said):
            alike = pairs.services_in(clinic, changing, generic=True)
            services = alike or [s for s in [clinic.usual_visit()] if s is not None]
        named_there = pairs.services_in(clinic, changing, generic=generic, many=True)
        if len(services) != 1 or (services[0] in named_there and not another):
            continue
        who = clinic.professional(people.meant(clinic, said))
        able = who.code if who is not None and services[0].code in who.services else None
        when = parse(said, now, hours=clinic.hours or None).moment
        wishes.append(Wish(services[0].code, when, able, None if whom == kin.SELF else whom, another))
        rest += text.raw[kept : text.origin[begin]] if begin < len(norm) else ""
        kept = text.origin[until] if until < len(norm) else len(text.raw)
    return wishes, rest + text.raw[kept:]


def changes(norm: str) -> bool:
    """Whether a message speaks of moving or cancelling something."""
    return bool(_CHANGES.search(norm))


def after_a_yes(text: Text, *, cancelling: bool) -> tuple[str, str] | None:
    """The yes a message begins with, and what it goes on with, each as written; None where it is no yes and more.

    ``cancelling``: a cancellation is agreed to, and "pode cancelar" is a yes. What follows a "mas" limits the yes.
    """
    norm, yes = text.norm, _CANCEL_YES if cancelling else _OFFER_YES
    agreed, ended = False, 0
    for begin, until in _clauses(_YES_BORDER, norm):
        said = norm[begin:until]
        if re.search(r"\b(?:mas|porem)\b", norm[ended:begin]):
            return None
        if not _WITH_A_YES.match(yes.sub(" ", said)):
            return (text.raw[: text.origin[ended]], text.raw[text.origin[begin] :]) if agreed else None
        agreed, ended = agreed or bool(yes.search(said)), until
    return None


def _anew(said: str, changing: str) -> bool:
    """Whether part of a message wishes for something new, beside the part that changes what is booked."""
    if _CHANGES.search(said) or pairs.SAID_OTHERWISE.search(said) or _OWN.search(said) or not _WISHES.search(said):
        return False
    return bool(_ONE_MORE.search(said) or _VISIT.search(changing) or services_named(changing))
