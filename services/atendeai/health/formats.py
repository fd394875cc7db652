"""The picture in the format that the caller accepts (RFC 9110, section 12.5.1), or 406 that lists what there is.

`application/health+json` follows draft-inadarei-api-health-check-06, CSV RFC 4180.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import mimeparse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from starlette.responses import Response

from atendeai.health.metrics import Gauges
from atendeai.health.picture import LEFT, Part, Picture
from atendeai.kit.errors import Problem
from atendeai.kit.responses import dumps

__all__ = ["OFFERED", "answer", "body", "chosen"]

_PASS = {"healthy": "pass", "degraded": "warn", "unhealthy": "fail", "up": "pass", "down": "fail"}
_TYPES = {"datastore": "datastore", "work": "system"}
_LONGEST = 2000
"""Characters of an Accept header that is looked at."""
_COLUMNS = ("component", "status", "reason", "latency_ms", "version")

_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
"""Between two media ranges: not within what is quoted."""

Thresholds = Mapping[str, float]
Range = tuple[str, str, dict[str, str]]
"""Type, subtype, and parameters."""


def body(picture: Picture) -> dict[str, Any]:
    """Return the seed's JSON."""
    return {
        "status": picture.status,
        "service": picture.service,
        "version": picture.version,
        "checked_at": picture.checked_at,
        "components": {part.name: _component(part) for part in picture.parts},
    }


def _component(part: Part) -> dict[str, Any]:
    shown = {"reason": part.reason, "latency_ms": part.latency_ms, "version": part.version}
    return {"status": part.state.value} | {key: value for key, value in shown.items() if value is not None}


def _json(picture: Picture, _: Thresholds) -> bytes:
    return dumps(body(picture))


def _health_json(picture: Picture, thresholds: Thresholds) -> bytes:
    checks: dict[str, list[dict[str, Any]]] = {}
    for part in picture.parts:
        check = {
            "componentType": _TYPES.get(part.kind, "component"),
            "status": _PASS.get(part.state.value, "warn"),
            "time": picture.checked_at,
        }
        if part.reason is not None:
            check["output"] = part.reason
        if part.latency_ms is not None:
            checks[f"{part.name}:responseTime"] = [check | {"observedValue": part.latency_ms, "observedUnit": "ms"}]
        else:
            checks[part.name] = [check]
    document = {
        "status": _PASS[picture.status],
        "version": "1",
        "releaseId": picture.version,
        "serviceId": picture.service,
        "notes": [
            f"degraded {'below' if signal in LEFT else 'above'} {signal} {limit:g}"
            for signal, limit in thresholds.items()
        ],
        "checks": checks,
    }
    return dumps(document)


def _text(picture: Picture, _: Thresholds) -> bytes:
    width = max(len(part.name) for part in picture.parts)
    lines = [f"{picture.status} ({picture.service} {picture.version}, {picture.checked_at.isoformat()})"]
    for part in picture.parts:
        latency = "" if part.latency_ms is None else f" {part.latency_ms:g} ms"
        reason = "" if part.reason is None else f": {part.reason}"
        lines.append(f"{part.name:<{width}}  {part.state.value}{latency}{reason}")
    return ("\n".join(lines) + "\n").encode()


def _csv(picture: Picture, _: Thresholds) -> bytes:
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(_COLUMNS)
    for part in picture.parts:
        shown = _component(part)
        table.writerow([part.name, *(shown.get(column, "") for column in _COLUMNS[1:])])
    return written.getvalue().encode()


def _registry(picture: Picture, thresholds: Thresholds) -> CollectorRegistry:
    registry = CollectorRegistry()
    gauges = Gauges(registry)
    gauges.show(picture, thresholds)
    gauges.show_channels([[part for part in picture.parts if part.kind == "channel"]])
    return registry


def _prometheus(picture: Picture, thresholds: Thresholds) -> bytes:
    return generate_latest(_registry(picture, thresholds))


def _openmetrics(picture: Picture, thresholds: Thresholds) -> bytes:
    exposition: bytes = openmetrics.generate_latest(_registry(picture, thresholds))  # type: ignore[no-untyped-call]  # its module carries no types
    return exposition


OFFERED: dict[str, Callable[[Picture, Thresholds], bytes]] = {
    "text/csv; charset=utf-8; header=present": _csv,
    "text/plain; version=0.0.4; charset=utf-8": _prometheus,
    "application/openmetrics-text; version=1.0.0; charset=utf-8": _openmetrics,
    "text/plain; charset=utf-8": _text,
    "application/health+json": _health_json,
    "application/json": _json,
}
"""What there is, the preferred last: of two that are accepted alike it is taken."""


_RANK = {offer: at for at, offer in enumerate(OFFERED)}


def chosen(accept: str | None) -> str:
    """Return the media type to answer in; JSON for whoever does not say. Raises a 406 problem."""
    if not accept or not accept.strip():
        return "application/json"
    ranges = list(_ranges(accept))
    quality, _, found = max((*_suits(one, ranges), one) for one in OFFERED)
    if not quality:
        raise Problem(
            406,
            "not-acceptable",
            "None of the formats accepted is there",
            f"Accept one of: {', '.join(reversed(OFFERED))}.",
            extensions={"available": [name.partition(";")[0] for name in reversed(OFFERED)]},
            headers={"Vary": "Accept"},
        )
    return found


def _ranges(accept: str) -> Iterator[Range]:
    """Yield what is accepted; what nobody can read, or is cut off by the limit, says nothing."""
    whole = accept.lower() if len(accept) <= _LONGEST else accept[:_LONGEST].lower().rpartition(",")[0]
    for one in _COMMA.split(whole):
        with suppress(mimeparse.MimeTypeParseException):
            yield mimeparse.parse_media_range(one)


def _suits(offer: str, ranges: Sequence[Range]) -> tuple[float, tuple[float, int]]:
    """Return how gladly an offer is taken, and how it ranks among those that are taken alike.

    A range that names a version means that one alone; other parameters may differ.
    """
    version = mimeparse.parse_media_range(offer)[2].get("version")
    meant = [one for one in ranges if one[2].get("version", version) == version]
    quality, fitness = mimeparse.quality_and_fitness_parsed(offer, meant)
    return quality, (fitness, _RANK[offer])


def answer(picture: Picture, media_type: str, thresholds: Thresholds) -> Response:
    """Return the answer: 200, also when degraded, or 503."""
    response = Response(
        OFFERED[media_type](picture, thresholds),
        200 if picture.serves else 503,
        headers={"Cache-Control": "no-store", "Vary": "Accept"},
    )
    response.headers["Content-Type"] = media_type
    return response
