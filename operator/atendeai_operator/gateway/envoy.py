"""The edge rendered for Envoy: a bootstrap and four discovery files that Envoy itself watches.

Pure. Listeners, filters, routes and clusters are read from files (``path_config_source`` with a ``watched_directory``,
because Kubernetes replaces a mounted directory's symlink rather than the files), so a new clinic needs neither a
restart nor an agent. What changes with the clinics is never part of a listener: a changed listener drains connections.
Field names and meanings are those of Envoy's v3 API documentation; every rendering is tried on the real binary.
"""

from __future__ import annotations

from typing import Final

from atendeai_operator.gateway import model
from atendeai_operator.gateway.envoy_parts import (
    BUFFER,
    EXT,
    FLOOD,
    JWT,
    TITLES,
    Json,
    address,
    endpoint,
    flood_guard,
    resources,
    text,
)
from atendeai_operator.gateway.envoy_routes import clusters, filters, routes
from atendeai_operator.gateway.model import Edge

__all__ = ["bootstrap", "clusters", "files", "filters", "listeners", "routes"]

CONFIG_DIR: Final = "/etc/envoy"
TLS_DIR: Final = "/etc/envoy-tls"
ADMIN_PORT: Final = 9901  # loopback: its other pages could stop the proxy


def bootstrap(*, config_dir: str = CONFIG_DIR, admin_port: int = ADMIN_PORT) -> str:
    """Return the static part: where to find the rest, and the loopback admin."""

    def watched(name: str) -> Json:
        source = {"path": f"{config_dir}/{name}", "watched_directory": {"path": config_dir}}
        return {"path_config_source": source, "resource_api_version": "V3"}

    return text(
        {
            "node": {"id": "edge", "cluster": "edge"},
            "admin": {"address": address("127.0.0.1", admin_port)},
            "dynamic_resources": {"lds_config": watched("lds.json"), "cds_config": watched("cds.json")},
            "overload_manager": {
                "resource_monitors": [
                    {
                        "name": "envoy.resource_monitors.global_downstream_max_connections",
                        "typed_config": {
                            "@type": f"{EXT}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                            "max_active_downstream_connections": 20_000,
                        },
                    }
                ]
            },
            "static_resources": {
                "clusters": [
                    {
                        "name": "admin",
                        "type": "STATIC",
                        "connect_timeout": "1s",
                        "load_assignment": endpoint("admin", "127.0.0.1", admin_port),
                    }
                ]
            },
        }
    )


def listeners(
    edge: Edge,
    *,
    config_dir: str = CONFIG_DIR,
    tls_dir: str = TLS_DIR,
    bind: str = "0.0.0.0",  # noqa: S104 - a pod's own network namespace
    ports: tuple[int, int, int] = (model.PROXY_PORT, model.TLS_PORT, model.STATUS_PORT),
) -> str:
    """Return the listener file: proxy, TLS proxy, and the one that shows statistics and readiness and nothing else."""
    plain, tls, status = ports
    manager = _connection_manager(edge, config_dir)
    proxies = [
        _listener("proxy", bind, plain, {"filters": [manager]}),
        _listener("proxy-tls", bind, tls, {"filters": [manager], "transport_socket": _downstream_tls(tls_dir)}),
    ]
    return resources(
        "type.googleapis.com/envoy.config.listener.v3.Listener",
        [*proxies, _listener("status", bind, status, {"filters": [_status_manager()]})],
    )


def files(edge: Edge) -> dict[str, str]:
    """Return every file of the configuration directory by name."""
    return {
        "lds.json": listeners(edge),
        "ecds.json": filters(edge),
        "rds.json": routes(edge),
        "cds.json": clusters(edge),
    }


def _listener(name: str, bind: str, port: int, chain: Json) -> Json:
    return {
        "name": name,
        "address": address(bind, port),
        # what is buffered as a whole must fit
        "per_connection_buffer_limit_bytes": model.MAX_WEBHOOK_BYTES + model.MAX_BODY_BYTES,
        "filter_chains": [{"name": name, **chain}],
    }


def _downstream_tls(tls_dir: str) -> Json:
    certificate = {
        "certificate_chain": {"filename": f"{tls_dir}/tls.crt"},
        "private_key": {"filename": f"{tls_dir}/tls.key"},
        "watched_directory": {"path": tls_dir},
    }
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [certificate],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{EXT}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
        },
    }


def _connection_manager(edge: Edge, config_dir: str) -> Json:
    source = {"path": f"{config_dir}/rds.json", "watched_directory": {"path": config_dir}}
    filters = [{"name": FLOOD, "typed_config": flood_guard(edge.guard)}, _jwt(config_dir), _buffer(), _router()]
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "edge",
            "rds": {
                "route_config_name": "edge",
                "config_source": {"path_config_source": source, "resource_api_version": "V3"},
            },
            # HAProxy stands before this and replaces X-Forwarded-For by the one address it saw.
            "use_remote_address": True,
            "xff_num_trusted_hops": 1,
            "skip_xff_append": True,
            "strip_any_host_port": True,
            # A token's need is decided by path: no spelling of a path may change which one it is.
            "normalize_path": True,
            "merge_slashes": True,
            "path_with_escaped_slashes_action": "REJECT_REQUEST",
            "common_http_protocol_options": {
                "idle_timeout": "300s",
                "headers_with_underscores_action": "REJECT_REQUEST",
            },
            "max_request_headers_kb": model.MAX_HEADER_KIB,
            "request_headers_timeout": "10s",
            "request_timeout": "60s",
            "stream_idle_timeout": "60s",
            "generate_request_id": True,
            "always_set_request_id_in_response": True,
            "local_reply_config": _local_replies(),
            "access_log": [_access_log()],
            "http_filters": filters,
        },
    }


def _status_manager() -> Json:
    def page(path: str, target: str) -> Json:
        return {"match": {"path": path}, "route": {"cluster": "admin", "prefix_rewrite": target}}

    virtual_host = {
        "name": "status",
        "domains": ["*"],
        "routes": [page("/metrics", "/stats/prometheus"), page("/status/ready", "/ready")],
    }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "status",
            "route_config": {"name": "status", "virtual_hosts": [virtual_host]},
            "http_filters": [_router()],
        },
    }


def _router() -> Json:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": f"{EXT}.filters.http.router.v3.Router",
            # timing of our own insides is nobody's business outside
            "suppress_envoy_headers": True,
        },
    }


def _buffer() -> Json:
    """A whole request is read before a service sees it: slow senders cost the edge, not a service's worker."""
    return {
        "name": BUFFER,
        "typed_config": {
            "@type": f"{EXT}.filters.http.buffer.v3.Buffer",
            "max_request_bytes": model.MAX_BODY_BYTES,
        },
    }


def _jwt(config_dir: str) -> Json:
    source = {"path": f"{config_dir}/ecds.json", "watched_directory": {"path": config_dir}}
    return {
        "name": JWT,
        "config_discovery": {
            "config_source": {"path_config_source": source, "resource_api_version": "V3"},
            "type_urls": [f"{EXT}.filters.http.jwt_authn.v3.JwtAuthentication"],
        },
    }


# ---------------------------------------------------------------- answers and logs
_REMEDIES: Final = {
    401: ": send the access token of POST /api/v1/auth/login as 'Authorization: Bearer …'",
    413: f": no more than {model.MAX_BODY_BYTES} bytes are accepted, of a webhook {model.MAX_WEBHOOK_BYTES}",
}
"""What Envoy's own few words about a refusal leave out."""


def _local_replies() -> Json:
    """Everything Envoy says by itself is a problem document (RFC 9457)."""

    def body(title: str, remedy: str = "") -> Json:
        return {
            "json_format": {
                "type": "about:blank",
                "title": title,
                "status": "%RESPONSE_CODE%",
                "detail": f"%LOCAL_REPLY_BODY%{remedy}",
                "request_id": "%REQ(X-REQUEST-ID)%",
            },
            "content_type": "application/problem+json",
        }

    def is_status(status: int) -> Json:
        value = {"default_value": status, "runtime_key": f"edge.status_{status}"}
        return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}

    mappers = [
        {"filter": is_status(status), "body_format_override": body(title, _REMEDIES.get(status, ""))}
        for status, title in sorted(TITLES.items())
    ]
    return {"mappers": mappers, "body_format": body("Error")}


def _access_log() -> Json:
    """Failures only, and nothing that could name a person: neither address nor path nor query."""
    at_least_500 = {"op": "GE", "value": {"default_value": 500, "runtime_key": "edge.logged_status"}}
    by_the_edge = [{"status_code_filter": {"comparison": at_least_500}}, {"response_flag_filter": {}}]
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": {"and_filter": {"filters": by_the_edge}},
        "typed_config": {
            "@type": f"{EXT}.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {
                "json_format": {
                    "time": "%START_TIME%",
                    "level": "warning",
                    "event": "edge.failure",
                    "status": "%RESPONSE_CODE%",
                    "flags": "%RESPONSE_FLAGS%",
                    "detail": "%RESPONSE_CODE_DETAILS%",
                    "method": "%REQ(:METHOD)%",
                    "cluster": "%UPSTREAM_CLUSTER%",
                    "duration_ms": "%DURATION%",
                    "request_id": "%REQ(X-REQUEST-ID)%",
                }
            },
        },
    }
