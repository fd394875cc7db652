"""What the checked-in OpenAPI documents say: which POSTs may be repeated, what is internal, what every refusal is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atendeai.kit.settings import SERVICE_PORTS

DOCUMENTS = Path(__file__).parents[2] / "openapi"

WITHOUT_KEY = {
    "auth_login": "a repeated one opens another session; a stored answer would keep the tokens readable",
    "passwords_issue": "a stored answer would keep the reset's token readable; a repeated one replaces it",
    "second_factor_begin": "a stored answer would keep the secret readable; until confirmed a repeated one replaces it",
    "auth_register": "an invitation is good for one registration; a stored answer would keep the tokens readable",
    "feeds_mint": "a stored answer would keep the address readable; who lost it makes another, and the old one ends",
    "users_invite": "a stored answer would keep the invitation readable; a repeated one is refused by its address",
    "internal_messages_take": "a message is stored once, by the id that whatsapp gave it",
}
"""Creating POSTs that take no Idempotency-Key, and why a repeated one does no harm."""


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for service in SERVICE_PORTS:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
        for path, found in document["paths"].items():
            for method, operation in found.items():
                yield service, method, path, operation


def takes_key(operation: dict[str, Any]) -> bool:
    return any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))


def test_every_post_that_creates_may_be_repeated() -> None:
    creating = {
        operation["operationId"]: operation
        for _, method, _, operation in operations()
        if method == "post" and {"201", "202"} & set(operation["responses"])
    }
    assert {name for name, one in creating.items() if not takes_key(one)} == set(WITHOUT_KEY)
    assert len(creating) > len(WITHOUT_KEY)


@pytest.mark.parametrize("service", SERVICE_PORTS)
def test_a_document_is_whole(service: str) -> None:
    document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
    assert document["openapi"].startswith("3.1.")
    assert set(document["components"]["securitySchemes"]) == {"person", "service"}
    names = [one["operationId"] for _, _, _, one in operations()]
    assert all(name.replace("_", "").isalnum() for name in names)


def test_internal_routes_and_refusals_are_told_apart() -> None:
    for service, method, path, operation in operations():
        where = f"{service}: {method} {path}"
        internal = path.startswith("/internal/")
        assert operation.get("x-internal", False) is internal, where
        assert ("internal" in operation["tags"]) is internal, where
        if internal:
            assert operation["security"] == [{"service": []}], where
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                said = answer["content"]["application/problem+json"]["schema"]
                assert said == {"$ref": "#/components/schemas/Problem"}, where


def test_no_answer_is_of_any_shape() -> None:
    """An object without declared fields tells nobody anything; a map says what its values are."""
    for service, method, path, operation in operations():
        for answer in operation["responses"].values():
            for media, said in answer.get("content", {}).items():
                assert said.get("schema"), f"{service}: {method} {path} answers {media} of any shape"
