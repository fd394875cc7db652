"""Brings what people type on a phone to a form that rules can be written against.

Lower case, no accents, no letters held down ("simmm"), abbreviations written out ("vc", "qro", "pfv"), misspelt words
of this field put right, everyday names of specialties in the terms of the trade. Every character of the result
remembers where it came from, so that what was recognised can be quoted as the patient wrote it.
"""

import re
import unicodedata
from dataclasses import dataclass

from atendeai.domain.understanding import laynames
from atendeai.domain.understanding.lexicon import ABBREVIATIONS
from atendeai.domain.understanding.spelling import corrected

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_HELD = re.compile(r"([a-z])\1{2,}")
_HELD_LAST = re.compile(r"([aeiouymh])\1+$")
_ORDINAL = {"ª": "a", "º": "o", "°": "o"}
_DOUBLED_ENDING = frozenset({"voo", "zoo", "coo", "veem", "leem", "creem", "ee", "mm", "aa", "oo", "www"})


@dataclass(frozen=True, slots=True)
class Text:
    """A message as written and as read.

    ``norm`` is what the rules look at; ``origin[i]`` is the index in ``raw`` of the character ``norm[i]`` stands for.
    """

    raw: str
    norm: str
    origin: tuple[int, ...]

    def surface(self, start: int, end: int) -> str:
        """The patient's own spelling of ``norm[start:end]``."""
        if start >= end:
            return ""
        first = self.origin[start]
        last = self.origin[end - 1] + 1
        # A corrected or expanded word maps onto its whole original: take that word to its end.
        while last < len(self.raw) and (self.raw[last].isalpha() and self.raw[last - 1].isalpha()):
            last += 1
        return self.raw[first:last].strip()

    @property
    def words(self) -> list[str]:
        """The words and numbers of ``norm``, without punctuation."""
        return re.findall(r"[a-z]+|\d+", self.norm)


def fold(text: str) -> str:
    """Lower case without accents; the length may change, the words do not."""
    mapped = "".join(_ORDINAL.get(char, char) for char in text)
    decomposed = unicodedata.normalize("NFKD", mapped.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _read(word: str, *, after_digit: bool) -> str:
    folded = fold(word)
    if after_digit:
        return folded
    if folded in ABBREVIATIONS:
        return ABBREVIATIONS[folded]
    if folded.isascii():
        folded = _HELD.sub(r"\1", folded)
        if len(folded) > 2 and folded not in _DOUBLED_ENDING:  # noqa: PLR2004 - "ee", "oo" are words
            folded = _HELD_LAST.sub(r"\1", folded)
        if folded in ABBREVIATIONS:
            return ABBREVIATIONS[folded]
    return corrected(folded)


class _Builder:
    """Collects the characters of the normal form with the places they come from, white space as single blanks."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.origin: list[int] = []

    def put(self, piece: str, at: int) -> None:
        for char in piece:
            if not char.isspace():
                self.chars.append(char)
                self.origin.append(at)
            elif self.chars and self.chars[-1] != " ":
                self.chars.append(" ")
                self.origin.append(at)

    def text(self, raw: str) -> Text:
        end = len(self.chars) - (1 if self.chars and self.chars[-1] == " " else 0)
        return Text(raw=raw, norm="".join(self.chars[:end]), origin=tuple(self.origin[:end]))


def normalise(raw: str, *, vocabulary: frozenset[str] = frozenset()) -> Text:
    """Reads a message. ``vocabulary``: the clinic's own words (names, services), never to be "corrected"."""
    out = _Builder()
    position = 0
    for match in _WORD.finditer(raw):
        for index in range(position, match.start()):
            out.put(fold(raw[index]), index)
        word = match.group()
        start = match.start()
        folded = fold(word)
        after_digit = start > 0 and raw[start - 1].isdigit()
        read = folded if folded in vocabulary else _read(word, after_digit=after_digit)
        if read == folded and len(folded) == len(word):
            for offset, char in enumerate(folded):
                out.put(char, start + offset)
        else:
            out.put(read, start)
        position = match.end()
    for index in range(position, len(raw)):
        out.put(fold(raw[index]), index)
    return _in_terms(out.text(raw), vocabulary)


def _in_terms(text: Text, own: frozenset[str]) -> Text:
    """The text with lay names of specialties and treatments in the terms that clinics use; ``own`` are the clinic's."""
    norm, begun = "", 0
    origin: tuple[int, ...] = ()
    for start, end, name in laynames.found(text.norm, own):
        whole = (text.origin[start],) * (len(name) - 1) + (text.origin[end - 1],)
        norm, origin = norm + text.norm[begun:start] + name, (*origin, *text.origin[begun:start], *whole)
        begun = end
    return Text(text.raw, norm + text.norm[begun:], (*origin, *text.origin[begun:])) if begun else text
