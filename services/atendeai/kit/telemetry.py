"""Traces: one from the webhook to the sent reply, by OpenTelemetry, through HTTP, queues and workers.

W3C's `traceparent` and `tracestate` are read from requests, given along in calls between services, and kept with
queued work (`origin`, with the request's id), whether or not this process records anything. It records when
`ATENDEAI_OTLP_ENDPOINT` names a collector; without one neither the SDK's tracing nor the exporter is even imported.

Names are those of OpenTelemetry's semantic conventions. A span never holds a message, a name, a number, an e-mail
address, a query string or what an exception said: paths are templates or stripped of whatever may be one of these, and
addresses of clients and their user agents are left out. FastAPI's own instrumentation, which records whole paths and
query strings, is off for that reason.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import context as otel
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from atendeai.kit import said
from atendeai.kit.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_CONTEXT = TraceContextTextMapPropagator()
_TRACER = otel.create_key("atendeai-tracer")
_EXPORT_SECONDS = 5.0
_MOST_ORIGINS = 8
_NOTHING = "-"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNTRACED = ("/health", "/metrics")
"""Asked every few seconds by whoever watches; their spans would bury the others."""

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_WORD = re.compile(r"^[a-z][a-z0-9_-]{0,40}$")


class Address(Protocol):
    """What is read of a URL (httpx's is one)."""

    @property
    def scheme(self) -> str:
        """Such as `https`."""

    @property
    def host(self) -> str:
        """Name or address."""

    @property
    def port(self) -> int | None:
        """None: the scheme's own."""

    @property
    def path(self) -> str:
        """Without the query."""


class Telemetry:
    """How one process records; made with the kit, closed with it."""

    def __init__(self, settings: Settings) -> None:
        self._provider = _provider(settings) if settings.otlp_endpoint else None
        self._tracer: Tracer = NoOpTracer()
        if self._provider is not None:
            self._tracer = self._provider.get_tracer("atendeai.kit", settings.version)

    @property
    def recording(self) -> bool:
        """Whether spans go anywhere."""
        return self._provider is not None

    def serving(self, method: str, path: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """Return the span of a request that came in, a child of what its headers name. End it with `served`."""
        if path.startswith(_UNTRACED) or not (self.recording or "traceparent" in headers):
            return nullcontext(INVALID_SPAN)
        given = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        parent = _CONTEXT.extract(given, otel.Context())
        method = method if method in _METHODS else "_OTHER"
        return self._span(_named(method), SpanKind.SERVER, parent, {"http.request.method": method})

    def handling(self, queue: str, clinic_id: object, origins: Sequence[str]) -> AbstractContextManager[Span]:
        """Return the span of a piece of work: a child of what asked for it last, linked to all that asked before."""
        origins = [origin for origin in origins if not origin.startswith(_NOTHING)]
        if not (self.recording or origins):
            return nullcontext(INVALID_SPAN)
        parents = [_extracted(origin) for origin in origins[-_MOST_ORIGINS:]]
        links = [Link(context) for parent in parents[:-1] if (context := _context_of(parent)).is_valid]
        attributes = {
            "messaging.system": "atendeai",
            "messaging.destination.name": queue,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "atendeai.clinic.id": str(clinic_id),
        }
        parent = parents[-1] if parents else otel.Context()
        return self._span(f"process {queue}", SpanKind.CONSUMER, parent, attributes, links)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        parent: otel.Context,
        attributes: Mapping[str, Any],
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        span = self._tracer.start_span(name, parent, kind, attributes, links)
        token = otel.attach(set_span_in_context(span, otel.set_value(_TRACER, self._tracer, parent)))
        try:
            yield span
        except BaseException as error:
            failed(span, error)
            raise
        finally:
            otel.detach(token)
            span.end()

    async def close(self) -> None:
        """Send what is left, for a few seconds at most: a collector that is away holds no process back."""
        if self._provider is None:
            return
        done, loop = asyncio.Event(), asyncio.get_running_loop()
        provider, self._provider = self._provider, None

        def shut_down() -> None:
            provider.shutdown()
            loop.call_soon_threadsafe(done.set)

        # A thread of its own: one of the loop's would be waited for at the end, however long it takes.
        threading.Thread(target=shut_down, name="telemetry-shutdown", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), _EXPORT_SECONDS)
        except TimeoutError:
            return


def served(span: Span, method: str, route: str, status: int, clinic_id: str | None) -> None:
    """Say what became of a request: its route's template and its status."""
    if not span.is_recording():
        return
    span.update_name(f"{_named(method)} {route}")
    span.set_attributes({"http.route": route, "url.path": route, "http.response.status_code": status})
    if clinic_id is not None:
        span.set_attribute("atendeai.clinic.id", clinic_id)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def failed(span: Span, error: BaseException) -> None:
    """Say that something was cut short, by the error's type alone: its words may be a patient's."""
    span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."))
    span.set_status(StatusCode.ERROR)


@contextmanager
def calling(method: str, url: Address, *, inside: bool = False, resend: int = 0) -> Iterator[Span]:
    """Record one HTTP call within whatever is being recorded; end it with `answered`.

    `inside`: to another service of ours, whose paths hold nothing but words and UUIDs; anything else in them is
    blanked. Of a path elsewhere nothing is kept: Google's hold e-mail addresses, Meta's hold numbers.
    """
    tracer = otel.get_value(_TRACER)
    if not isinstance(tracer, Tracer) or not get_current_span().is_recording():
        yield INVALID_SPAN
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    origin = f"{url.scheme}://{url.host}:{port}"
    attributes: dict[str, Any] = {"http.request.method": method, "server.address": url.host, "server.port": port}
    name = method
    if inside:
        segments = url.path.split("/")
        template = "/".join("{id}" if _UUID.match(part) else _word(part) for part in segments)
        attributes["url.template"] = template
        attributes["url.full"] = origin + "/".join(part if _UUID.match(part) else _word(part) for part in segments)
        name = f"{method} {template}"
    else:
        attributes["url.full"] = f"{origin}/"
    if resend:
        attributes["http.request.resend_count"] = resend
    span = tracer.start_span(name, None, SpanKind.CLIENT, attributes)
    token = otel.attach(set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        failed(span, error)
        raise
    finally:
        otel.detach(token)
        span.end()


def answered(span: Span, status: int) -> None:
    """Note the status that a call was answered with."""
    if span.is_recording():
        span.set_attribute("http.response.status_code", status)
        if status >= HTTPStatus.BAD_REQUEST:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)


def outgoing() -> dict[str, str]:
    """Return the headers that hand the current trace on; none when there is no trace."""
    headers: dict[str, str] = {}
    if get_current_span() is not INVALID_SPAN:
        _CONTEXT.inject(headers)
    return headers


def origin() -> str | None:
    """Return what is being done as it is kept with work: `traceparent`, the request's id, and `tracestate` if any.

    Words apart by a space, `-` for one that is not there; None when there is neither trace nor request.
    """
    headers = outgoing()
    request_id = said.current().get("request_id")
    if not headers and not request_id:
        return None
    words = (headers.get("traceparent", _NOTHING), request_id or _NOTHING, headers.get("tracestate", ""))
    return " ".join(word for word in words if word)


def request_of(origins: Sequence[str]) -> str | None:
    """Return the id of the latest request among what asked for a piece of work; None when no request did."""
    for origin in reversed(origins):
        words = origin.split(" ", 2)
        if len(words) > 1 and words[1] != _NOTHING:
            return words[1]
    return None


def identifiers() -> tuple[str, str] | None:
    """Return trace id and span id, in hexadecimal, of what is being done; None when it is part of no trace."""
    context = get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None


def _named(method: str) -> str:
    return method if method in _METHODS else "HTTP"


def _word(segment: str) -> str:
    return segment if not segment or _WORD.match(segment) else "REDACTED"


def _extracted(origin: str) -> otel.Context:
    parent, _, rest = origin.partition(" ")
    state = rest.partition(" ")[2]
    return _CONTEXT.extract({"traceparent": parent, **({"tracestate": state} if state else {})}, otel.Context())


def _context_of(parent: otel.Context) -> SpanContext:
    return get_current_span(parent).get_span_context()


def _provider(settings: Settings) -> TracerProvider:
    # Imported here: a process without a collector does not pay for the SDK's start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above

    resource = Resource.create(
        {
            "service.name": settings.service,
            "service.namespace": "atendeai",
            "service.version": settings.version,
            **({"atendeai.clinic.id": str(settings.clinic_id)} if settings.clinic_id else {}),
        }
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)))
    return provider
