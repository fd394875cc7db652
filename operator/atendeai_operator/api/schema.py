"""The base of all API models: strict parsing, and rules that say the same in CEL and in Python. Pure.

A `Rule` carries both renderings of one rule: the CEL text goes into the CRD, the Python check runs in the model; the
fixture tests hold both against each other on a real API server.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from atendeai_operator.api import durations, quantity


@dataclass(frozen=True)
class Rule:
    """One rule of one object or text, in CEL (`self` is the object) and in Python (the argument is the model)."""

    cel: str
    message: str
    check: Callable[[Any], bool]


class Holding:
    """An annotation: rules of a text, whose messages say what a pattern cannot."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        told = [{"rule": rule.cel, "message": rule.message} for rule in self._rules]
        return {**handler(schema), "x-kubernetes-validations": told}

    def _check(self, text: str) -> str:
        for rule in self._rules:
            if not rule.check(text):
                raise ValueError(rule.message)
        return text


def formed(pattern: str, message: str) -> Holding:
    """Return the rule that a text as a whole has the form of a pattern; `message` says which, with an example.

    A pattern of the schema itself would be all that the API server then shows.
    """
    form = re.compile(pattern)
    return Holding(Rule(f"self.matches(r'{pattern}')", message, lambda text: form.fullmatch(text) is not None))


def where_formed(pattern: str, values: tuple[str, ...], cel: str) -> str:
    """Return a rule in CEL that says nothing while one of `values` (in CEL) has another form: that is told already.

    The models need no such guard: they look at an object when all its fields are as they should be.
    """
    return " || ".join([*(f"!{value}.matches(r'{pattern}')" for value in values), f"({cel})"])


def lies_between(name: str, least: str, most: str, read: Callable[[Any], str | list[str]]) -> Rule:
    """Return the rule that a field of durations, one or a list, lies between two; `read` takes it from the model."""
    low, high = durations.seconds(least), durations.seconds(most)

    def check(model: Any) -> bool:
        found = read(model)
        return all(low <= durations.seconds(one) <= high for one in ([found] if isinstance(found, str) else found))

    def bounds(value: str) -> str:
        inside = f"duration({value}) >= duration('{least}') && duration({value}) <= duration('{most}')"
        return where_formed(DURATION, (value,), inside)

    return Rule(bounds(f"self.{name}"), f"{name} must lie between {least} and {most}", check)


def all_lie_between(name: str, least: str, most: str, read: Callable[[Any], list[str]]) -> Rule:
    """Return the rule that every duration of a list lies between two."""
    one = lies_between(name, least, most, read)
    return Rule(f"self.{name}.all(d, {one.cel.replace(f'self.{name}', 'd')})", one.message, one.check)


def all_differ(name: str, read: Callable[[Any], list[str]]) -> Rule:
    """Return the rule that no duration of a list comes twice, however it is written."""
    return Rule(
        f"self.{name}.all(a, !a.matches(r'{DURATION}')"
        f" || self.{name}.exists_one(b, b.matches(r'{DURATION}') && duration(a) == duration(b)))",
        f"{name} must not hold one duration twice, also under another spelling (60m is 1h): remove one of them",
        lambda model: unique([durations.seconds(one) for one in read(model)]),
    )


@dataclass(frozen=True)
class Transition:
    """One rule about a change, in CEL (`self`, `oldSelf`) and in Python (old model, new model)."""

    cel: str
    message: str
    check: Callable[[Any, Any], bool]


class ApiModel(BaseModel):
    """A strict object of the API: unknown fields are refused, names are camelCase, null means absent."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        validate_default=False,
        use_attribute_docstrings=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        """Drop nulls as the API server does for fields that are not nullable."""
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if value is not None}
        return data

    @model_validator(mode="after")
    def _rules(self) -> ApiModel:
        for rule in self.RULES:
            if not rule.check(self):
                raise ValueError(rule.message)
        return self


def check_change(old: ApiModel, new: ApiModel) -> list[str]:
    """Return the messages of the transition rules that the change from `old` to `new` breaks, nested ones included."""
    broken = [rule.message for rule in new.TRANSITIONS if not rule.check(old, new)]
    for name in type(new).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, ApiModel) and isinstance(after, ApiModel):
            broken += check_change(before, after)
    return broken


def unique(values: list[Any] | tuple[Any, ...]) -> bool:
    """Tell whether no value comes twice."""
    return len(set(values)) == len(values)


def _cpu(text: str) -> str:
    return quantity.canonical_cpu(text)


def _bytes(text: str) -> str:
    return quantity.canonical_bytes(text)


def keyed_list(key: str) -> dict[str, Any]:
    """Return the schema keys of a list whose items are unique by `key` (merge by key, API conventions)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


SET_LIST: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""Schema keys of a list of scalars without duplicates."""


def _no_duplicates(values: list[Any]) -> list[Any]:
    keys = [str(value) for value in values]
    if not unique(keys):
        raise ValueError("must not contain duplicates")
    return values


UniqueItems = AfterValidator(_no_duplicates)
"""Python's half of `x-kubernetes-list-type: set`."""


def unique_by(key: str) -> AfterValidator:
    """Return Python's half of `x-kubernetes-list-type: map` with one key (a model's attribute)."""

    def check(values: list[Any]) -> list[Any]:
        if not unique([getattr(value, key) for value in values]):
            raise ValueError(f"must be unique by {key}")
        return values

    return AfterValidator(check)


DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
CODE = r"^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DURATION = r"^([0-9]{1,6}h([0-9]{1,6}m)?([0-9]{1,6}s)?|[0-9]{1,6}m([0-9]{1,6}s)?|[0-9]{1,6}s)$"  # never empty

DNS_HOST = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A full domain name: at least two labels, the last of them no number, so that no IP address passes (RFC 1123, 2.1)."""
DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
Host = Annotated[
    str,
    Field(max_length=253),
    formed(
        DNS_HOST,
        "must be a full host name in lower case, without a scheme, a port or a path, such as mar.example.com",
    ),
]
Code = Annotated[str, Field(min_length=1, max_length=63, pattern=CODE)]
# Longer than what is right, here and below: of what is too long the API server says that alone.
ClockTime = Annotated[
    str, Field(max_length=16), formed(CLOCK, "must be a time of day as HH:MM, such as 08:00 or 17:30")
]

# What nobody can see, as code points: C0 but for the ends of lines and the tab, DEL and C1; the soft hyphen; zero-width
# characters, marks that turn the reading direction, separators of lines. Two names that look alike would be different.
_BREAKS = ((0x09, 0x0A), (0x0D, 0x0D))
_UNSEEN = (
    *((0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x061C, 0x061C), (0x180E, 0x180E)),
    *((0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF)),
)
_JOINERS = ((0x200C, 0x200D),)
"""Not seen either, but what emojis are made with: allowed where a text may hold emojis, not in a name."""


def _re2(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(rf"\x{{{first:x}}}" + (rf"-\x{{{last:x}}}" if last > first else "") for first, last in ranges)


def _lacks(unseen: tuple[tuple[int, int], ...], what: str) -> Rule:
    found = re.compile("[" + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in unseen) + "]")
    return Rule(
        f"!self.matches(r'[{_re2(unseen)}]')",
        f"must have no {what}: remove it, or type the text anew",
        lambda text: not found.search(text),
    )


# Blank, though Unicode calls them letters, symbols or nothing: the fillers of Hangul, braille without a dot, a note
# without a head, and what it keeps to be ignored.
_FILLERS = (
    *((0x115F, 0x1160), (0x2065, 0x2065), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
    *((0x1D159, 0x1D159), (0xE0000, 0xE0FFF)),
)
_UNPRINTED = ("Cc", "Cf", "Mn", "Mc", "Me", "Zs", "Zl", "Zp")
"""Unicode's categories of what shows nothing by itself: controls and formats, marks on another letter, separators."""


def _shows(char: str) -> bool:
    return unicodedata.category(char) not in _UNPRINTED and not any(
        first <= ord(char) <= last for first, last in _FILLERS
    )


_LEGIBLE = Rule(
    rf"self.matches(r'[^\p{{Cc}}\p{{Cf}}\p{{M}}\p{{Z}}{_re2(_FILLERS)}]')",
    "must have something to read, not blanks, or marks without a letter, alone: write it out, or leave the field out"
    " where it is optional",
    lambda text: any(_shows(char) for char in text),
)


_SIGNS = "character that nobody can see (a control or zero-width one, or one that turns the reading direction)"
Line = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Holding(_LEGIBLE, _lacks(_BREAKS, "line break or tab"), _lacks(_UNSEEN + _JOINERS, _SIGNS)),
]
"""One line that people read."""
LongText = Annotated[str, Field(min_length=1, max_length=1000), Holding(_LEGIBLE, _lacks(_UNSEEN, _SIGNS))]
"""A text that people read, of any number of lines."""

PORT_LIMIT = 65535
PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_PORT = re.compile(r"^https?://[^/:]+:([0-9]+)")


def _has_a_port(text: str) -> bool:
    found = _PORT.match(text)
    return found is None or 1 <= int(found.group(1)) <= PORT_LIMIT


_REACHABLE = Rule(
    f"url(self).getPort() == '' || (int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= {PORT_LIMIT})",
    f"must have a port between 1 and {PORT_LIMIT}, or none: correct it",
    _has_a_port,
)
Url = Annotated[
    str,
    Field(
        min_length=8,
        max_length=512,
        pattern=r"^https?://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[^\s?#]*)?$",
    ),
    Holding(_REACHABLE),
]
# Letter by letter is how an origin is compared.
_UNSENT = r"^(https:.*:443|http:.*:80|.*:0[0-9]+)$"
_AS_SENT = Rule(
    f"!self.matches('{_UNSENT}')",
    "must be as browsers send it, without the port that its scheme has anyway (443 of https, 80 of http) and without"
    " zeros before a port: write https://painel.example.com, or https://painel.example.com:8443",
    lambda text: not re.match(_UNSENT, text),
)
Origin = Annotated[
    str,
    Field(min_length=8, max_length=260, pattern=r"^https?://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?$"),
    Holding(_REACHABLE, _AS_SENT),
]
Duration = Annotated[
    str,
    Field(max_length=24),
    formed(DURATION, "must be a duration of hours, minutes and seconds, such as 30m, 1h30m or 24h"),
]
"""A Go-style duration of hours, minutes and seconds, for example `15m` or `168h`."""
Cpu = Annotated[
    str,
    Field(max_length=16),
    formed(r"^[1-9][0-9]{0,6}m?$", "must be whole cores or millicores, such as 2 or 250m"),
    AfterValidator(_cpu),
]
"""CPU in cores or millicores, kept in the API server's canonical form."""
Bytes = Annotated[
    str,
    Field(max_length=16),
    formed(r"^[1-9][0-9]{0,6}(Ki|Mi|Gi|Ti)$", "must be a whole number with Ki, Mi, Gi or Ti, such as 512Mi or 2Gi"),
    AfterValidator(_bytes),
]
"""An amount of memory or storage with a binary suffix, kept in the API server's canonical form."""
Semver = Annotated[
    str,
    Field(
        min_length=5, max_length=63, pattern=r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$"
    ),
]
"""A semantic version without build metadata (an image tag holds no plus sign)."""
DeletionPolicy = Literal["Retain", "Delete"]


class SecretRef(ApiModel):
    """A Secret of the resource's own namespace."""

    name: ObjectName
    """Name of the Secret."""


class ObjectMeta(ApiModel):
    """The part of the metadata that a CRD's rules may read; the API server itself checks the rest."""

    model_config = ConfigDict(extra="ignore")

    name: str
    """Name of the resource."""
