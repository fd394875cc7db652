"""The edge rendered for Kong 3.4 to 3.9 without a database: one declarative file and the settings of its process.

Pure. A changed file reaches a running Kong through ``agent``. What differs from Envoy's rendering, because Kong has no
other way: its JWT plugin takes the token of any clinic it knows and looks at no audience, both of which the services
check again (its ACL plugin could tell clinics apart, but would refuse every CORS preflight); it counts in fixed
windows; and its own 401 is a short JSON text instead of a problem document, because the only way to change that is
code inside Kong, which is switched off here.

Entities, plugins and settings are those of Kong's public documentation; ``kong_schema`` holds every rendering to it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from atendeai_operator.gateway import model
from atendeai_operator.gateway.model import Answer, Edge, Guard, Key, Route, Site, Upstream

CONFIG_DIR: Final = "/etc/kong-declarative"
TLS_DIR: Final = "/etc/kong-tls"
FILE: Final = "kong.json"
ADMIN_PORT: Final = model.ADMIN_PORT
PROBLEM_FILE: Final = "problem.json"
PREFIX: Final = "/kong_prefix"  # where the process writes: a volume, because the image itself is read-only

# Kong loads no other plugin: what is not loaded can neither be configured nor misused.
PLUGINS: Final = (
    "correlation-id",
    "jwt",
    "prometheus",
    "rate-limiting",
    "request-size-limiting",
    "request-termination",
    "request-transformer",
    "response-transformer",
)

Json = dict[str, Any]
_CONNECT_MS, _ANSWER_MS = 1_000, 30_000
# Kong repeats without a pause, and a read that times out is repeated too: few tries, or a client waits for minutes.
_RETRIES: Final = 2


def render(edge: Edge) -> str:
    """Return the declarative file. Equal edges give equal bytes."""
    routes: dict[str, list[Json]] = {}
    for site in edge.sites:
        for route in site.routes:
            routes.setdefault(route.upstream.name, []).append(_route(site, route))
    return _text(
        {
            "_format_version": "3.0",
            "services": [_service(upstream, routes[upstream.name]) for upstream in edge.upstreams],
            "routes": list(_answers(edge.sites)),
            "consumers": _consumers(edge.keys),
            "plugins": _everywhere(edge.guard),
        }
    )


def files(edge: Edge) -> dict[str, str]:
    """Return every file of the configuration directory by name."""
    # Kong puts its own words for a failure where %s stands.
    problem = {"type": "about:blank", "title": "%s"}
    return {FILE: render(edge), PROBLEM_FILE: _text(problem)}


def environment(
    *,
    admin_gui: bool = False,
    config_dir: str = CONFIG_DIR,
    tls_dir: str = TLS_DIR,
    bind: str = "0.0.0.0",  # noqa: S104 - a pod's own network namespace
) -> dict[str, str]:
    """Return the settings of the process.

    The admin listens on loopback alone: whoever reaches it can read every key that signs tokens. Its GUI runs in the
    browser and asks the admin by itself: forward both ports to the same ones of your machine (`kubectl port-forward`).
    """
    loopback = "127.0.0.1"
    gui = {
        "KONG_ADMIN_GUI_LISTEN": f"{loopback}:{model.GUI_PORT}" if admin_gui else "off",
        "KONG_ADMIN_GUI_URL": f"http://localhost:{model.GUI_PORT}",
        "KONG_ADMIN_GUI_API_URL": f"http://localhost:{ADMIN_PORT}",
    }
    return {
        "KONG_PREFIX": PREFIX,
        "KONG_DATABASE": "off",
        "KONG_DECLARATIVE_CONFIG": f"{config_dir}/{FILE}",
        "KONG_PLUGINS": ",".join(PLUGINS),
        "KONG_UNTRUSTED_LUA": "off",
        "KONG_ANONYMOUS_REPORTS": "off",
        "KONG_ROUTER_FLAVOR": "traditional_compatible",
        "KONG_WORKER_STATE_UPDATE_FREQUENCY": "1",
        "KONG_PROXY_LISTEN": (
            f"{bind}:{model.PROXY_PORT} reuseport backlog=16384,"
            f" {bind}:{model.TLS_PORT} http2 ssl reuseport backlog=16384"
        ),
        "KONG_ADMIN_LISTEN": f"{loopback}:{ADMIN_PORT}",
        **gui,
        "KONG_STATUS_LISTEN": f"{bind}:{model.STATUS_PORT}",
        "KONG_SSL_CERT": f"{tls_dir}/tls.crt",
        "KONG_SSL_CERT_KEY": f"{tls_dir}/tls.key",
        # HAProxy stands before this and replaces X-Forwarded-For by the one address it saw; who else may connect is
        # the network policies' business.
        "KONG_TRUSTED_IPS": "0.0.0.0/0,::/0",
        "KONG_REAL_IP_HEADER": "X-Forwarded-For",
        "KONG_REAL_IP_RECURSIVE": "off",
        # nothing about our own insides in an answer, nor in what the services get
        "KONG_HEADERS": "off",
        "KONG_HEADERS_UPSTREAM": "off",
        "KONG_ERROR_DEFAULT_TYPE": "application/json",
        "KONG_ERROR_TEMPLATE_JSON": f"{config_dir}/{PROBLEM_FILE}",
        # A line of nginx's log names the client's address and the path, so neither requests nor their failures are
        # logged; the metrics count them.
        "KONG_LOG_LEVEL": "crit",
        "KONG_PROXY_ACCESS_LOG": "off",
        "KONG_ADMIN_ACCESS_LOG": "off",
        "KONG_STATUS_ACCESS_LOG": "off",
        "KONG_ADMIN_GUI_ACCESS_LOG": "off",
        "KONG_PROXY_ERROR_LOG": "/dev/stderr",
        "KONG_ADMIN_ERROR_LOG": "/dev/stderr",
        "KONG_STATUS_ERROR_LOG": "/dev/stderr",
        "KONG_ADMIN_GUI_ERROR_LOG": "/dev/stderr",
        "KONG_NGINX_DAEMON": "off",
        "KONG_NGINX_WORKER_PROCESSES": "2",
        "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": str(model.MAX_WEBHOOK_BYTES),
        # a patient's message stays in memory, never in a temporary file
        "KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE": str(model.MAX_WEBHOOK_BYTES),
        "KONG_NGINX_HTTP_LARGE_CLIENT_HEADER_BUFFERS": f"4 {model.MAX_HEADER_KIB // 4}k",
        "KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT": "10s",
        "KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT": "10s",
        "KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT": "300s",
        # shorter than the services keep an idle connection (75 s), so that none is reused while it closes
        "KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT": "60",
        # Only addresses are asked for; a Service that was deleted and made again has another one, and one that is
        # not there yet may be there in a second.
        "KONG_DNS_ORDER": "LAST,A,CNAME",
        "KONG_DNS_VALID_TTL": "5",
        "KONG_DNS_NOT_FOUND_TTL": "1",
        "KONG_DNS_ERROR_TTL": "1",
    }


# ---------------------------------------------------------------- services and routes
def _service(upstream: Upstream, routes: list[Json]) -> Json:
    return {
        "name": upstream.name,
        "protocol": "http",
        "host": upstream.host,
        "port": upstream.port,
        "connect_timeout": _CONNECT_MS,
        "write_timeout": _ANSWER_MS,
        "read_timeout": _ANSWER_MS,
        "retries": _RETRIES,
        "routes": routes,
    }


def _route(site: Site, route: Route) -> Json:
    plugins = []
    if route.token:
        plugins.append(_jwt())
    if route.guard is not None:
        plugins.append(_guard(route.guard))
    if route.max_body != model.MAX_BODY_BYTES:
        plugins.append(_size(route.max_body))
    return {
        "name": f"{site.name}{route.path.replace('/', '.')}",
        "hosts": list(site.hosts),
        # A plain path of Kong's is any text's beginning: it would give /healthy to /health. Expressions are tried by
        # their priority, so the longer path is given the higher one.
        "paths": [f"~{_escaped(route.path)}(?:/|$)"],
        "regex_priority": len(route.path),
        **_forwarding(),
        "plugins": plugins,
    }


def _answers(sites: Iterable[Site]) -> Iterator[Json]:
    """Yield one route for each thing the edge says by itself, over all hosts that it is said at."""
    hosts: dict[Answer, list[str]] = {}
    for site in sites:
        hosts.setdefault(site.otherwise, []).extend(site.hosts)
    for answer in sorted(hosts, key=lambda entry: (entry.status, entry.detail)):
        yield _answer(f"answer-{answer.status}", answer, sorted(hosts[answer]))
    yield _answer("unknown-host", model.UNKNOWN_HOST, [])


def _answer(name: str, answer: Answer, hosts: list[str]) -> Json:
    """A route that leads to no service. Expressions go before prefixes: every other route of its hosts comes first."""
    problem = {"type": "about:blank", "title": answer.title, "status": answer.status, "detail": answer.detail}
    said = {
        "status_code": answer.status,
        "content_type": "application/problem+json",
        "body": json.dumps(problem, separators=(",", ":")),
    }
    return {
        "name": name,
        **({"hosts": hosts} if hosts else {}),
        "paths": ["/"],
        **_forwarding(),
        "plugins": [_plugin("request-termination", said)],
    }


def _forwarding() -> Json:
    return {
        "protocols": ["http", "https"],
        "strip_path": False,
        "preserve_host": True,  # the pool tells its clinics apart by it
        "path_handling": "v0",
        # A whole request is read before a service sees it: slow senders cost the edge, not a service's worker.
        "request_buffering": True,
        "response_buffering": True,
    }


def _escaped(path: str) -> str:
    return re.sub(r"([.\\+*?()|\[\]{}^$])", r"\\\1", path)


# ---------------------------------------------------------------- tokens
def _consumers(keys: Iterable[Key]) -> list[Json]:
    """One consumer per clinic, with all its keys: Kong finds a key by the token's ``kid``."""
    clinics: dict[str, list[Json]] = {}
    for key in keys:
        credential = {"key": key.kid, "secret": _base64(key.secret), "algorithm": "HS256"}
        clinics.setdefault(key.clinic_id, []).append(credential)
    return [{"username": f"clinic-{clinic}", "jwt_secrets": clinics[clinic]} for clinic in sorted(clinics)]


def _base64(secret: str) -> str:
    """Return the key's bytes as plain base64, which is what Kong documents, from base64url without padding."""
    return base64.b64encode(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))).decode()


def _jwt() -> Json:
    return _plugin(
        "jwt",
        {
            "key_claim_name": "kid",
            "secret_is_base64": True,
            "claims_to_verify": ["exp"],
            "header_names": ["authorization"],
            # a token in an address would end up in somebody's log
            "uri_param_names": [],
            "cookie_names": [],
            "run_on_preflight": False,
        },
    )


# ---------------------------------------------------------------- plugins of every route
def _everywhere(guard: Guard) -> list[Json]:
    metrics = ("status_code_metrics", "latency_metrics", "bandwidth_metrics", "upstream_health_metrics")
    return [
        # A client's own id never comes so far: HAProxy removes it.
        _plugin("correlation-id", {"header_name": "X-Request-ID", "generator": "uuid", "echo_downstream": True}),
        _guard(guard),
        _size(model.MAX_BODY_BYTES),
        _plugin("request-transformer", {"remove": {"headers": list(model.FORGEABLE_HEADERS)}}),
        _plugin("response-transformer", {"remove": {"headers": _guard_headers()}}),
        # a series per clinic would be too many
        _plugin("prometheus", {"per_consumer": False, **dict.fromkeys(metrics, True)}),
    ]


def _guard(guard: Guard) -> Json:
    """Kong counts in fixed windows: the burst bounds each second, and the rate each minute."""
    return _plugin(
        "rate-limiting",
        {
            "second": guard.burst,
            "minute": 60 * guard.per_second,
            "limit_by": "ip",
            "policy": "local",
            "fault_tolerant": True,
            # or there would be no Retry-After either
            "hide_client_headers": False,
        },
    )


def _size(most: int) -> Json:
    config = {"allowed_payload_size": most, "size_unit": "bytes", "require_content_length": False}
    return _plugin("request-size-limiting", config)


def _guard_headers() -> list[str]:
    """What the guard says of itself in every answer: the limits that a caller must know are the services' own."""
    windows = [f"X-RateLimit-{what}-{window}" for what in ("Limit", "Remaining") for window in ("Second", "Minute")]
    return [*windows, *(f"RateLimit-{what}" for what in ("Limit", "Remaining", "Reset"))]


def _plugin(name: str, config: Json) -> Json:
    return {"name": name, "config": config}


def _text(document: Json) -> str:
    """Compact: the files of all clinics share one Secret, which etcd bounds at 1 MiB."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
