"""Questions about prices: of one service, of several that are named, of all; the lowest, in order, up to an amount."""

import re
from collections.abc import Sequence
from decimal import Decimal

from atendeai.domain.dialogue import offering, texts, wording
from atendeai.domain.dialogue.clinic import Service
from atendeai.domain.dialogue.session import Session
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.normalise import fold

_PAYMENT = re.compile(
    r"\b(?:parcel\w+|cartao|cartoes|credito|debito|pix|boleto|dinheiro|descontos?|nota fiscal|recibo|"
    r"formas? de pag\w+|reembols\w+|vezes)\b"
)
"""Ways of paying, which a profile does not hold."""
_AMOUNT = re.compile(r"\b(?:quanto|precos?|valor\w*|custa\w*|tabela)\b")
_LOWEST = re.compile(r"\bmais (?:barat[oa]|em conta)\b|\bmenor (?:preco|valor)\b|\bmenos car[oa]\b")
_HIGHEST = re.compile(r"\bmais car[oa]\b|\bmaior (?:preco|valor)\b")
_UP_TO = re.compile(
    r"\b(?:ate|menos de|abaixo de|por|no maximo) (?:r\$ ?)?(?P<sum>\d{2,5})(?:[.,]00)?(?: ?(?:reais|real|conto))"
)
_KIND = re.compile(r"\b(?:consulta|exame|sessao|avaliacao|cirurgia|limpeza)s?\b")
_PARTS = re.compile(r"[,;/+?]|\b(?:e|ou|mais)\b")


def answer(session: Session) -> None:
    """Says the prices asked for, as far as the clinic publishes them."""
    about = _about(session)
    if _PAYMENT.search(session.norm):
        session.pass_on(texts.PAYMENT_PASSED_ON)
        if not _AMOUNT.search(session.norm):
            return
    priced = [s for s in about if s.price]
    if not priced:
        session.pass_on(texts.NO_PRICE)
    elif len(priced) == 1:
        session.say(f"{priced[0].name}: {_price(priced[0])}.")
    else:
        _compared(session, priced)


def _about(session: Session) -> Sequence[Service]:
    """The services asked about: those named, else the one spoken of, else all."""
    services = session.clinic.services
    codes: set[str] = set()
    for part in _PARTS.split(session.norm):
        found = entities.match(part, {s.code: s.name for s in services})
        codes.update(found if len(found) == 1 else ())
    if named := [s for s in services if s.code in codes] or offering.named(session):
        return named
    kind = _KIND.search(session.norm)
    state = session.state
    spoken = [state.service] if state.service else state.between or [wish.service for wish in state.later[:1]]
    spoken_of = [s for s in services if s.code in spoken]
    alike = [s for s in services if kind and kind[0].rstrip("s") in fold(s.name).split()]
    return spoken_of or alike or services


def _compared(session: Session, priced: Sequence[Service]) -> None:
    norm = session.norm
    rising = sorted(priced, key=lambda s: Decimal(s.price or 0))
    limit = _UP_TO.search(norm)
    lowest, highest = bool(_LOWEST.search(norm)), bool(_HIGHEST.search(norm))
    if limit is not None:
        within = [s for s in rising if Decimal(s.price or 0) <= int(limit["sum"])]
        session.say(_list(within, texts.WITHIN) if within else texts.none_within(*_named(rising[0])))
    elif lowest and highest:
        falling = norm.index("mais car") < norm.index("mais barat") if "mais barat" in norm else False
        session.say(_list(rising[::-1] if falling else rising, texts.PRICES))
    elif lowest:
        session.say(texts.lowest(*_named(rising[0])))
    elif highest:
        session.say(texts.highest(*_named(rising[-1])))
    else:
        session.say(_list(priced, texts.PRICES))


def _list(services: Sequence[Service], lead: str) -> str:
    return f"{lead}\n" + "\n".join(f"• {s.name}: {_price(s)}" for s in services)


def _named(service: Service) -> tuple[str, str]:
    return wording.inside(service.name), _price(service)


def _price(service: Service) -> str:
    return wording.price(str(service.price))
