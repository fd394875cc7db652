"""Calls to the other services of the same clinic: `/internal/v1/…` with a service token and an idempotency key."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import orjson

from atendeai.kit import said, telemetry
from atendeai.kit.errors import IN_FLIGHT, TYPE_PREFIX
from atendeai.kit.identity import issue_service_token
from atendeai.kit.metrics import HTTP_CLIENT
from atendeai.kit.responses import dumps
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant

_ATTEMPTS = 3
_FIRST_PAUSE = 0.1
_TEMPORARY = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS})
_IN_FLIGHT = TYPE_PREFIX + IN_FLIGHT
_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})

CALLS: Mapping[str, frozenset[str]] = {
    "auth": frozenset({"user"}),
    "user": frozenset({"auth"}),
    "clinic": frozenset(),
    "health": frozenset({"auth", "user", "clinic", "conversation", "appointment", "whatsapp", "calendar"}),
    "conversation": frozenset({"appointment", "whatsapp"}),
    "appointment": frozenset({"calendar", "whatsapp"}),
    "whatsapp": frozenset({"conversation", "appointment"}),
    "calendar": frozenset({"appointment"}),
}
"""Whom each service asks: the network policies that the operator writes let nothing else through."""


class ServiceError(Exception):
    """Another service refused (`status` and its problem document) or could not be reached (`status` is None)."""

    def __init__(self, service: str, status: int | None, problem: dict[str, Any] | None = None) -> None:
        super().__init__(f"{service}: {status if status is not None else 'no answer'}")
        self.service = service
        self.status = status
        self.problem = problem or {}

    @property
    def slug(self) -> str:
        """The last part of the problem's type, e.g. `slot-taken`; empty when there is none."""
        return str(self.problem.get("type", "")).rpartition(":")[2]

    @property
    def temporary(self) -> bool:
        """Whether the same call may succeed later."""
        if self.status is None or self.slug == IN_FLIGHT:
            return True
        return self.status in _TEMPORARY or self.status >= httpx.codes.INTERNAL_SERVER_ERROR


@cache
def trusted() -> ssl.SSLContext:
    """Return the process's one TLS context: to read the authorities takes 30 ms of CPU, for each client anew."""
    return httpx.create_ssl_context()


@cache
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusted_at(*addresses: str | None) -> ssl.SSLContext:
    """Return the TLS context of a client that asks these addresses alone.

    Where none of them begins with https://, as within the cluster, it knows no authorities, which costs nothing at the
    start, and nobody could pass for one of them.
    """
    secure = any(address is not None and address.lower().startswith("https://") for address in addresses)
    return trusted() if secure else _trusting_nobody()


class ServiceClient:
    """One per process; keeps connections to the other services open."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(settings.client_timeout_seconds, connect=2.0),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=15),
            trust_env=False,  # the other services are in the cluster, never behind a proxy
            verify=trusted_at(settings.service_url_template),
        )

    async def call(
        self,
        tenant: Tenant,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        idempotency_key: str | UUID | None = None,
    ) -> Any:
        """Call another service as this one and return its decoded JSON (None for an empty answer).

        Connection failures are retried; so are 502, 503, 504 and a lost answer where repeating is harmless (a safe
        method or an idempotency key). While the first request with the key is still being handled, it is asked again
        for as long as one answer may take. Raises `ServiceError`, and RuntimeError for a service that `CALLS` does not
        name.
        """
        if service not in CALLS.get(self._settings.service, ()):
            raise RuntimeError(
                f"{self._settings.service} calls {service}, which the network refuses: name it in CALLS and in the"
                " operator's catalogue"
            )
        method = method.upper()
        headers = {
            "Authorization": f"Bearer {issue_service_token(tenant, self._settings.service)}",
            "X-Clinic-ID": str(tenant.id),
            "Accept": "application/json",
        }
        request_id = said.current().get("request_id")
        if request_id:
            headers["X-Request-ID"] = request_id
        if idempotency_key is not None:
            headers["Idempotency-Key"] = str(idempotency_key)
        content: bytes | None = None
        if json is not None:
            content = dumps(json)
            headers["Content-Type"] = "application/json"
        repeatable = method in _SAFE or idempotency_key is not None
        request = self._client.build_request(
            method, self._settings.service_url(service) + path, params=params, content=content, headers=headers
        )
        started = time.perf_counter()
        status = "none"
        try:
            response = await self._send(request, service, repeatable=repeatable)
            status = str(response.status_code)
        finally:
            HTTP_CLIENT.labels(self._settings.service, service, status).observe(time.perf_counter() - started)
        return _decoded(service, response)

    async def _send(self, request: httpx.Request, service: str, *, repeatable: bool) -> httpx.Response:
        until = time.monotonic() + self._settings.client_timeout_seconds
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                response = await self._handled(request, until, resend=attempt - 1)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if last:
                    raise ServiceError(service, None) from error
            except httpx.TransportError as error:
                if last or not repeatable:
                    raise ServiceError(service, None) from error
            else:
                if last or not repeatable or response.status_code not in (502, 503, 504):
                    return response
            await asyncio.sleep(_FIRST_PAUSE * 2 ** (attempt - 1) * (1 + random.random()))  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    async def _handled(self, request: httpx.Request, until: float, *, resend: int) -> httpx.Response:
        """Send a request, again while the first with its key is being handled; `until`: monotonic seconds."""
        while True:
            response = await self._attempt(request, resend=resend)
            if response.status_code != httpx.codes.CONFLICT or _problem(response).get("type") != _IN_FLIGHT:
                return response
            wait = _retry_after(response) + _FIRST_PAUSE * random.random()  # noqa: S311 - jitter
            if time.monotonic() + wait > until:
                return response
            resend += 1
            await asyncio.sleep(wait)

    async def _attempt(self, request: httpx.Request, *, resend: int) -> httpx.Response:
        with telemetry.calling(request.method, request.url, inside=True, resend=resend) as span:
            request.headers.update(telemetry.outgoing())
            response = await self._client.send(request)
            telemetry.answered(span, response.status_code)
            return response

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


class OutsideClient(httpx.AsyncClient):
    """A client of what is not ours: each call is a span of the trace, and nothing of the trace is told outside."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"verify": trusted(), **options})

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request."""
        with telemetry.calling(request.method, request.url) as span:
            response = await super().send(request, **options)
            telemetry.answered(span, response.status_code)
            return response


def _decoded(service: str, response: httpx.Response) -> Any:
    if not response.is_success:
        raise ServiceError(service, response.status_code, _problem(response))
    try:
        return orjson.loads(response.content) if response.content else None
    except orjson.JSONDecodeError:
        raise ServiceError(service, None) from None


def _problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document of a refusal; empty where it has none."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: httpx.Response) -> int:
    """Seconds that a refusal asks to wait; one where it does not say."""
    given = response.headers.get("Retry-After", "")
    return int(given) if given.isascii() and given.isdigit() else 1
