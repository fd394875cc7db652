"""What a service promises: its OpenAPI 3.1 document, made of its routes and of what the kit does to every request.

FastAPI describes parameters, bodies and answers. This adds what it cannot know: the problems that the kit answers with
(RFC 9457, one `Problem` schema), which token a route wants, which routes are internal, names of operations that stay
when a path changes. A route declares its own refusals: `@router.post("", responses=problems(409))`.
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
    409: "The present state refuses it",
    412: "It has changed since it was read",
    413: "The body is too large",
    415: "The body is not said to be JSON",
    422: "A field is not valid; `errors` names it",
    424: "Google Calendar refuses until somebody acts",
    428: "If-Match is required here",
    429: "Too many requests",
    500: "Something failed here",
    503: "Something that this depends on does not answer; try again",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}, "required": False}
}
_CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}, "required": True}}
_TAKEN = {"Accept": {"description": "What is taken.", "schema": {"type": "string"}, "required": True}}
_HEADERS = {401: _CHALLENGE, 415: _TAKEN, 429: _RETRY_AFTER, 503: _RETRY_AFTER}


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
    for answer in answers.values():
        if MEDIA_TYPE in answer.get("content", {}):
            # A route whose own answer is a refusal: FastAPI takes it for JSON of any shape.
            answer["content"] = {name: said for name, said in answer["content"].items() if said.get("schema")}
    operation["responses"] = dict(sorted(answers.items()))


def _usual(operation: Document, route: RouteContext, path: str, *, secured: bool) -> Iterator[int]:
    """Yield the refusals that the kit may answer with before or behind the endpoint."""
    yield from (422, 500)
    if "requestBody" in operation:
        yield from (413,) if route.body_field is None else (400, 413, 415)
    if secured:
        yield from (401, 403)
    yield 422
    if path.startswith(("/api/", "/internal/")):
        yield from (404, 503)
    if path.startswith("/api/") and limit_mark(route.endpoint) != "none":
        yield 429


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
