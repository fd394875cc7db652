"""A log line in the Elastic Common Schema: which of its fields holds what.

What the schema has no field for is a label, as it asks. Source: elastic.co/docs/reference/ecs; names are written with
dots, `@timestamp`, `log.level` and `message` first, as its logging libraries do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

VERSION = "9.0.0"

_FIELDS = {
    "logger": "log.logger",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "route": "url.path",
    "http_status": "http.response.status_code",
    "duration_ns": "event.duration",
}
"""What an event calls it, and the schema's field. `route` is a template: a path may hold what a caller typed."""

REQUEST, ACCESS = "request", "atendeai.access"
"""The line of a served request, and the logger that it is of."""

_SCALAR = (str, int, float, bool)


def fields(event: Mapping[str, Any], service: Mapping[str, str], trace: tuple[str, str] | None) -> dict[str, Any]:
    """Return the line of an event: a name under `event`, its level, and whatever else was said with it."""
    said = dict(event)
    name = said.pop("event", "")
    line: dict[str, Any] = {
        "@timestamp": _moment(),
        "log.level": said.pop("level", "info"),
        "message": str(name),
        "ecs.version": VERSION,
        **service,
    }
    if trace is not None:
        line["trace.id"], line["span.id"] = trace
    exception = said.pop("exception", None)
    if exception is not None:
        line |= _error(exception)
    for key, value in said.items():
        if value is not None:
            field = _FIELDS.get(key) or f"labels.{key}"
            line[field] = value if isinstance(value, _SCALAR) else str(value)
    status = said.get("http_status")
    if status is not None:
        line["event.category"] = ["web"]
        line["event.outcome"] = "failure" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "success"
    return line


def served(
    method: str, route: str, status: int, nanoseconds: int, said: Mapping[str, str], service: Mapping[str, str]
) -> dict[str, Any]:
    """Return what `fields` makes of a request's line, outside of a trace; spelled out, for there is one a request."""
    line: dict[str, Any] = {
        "@timestamp": _moment(),
        "log.level": "info",
        "message": REQUEST,
        "ecs.version": VERSION,
        **service,
        "log.logger": ACCESS,
        "http.request.method": method,
        "url.path": route,
        "http.response.status_code": status,
        "event.duration": nanoseconds,
        "event.category": ["web"],
        "event.outcome": "failure" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "success",
    }
    for key, value in said.items():
        line[_FIELDS.get(key) or f"labels.{key}"] = value
    return line


def _moment() -> str:
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _error(exception: Mapping[str, Any]) -> dict[str, Any]:
    named = {"type": "error.type", "message": "error.message", "code": "error.code"}
    found = {field: exception[key] for key, field in named.items() if exception.get(key)}
    trace = [*exception["frames"], *(f"caused by {cause}" for cause in exception.get("causes", ()))]
    if trace:
        found["error.stack_trace"] = "\n".join(trace)
    return found
