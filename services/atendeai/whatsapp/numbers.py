"""Phone numbers as WhatsApp writes them, pure.

A Brazilian mobile number appears with its ninth digit or without (`5511987654321`, `551187654321`), for the same
person, as the account happens to have been registered. Only subscriber numbers that begin with 6 to 9 had an eight
digit form (Anatel, Resolução 553/2010); those that begin with 2 to 5 are landlines and must not be joined with one.
"""

from __future__ import annotations

import re
from functools import lru_cache

_MOBILE = re.compile(r"^55(\d\d)9?([6-9]\d{7})$")
_NOT_DIGITS = re.compile(r"\D")


@lru_cache(4096)
def number_key(number: str) -> str:
    """Return what is equal for both forms of one number. For comparing, never for sending."""
    digits = _NOT_DIGITS.sub("", number)
    match = _MOBILE.match(digits)
    return f"55{match[1]}{match[2]}" if match else digits
