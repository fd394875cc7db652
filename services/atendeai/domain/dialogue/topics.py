"""Topics that a clinic leaves to its people: found in a message as whole words, in the singular as in the plural."""

import re
from collections.abc import Iterable

from atendeai.domain.understanding.normalise import fold, normalise

_WORD = re.compile(r"[a-z]+|\d+")
_PLURALS = (
    ("oes", "ao"),
    ("ais", "al"),
    ("eis", "el"),
    ("ois", "ol"),
    ("uis", "ul"),
    ("res", "r"),
    ("zes", "z"),
    ("ns", "m"),
    ("s", ""),
)
"""How words end in the plural and in the singular, without accents."""
_STEM = 2
"""So many letters stand before an ending at least: "mais" is no plural."""


def named(topics: Iterable[str], norm: str) -> bool:
    """Whether a normalised message names one of the topics, which are as the clinic wrote them."""
    said = _words(norm)
    # A clinic's own words are left as they are written in a message, others may have been put right.
    return any(_holds(said, _words(form)) for topic in topics for form in (normalise(topic).norm, fold(topic)))


def _words(norm: str) -> list[str]:
    return [_singular(word) for word in _WORD.findall(norm)]


def _singular(word: str) -> str:
    for plural, singular in _PLURALS:
        if len(word) >= len(plural) + _STEM and word.endswith(plural):
            return word.removesuffix(plural) + singular
    return word


def _holds(said: list[str], topic: list[str]) -> bool:
    """Whether the words of a topic stand one after the other among those said."""
    return bool(topic) and any(said[at : at + len(topic)] == topic for at in range(len(said)))
