"""A move said by how far: "adiar uma semana", "antecipar um dia", "uma hora mais tarde"; pure."""

import re
from datetime import datetime, timedelta

from atendeai.domain.understanding.numbers import NUMBER, number
from atendeai.domain.understanding.when import Moment

_AMOUNT = rf"(?:(?P<half>meia hora)|(?P<n>{NUMBER}) ?(?P<unit>semanas?|dias?|h\b|hs\b|hrs?\b|horas?|min(?:utos?)?))"
_LATER = r"(?:adi(?:ar|a|e|em|ando)|posterg\w+|prorrog\w+|empurr\w+|atras(?:ar|a|e))"
_EARLIER = r"(?:antecip\w+|adiant\w+|pux\w+)"
_BY = (
    r"(?: (?:a|o|ela|ele|isso|tudo|essa|esse|minha|meu|consulta|exame|retorno|horario|sessao|so|mais|em|por|para|uns|"
    r"umas|"
    r"pelo menos))*? "
)
_VERB_FIRST = re.compile(rf"\b(?:(?P<later>{_LATER})|(?P<earlier>{_EARLIER})){_BY}{_AMOUNT}\b(?! (?:da|de|do) )")
_AMOUNT_FIRST = re.compile(
    rf"(?<!daqui )(?<!daqui a )(?<!dentro de )\b{_AMOUNT}\b "
    r"(?:(?P<later>(?:mais )?(?:para frente|pra frente|adiante|depois|mais tarde|a mais))|"
    r"(?P<earlier>(?:mais )?(?:antes|mais cedo|para tras|pra tras)))\b(?! (?:d[aeo]s?|que|disso)\b)"
)


def shifted(norm: str, start: datetime) -> Moment | None:
    """The day and hour that the message moves an appointment at ``start`` to; None where it says no such thing."""
    found = _VERB_FIRST.search(norm) or _AMOUNT_FIRST.search(norm)
    if found is None:
        return None
    amount = 1 if found["half"] else number(found["n"])
    unit = "half" if found["half"] else found["unit"][:1]
    steps = {
        "half": timedelta(minutes=30),
        "s": timedelta(weeks=1),
        "d": timedelta(days=1),
        "h": timedelta(hours=1),
        "m": timedelta(minutes=1),
    }
    moved = start + steps[unit] * (amount if found["later"] else -amount)
    return Moment(date=moved.date(), time=moved.time())
