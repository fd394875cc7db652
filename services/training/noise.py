"""What happens to a phrase between a patient's head and a phone: slips, fillers, courtesies, a second concern."""

import random

from atendeai.domain.understanding.intent import CHANGES, COURTESIES, QUESTIONS, Intent
from training.corpus import Phrase

_BEFORE = (
    "oi", "oi tudo bem", "bom dia", "boa tarde", "boa noite", "olá", "oii bom dia", "moça", "então", "é o seguinte",
    "oi então", "ah", "deixa eu te falar", "olha", "por favor", "bom dia tudo bem", "tipo assim", "hum", "é que",
    "oi sou a Marina", "doutora", "gente", "ei", "alô",
)  # fmt: skip
_AFTER = (
    "por favor", "pfv", "obrigada", "obg", "viu", "tá", "né", "🙏", "😊", "moça", "por gentileza", "pode me dizer",
    "desde já agradeço", "ok", "!!", "...", "aí", "valeu", "kkk", "meu bem", "tudo bem?", "urgente",
)  # fmt: skip
_TIERS: tuple[frozenset[Intent], ...] = (
    frozenset({Intent.EMERGENCY}),
    CHANGES,
    frozenset({Intent.HUMAN}),
    frozenset({Intent.RESULTS}),
    frozenset({Intent.RUNNING_LATE}),
    QUESTIONS,
    frozenset({Intent.CONFIRM_YES, Intent.CONFIRM_NO}),
    COURTESIES,
)
_ANSWERS = _TIERS[-2] | COURTESIES
_NEIGHBOURS = {a: b for a, b in zip("qwertyuiopasdfghjklzxcvbnm", "wqretuyipoasdfhgklzjcxvnbm", strict=True) if a != b}
_LONG_ENOUGH = 5


def slip(text: str, chance: random.Random) -> str:
    """The same text with one slip of the thumb in one of its longer words."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) >= _LONG_ENOUGH]
    if not places:
        return text
    at = chance.choice(places)
    word = words[at]
    i = chance.randrange(1, len(word) - 1)
    words[at] = chance.choice(
        (
            word[:i] + word[i + 1 :],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + word[i] + word[i:],
            word[:i] + _NEIGHBOURS.get(word[i], word[i]) + word[i + 1 :],
        )
    )
    return " ".join(words)


def _tier(intent: str) -> int | None:
    return next((rank for rank, tier in enumerate(_TIERS) if intent in tier), None)


def _together(phrase: Phrase, other: Phrase, chance: random.Random) -> Phrase | None:
    """Two concerns in one message; the first in the order of precedence is its intent."""
    mine, others = _tier(phrase.intent), _tier(other.intent)
    if mine is None or others is None or mine == others:
        return None
    first, second = chance.sample((phrase.text, other.text), 2)
    text = first + chance.choice((". ", " e ", ", ", " ", "? ", " mas ")) + second
    return Phrase(text, phrase.intent if mine < others else other.intent, phrase.family)


def disturbed(phrases: list[Phrase]) -> list[Phrase]:
    """One more phrase for each of them, always the same ones."""
    chance = random.Random(192)  # noqa: S311 - must come out alike everywhere
    made: list[Phrase] = []
    for number, phrase in enumerate(phrases):
        kind = number % 4
        text: str | None = None
        if kind == 0:
            text = slip(phrase.text, chance)
        elif kind == 1 and phrase.intent not in _ANSWERS:
            text = f"{chance.choice(_BEFORE)}{chance.choice((' ', ', ', '. '))}{phrase.text}"
        elif kind == 2 and phrase.intent not in _ANSWERS:  # noqa: PLR2004
            text = slip(f"{phrase.text} {chance.choice(_AFTER)}", chance)
        else:
            both = _together(phrase, chance.choice(phrases), chance)
            made += [both] if both else []
        if text and text != phrase.text:
            made.append(Phrase(text, phrase.intent, phrase.family))
    return made
