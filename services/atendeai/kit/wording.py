"""What is wrong with a field, in the house's words: what it must be, so that a caller knows what to send instead.

Pydantic names the rule that was broken and its bounds; its own sentences are about Python. What a validator of ours
says (`ValueError`, `PydanticCustomError`) is said as it is. None repeats the value, which may be a patient's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["reason", "spelt"]

_MOMENT = "must be a moment that there is, written as in 2026-11-30T14:30:00-03:00"
_DAY = "must be a day that there is, written as in 2026-11-30"
_CLOCK = "must be a time of day, written as in 14:30"
_OBJECT = "must be an object"
_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_FLAG = "must be true or false"
_TEXT = "must be text"
_UUID = "must be a UUID, as in 4f0c9a52-7d0e-4c36-9d2b-0a4e6a1f7f1e"

_RULES: dict[str, str] = {
    "missing": "is missing; send it",
    "extra_forbidden": "is not known here; leave it out",
    "invalid_key": _TEXT,
    "json_invalid": "cannot be read as JSON from character {at} on; correct it there",
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": "must be text in UTF-8",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": _NUMBER,
    "int_type": f"{_WHOLE}, not written as text",
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "none_required": "must be null",
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "list_type": "must be a list",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": _MOMENT,
    "time_type": _CLOCK,
    "time_parsing": _CLOCK,
}
"""By pydantic's name of the rule; in braces what it tells of it."""

_LENGTHS = frozenset({"too_short", "too_long"})
_SPELT: dict[str, str] = {}


def spelt(pattern: str, words: str) -> str:
    """Return a pattern, and have a refusal of what does not match it say that it must be these words."""
    _SPELT[pattern] = words
    return pattern


def reason(item: Mapping[str, Any]) -> str:
    """Say what a field must be, of one of pydantic's errors; what no rule here words is pydantic's own sentence."""
    kind, told = item["type"], item.get("ctx") or {}
    if kind == "value_error":
        return str(told["error"])
    if kind == "string_pattern_mismatch":
        pattern = told["pattern"]
        return f"must be {_SPELT[pattern]}" if pattern in _SPELT else f"must match the pattern {pattern}"
    if kind not in _RULES:
        return str(item["msg"])
    if kind in _LENGTHS and isinstance(item.get("input"), str):
        kind = f"string_{kind}"  # of what is kept secret pydantic does not say that it is text
    at = item["loc"][-1] if kind == "json_invalid" else None
    said = _RULES[kind].format(**told, at=at)
    return said.replace(" 1 characters", " 1 character").replace(" 1 entries", " 1 entry")
