"""What single values of a Kong configuration may be, after Kong's public documentation. Pure.

A check takes a value and answers what is wrong with it, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

Check = Callable[[Any], str | None]
_LABEL = r"[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# one wildcard, at one of the ends, and perhaps a port
_ROUTE_HOST = re.compile(rf"((\*\.)?{_LABEL}(\.{_LABEL})*|{_LABEL}(\.{_LABEL})*\.\*)(:[0-9]{{1,5}})?")
_NAME = re.compile(r"[0-9A-Za-z.\-_~\u0080-\U0010ffff]+")
_HEADER = re.compile(r"[A-Za-z0-9_-]+")
_PREFIX = re.compile(r"/([A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
# Kong's router is written in Rust, whose regular expressions look neither ahead nor back
_NOT_IN_RUST = re.compile(r"\(\?(=|!|<=|<!|>|P=|\()|\\[1-9]")


def text(value: Any) -> str | None:
    """A text that is not empty."""
    return None if isinstance(value, str) and value else "must be a text"


def flag(value: Any) -> str | None:
    """True or false, never a text or a number."""
    return None if isinstance(value, bool) else "must be true or false"


def number(low: int, high: int) -> Check:
    """A whole number within two bounds, both included."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"must be a whole number from {low} to {high}"

    return check


def one(*choices: str | int) -> Check:
    """One of a few words or numbers."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, str | int) and not isinstance(value, bool) and value in choices
        return None if fits else f"must be one of {', '.join(map(str, choices))}"

    return check


def many(check: Check, *, least: int = 0) -> Check:
    """A list whose entries pass and come once; Kong calls most of these sets."""

    def checked(value: Any) -> str | None:
        if not isinstance(value, list):
            return "must be a list"
        if len(value) < least:
            return "must not be empty"
        for index, item in enumerate(value):
            if found := check(item):
                return f"[{index}] {found}"
            if item in value[:index]:
                return f"[{index}] comes twice"
        return None

    return checked


def pattern(pattern: re.Pattern[str], what: str) -> Check:
    """A text that a pattern matches from its beginning to its end."""
    return lambda value: None if isinstance(value, str) and pattern.fullmatch(value) else f"must be {what}"


def uuid(value: Any) -> str | None:
    """A UUID in its usual form."""
    try:
        return None if isinstance(value, str) and str(UUID(value)) == value.lower() else "must be a UUID"
    except ValueError:
        return "must be a UUID"


def service_path(value: Any) -> str | None:
    """A path that is taken as it is written."""
    if not isinstance(value, str) or not value.startswith("/"):
        return "must start with /"
    return _prefix(value)


def _prefix(value: str) -> str | None:
    if "//" in value:
        return "must not have empty segments"
    return None if _PREFIX.fullmatch(value) else "has a character that a path cannot have: a pattern starts with ~/"


def route_path(value: Any) -> str | None:
    """A path of a route: the beginning of a path, or a regular expression after ~."""
    if not isinstance(value, str) or not value.startswith(("/", "~/")):
        return "must start with / (a prefix) or ~/ (a regular expression)"
    if not value.startswith("~"):
        return _prefix(value)
    try:
        re.compile(value[1:])
    except re.error:
        return "is no regular expression"
    return "looks ahead or back, which Kong's router cannot" if _NOT_IN_RUST.search(value) else None


name = pattern(_NAME, "a name of letters, digits and . - _ ~")
host = pattern(_HOST, "a host name")
header = pattern(_HEADER, "a header's name")
route_host = pattern(_ROUTE_HOST, "a host name")
texts = many(text)


def record(**fields: Check) -> Check:
    """An object with these fields, all of them optional."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        for key, item in value.items():
            if key not in fields:
                return f"has no field {key}"
            if found := fields[key](item):
                return f".{key} {found}"
        return None

    return check


def pair(value: Any) -> str | None:
    """A name and what it is given, with a colon between them."""
    key, colon, _ = value.partition(":") if isinstance(value, str) else ("", "", "")
    return None if key and colon else "must be written name:value"
