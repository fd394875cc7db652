"""An OpenTelemetry collector for tests: takes OTLP over HTTP on 127.0.0.1 and keeps what came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True)
class Seen:
    """One span as it arrived; ids in hexadecimal, `parent` empty at the root of a trace."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    failed: bool
    state: str


@dataclass
class Collector:
    """What arrived so far."""

    endpoint: str
    spans: list[Seen] = field(default_factory=list)
    raw: bytes = b""

    def named(self, name: str, service: str | None = None) -> list[Seen]:
        """Return the spans of a name."""
        return [span for span in list(self.spans) if span.name == name and service in (None, span.service)]

    def way(self, span: Seen) -> list[str]:
        """Return how a span came about, from the root of its trace: `service kind name` of each step."""
        known = {one.id: one for one in list(self.spans) if one.trace == span.trace}
        steps: list[str] = []
        step: Seen | None = span
        while step is not None:
            steps.append(f"{step.service} {step.kind} {step.name}")
            step = known.get(step.parent)
        return steps[::-1]

    def take(self, body: bytes) -> None:
        """Keep an export."""
        self.raw += body
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {item.key: item.value.string_value for item in group.resource.attributes}
            for scoped in group.scope_spans:
                self.spans += [_seen(resource["service.name"], span) for span in scoped.spans]


def _seen(service: str, span: Any) -> Seen:
    return Seen(
        service=service,
        name=span.name,
        kind=_KINDS[span.kind],
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.trace_id.hex() for link in span.links),
        attributes={item.key: item.value.string_value or item.value.int_value for item in span.attributes},
        failed=span.status.code == 2,  # noqa: PLR2004 - STATUS_CODE_ERROR
        state=span.trace_state,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collector.take(body)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
