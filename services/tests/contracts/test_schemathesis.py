"""Every service against its own OpenAPI document, by schemathesis' engine: all of its checks, and some of our own.

`ATENDEAI_CONTRACT_EXAMPLES` is how many requests each operation is asked beside those that probe the borders which the
document draws (`make soak-contracts` asks many, and others each time).
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis import AuthContext, AuthProvider, Case
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import events, from_schema

from atendeai.kit.errors import MEDIA_TYPE, TYPE_PREFIX
from atendeai.kit.middleware import SECURITY_HEADERS
from atendeai.kit.testing.clinics import Stack, TestClinic
from tests.contracts.houses import CALLERS, SERVICES, House, build
from tests.contracts.test_documents import operations

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

SOAK = "ATENDEAI_CONTRACT_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("ATENDEAI_CONTRACT_EXAMPLES", "6"))
SHOWN = 12
"""How many different failures are told in full."""
RULES = ["2xx", "3xx", "403", "404", "409", "412", "422", "424", "429", "503"]
"""What a valid request may be answered with. 412: no document knows the ETag of the moment. 422: see
`only_rules_refuse_what_is_valid`. 424 and 503: little stands behind the services here, no Meta and hardly another
service, and they say so. Not 401: each request proves who makes it."""
PROVEN = "^(/api/v1/calendar/oauth/callback|/webhook/whatsapp)$"
"""Routes that prove their caller by what no document can promise: a state that Google led back with, a signature of
Meta's over the very body. They refuse with 400 or 401 what holds neither."""
GUESSED = ["auth_login", "auth_verify", "auth_refresh"]
"""Operations that a password, a code or a token in the body proves: no document knows which is right."""

_DECLARED = "a clinic is what its resource declares: who would change it here is told where"
NEVER = {
    "clinics_create": _DECLARED,
    "clinics_change_own_delete": _DECLARED,
    "clinics_change_own_patch": _DECLARED,
    "clinics_change_own_put": _DECLARED,
    "clinics_change_delete": _DECLARED,
    "clinics_change_patch": _DECLARED,
    "clinics_change_put": _DECLARED,
}
"""Operations that are answered with no success here, and why. All others are, at least once."""

LIBRARYS = re.compile(r"^(Input|String|List|Dictionary|Field required|Extra inputs|Value error|JSON decode)\b")
"""How a sentence of pydantic's begins."""
HEALTH = re.compile(r"^/health(/ready)?$")
"""What answers 503 with how things stand: to whoever asks for that, it is no refusal."""
UNDECLARED = {name.lower() for name in SECURITY_HEADERS} | {
    "allow",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-type",
    "pragma",
    "vary",
}
"""Headers of 2xx and 3xx that HTTP itself says all of, or that every answer carries to whoever shows it."""


@schemathesis.check
def declares_what_it_sends(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """An answer below 400 carries the headers that its document names, and no others of ours."""
    if response.status_code >= 400:
        return
    answer = case.operation.responses.find_by_status_code(response.status_code)
    declared = {name.lower() for name, _ in answer.headers.items()} if answer is not None else set()
    assert response.headers.keys() - UNDECLARED <= declared, response.headers.keys() - UNDECLARED - declared
    # Nobody can foresee whether an answer is the first to its key.
    assert declared - {"idempotency-replayed"} <= response.headers.keys(), declared - response.headers.keys()


@schemathesis.check
def names_the_remedy(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every refusal is a problem that says what to do; one of a field names it."""
    said = response.headers.get("content-type") or [""]
    if response.status_code < 400 or (said[0].startswith("text/html") and case.operation.path.endswith("/callback")):
        return  # whoever comes back from Google is a person, and gets a page
    if response.status_code == 503 and HEALTH.match(case.operation.path):
        return
    assert said[0] == MEDIA_TYPE, said
    problem = response.json()
    assert problem["type"].startswith(TYPE_PREFIX), problem
    assert problem["status"] == response.status_code, problem
    assert problem["request_id"], problem
    assert problem.get("detail") or response.status_code == 404, problem
    assert not any(LIBRARYS.match(error["reason"]) for error in problem.get("errors", ())), problem
    if response.status_code == 422:
        assert problem["errors"], problem
        assert all(error["field"] and error["reason"] for error in problem["errors"]), problem


@schemathesis.check
def only_rules_refuse_what_is_valid(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the document calls valid is refused with 422 by a rule that JSON Schema cannot say, and by nothing else.

    Such rules are that a day lies within reach, that one date follows another, that the clinic's profile has the
    service named. They have a problem of their own, or errors whose `code` is `value_error` or absent; any other code
    is pydantic's and says that the request breaks the schema: then the document promises what is not kept.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    problem = response.json()
    assert problem["type"] != f"{TYPE_PREFIX}unstorable-value", problem
    broken = [error for error in problem["errors"] if error.get("code") not in {None, "value_error"}]
    assert not broken, f"the document calls this valid: {broken}"


def config(house: House, rules: list[str], *, thorough: bool, examples: int) -> SchemathesisConfig:
    """Return how to ask, with valid requests, which may be answered by these `rules`, and others.

    `thorough`: also along every border that the document draws, and with what an answer said in the next request.
    """
    return SchemathesisConfig.from_dict(
        {
            "base-url": f"http://{house.clinic.host}",
            "headers": house.anonymous(),
            "operations": [
                {
                    "include-path-regex": PROVEN,
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["400", "401", *rules]}},
                },
                {
                    "include-operation-id": GUESSED,
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["401", *rules]}},
                },
                {
                    # An upload that was begun is no file yet.
                    "include-operation-id": "whatsapp_media_read",
                    "checks": {"ensure_resource_availability": {"enabled": False}},
                },
                {
                    "include-path-regex": HEALTH.pattern,
                    "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}},
                },
            ],
            "generation": {
                "mode": "all",
                "max-examples": examples,
                "deterministic": not SOAK,
                "database": "none",
                "no-shrink": True,  # what is wrong is shown as it was found: shrinking costs more than reading it
            },
            "phases": {
                "coverage": {"enabled": thorough},
                "stateful": {"enabled": thorough, "generation": {"max-examples": 5}},
            },
            "checks": {"positive_data_acceptance": {"expected-statuses": rules}},
        }
    )


def speaking_for(house: House, whose: TestClinic) -> type[AuthProvider[str]]:
    """Return what gives each request to a secured operation the token of whoever may call it."""

    class Caller:
        def get(self, case: Case[Any], _: AuthContext) -> str | None:
            raw = case.operation.definition.raw
            if not raw.get("security"):
                return None
            return house.authorization(case.operation.path, raw["operationId"], of=whose)

        def set(self, case: Case[Any], data: str, _: AuthContext) -> None:
            case.headers["Authorization"] = data

    return Caller


def played(
    house: House, how: SchemathesisConfig, *, whose: TestClinic | None, seeded: bool = False
) -> Iterator[events.ScenarioFinished]:
    """Ask with tokens of `whose` clinic, and give what was asked and answered. What could not be asked fails the test.

    `seeded`: of a clinic that has something of everything, and with requests that succeed.
    """
    schema = schemathesis.openapi.from_asgi("/openapi.json", house.app(seeded=seeded), config=how)
    for methods in schema.raw_schema["paths"].values():
        for operation in methods.values():
            if operation["operationId"] in house.examples:
                house.examples[operation["operationId"]].into(operation)
    if whose is not None:
        schema.auth(refresh_interval=None)(speaking_for(house, whose))
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            yield event
        elif isinstance(event, events.NonFatalError):
            pytest.fail(f"{event.label}: {event.info.format() if hasattr(event.info, 'format') else event.info}")
        elif isinstance(event, events.FatalError):
            raise event.exception


def failures(event: events.ScenarioFinished) -> Iterator[tuple[str, str]]:
    """Give each failure by what it is, and what it was about."""
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            said = recorder.interactions[case_id]
            body = said.response.content[:600] if said.response else b""
            failure = check.failure_info.failure
            kind = f"{check.name} {recorder.label} {said.response.status_code if said.response else ''}"
            yield kind, f"{kind}\n{failure.title}: {failure.message}\n{check.failure_info.code_sample[:1200]}\n{body!r}"


@pytest.fixture(autouse=True)
def _tracebacks_without_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is logged from parsing source while hypothesis does so in another thread.

    For the columns of a traceback Python parses its lines, and of two threads that parse at once the compiler of 3.11
    makes a SystemError now and then (python/cpython#106905).
    """
    monkeypatch.setattr(traceback, "_extract_caret_anchors_from_line_segment", lambda *_: None, raising=False)


@pytest.fixture(scope="module", params=SERVICES)
def house(request: pytest.FixtureRequest, stack: Stack) -> House:
    """A clinic of one of the eight services, and a neighbour."""
    return build(request.param, stack)


def test_a_service_keeps_what_its_document_promises(house: House) -> None:
    found: dict[str, str] = {}
    succeeded: set[str] = set()
    answered = 0
    how = config(house, RULES, thorough=True, examples=EXAMPLES)
    for event in played(house, how, whose=house.clinic, seeded=True):
        for case_id, said in event.recorder.interactions.items():
            answered += 1
            if said.response is not None and said.response.status_code < 400:
                succeeded.add(event.recorder.cases[case_id].value.operation.definition.raw["operationId"])
        for kind, told in failures(event):
            found.setdefault(kind, told)
    shown = "\n\n".join(list(found.values())[:SHOWN])
    assert not found, f"{len(found)} kinds of failure in {answered} answers:\n\n{shown}\n\n" + "\n".join(found)
    names = {operation["operationId"] for service, _, _, operation in operations() if service == house.service}
    assert house.examples.keys() <= names
    assert names - succeeded == names & NEVER.keys()


def test_what_is_said_of_single_routes_is_of_routes_that_there_are() -> None:
    paths = {(service, path) for service, _, path, _ in operations()}
    assert CALLERS.keys() <= paths
    assert NEVER.keys() | set(GUESSED) <= {operation["operationId"] for _, _, _, operation in operations()}


@pytest.mark.parametrize("whose", ["nobody's", "another clinic's"])
def test_nobody_gets_in_without_a_token_of_the_clinic(house: House, whose: str) -> None:
    how = config(house, ["401", *RULES], thorough=False, examples=max(2, EXAMPLES // 5))
    wrong: list[Any] = []
    found: dict[str, str] = {}
    for event in played(house, how, whose=None if whose == "nobody's" else house.other):
        found.update(failures(event))
        for case_id, said in event.recorder.interactions.items():
            case = event.recorder.cases[case_id].value
            if case.operation.definition.raw.get("security") and said.response and said.response.status_code != 401:
                wrong.append((case.operation.label, said.response.status_code, said.response.content[:300]))
    assert not wrong
    assert not found, "\n\n".join([*list(found.values())[:SHOWN], *found])
