"""What stands beside each other in one message: a wish and a price, a wish and a change, two changes; pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from atendeai.domain.dialogue import kin, pairs, people
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.state import Wish
from atendeai.domain.understanding.dates import parse
from atendeai.domain.understanding.entities import GENERIC, match
from atendeai.domain.understanding.normalise import Text, normalise

_VISIT = re.compile(r"\b(?:consultas?|exames?|retornos?|sess(?:ao|oes)|horarios?|avaliac(?:ao|oes)|a (?:d[aeo]|que))\b")
_CHANGES = re.compile(
    r"\b(?:(?:remarc|reagend|antecip|cancel|desmarc|desmarq|alter|adiant|transfer)\w*|remarque\w*|"
    r"(?:mud|troc|adi|pass)(?:ar|a|e)|troque)\b"
)
_CANCELS = re.compile(r"\b(?:cancel|desmarc|desmarq)\w*")
_TWO = 2
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
_BORDER = re.compile(r"[,;.!?\n+]+|\b(?:e|mas|porem)\b|\s(?=(?:quero|queria|gostaria|preciso|precisava|aproveit\w+)\b)")
"""Between two things that are said one after the other, in whatever way they are joined."""
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


def without_prices(clinic: Clinic, norm: str) -> str:
    """What a message says besides asking for prices, where that names what is wished for; else the whole of it.

    "Quero uma consulta e saber o valor do clareamento" wishes for a consultation.
    """
    parts = _QUESTION.split(norm)
    left = [part for part in parts if not _PRICE.search(part)]
    rest = " , ".join(left)
    named_there = match(rest, {s.code: s.name for s in clinic.services}) or GENERIC & set(re.findall(r"[a-z]+", rest))
    return rest if len(left) < len(parts) and named_there else norm


def _clauses(border: re.Pattern[str], norm: str) -> Iterator[tuple[int, int]]:
    """Where each part of a normalised message begins and ends, between the borders."""
    begun = 0
    for found in border.finditer(norm):
        yield begun, found.start()
        begun = found.end()
    yield begun, len(norm)


def two_changes(clinic: Clinic, text: Text) -> tuple[str, str] | None:
    """Two changes of different appointments in one message, each as written: "cancela a limpeza e remarca a consulta".

    To cancel and to book again the same is one change.
    """
    norm = text.norm
    changing = [(begin, said) for begin, until in _clauses(_BORDER, norm) if _CHANGES.search(said := norm[begin:until])]
    if len(changing) != _TWO:
        return None
    (_, one), (at, other) = changing
    first, second = (pairs.services_in(clinic, said, generic=True, many=True) for said in (one, other))
    alike = bool(_CANCELS.search(one)) == bool(_CANCELS.search(other)) or any(s in second for s in first)
    return None if alike or not first or not second else (text.raw[: text.origin[at]], text.raw[text.origin[at] :])


def change_beside_notices(text: Text, now: datetime) -> str | None:
    """What a message says besides our messages and the patient's data, where that changes an appointment it names.

    "Cancela minha consulta e não me mandem mais mensagens": the first; "cancela as mensagens" changes none.
    """
    parts = [(text.norm[begin:until], begin, until) for begin, until in _clauses(_NOTICE_BORDER, text.norm)]
    kept = [text.surface(begin, until) for said, begin, until in parts if said.strip() and not _NOTICES.search(said)]
    rest = " , ".join(kept)
    read = normalise(rest).norm
    named = _APPOINTMENT.search(read) or not parse(read, now).empty
    return rest if named and _CHANGES.search(read) and not _LEFT.search(read) else None


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
            services = alike or [s for s in [clinic.default_service()] if s is not None]
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


def _anew(said: str, changing: str) -> bool:
    """Whether part of a message wishes for something new, beside the part that changes what is booked."""
    if _CHANGES.search(said) or pairs.SAID_OTHERWISE.search(said) or _OWN.search(said) or not _WISHES.search(said):
        return False
    return bool(_ONE_MORE.search(said) or _VISIT.search(changing))
