"""Reading JSON that strangers wrote, pure: each returns what is of the expected shape, and nothing otherwise."""

from __future__ import annotations

from typing import Any

from atendeai.whatsapp.numbers import number_key

MOST_ID = 512
"""Characters of an identifier. Longer ones than the platform's own do not fit the indexes that know them again."""


def dicts(container: Any, key: str) -> list[dict[str, Any]]:
    """Return the objects of a list; none where there is no list."""
    found = container.get(key) if isinstance(container, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def words(container: Any, key: str) -> str | None:
    """Return a text that is not empty."""
    found = container.get(key) if isinstance(container, dict) else None
    return found if isinstance(found, str) and found else None


def identifier(container: Any, key: str) -> str | None:
    """Return an identifier that the indexes can hold."""
    found = words(container, key)
    return found if found is not None and len(found) <= MOST_ID else None


def phone(container: Any, key: str) -> str | None:
    """Return a phone number: two that have no digit must not be taken for the same person."""
    found = identifier(container, key)
    return found if found is not None and number_key(found) else None
