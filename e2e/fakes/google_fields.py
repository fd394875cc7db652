"""Partial answers: the `fields` parameter, a comma-separated list of `name`, `name/inner` and `name(inner,…)`.

Source: developers.google.com, "Google Calendar API: performance tips, partial response".
"""

from typing import Any

from fakes.google_errors import GoogleError

Mask = dict[str, Any]
"""Wanted names; what is wanted of each, empty for all of it."""


def masked(value: Any, fields: str) -> Any:
    """Return what `fields` asks for of an answer. Raises GoogleError for a mask that cannot be read."""
    return _cut(value, _parsed(fields))


def _parsed(fields: str) -> Mask:
    mask, rest = _list(fields)
    if rest:
        raise GoogleError("invalid", f"Invalid field selection {fields}")
    return mask


def _list(text: str) -> tuple[Mask, str]:
    mask: Mask = {}
    while True:
        end = next((at for at, sign in enumerate(text) if sign in "/(),"), len(text))
        name, text = text[:end].strip(), text[end:]
        if not name:
            raise GoogleError("invalid", "Invalid field selection")
        inner: Mask = {}
        if text.startswith("("):
            inner, text = _list(text[1:])
            if not text.startswith(")"):
                raise GoogleError("invalid", "Invalid field selection")
            text = text[1:]
        elif text.startswith("/"):
            path = text[1:]
            end = next((at for at, sign in enumerate(path) if sign in "(),"), len(path))
            inner, text = _parsed(path[:end]), path[end:]
        mask[name] = inner
        if not text.startswith(","):
            return mask, text
        text = text[1:]


def _cut(value: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [_cut(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _cut(inner, mask[name]) for name, inner in value.items() if name in mask}
