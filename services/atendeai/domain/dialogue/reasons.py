"""Why an appointment is cancelled, in the patient's own words: "não vou poder ir, estou com febre"; pure."""

import re

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.intents import is_yes
from atendeai.domain.understanding.normalise import Text
from atendeai.domain.understanding.rules import RULES

_LONGEST = 200
_BORDER = re.compile(
    r"[,;.!\n]+|\s(?=(?:porque|pois|ja que|por causa|por motivo|devido|mas)\b)|\be\b|"
    r"\s(?=(?:eu )?nao (?:vou|posso|consigo|poderei|vai dar|da)\b)|"
    r"\s(?=que (?:eu|ele|ela|meu|minha|estou|vou|tive|tenho|surgiu|fiquei)\b)"
)
_JOINS = re.compile(r"^\W*(?:(?:porque|pois|ja que|que|mas|e|entao|infelizmente)\b\W*)+")
_VERB = re.compile(
    r"\b(?:estou|esta|estamos|estava|tive|teve|tenho|tem|vou|vai|fiquei|ficou|surgiu|apareceu|aconteceu|consegui|achei|"
    r"preciso|peguei|perdi|morreu|faleceu|nasceu|quebr\w+|mudei|viaj\w+|trabalh\w+|melhor\w+|piorei|adoec\w+|resolv\w+|"
    r"marquei|chove\w*|chovendo|acabei|recebi|foi|fui|passei|internad\w+|era|e)\b"
)
_TELLS = re.compile(r"\b(?:imprevistos?|doente|febre|chuva|viagem|trabalho|por causa|por motivo|devido|car[oa])\b")
_AIMS = frozenset(
    [Intent.CANCEL, Intent.RESCHEDULE, Intent.BOOK, Intent.OPT_OUT, Intent.HUMAN, Intent.LIST_APPOINTMENTS]
)
_IS_NONE = re.compile(
    r"\?|\b(?:cancel|desmarc|remarc|reagend|avis|obrigad|desculp|por favor|por gentileza|bom dia|boa (?:tarde|noite)|"
    r"meu nome|me chamo|aqui (?:e|quem)|sou (?:a|o)\b|(?:a|o) (?:minha|meu)\b|"
    r"nao (?:vou|posso|consigo|vai|poderei|da))\w*"
)
"""What says no reason: the wish itself, a courtesy, who is writing."""


def why(text: Text) -> str | None:
    """The part of a message that tells why; None where it tells nothing of it."""
    kept: list[str] = []
    begun = 0
    for border in [*_BORDER.finditer(text.norm), None]:
        until = border.start() if border is not None else len(text.norm)
        said = text.norm[begun:until]
        lead = _JOINS.match(said)
        begin = begun + (lead.end() if lead is not None else 0)
        if _tells(text.norm[begin:until]):
            kept.append(text.surface(begin, until))
        begun = border.end() if border is not None else until
    return ", ".join(kept)[:_LONGEST].strip() or None


def _tells(said: str) -> bool:
    """Whether a clause tells of something that happened, and wishes for nothing."""
    if _IS_NONE.search(said) or is_yes(said.strip()):
        return False
    if any(rule.intent in _AIMS and rule.pattern.search(said) for rule in RULES):
        return False
    return bool(_TELLS.search(said)) or (len(said.split()) > 1 and bool(_VERB.search(said)))
