"""Which methods an address takes: HEAD wherever GET, and an `Allow` that names all (RFC 9110, 9.1 and 10.2.1)."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atendeai.kit.errors import Problem, invalid_request, not_said_to_be_json

__all__ = ["HeadLikeGet", "invalid", "misplaced", "refused"]


class HeadLikeGet:
    """ASGI middleware: a HEAD is answered as a GET would be, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, bodiless)


def refused(app: FastAPI, error: HTTPException, method: str, path: str) -> Problem:
    """Return what FastAPI refuses before a route is reached as a problem that says what to do."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _not_allowed(app, method, path)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem(
            404,
            "not-found",
            "Not found",
            "There is nothing at this address; the OpenAPI document of the service lists all there are.",
        )
    if error.status_code == HTTPStatus.BAD_REQUEST:
        why = "cannot be read: send JSON in UTF-8, nested less deeply"
        return Problem(400, "bad-request", "Bad request", f"body: {why}.", errors=[{"field": "body", "reason": why}])
    title = HTTPStatus(error.status_code).phrase
    return Problem(
        error.status_code,
        re.sub(r"[^a-z]+", "-", title.lower()),
        title,
        f"{error.detail}.",
        headers=dict(error.headers or {}),
    )


def invalid(app: FastAPI, error: RequestValidationError, method: str, path: str) -> Problem:
    """Return what is wrong: the method, where `/invitations` was only taken for an `/{id}`; else the type; the fields.

    FastAPI reads a body that is not said to be JSON as bytes, which no model takes.
    """
    found = error.errors()
    refusal = misplaced(app, method, path) if any(item["loc"][0] == "path" for item in found) else None
    return refusal or (not_said_to_be_json() if isinstance(error.body, bytes) else invalid_request(found))


def misplaced(app: FastAPI, method: str, path: str) -> Problem | None:
    """Return the 405 of a routed request whose address takes other methods, where it was only taken for an `/{id}`."""
    return None if method in _methods(app, path) else _not_allowed(app, method, path)


def _not_allowed(app: FastAPI, method: str, path: str) -> Problem:
    allow = ", ".join(_methods(app, path))
    detail = f"{method[:20]} is not possible here; these are: {allow}."
    return Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": allow})


def _methods(app: FastAPI, path: str) -> list[str]:
    """Return what the most telling template of an address takes: `/me` before `/{id}`, which it would fit as well."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(path):
            found.setdefault(getattr(route, "path_format", path), set()).update(getattr(route, "methods", None) or ())
    methods = found[min(found, key=lambda template: template.count("{"))] if found else set()
    # The outermost layer answers preflights, and HEAD like GET.
    return sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))
