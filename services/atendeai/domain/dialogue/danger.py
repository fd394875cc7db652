"""Emergencies, certain and doubtful ones: what is said at once, and right after them."""

import re

from atendeai.domain.dialogue import texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Outcome
from atendeai.domain.understanding.intent import Intent

_SELF_HARM = re.compile(
    r"\b(?:suicid\w+|(?:me|se) (?:matar|mato|mata|enforc\w+|jog(?:ar|o|ou)|cort(?:ar|ei|o|ou|ando))|"
    r"cort\w+ os pulsos|"
    r"(?:quer\w*|vontade de|pens\w+ em|melhor|prefiro|vou) (?:eu )?(?:morrer|sumir|nao existir)|"
    r"(?:tirar|acabar com|dar fim (?:a|na)) (?:a )?(?:minha |propria |sua )?(?:propria )?vida|"
    r"(?:sem vontade de|nao (?:quero|aguento|consigo)(?: mais)?|desisti de|para que) viver|nao acordar|"
    r"tom\w+ (?:\w+ ){0,3}(?:remedios?|comprimidos?|cartelas?|veneno) (?:\w+ )?(?:para|e) (?:\w+ )?(?:morrer|dormir)|"
    r"(?:automutil\w+|me machucar de proposito))\b"
)
"""Whole words: "grávida" holds "vida"."""
_CALLED = re.compile(
    r"\b(?:ja|estou|estamos|acabei de) (?:lig\w+|cham\w+|(?:no|indo|a caminho)\b.{0,20}(?:samu|hospital|pronto))"
)
_NO_EMERGENCY = re.compile(
    r"\bnao (?:e|era|foi|se trata de) (?:uma |nenhuma )?(?:emergencia|urgencia|nada disso)|"
    r"\balarme falso\b|\bfoi engano\b"
)


def settles(session: Session) -> bool:
    """Whether nothing but an emergency, or its end, is to be answered; help is named wherever there may be one."""
    if _afterwards(session):
        return True
    _over(session)
    if session.reading.intent is Intent.EMERGENCY:
        _answer(session)
        return True
    if session.reading.doubtful:
        _warn(session)
    return False


def _afterwards(session: Session) -> bool:
    """What is said right after an emergency gets a word of its own: help was called, or it was none."""
    if not session.state.handed_off or session.state.done is not Outcome.EMERGENCY:
        return False
    if _NO_EMERGENCY.search(session.norm):
        session.say(texts.NO_EMERGENCY)
        return True
    if _CALLED.search(session.norm):
        session.say(texts.HELP_CALLED)
        return True
    return False


def _answer(session: Session) -> None:
    """Says whom to call, at once, and leaves the conversation to a person."""
    session.say(texts.SELF_HARM if _SELF_HARM.search(session.norm) else texts.EMERGENCY)
    session.alerts.append(Alert.EMERGENCY)
    session.state.reset_flow()
    session.state.forget_later()
    session.state.handed_off = True
    session.state.done = Outcome.EMERGENCY
    session.state.last = None


def _warn(session: Session) -> None:
    """Says whom to call in case it is one, and has a person look; the conversation goes on.

    Whoever says nothing more after that is taken to have had one.
    """
    session.say(texts.MAYBE_SELF_HARM if _SELF_HARM.search(session.norm) else texts.MAYBE_EMERGENCY)
    session.alerts.append(Alert.POSSIBLE_EMERGENCY)
    if session.state.done is None:
        session.state.done = Outcome.EMERGENCY


def _over(session: Session) -> None:
    """Whoever goes on after a doubtful one has had none."""
    if session.state.done is Outcome.EMERGENCY and not session.state.handed_off:
        session.state.done = None
