"""What the trained classifier sees of a message: pieces of words, words and pairs of them, concepts, and rules' marks.

Pieces of two to five letters survive slips of the thumb and spellings by ear; concepts carry what was learnt of one
word over to its like; the marks say what the rules found. Training and reading use this one description.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

from atendeai.domain.understanding.concepts import concepts

_TOKEN = re.compile(r"[a-z]+|\d+|[^\w\s]")
_SHORTEST, _LONGEST = 2, 5
_MARK_WEIGHT = 0.3
_MARK = "\t"
_WORD = "\n"
_CONCEPT = "\v"


def _pieces(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        padded = f" {token} "
        for size in range(_SHORTEST, _LONGEST + 1):
            if size >= len(padded):
                yield padded
                break
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def word_feature(word: str) -> str:
    """The name under which a whole word is seen."""
    return _WORD + word


def _words(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        yield word_feature(token)
    for pair in pairwise(tokens):
        yield _WORD + " ".join(pair)


def _concepts(norm: str) -> Iterator[str]:
    for concept in concepts(norm):
        yield _CONCEPT + concept


def names(norm: str, marks: Collection[str]) -> set[str]:
    """The names of everything seen in a normalised message."""
    tokens = _TOKEN.findall(norm)
    return {*_pieces(tokens), *_words(tokens), *_concepts(norm), *(_MARK + mark for mark in marks)}


def vector(norm: str, marks: Collection[str], known: Callable[[str], bool]) -> dict[str, float]:
    """What is seen of a normalised message and ``known`` to the classifier, by name.

    Pieces, words and concepts are three vectors of length 1 with damped counts; a mark weighs 0.3.
    """
    tokens = _TOKEN.findall(norm)
    seen: dict[str, float] = {}
    for group in (_pieces(tokens), _words(tokens), _concepts(norm)):
        damped = {name: 1 + math.log(count) for name, count in Counter(group).items() if known(name)}
        length = math.sqrt(sum(value * value for value in damped.values()))
        seen.update({name: value / length for name, value in damped.items()})
    seen.update({_MARK + mark: _MARK_WEIGHT for mark in marks if known(_MARK + mark)})
    return seen
