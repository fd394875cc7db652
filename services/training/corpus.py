"""Reads the phrases that the classifier learns from.

One file for each intent in ``phrases/``; ``near_misses.txt`` holds what sounds like an emergency and is none, under
lines ``@ intent``. A line is a pattern: ``[a|b|]`` stands for one of its alternatives, the last of which may be
nothing. ``#`` begins a comment.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PHRASES = Path(__file__).parent / "phrases"
_SLOT = re.compile(r"\[([^\]]*)\]")
_ROUNDS = 2
_MOST = 24


@dataclass(frozen=True, slots=True)
class Phrase:
    """One message, its intent, and the pattern it came from: phrases of one pattern are paraphrases of each other."""

    text: str
    intent: str
    family: str


def expand(pattern: str) -> list[str]:
    """Messages of a pattern, always the same: each alternative occurs at least once or until 24 are made."""
    pieces = _SLOT.split(pattern)
    slots = [piece.split("|") for piece in pieces[1::2]]
    chance = random.Random(pattern)  # noqa: S311 - a shuffle that must come out alike everywhere
    wanted = min(_MOST, _ROUNDS * max((len(slot) for slot in slots), default=1))
    decks: list[list[str]] = [[] for _ in slots]
    found: dict[str, None] = {}
    for _ in range(wanted):
        chosen: list[str] = []
        for slot, deck in zip(slots, decks, strict=True):
            if not deck:
                deck.extend(chance.sample(slot, len(slot)))
            chosen.append(deck.pop())
        words = [piece for pair in zip(pieces[::2], [*chosen, ""], strict=True) for piece in pair]
        found[re.sub(r"\s+", " ", "".join(words)).replace(" ,", ",").replace(" ?", "?").strip()] = None
    return [text for text in found if text]


def patterns() -> Iterator[tuple[str, str]]:
    """Every (intent, pattern) of the files, in the order of their names."""
    for file in sorted(PHRASES.glob("*.txt")):
        intent = file.stem
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("@"):
                intent = line[1:].strip()
            elif line.strip() and not line.startswith("#"):
                yield intent, line.strip()


def phrases() -> list[Phrase]:
    """Every message to learn from; one that two intents claim is left out, for it teaches nothing."""
    made = [Phrase(text, intent, pattern) for intent, pattern in patterns() for text in expand(pattern)]
    claimed: dict[str, set[str]] = {}
    for phrase in made:
        claimed.setdefault(phrase.text.lower(), set()).add(phrase.intent)
    return [phrase for phrase in made if len(claimed[phrase.text.lower()]) == 1]
