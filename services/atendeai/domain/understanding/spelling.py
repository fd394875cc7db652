"""Puts misspelt words of this field right, and no others.

A word is corrected only when it is not a word we know, is long enough to be told apart, and exactly one known word is
near enough (one edit, or two for long words; swapped neighbours count as one).
"""

from functools import lru_cache

from atendeai.domain.understanding.lexicon import KNOWN, TARGETS

_SHORTEST = 5
_LONG = 9


def distance(left: str, right: str, limit: int) -> int:
    """Damerau–Levenshtein distance (optimal string alignment), or ``limit + 1`` when it is more than ``limit``."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        current = [i]
        for j, b in enumerate(right, start=1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]


def nearest(word: str, words: frozenset[str] | tuple[str, ...], limit: int) -> str | None:
    """The one word of ``words`` within ``limit`` edits of ``word``; nothing when there is none or a tie."""
    best: str | None = None
    best_distance = limit + 1
    tie = False
    for candidate in words:
        d = distance(word, candidate, limit)
        if d < best_distance:
            best, best_distance, tie = candidate, d, False
        elif d == best_distance and d <= limit:
            tie = True
    return None if tie else best


@lru_cache(maxsize=8192)
def corrected(word: str) -> str:
    """The word as it was meant; the same word when nothing near enough is known."""
    if len(word) < _SHORTEST or word in KNOWN or not word.isascii():
        return word
    found = nearest(word, TARGETS, 2 if len(word) >= _LONG else 1)
    # People rarely miss a first letter; requiring it keeps unknown names from turning into words.
    if found is None or found[0] != word[0]:
        return word
    return found
