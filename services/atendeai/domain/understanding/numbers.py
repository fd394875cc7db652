"""Portuguese numbers from one to fifty-nine, as words and as digits, for the grammar of dates and times."""

import re

_UNITS = {
    "zero": 0, "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7,
    "oito": 8, "nove": 9, "dez": 10, "onze": 11, "doze": 12, "treze": 13, "quatorze": 14, "catorze": 14, "quinze": 15,
    "dezesseis": 16, "dezessete": 17, "dezoito": 18, "dezenove": 19,
}  # fmt: skip
_TENS = {"vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50}

WORDS: dict[str, int] = dict(_UNITS)
for _ten, _value in _TENS.items():
    WORDS[_ten] = _value
    for _unit, _n in _UNITS.items():
        if 0 < _n < 10:  # noqa: PLR2004 - a digit
            WORDS[f"{_ten} e {_unit}"] = _value + _n

_ALTERNATIVES = "|".join(re.escape(w) for w in sorted(WORDS, key=len, reverse=True))
NUMBER = rf"(?:\d{{1,3}}|(?:{_ALTERNATIVES})\b)"


def number(text: str) -> int:
    """The value of a match of ``NUMBER``; ordinals of the first day ("primeiro", "1o") are 1."""
    text = text.strip()
    if text in {"primeiro", "1o"}:
        return 1
    return int(text) if text.isdigit() else WORDS[text]


def words_between(low: int, high: int) -> str:
    """A pattern of the number words whose value lies in ``low..high``."""
    chosen = [w for w, v in WORDS.items() if low <= v <= high]
    return "|".join(re.escape(w) for w in sorted(chosen, key=len, reverse=True))
