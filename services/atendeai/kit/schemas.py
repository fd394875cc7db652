"""The types that requests and answers of every service are made of.

What a schema can say it says (a pattern, a length), so that a caller knows before sending and a refusal names the
field. JSON has no dates: pydantic would take numbers for moments, and half a date for a whole one; these types take
RFC 3339 alone. Text is what PostgreSQL can keep: no NUL, no half of a surrogate pair.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any
from unicodedata import category
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from atendeai.kit.wording import spelt

__all__ = [
    "STORABLE",
    "VISIBLE",
    "WHOLE",
    "Answer",
    "Body",
    "Code",
    "Day",
    "Email",
    "Flag",
    "Joined",
    "Line",
    "Moment",
    "Text",
    "WallTime",
    "shows_something",
]


class Body(BaseModel):
    """What is asked for: a field that it does not know it refuses, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What is answered: the fields declared, and no others."""

    # Built when first written: a process never writes most of what it could, and they are a tenth of its start.
    model_config = ConfigDict(frozen=True, defer_build=True)


class Joined(Body):
    """A contact that turned out to be another one, by which it goes from now on."""

    contact_id: UUID
    into: UUID


# Control characters (C0, DEL, C1); zero-width characters, marks that turn the reading direction, line separators:
# in a name nobody means them, and two names that look alike would be different ones.
_INVISIBLE = r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"

_UNPRINTED = frozenset({"Cc", "Cf", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})
"""Unicode's categories of what shows nothing by itself: controls and formats, marks on another letter, separators."""

_FILLERS = r"\u115f\u1160\u2800\u3164\uffa0\ufff0-\ufff8"
_BLANK = re.compile(rf"[{_FILLERS}\U0001d159\U000e0000-\U000e0fff]")
"""Blank, though Unicode calls them letters, symbols or nothing: the fillers of Hangul, braille without a dot, a note
without a head, and what it keeps to be ignored. As in the Clinic resource."""

_CODE = spelt(
    r"^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
    "a code of lower-case letters, digits, - and _, with a letter or a digit at either end",
)
Code = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=_CODE)]
"""The code of a service or a professional, as the Clinic resource spells it."""

# Of marks a pattern would be pages long: that a line is not of marks alone, the check says.
_LINE = rf"^[^{_INVISIBLE}]*[^\s{_INVISIBLE}{_FILLERS}][^{_INVISIBLE}]*$"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")

_PART = rf"[^@\s{_INVISIBLE}{_FILLERS}]+"
Email = Annotated[
    str,
    StringConstraints(
        max_length=254, pattern=spelt(f"^{_PART}@{_PART}$", "an e-mail address, as in nome@clinica.com.br")
    ),
    AfterValidator(str.lower),
]
"""An address in lower case: an account is found by it whatever case its owner types (length: RFC 5321).

No stricter than the Clinic resource, which names the first owner: what it accepts must be able to sign in. Nothing that
cannot be seen: two addresses that look alike would be different ones.
"""
_UNSTORABLE = re.compile("[\u0000\ud800-\udfff]")


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise PydanticCustomError("unstorable_text", "holds a NUL or half a character; remove it")
    return value


def shows_something(text: str) -> bool:
    """Whether anything of a text can be seen: not of blanks, of controls or of marks without a letter alone."""
    return any(category(char) not in _UNPRINTED and not _BLANK.match(char) for char in text)


def _visible(value: str) -> str:
    if _UNSEEN.search(_storable(value)):
        raise PydanticCustomError(
            "invisible_character", "holds a character that nobody can see (a control or zero-width one); remove it"
        )
    if not shows_something(value):
        raise ValueError("has nothing to read in it; write it out")
    return value


@dataclass(frozen=True, slots=True)
class _Holding:
    """An annotation: a check that comes last, and the pattern that tells of it beforehand."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


VISIBLE = _Holding(_visible, _LINE)
"""Of a line that a person reads: something to see in it, and nothing that cannot be seen. After its lengths."""

STORABLE = _Holding(_storable, r"^[^\u0000]*$")
"""Of any other text: what PostgreSQL can keep. After its lengths."""

NAME_LIMIT = 200
"""Characters of a person's name. What people call themselves elsewhere is cut to it, never refused for it."""

Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), VISIBLE]
"""A line of any length."""

Text = Annotated[str, STORABLE]
"""Text of any length and any lines."""

Flag = Annotated[bool, Field(strict=True)]
"""Of a body: true or false, no word and no number for it."""


def _whole(value: Any) -> Any:
    # JSON knows one kind of number: 5.0 is as whole as 5. What is true or written as text is no number.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise PydanticCustomError("int_type", "a whole number is required, not written as text")
    return int(value)


WHOLE = BeforeValidator(_whole)
"""Of a number in a body: a whole one, not written as text. After its bounds."""

_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:\d\d)$")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
EARLIEST_YEAR, _LATEST = 2000, 2199
"""Years. Beyond them is a slip of the pen, and near the years 1 and 9999 any arithmetic with a time zone overflows."""


def _written(value: Any, pattern: re.Pattern[str], code: str, example: str) -> Any:
    if isinstance(value, str) and not pattern.match(value):
        raise PydanticCustomError(code, "write it as in {example}", {"example": example})
    if not isinstance(value, (str, date, time)):
        raise PydanticCustomError(code, "a text is required, written as in {example}", {"example": example})
    return value


def _moment(value: Any) -> Any:
    return _written(value, _MOMENT, "moment", "2026-11-30T14:30:00-03:00")


def _day(value: Any) -> Any:
    return _written(value, _DAY, "day", "2026-11-30")


def _clock(value: Any) -> Any:
    return _written(value, re.compile(_CLOCK), "wall_time", "14:30")


def _moment_in_reach(value: datetime) -> datetime:
    # Compared by its own year: a moment of the year 9999 bears no conversion.
    if not EARLIEST_YEAR <= value.year <= _LATEST:
        raise ValueError(f"lies outside the years {EARLIEST_YEAR} to {_LATEST}")
    return value


def _day_in_reach(value: date) -> date:
    if not EARLIEST_YEAR <= value.year <= _LATEST:
        raise ValueError(f"lies outside the years {EARLIEST_YEAR} to {_LATEST}")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_moment_in_reach)]
"""A moment with an offset (RFC 3339): without one nobody could tell which time of day it means."""

Day = Annotated[date, BeforeValidator(_day), AfterValidator(_day_in_reach)]
"""A day of the calendar."""

WallTime = Annotated[time, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": _CLOCK})]
"""A time of day on the clinic's own clock; an offset is refused, for it would be another time there each season."""
