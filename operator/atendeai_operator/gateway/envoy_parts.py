"""Small parts that all of Envoy's files are made of. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from atendeai_operator.gateway.model import Guard

Json = dict[str, Any]
EXT: Final = "type.googleapis.com/envoy.extensions"
JWT: Final = "envoy.filters.http.jwt_authn"
BUFFER: Final = "envoy.filters.http.buffer"
FLOOD: Final = "envoy.filters.http.local_ratelimit"
TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def address(host: str, port: int) -> Json:
    """Return an address and a port."""
    return {"socket_address": {"address": host, "port_value": port}}


def endpoint(name: str, host: str, port: int) -> Json:
    """Return the one endpoint of a cluster."""
    return {
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(host, port)}}]}],
    }


def set_header(key: str, value: str) -> Json:
    """Return a header that takes the place of any other of its name."""
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def resources(kind: str, entries: list[Json]) -> str:
    """Return a discovery file of resources of one kind."""
    return text({"resources": [{"@type": kind, **entry} for entry in entries]})


def text(document: Json) -> str:
    """Return JSON, compact: the files of all clinics share one Secret, which etcd bounds at 1 MiB."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"


def flood_guard(guard: Guard) -> Json:
    """One bucket per address: the descriptor's empty value stands for each address in turn, the oldest forgotten."""
    bucket = {"max_tokens": guard.burst, "tokens_per_fill": guard.per_second, "fill_interval": "1s"}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": f"{EXT}.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "flood",
        "token_bucket": {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s"},
        "filter_enabled": always,
        "filter_enforced": always,
        "max_dynamic_descriptors": 10_000,
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "response_headers_to_add": [set_header("retry-after", "1")],
    }
