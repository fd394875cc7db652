"""The outermost layer of every service, in plain ASGI: request ids, traces, sizes, headers, CORS, metrics, logs.

It also turns what nobody caught into a problem document, so a caller never sees a stack or an empty 500.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from os import urandom
from typing import TYPE_CHECKING

import structlog
from opentelemetry.trace import INVALID_SPAN, Span
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atendeai.kit import cors, metrics, said, telemetry
from atendeai.kit.db import UnknownClinicError, is_outage, is_unstorable
from atendeai.kit.ecs import ACCESS
from atendeai.kit.errors import Problem, Unavailable, invalid
from atendeai.kit.http import ServiceError
from atendeai.kit.logging import access
from atendeai.kit.responses import ProblemJSON
from atendeai.kit.tenancy import find_tenant

if TYPE_CHECKING:
    from atendeai.kit.resources import Kit

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-site",
}
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,128}$")
_QUIET = ("/health", "/metrics")
_UNCACHED = ("/api/", "/internal/")
_TRACED = (("traceparent", b"traceparent"), ("tracestate", b"tracestate"))
_KEY = b"idempotency-key"
_NOBODY_WAITS = 499
"""The status of a request that was broken off before an answer began, as nginx counts it: no failure of ours."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger(ACCESS)


class _TooLargeError(Exception):
    """The body grew past the limit (bytes) while being read."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Outermost:
    """Wraps the whole app of one service."""

    def __init__(self, app: ASGIApp, kit: Kit, bodies: Mapping[tuple[str, str], int]) -> None:
        """`bodies`: by method and exact path, the most bytes of a body where it is not the settings' limit."""
        self.app = app
        self._kit = kit
        settings = kit.settings
        self._limit = settings.max_body_bytes
        self._limits = bodies
        fixed = {**SECURITY_HEADERS, "X-Service": settings.service, "X-Version": settings.version}
        self._fixed = [_raw(name, value) for name, value in fixed.items()]
        self._ours = frozenset({name for name, _ in self._fixed} | {b"x-clinic-id", b"x-request-id"})
        self._nobody = str(settings.clinic_id) if settings.clinic_id else "shared"
        self._seconds: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. One that a fast route has left to FastAPI is in here already."""
        if scope["type"] != "http" or "atendeai" in scope:
            await self.app(scope, receive, send)
            return
        given: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # of several of a name the first
        kit = self._kit
        kit.began()
        try:
            if b"traceparent" in given or kit.telemetry.recording:
                traced = {name: given[raw].decode("latin-1") for name, raw in _TRACED if raw in given}
                with kit.telemetry.serving(scope["method"], scope["path"], traced) as span:
                    await self._serve(scope, receive, send, given, span)
            else:
                await self._serve(scope, receive, send, given, INVALID_SPAN)
        finally:
            kit.ended()

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, given: Mapping[bytes, bytes], span: Span
    ) -> None:
        started = time.perf_counter()
        request_id = given.get(b"x-request-id", b"").decode("latin-1")
        if not _REQUEST_ID.match(request_id):
            request_id = urandom(16).hex()
        scope["atendeai"] = {"request_id": request_id, "headers": {}}
        scope.setdefault("state", {})
        said.begin(request_id=request_id)
        status = 500
        begun = False

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                self._dress(scope, message)
            await send(message)

        try:
            limit = self._limits.get((scope["method"], scope["path"]), self._limit)
            early = await self._before(scope, given, limit)
            if early is not None:
                await early(scope, receive, answer)
            else:
                await self.app(scope, self._measured(receive, limit), answer)
        except asyncio.CancelledError:
            if begun or not self._kit.draining:
                status = status if begun else _NOBODY_WAITS
                raise
            # The process ends and has waited long enough: said as what it is, not as a failure of the request.
            await problem_response(scope, Unavailable("this process, which is ending,"))(scope, receive, answer)
        except Exception as error:
            if begun:
                log.error("answer_broken_off", exc_info=error)  # noqa: TRY400 - says less than a traceback on purpose
                raise
            await problem_response(scope, as_problem(error))(scope, receive, answer)
        finally:
            self._account(scope, status, time.perf_counter() - started, span)

    async def _before(self, scope: Scope, given: Mapping[bytes, bytes], limit: int) -> Response | None:
        """Answer at once what is too large or is a preflight."""
        try:
            length = int(given.get(b"content-length") or 0)
        except ValueError:
            return problem_response(
                scope, Problem(400, "bad-request", "Bad request", "Content-Length is not a number of bytes.")
            )
        if length > limit:
            return problem_response(scope, too_large(limit))
        if len(given) < len(scope["headers"]) and [name for name, _ in scope["headers"]].count(_KEY) > 1:
            return problem_response(scope, invalid("Idempotency-Key", "was sent more than once; send one"))
        if b"origin" not in given or not scope["path"].startswith("/api/"):
            return None
        origin = given[b"origin"].decode("latin-1")
        return await self._cross_origin(scope, origin, preflight=b"access-control-request-method" in given)

    async def _cross_origin(self, scope: Scope, origin: str, *, preflight: bool) -> Response | None:
        """Answer a preflight; let everything else go on, with headers when the origin is the clinic's."""
        preflight = preflight and scope["method"] == "OPTIONS"
        extra = scope["atendeai"]["headers"]
        extra["Vary"] = "Origin"
        tenant = await find_tenant(Request({**scope, "app": _Holder(self._kit)}))
        security = tenant.config.settings.security if tenant is not None else None
        if security is not None and cors.allowed(security, origin):
            extra.update(cors.headers(security, origin, preflight=preflight))
            return Response(status_code=204) if preflight else None
        if not preflight:
            return None  # the browser keeps the answer from the page; whoever is no browser ignores CORS anyway
        return problem_response(
            scope,
            Problem(
                403,
                "origin-not-allowed",
                "Origin not allowed",
                "This origin is none of the clinic's; add it to spec.security.corsOrigins of the Clinic.",
            ),
        )

    def _measured(self, receive: Receive, limit: int) -> Receive:
        """Count the body as it arrives: a chunked one has no Content-Length to refuse by."""
        seen = 0

        async def measured() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise _TooLargeError(limit)
            return message

        return measured

    def _dress(self, scope: Scope, message: Message) -> None:
        """Add the headers of every answer; what is of the same name gives way."""
        ours = scope["atendeai"]
        headers = [pair for pair in message.get("headers", ()) if pair[0].lower() not in self._ours]
        if message["status"] == HTTPStatus.NO_CONTENT:  # FastAPI names the type of a body that is not there
            headers = [pair for pair in headers if pair[0] != b"content-type"]
        extra = ours["headers"]
        if extra:
            added = dict(_raw(name, value) for name, value in extra.items())
            headers = [*(pair for pair in headers if pair[0].lower() not in added), *added.items()]
        headers += self._fixed
        headers.append((b"x-request-id", ours["request_id"].encode("latin-1")))
        headers.append((b"x-clinic-id", ours.get("clinic_id", self._nobody).encode("latin-1")))
        if scope["path"].startswith(_UNCACHED) and not any(name == b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", b"no-store"))
        message["headers"] = headers

    def _account(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        route, method = route_of(scope), scope["method"]
        telemetry.served(span, method, route, status, scope["atendeai"].get("clinic_id"))
        if method not in _METHODS:
            method = "OTHER"
        series = self._seconds.get((method, route, status))
        if series is None:
            series = metrics.HTTP_SERVER.labels(self._kit.settings.service, method, route, str(status))
            self._seconds[method, route, status] = series
        series.observe(seconds)
        if route.startswith(_QUIET) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        access(method, route, status, int(seconds * 1e9))


def _raw(name: str, value: str) -> tuple[bytes, bytes]:
    """Return a header as ASGI has it: names in lower case, both in Latin-1."""
    return name.lower().encode("latin-1"), value.encode("latin-1")


class _Holder:
    """Stands for the app where only its kit is asked for."""

    def __init__(self, kit: Kit) -> None:
        self.state = self
        self.kit = kit


def route_of(scope: Scope) -> str:
    """Return the template of the route (`/api/v1/users/{user_id}`), never the path a caller chose."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"


def too_large(limit: int) -> Problem:
    """413 that names the limit."""
    why = f"no more than {limit} bytes are accepted; send less at once"
    return Problem(
        413, "too-large", "The body is too large", f"body: {why}.", errors=[{"field": "body", "reason": why}]
    )


def as_problem(error: Exception) -> Problem:
    """Return what a caller may know of an error nobody handled; anything unexpected is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, _TooLargeError):
        return too_large(error.limit)
    if isinstance(error, UnknownClinicError):
        return Problem(404, "unknown-clinic", "Unknown clinic", "The clinic is not served here.")
    return _value_refused(error) or _dependency_failed(error) or _failed(error)


def _value_refused(error: Exception) -> Problem | None:
    if not is_unstorable(error):
        return None
    log.warning("value_refused", exc_info=error)
    # Types of `kit.schemas` name the field; this is what is left for values that no schema looks at.
    why = "holds a NUL or half a character, or a date that cannot be reckoned with; take it out of what was sent"
    return Problem(
        422,
        "unstorable-value",
        "A value cannot be kept",
        f"The request {why}.",
        errors=[{"field": "request", "reason": why}],
    )


def _dependency_failed(error: Exception) -> Problem | None:
    if is_outage(error):
        log.warning("dependency_failed", exc_info=error)
        return Unavailable("a component")
    if isinstance(error, ServiceError) and error.temporary:
        log.warning("service_failed", peer=error.service, peer_status=error.status)
        return Unavailable(f"the {error.service} service")
    return None


def _failed(error: Exception) -> Problem:
    log.error("request_failed", exc_info=error)
    return Problem(
        500, "internal", "Internal error", "Something failed here; the request id finds it in the service's log."
    )


def problem_response(scope: Scope, problem: Problem) -> ProblemJSON:
    """Return the document of a problem for this request."""
    request_id = scope.get("atendeai", {}).get("request_id")
    return ProblemJSON(
        problem.body(instance=scope.get("path"), request_id=request_id), problem.status, headers=problem.headers
    )
