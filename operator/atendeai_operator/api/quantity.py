"""Kubernetes quantities, as far as the API models use them: parse, compare, canonical form. Pure.

The canonical form is the one the API server gives back (apimachinery's resource.Quantity): the largest suffix that
loses nothing.
"""

from __future__ import annotations

import re
from decimal import Decimal

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}
_FORM = re.compile(r"^([+-]?[0-9.]+)([A-Za-z]{0,2})$")
_EXPONENT = re.compile(r"^([+-]?[0-9.]+)[eE]([+-]?[0-9]+)$")


def parse(text: str) -> Decimal:
    """Return the amount (cores or bytes) that a quantity stands for; ValueError when it is none."""
    exponent = _EXPONENT.match(text)
    if exponent:
        return Decimal(exponent.group(1)).scaleb(int(exponent.group(2)))
    match = _FORM.match(text)
    if not match:
        raise ValueError(f"not a quantity: {text!r}")
    number, suffix = match.groups()
    if suffix in _BINARY:
        return Decimal(number) * _BINARY[suffix]
    if suffix in _DECIMAL:
        return Decimal(number) * _DECIMAL[suffix]
    raise ValueError(f"not a quantity: {text!r}")


def canonical_cpu(text: str) -> str:
    """Return cores as the API server writes them: `1000m` is `1`."""
    milli = int(parse(text) * 1000)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def canonical_bytes(text: str) -> str:
    """Return bytes as the API server writes them: `1024Mi` is `1Gi`."""
    amount = int(parse(text))
    for suffix, size in reversed(_BINARY.items()):
        if amount >= size and amount % size == 0:
            return f"{amount // size}{suffix}"
    return str(amount)


def mebibytes(text: str) -> int:
    """Return an amount of bytes in whole MiB, rounded down."""
    return int(parse(text)) // 2**20
