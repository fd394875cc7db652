"""The base of all API models: strict parsing, and rules that say the same in CEL and in Python. Pure.

A `Rule` carries both renderings of one rule: the CEL text goes into the CRD, the Python check runs in the model; the
fixture tests hold both against each other on a real API server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from atendeai_operator.api import durations, quantity


@dataclass(frozen=True)
class Rule:
    """One rule of one object, in CEL (`self` is the object) and in Python (the argument is the model)."""

    cel: str
    message: str
    check: Callable[[Any], bool]


def lies_between(name: str, least: str, most: str, read: Callable[[Any], str | list[str]]) -> Rule:
    """Return the rule that a field of durations, one or a list, lies between two; `read` takes it from the model."""
    low, high = durations.seconds(least), durations.seconds(most)

    def check(model: Any) -> bool:
        found = read(model)
        return all(low <= durations.seconds(one) <= high for one in ([found] if isinstance(found, str) else found))

    def bounds(value: str) -> str:
        return f"duration({value}) >= duration('{least}') && duration({value}) <= duration('{most}')"

    return Rule(bounds(f"self.{name}"), f"{name} must lie between {least} and {most}", check)


def all_lie_between(name: str, least: str, most: str, read: Callable[[Any], list[str]]) -> Rule:
    """Return the rule that every duration of a list lies between two."""
    one = lies_between(name, least, most, read)
    return Rule(f"self.{name}.all(d, {one.cel.replace(f'self.{name}', 'd')})", one.message, one.check)


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
LINE = r"^[^\r\n]*$"

DNS_HOST = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A full domain name: at least two labels, the last of them no number, so that no IP address passes (RFC 1123, 2.1)."""
DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_HOST)]
Code = Annotated[str, Field(min_length=1, max_length=63, pattern=CODE)]
# No min_length: for "8:00" the API server then quotes the pattern, which says what is wanted.
ClockTime = Annotated[str, Field(max_length=5, pattern=CLOCK)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]
LongText = Annotated[str, Field(min_length=1, max_length=1000)]
Url = Annotated[
    str,
    Field(
        min_length=8,
        max_length=512,
        pattern=r"^https?://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[^\s?#]*)?$",
    ),
]
Origin = Annotated[
    str, Field(min_length=8, max_length=260, pattern=r"^https?://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?$")
]
Duration = Annotated[str, Field(min_length=2, max_length=24, pattern=r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$")]
"""A Go-style duration of hours, minutes and seconds, for example `15m` or `168h`."""
Cpu = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[1-9][0-9]{0,6}m?$"), AfterValidator(_cpu)]
"""CPU in cores or millicores, kept in the API server's canonical form."""
Bytes = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[1-9][0-9]{0,6}(Ki|Mi|Gi|Ti)$"), AfterValidator(_bytes)
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
