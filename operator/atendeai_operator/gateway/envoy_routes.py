"""Envoy's files that follow the clinics: routes, keys, clusters. Pure."""

from __future__ import annotations

import json
from typing import Any

from atendeai_operator.gateway import model
from atendeai_operator.gateway.envoy_parts import (
    BUFFER,
    EXT,
    FLOOD,
    JWT,
    TITLES,
    Json,
    endpoint,
    flood_guard,
    resources,
    set_header,
)
from atendeai_operator.gateway.model import Answer, Edge, Key, Route, Site, Upstream

_UNSEEN = "connect-failure,refused-stream,reset-before-request"
"""The service has certainly not seen the request: a booking is never sent twice by the edge."""
_UNANSWERED = "connect-failure,refused-stream,reset"
"""It may have seen it, and ended before it answered: only for what is stored once however often it is sent."""


def routes(edge: Edge) -> str:
    """Return the route file: one virtual host per site and one for every other host."""
    hosts = [_virtual_host(site) for site in edge.sites]
    hosts.append({"name": "unknown", "domains": ["*"], "routes": [_answer(model.UNKNOWN_HOST)]})
    configuration = {
        "name": "edge",
        "virtual_hosts": hosts,
        "request_headers_to_remove": [name.lower() for name in model.FORGEABLE_HEADERS],
        "request_headers_to_add": [set_header("x-real-ip", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
    }
    return resources("type.googleapis.com/envoy.config.route.v3.RouteConfiguration", [configuration])


def clusters(edge: Edge) -> str:
    """Return the cluster file: one cluster per upstream service.

    Envoy reads routes and clusters independently, and a cluster serves only after its name has been resolved: a route
    to one that is not there yet, or no more, answers 503.
    """
    return resources(
        "type.googleapis.com/envoy.config.cluster.v3.Cluster", [_cluster(upstream) for upstream in edge.known]
    )


def filters(edge: Edge) -> str:
    """Return the filter file: which keys verify whose tokens.

    A file of its own, and not part of the listener: a new clinic's key would otherwise drain every connection.
    """
    providers = {site.name: _provider(site) for site in edge.sites if site.keys}
    config = {
        "@type": f"{EXT}.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": providers,
        "requirement_map": {name: {"provider_name": name} for name in providers},
        "bypass_cors_preflight": True,
    }
    return resources(
        "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", [{"name": JWT, "typed_config": config}]
    )


def _provider(site: Site) -> Json:
    keyset = json.dumps({"keys": [_jwk(key) for key in site.keys]}, separators=(",", ":"))
    provider: Json = {
        "audiences": [model.AUDIENCE],
        "forward": True,  # the service checks it again, and more of it
        # a token in an address would end up in somebody's log
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "clock_skew_seconds": 1,
        "require_expiration": True,
        "local_jwks": {"inline_string": keyset},
    }
    if site.issuer:
        provider["issuer"] = site.issuer
    return provider


def _jwk(key: Key) -> Json:
    return {"kty": "oct", "alg": "HS256", "use": "sig", "kid": key.kid, "k": key.secret}


def _virtual_host(site: Site) -> Json:
    host: Json = {
        "name": site.name,
        "domains": list(site.hosts),
        "routes": [*(_route(site, route) for route in site.routes), _answer(site.otherwise)],
        "retry_policy": _again(_UNSEEN, 3, "0.05s", "0.5s"),
    }
    if site.keys:  # a token is the rule, and each public route says that it is an exception
        host["typed_per_filter_config"] = {JWT: _jwt_on_route(requirement_name=site.name)}
    return host


def _again(when: str, times: int, first: str, longest: str) -> Json:
    return {
        "retry_on": when,
        "num_retries": times,
        "retry_back_off": {"base_interval": first, "max_interval": longest},
    }


def _route(site: Site, route: Route) -> Json:
    match = {"path_separated_prefix": route.path}
    if route.token and not site.keys:
        return {"match": match, **_direct(Answer(401, TITLES[401], "No token is valid here yet."))}
    filters: Json = {}
    if site.keys and not route.token:
        filters[JWT] = _jwt_on_route(disabled=True)
    if route.guard is not None:
        filters[FLOOD] = flood_guard(route.guard)
    rendered: Json = {"match": match, "route": {"cluster": route.upstream.name, "timeout": "30s"}}
    if route.patient:  # a Service whose pods have just come is refused by nodes that have not heard of them
        rendered["route"]["retry_policy"] = _again(_UNANSWERED, 10, "0.1s", "1s")
    if route.max_body != model.MAX_BODY_BYTES:
        filters[BUFFER] = {
            "@type": f"{EXT}.filters.http.buffer.v3.BufferPerRoute",
            "buffer": {"max_request_bytes": route.max_body},
        }
    if filters:
        rendered["typed_per_filter_config"] = filters
    return rendered


def _jwt_on_route(**fields: Any) -> Json:
    return {"@type": f"{EXT}.filters.http.jwt_authn.v3.PerRouteConfig", **fields}


def _answer(answer: Answer) -> Json:
    rendered = {"match": {"prefix": "/"}, **_direct(answer)}
    return {**rendered, "typed_per_filter_config": {JWT: _jwt_on_route(disabled=True)}}


def _direct(answer: Answer) -> Json:
    return {"direct_response": {"status": answer.status, "body": {"inline_string": answer.detail}}}


def _cluster(upstream: Upstream) -> Json:
    resolution = {
        "@type": f"{EXT}.clusters.dns.v3.DnsCluster",
        # a Service that was deleted and made again has another address
        "dns_refresh_rate": "5s",
        "dns_failure_refresh_rate": {"base_interval": "0.5s", "max_interval": "2s"},
        "dns_lookup_family": "V4_PREFERRED",
    }
    return {
        "name": upstream.name,
        "cluster_type": {"name": "envoy.cluster.dns", "typed_config": resolution},
        "connect_timeout": "1s",
        "load_assignment": endpoint(upstream.name, upstream.host, upstream.port),
        "circuit_breakers": {"thresholds": [{"max_retries": 64}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{EXT}.upstreams.http.v3.HttpProtocolOptions",
                # shorter than the services keep an idle connection (75 s), so that none is reused while it closes
                "common_http_protocol_options": {"idle_timeout": "60s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }
