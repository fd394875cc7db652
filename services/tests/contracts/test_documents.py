"""What the checked-in OpenAPI documents say: which POSTs may be repeated, what is internal, what every refusal is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest

from atendeai.appointment.event_details import EventDetails
from atendeai.appointment.repository import AppointmentRepository
from atendeai.kit import audit, clock
from atendeai.kit.audit import Details
from atendeai.kit.settings import SERVICE_PORTS

DOCUMENTS = Path(__file__).parents[2] / "openapi"

CREATING = {
    "invitations_renew_invitation",
    "second_factor_confirm",
    "second_factor_renew",
    "internal_ensure_owner",
    "auth_verify",
    "auth_refresh",
    "calendar_oauth_start",
}
"""POSTs that create something and answer 200, beside all that answer 201 or 202."""

WITHOUT_KEY = {
    "auth_login": "a repeated one opens another session; a stored answer would keep the tokens readable",
    "passwords_issue": "a stored answer would keep the reset's token readable; a repeated one replaces it",
    "second_factor_begin": "a stored answer would keep the secret readable; until confirmed a repeated one replaces it",
    "auth_register": "an invitation is good for one registration; a stored answer would keep the tokens readable",
    "feeds_mint": "a stored answer would keep the address readable; who lost it makes another, and the old one ends",
    "users_invite": "a stored answer would keep the invitation readable; a repeated one is refused by its address",
    "internal_messages_take": "a message is stored once, by the id that whatsapp gave it",
    "invitations_renew_invitation": "a stored answer would keep the token readable; a repeated one replaces it",
    "second_factor_confirm": "a stored answer would keep the codes readable; a repeated one is refused, and who lost"
    " them asks for others",
    "second_factor_renew": "a stored answer would keep the recovery codes readable; a repeated one replaces them",
    "internal_ensure_owner": "an address has one account: the same one is answered again",
    "auth_verify": "a challenge is good for one session; a stored answer would keep the tokens readable",
    "auth_refresh": "a token is good for one exchange; a stored answer would keep the tokens readable",
    "calendar_oauth_start": "a consent is good for ten minutes and whoever began it; what is not used runs out",
}
"""Creating POSTs that take no Idempotency-Key, and why a repeated one does no harm."""

CREATES_NOTHING = {
    "auth_logout",
    "calendar_push",
    "clinics_create",  # refused: a clinic is made by its resource
    "conversations_handoff",
    "conversations_release",
    "internal_accept",
    "internal_contacts_join",
    "internal_conversations_take_over",
    "internal_freebusy_read",
    "internal_joined",
    "internal_lookup",
    "internal_messages_undelivered",
    "internal_notices_undelivered",
    "internal_outbound_withdraw",
    "internal_replies_undelivered",
    "internal_revoke",
    "internal_slots_search",
    "passwords_change",
    "passwords_redeem",
    "second_factor_remove",
    "second_factor_reset",
    "webhook_receive",  # stores each message once, by Meta's id
    "whatsapp_onboarding_run",
}
"""POSTs that only read, or bring about a state: done twice they leave what once leaves."""

STANDING = {("/health", "503"), ("/health/ready", "503")}
"""Answers above 400 that are no refusals: they say how things stand, as was asked."""

OPEN = {
    "whatsapp: OnboardingStep.meta": "Meta's own answer, as it came",
    "whatsapp: POST /webhook/whatsapp": "Meta's envelope, to which Meta adds as it likes",
}
"""Objects that may hold more than is declared, and why."""

PROBED = {
    "/health": ["200", "413", "500", "503"],
    "/health/live": ["200", "413", "500"],
    "/health/ready": ["200", "413", "500", "503"],
    "/metrics": ["200", "413", "500"],
}
"""What every service answers to whoever watches it, and with which statuses."""

BOUNDED = {
    "internal_waitlist_list": "one contact's wishes that are open: five at most",
    "clinics_exceptions": "at most 200 of staff and 64 of the resource",
    "whatsapp_templates_list": "the templates of one business account at Meta, as of its last look",
}
"""Lists that are answered whole, and what keeps them short."""


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for service in SERVICE_PORTS:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
        for path, found in document["paths"].items():
            for method, operation in found.items():
                yield service, method, path, operation


def takes_key(operation: dict[str, Any]) -> bool:
    return any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))


def test_every_post_that_creates_may_be_repeated() -> None:
    posts = {operation["operationId"]: operation for _, method, _, operation in operations() if method == "post"}
    creating = {name: one for name, one in posts.items() if name in CREATING or {"201", "202"} & set(one["responses"])}
    assert {name for name, one in creating.items() if not takes_key(one)} == set(WITHOUT_KEY)
    assert len(creating) > len(WITHOUT_KEY)
    assert {name for name, one in posts.items() if name not in creating and not takes_key(one)} == CREATES_NOTHING


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
            if int(status) >= 400 and (path, status) not in STANDING:
                said = answer["content"]["application/problem+json"]["schema"]
                assert said == {"$ref": "#/components/schemas/Problem"}, where


def test_no_answer_is_of_any_shape() -> None:
    """An object without declared fields tells nobody anything; a map says what its values are."""
    for service, method, path, operation in operations():
        for answer in operation["responses"].values():
            for media, said in answer.get("content", {}).items():
                assert said.get("schema"), f"{service}: {method} {path} answers {media} of any shape"


def opened(schema: Any, where: str) -> Iterator[str]:
    """Give where a schema lets anything through: a value of any kind, an object of any further fields."""
    if not {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys():
        yield where
    if schema.get("type") == "object" and schema.get("additionalProperties", True) is True:
        yield where
    for name, one in schema.get("properties", {}).items():
        yield from opened(one, f"{where}.{name}")
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    inner += [*schema.get("patternProperties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for one in inner:
        if isinstance(one, dict):
            yield from opened(one, where)


def test_every_object_says_what_it_holds() -> None:
    found: set[str] = set()
    for service in SERVICE_PORTS:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))
        for name, schema in document["components"]["schemas"].items():
            found.update(opened(schema, f"{service}: {name}"))
    for service, method, path, operation in operations():
        where = f"{service}: {method.upper()} {path}"
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        if any(next(opened(said["schema"], where), None) for one in bodies for said in one.get("content", {}).values()):
            found.add(where)
        for one in operation.get("parameters", ()):
            found.update(opened(one["schema"], f"{where}?{one['name']}"))
    assert found == set(OPEN)


def test_a_list_that_can_grow_comes_in_pages() -> None:
    whole = set()
    for service, method, _, operation in operations():
        schemas = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))["components"]["schemas"]
        said = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        shown = schemas.get(said.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        pages = {one["name"] for one in operation.get("parameters", ())} >= {"page_size", "page_token", "sort"}
        assert pages is ("next_page_token" in shown), operation["operationId"]
        if method == "get" and "items" in shown and not pages:
            whole.add(operation["operationId"])
    assert whole == set(BOUNDED)


async def test_a_history_takes_no_detail_that_its_document_does_not_name() -> None:
    schemas = json.loads((DOCUMENTS / "appointment.json").read_text(encoding="utf-8"))["components"]["schemas"]
    assert schemas["EventView"]["properties"]["details"] == {"$ref": "#/components/schemas/EventDetails"}
    assert schemas["EventDetails"]["properties"].keys() == EventDetails.__annotations__.keys()
    nothing: Any = None
    rows, appointment = AppointmentRepository(nothing, uuid4()), mock.Mock(version=1)
    line: dict[str, Any] = {"actor": "service:test", "from_status": None, "now": clock.now()}
    with pytest.raises(ValueError, match="does not name colour, which cancel tells"):
        await rows.record(appointment, action="cancel", details={"colour": "red", "code": "pat"}, **line)


async def test_the_audit_log_takes_no_detail_that_its_document_does_not_name() -> None:
    schemas = json.loads((DOCUMENTS / "user.json").read_text(encoding="utf-8"))["components"]["schemas"]
    assert schemas["AuditEvent"]["properties"]["details"] == {"$ref": "#/components/schemas/Details"}
    assert schemas["Details"]["properties"].keys() == Details.__annotations__.keys()
    nowhere: Any = None
    with pytest.raises(ValueError, match="does not name colour"):
        await audit.record(nowhere, uuid4(), "service:test", "thing.paint", "thing:1", {"colour": "red", "count": 1})


def test_what_answers_a_probe_is_in_every_document() -> None:
    for service in SERVICE_PORTS:
        paths = json.loads((DOCUMENTS / f"{service}.json").read_text(encoding="utf-8"))["paths"]
        said = {path: sorted(paths[path]["get"]["responses"]) for path in PROBED}
        assert said == PROBED | ({"/health": ["200", "406", "413", "500", "503"]} if service == "health" else {})


def test_an_answer_names_the_headers_it_carries() -> None:
    """What they are for: whose request it was, what is left, which state was seen, whether it was done before."""
    always = {"X-Service", "X-Version", "X-Clinic-ID", "X-Request-ID"}
    counted = always | {"RateLimit", "RateLimit-Policy"}
    found = {
        f"{operation['operationId']} {status}": set(answer.get("headers", ()))
        for _, _, _, operation in operations()
        for status, answer in operation["responses"].items()
    }
    assert found["health_live 200"] == found["internal_find_user 200"] == always
    assert found["users_list_users 200"] == found["users_deactivate_user 204"] == counted
    assert (
        found["users_get_user 200"]
        == found["users_get_user 304"]
        == found["users_change_user 200"]
        == counted | {"ETag"}
    )
    assert found["clinics_add_exception 201"] == counted | {"Idempotency-Replayed"}
    assert found["appointments_create 201"] == counted | {"ETag", "Location", "Idempotency-Replayed"}
    assert found["users_get_user 401"] == {"WWW-Authenticate"}
    assert found["users_change_user 412"] == {"ETag"}
    assert found["users_get_user 429"] == {"Retry-After", "RateLimit", "RateLimit-Policy"}
