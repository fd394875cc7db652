"""What a service promises: its OpenAPI 3.1 document, made of its routes and of what the kit does to every request.

FastAPI describes parameters, bodies and answers. This adds what it cannot know: the problems that the kit answers with
(RFC 9457, one `Problem` schema), the headers that it sends along, which token a route wants, which routes are internal,
names of operations that stay when a path changes. A route declares its own refusals:
`@router.post("", responses=problems(409))`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from atendeai.kit.errors import MEDIA_TYPE, problem_schema
from atendeai.kit.limits import limit_mark
from atendeai.kit.parameters import is_strict, wants_person

__all__ = ["install", "problems", "wants_person"]

Document = dict[str, Any]

_SECURITY: Document = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a person of the clinic, from POST /api/v1/auth/login; good for 15 minutes.",
    },
    "service": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token of another service of the same clinic. Internal routes are never routed by the edge.",
    },
}

_SAID = {
    400: "The body is not JSON, or is nested too deeply",
    401: "No token, or one that is not valid here",
    403: "The token is valid, but its holder may not do this",
    404: "No clinic answers here, or there is no such thing",
    406: "None of the formats accepted is there",
    409: "The present state refuses it",
    412: "It has changed since it was read",
    413: "The body is too large",
    415: "The body is not said to be JSON",
    422: "A field is not valid; `errors` names it",
    424: "Google Calendar refuses until somebody acts",
    429: "Too many requests",
    500: "Something failed here",
    503: "Something that this depends on does not answer; try again",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}, "required": False}
}
_CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}, "required": True}}
_TAKEN = {"Accept": {"description": "What is taken.", "schema": {"type": "string"}, "required": True}}


def _header(said: str, *, required: bool = True, **schema: Any) -> Document:
    return {"description": said, "required": required, "schema": {"type": "string", **schema}}


_SENT: dict[str, Document] = {
    "X-Service": _header("Which service answered."),
    "X-Version": _header("Its version."),
    "X-Clinic-ID": _header("The clinic's id; `shared` where none is known."),
    "X-Request-ID": _header(
        "Finds the request in the logs. The edge gives one to each; a service keeps a sane one of its caller.",
        pattern="^[A-Za-z0-9._-]{8,128}$",
    ),
    "RateLimit": _header("What is left of the minute (draft-ietf-httpapi-ratelimit-headers-10).", required=False),
    "RateLimit-Policy": _header("The limits that are counted.", required=False),
    "ETag": _header(
        "Of what is there now: for `If-Match` of a change, `If-None-Match` of a GET.", pattern='^"[!-~]+"$'
    ),
    "Location": _header("Where what was made is found.", pattern="^/"),
    "Idempotency-Replayed": _header("This is the first answer to this key, once more.", required=False, const="true"),
}
"""Headers that answers below 400 carry beside those of the content and of security; the rate limits' only while Redis
counts."""
_ALWAYS = ("X-Service", "X-Version", "X-Clinic-ID", "X-Request-ID")
_COUNTED = ("RateLimit", "RateLimit-Policy")


def _named(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_HEADERS: dict[int, Document] = {
    401: _CHALLENGE,
    412: _named("ETag"),
    415: _TAKEN,
    429: {**_RETRY_AFTER, **_named(*_COUNTED)},
    503: _RETRY_AFTER,
}
"""Headers of refusals."""
_TAGGED = frozenset(
    {
        "appointments_create",
        "internal_appointments_book",
        "internal_appointments_cancel",
        "internal_appointments_confirm",
        "internal_appointments_decline",
        "internal_appointments_reschedule",
        "internal_holds_create",
        "internal_waitlist_join",
        "waitlist_join",
    }
)
"""Operations that answer an ETag though no parameter of theirs asks for one."""
_PLACED = frozenset({"appointments_create", "feeds_mint", "whatsapp_media_begin"})
"""Operations that say where to find what they made."""


def problems(*statuses: int, **said: str) -> dict[int | str, Document]:
    """Return what `responses=` of a route declares for its own refusals; `s409="…"` says more than the usual words."""
    return {status: _problem(status, said.get(f"s{status}")) for status in statuses}


def _problem(status: int, said: str | None = None) -> Document:
    answer: Document = {
        "description": said or _SAID.get(status, HTTPStatus(status).phrase),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _HEADERS:
        answer["headers"] = _HEADERS[status]
    return answer


def install(app: FastAPI) -> None:
    """Have an app answer the whole document where FastAPI answers its own (`app.openapi()`, `/openapi.json`)."""
    plain = app.openapi
    made: Document = {}

    def document() -> Document:
        if not made:
            made.update(_dressed(plain(), app))
        return made

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _dressed(document: Document, app: FastAPI) -> Document:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for schema in schemas.values():
        _close(schema)
    schemas["Problem"] = problem_schema()
    document["components"]["securitySchemes"] = _SECURITY
    document["components"]["headers"] = _SENT
    for route in iter_route_contexts(app.routes):
        path = getattr(route, "path_format", "")
        for method in sorted(getattr(route, "methods", None) or ()):
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                _operation(operation, route, path, knows_its_query=is_strict(route))
    _name_apart(document)
    document["paths"] = dict(sorted(document["paths"].items()))
    names = sorted({tag for path in document["paths"].values() for one in path.values() for tag in one["tags"]})
    document["tags"] = [{"name": name} | ({"x-internal": True} if name == "internal" else {}) for name in names]
    return document


def _name_apart(document: Document) -> None:
    """Tell one endpoint's methods apart by their names. Raises `ValueError` for endpoints of one name."""
    named: dict[str, list[tuple[str, str, Document]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named.setdefault(operation["operationId"], []).append((path, method, operation))
    for name, found in named.items():
        if len(found) > 1 and len({path for path, _, _ in found}) > 1:
            raise ValueError(f"{' and '.join(path for path, _, _ in found)} are both {name}: rename an endpoint")
        if len(found) > 1:
            for _, method, operation in found:
                operation["operationId"] = f"{name}_{method}"


def _operation(operation: Document, route: RouteContext, path: str, *, knows_its_query: bool) -> None:
    internal = path.startswith("/internal/")
    # A router may add tags of its own: which audience a route has is read off its path alone.
    tag = "internal" if internal else next(iter(operation.get("tags", ())), None) or path.rsplit("/", maxsplit=1)[-1]
    operation["tags"] = [tag]
    operation["operationId"] = route.operation_id or re.sub(r"\W+", "_", f"{tag}_{route.name}")
    if internal:
        operation["x-internal"] = True
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
    secured = internal or wants_person(route.dependant)
    if secured:
        operation["security"] = [{"service" if internal else "person": []}]
    answers = operation["responses"]
    validated = knows_its_query or "422" in answers
    answers.pop("422", None)
    for status in _usual(operation, route, path, secured=secured):
        if status != HTTPStatus.UNPROCESSABLE_ENTITY or validated:
            answers.setdefault(str(status), _problem(status))
    _refusals(operation)
    limited = path.startswith("/api/") and limit_mark(route.endpoint) != "none"
    for status, answer in answers.items():
        if int(status) < HTTPStatus.BAD_REQUEST:
            sent = _sent(operation, limited=limited, has_body="content" in answer)
            answer.setdefault("headers", {}).update(_named(*sent))
    operation["responses"] = dict(sorted(answers.items()))


def _refusals(operation: Document) -> None:
    """Name the headers of refusals, and leave out what FastAPI takes for JSON of any shape."""
    answers = operation["responses"]
    if _takes_keys(operation):  # the first request under a key may still be under way
        answers["409"]["headers"] = _RETRY_AFTER
    for status, answer in answers.items():
        if int(status) in _HEADERS:
            answer.setdefault("headers", _HEADERS[int(status)])
        if MEDIA_TYPE in answer.get("content", {}):  # a route whose own answer is a refusal
            answer["content"] = {name: said for name, said in answer["content"].items() if said.get("schema")}


def _sent(operation: Document, *, limited: bool, has_body: bool) -> Iterator[str]:
    """Yield the names of the headers that an answer of an operation carries."""
    asked = {parameter["name"] for parameter in operation.get("parameters", ())}
    yield from _ALWAYS
    if limited:
        yield from _COUNTED
    if "If-None-Match" in asked or ("If-Match" in asked and has_body) or operation["operationId"] in _TAGGED:
        yield "ETag"
    if operation["operationId"] in _PLACED:
        yield "Location"
    if "Idempotency-Key" in asked:
        yield "Idempotency-Replayed"


def _usual(operation: Document, route: RouteContext, path: str, *, secured: bool) -> Iterator[int]:
    """Yield the refusals that the kit may answer with before or behind the endpoint."""
    yield from (413, 422, 500)  # a body that is too large is refused also where none is wanted
    if "requestBody" in operation and route.body_field is not None:
        yield from (400, 415)
    if _takes_keys(operation):
        yield 409
    if secured:
        yield from (401, 403)
    yield 422
    if path.startswith(("/api/", "/internal/")):
        yield from (404, 503)
    if path.startswith("/api/") and limit_mark(route.endpoint) != "none":
        yield 429


def _takes_keys(operation: Document) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))


def _without_null(schema: Document) -> Document:
    """Return a parameter's schema without null, which no query and no header can say."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**choices[0], **{key: value for key, value in schema.items() if key != "anyOf" and value is not None}}


def _close(schema: Document) -> None:
    """Say of an object whose fields are declared that it has no others: requests forbid them, answers have none."""
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
