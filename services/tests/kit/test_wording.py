"""What is said of a wrong field: what it must be, in our own words, and nothing of what it held."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from atendeai.kit.errors import invalid_request
from atendeai.kit.schemas import VISIBLE, WHOLE, Body, Code, Day, Flag, Moment
from atendeai.kit.settings import SERVICE_PORTS, Settings
from atendeai.kit.wording import reason, spelt

SECRET = "Maria"


class Form(Body):
    """A field for each kind of rule; each has a default that breaks none."""

    code: Code = "ana"
    word: str = Field(default="ab", min_length=2, max_length=3)
    one: str = Field(default="a", min_length=1)
    plate: Annotated[str, Field(pattern=spelt(r"^[A-Z]{3}-[0-9]{4}$", "a number plate, as in ABC-1234"))] = "ABC-1234"
    other: Annotated[str, Field(pattern="^x$")] = "x"
    size: Annotated[int, Field(gt=0, le=9), WHOLE] = 1
    share: float = Field(default=0.5, ge=0, lt=1)
    kind: Literal["web", "app"] = "web"
    owner: UUID | None = None
    day: Day | None = None
    moment: Moment | None = None
    flag: Flag = False
    name: Annotated[str, VISIBLE] = "Ana"
    names: list[str] = Field(default_factory=list, max_length=1)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (
            "code",
            SECRET,
            "must be a code of lower-case letters, digits, - and _, with a letter or a digit at either end",
        ),
        ("word", "a", "must have at least 2 characters"),
        ("one", "", "must have at least 1 character"),
        ("word", SECRET, "must have at most 3 characters"),
        ("word", 7, "must be text"),
        ("plate", SECRET, "must be a number plate, as in ABC-1234"),
        ("other", SECRET, "must match the pattern ^x$"),
        ("size", 0, "must be more than 0"),
        ("size", 10, "must be at most 9"),
        ("size", SECRET, "must be a whole number, not written as text"),
        ("share", -1, "must be at least 0.0"),
        ("share", 1, "must be less than 1.0"),
        ("share", SECRET, "must be a number"),
        ("kind", SECRET, "must be 'web' or 'app'"),
        ("owner", SECRET, "must be a UUID, as in 4f0c9a52-7d0e-4c36-9d2b-0a4e6a1f7f1e"),
        ("day", "2026-02-30", "must be a day that there is, written as in 2026-11-30"),
        ("day", "1999-02-03", "lies outside the years 2000 to 2199"),
        ("moment", "2026-02-30T10:00:00Z", "must be a moment that there is, written as in 2026-11-30T14:30:00-03:00"),
        ("flag", SECRET, "must be true or false"),
        ("name", "Ana\u200b", "holds a character that nobody can see (a control or zero-width one); remove it"),
        ("name", " \u3000", "has nothing to read in it; write it out"),
        ("name", "\u3164\u115f\u1160\uffa0", "has nothing to read in it; write it out"),
        ("name", "\u2800", "has nothing to read in it; write it out"),
        ("name", " \u0301\ufe0f", "has nothing to read in it; write it out"),
        ("names", SECRET, "must be a list"),
        ("names", [SECRET, SECRET], "must have at most 1 entry"),
        ("misspelt", SECRET, "is not known here; leave it out"),
    ],
)
def test_a_refusal_says_what_the_field_must_be(field: str, value: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate({field: value})
    problem = invalid_request(refused.value.errors())
    assert [(error["field"], error["reason"]) for error in problem.errors] == [(field, reason)]
    assert problem.detail == f"{field}: {reason}"
    assert problem.errors[0]["code"]


def test_of_what_is_no_json_the_place_is_told_and_no_field() -> None:
    found = {
        "type": "json_invalid",
        "loc": ("body", 17),
        "msg": "JSON decode error",
        "ctx": {"error": "Expecting value"},
    }
    problem = invalid_request([found])
    assert (problem.status, problem.slug) == (400, "not-json")
    [error] = problem.errors
    assert error["field"] == "body"
    assert error["reason"] == "cannot be read as JSON from character 17 on; correct it there"


def patterns(schema: Any) -> Iterator[str]:
    """Give the patterns that a text is held against, wherever they are in one of pydantic's own schemas."""
    if isinstance(schema, dict):
        if schema.get("type") == "str" and schema.get("pattern") is not None:
            yield str(getattr(schema["pattern"], "pattern", schema["pattern"]))
        for one in schema.values():
            yield from patterns(one)
    elif isinstance(schema, (list, tuple)):
        for one in schema:
            yield from patterns(one)


def asked(dependant: Dependant | None) -> Iterator[str]:
    """Give the patterns of everything that a route reads of a request."""
    if dependant is None:
        return
    of_heads = [*dependant.path_params, *dependant.query_params, *dependant.header_params, *dependant.cookie_params]
    for field in [*of_heads, *dependant.body_params]:
        told: Any = field.field_info
        kind: Any = Annotated[told.annotation, told]
        yield from patterns(TypeAdapter(kind).core_schema)
    for one in dependant.dependencies:
        yield from asked(one)


@pytest.mark.parametrize("service", SERVICE_PORTS)
def test_no_pattern_of_a_request_is_without_words(service: str) -> None:
    settings = Settings(
        service=service,
        stack_key=SecretStr("x"),
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
    )
    app: Any = importlib.import_module(f"atendeai.{service}.app").create_app(settings)
    found = {one for route in iter_route_contexts(app.routes) for one in asked(getattr(route, "dependant", None))}
    said = {one: reason({"type": "string_pattern_mismatch", "ctx": {"pattern": one}}) for one in found}
    assert found
    assert {one for one, words in said.items() if words.startswith("must match the pattern")} == set()


class _Kept(Body):
    password: SecretStr = Field(min_length=2, max_length=3)


@pytest.mark.parametrize(("given", "said"), [("abcd", "at most 3 characters"), ("a", "at least 2 characters")])
def test_the_length_of_a_secret_is_told_in_characters(given: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Kept.model_validate({"password": given})
    [error] = refused.value.errors()
    assert reason(error) == f"must have {said}"
