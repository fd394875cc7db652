"""Whether Kong 3.4 would take a declarative configuration, where no Kong can be asked. Pure; used by the tests.

Written from Kong's public documentation (the Admin API's entities, the declarative format 3.0, the plugin hub) for what
this project renders: unknown fields, wrong types, values out of range, combinations that a plugin refuses, missing or
dangling references and doubled unique values are reported. It is narrower than Kong: an entity, a plugin or a field
that came after 3.4 or is not used here is unknown to it. Two more things are asked that Kong would let pass, because
their defaults are dangerous: `strip_path` and the JWT plugin's `claims_to_verify` must be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from atendeai_operator.gateway import kong_checks as checks
from atendeai_operator.gateway.kong_checks import Check

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
PROTOCOLS: Final = ("http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough", "ws", "wss")
WINDOWS: Final = ("second", "minute", "hour", "day", "month", "year")
MAX_TIMEOUT: Final = 2**31 - 2
MAX_RETRIES: Final = 32767
MAX_PORT: Final = 65535

# ---------------------------------------------------------------- entities
_common: Final[Mapping[str, Check]] = {"id": checks.uuid, "tags": checks.texts}
SERVICE: Final[Mapping[str, Check]] = {
    **_common,
    "name": checks.name,
    "protocol": checks.one(*PROTOCOLS),
    "host": checks.host,
    "port": checks.number(0, MAX_PORT),
    "path": checks.service_path,
    "retries": checks.number(0, MAX_RETRIES),
    "connect_timeout": checks.number(1, MAX_TIMEOUT),
    "read_timeout": checks.number(1, MAX_TIMEOUT),
    "write_timeout": checks.number(1, MAX_TIMEOUT),
    "enabled": checks.flag,
}
ROUTE: Final[Mapping[str, Check]] = {
    **_common,
    "name": checks.name,
    "protocols": checks.many(checks.one(*PROTOCOLS), least=1),
    "methods": checks.many(checks.one(*METHODS), least=1),
    "hosts": checks.many(checks.route_host, least=1),
    "paths": checks.many(checks.route_path, least=1),
    "regex_priority": checks.number(0, 2**31 - 1),
    "strip_path": checks.flag,
    "preserve_host": checks.flag,
    "request_buffering": checks.flag,
    "response_buffering": checks.flag,
    "https_redirect_status_code": checks.one(426, 301, 302, 307, 308),
    "path_handling": checks.one("v0", "v1"),
}
CONSUMER: Final[Mapping[str, Check]] = {**_common, "username": checks.text, "custom_id": checks.text}
JWT_SECRET: Final[Mapping[str, Check]] = {
    **_common,
    "key": checks.text,
    "secret": checks.text,
    "algorithm": checks.one("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384"),
    "rsa_public_key": checks.text,
}
_PLUGIN: Final[Mapping[str, Check]] = {
    **_common,
    "enabled": checks.flag,
    "protocols": checks.many(checks.one(*PROTOCOLS), least=1),
    "instance_name": checks.name,
}

# ---------------------------------------------------------------- plugins
_parts = ("headers", "querystring", "body")
_lines = dict.fromkeys(_parts, checks.texts)
_pairs = dict.fromkeys(_parts, checks.many(checks.pair))
PLUGINS: Final[Mapping[str, Mapping[str, Check]]] = {
    "jwt": {
        "key_claim_name": checks.text,
        "claims_to_verify": checks.many(checks.one("exp", "nbf")),
        "secret_is_base64": checks.flag,
        "run_on_preflight": checks.flag,
        "header_names": checks.many(checks.header),
        "uri_param_names": checks.texts,
        "cookie_names": checks.texts,
        "anonymous": checks.text,
        "maximum_expiration": checks.number(0, 31_536_000),
    },
    "rate-limiting": {
        **{window: checks.number(1, 10**9) for window in WINDOWS},
        "limit_by": checks.one("consumer", "credential", "ip", "service", "header", "path"),
        "header_name": checks.header,
        "path": checks.service_path,
        # "cluster" keeps its counters in the database, which a Kong without one has not
        "policy": checks.one("local", "redis"),
        "fault_tolerant": checks.flag,
        "hide_client_headers": checks.flag,
        "error_code": checks.number(100, 599),
        "error_message": checks.text,
        # the flat form: the nested one came later
        "redis_host": checks.host,
        "redis_port": checks.number(0, MAX_PORT),
        "redis_username": checks.text,
        "redis_password": checks.text,
        "redis_ssl": checks.flag,
        "redis_ssl_verify": checks.flag,
        "redis_server_name": checks.host,
        "redis_timeout": checks.number(0, MAX_TIMEOUT),
        "redis_database": checks.number(0, 15),
    },
    "request-size-limiting": {
        "allowed_payload_size": checks.number(0, 2**31 - 1),
        "size_unit": checks.one("bytes", "kilobytes", "megabytes"),
        "require_content_length": checks.flag,
    },
    "correlation-id": {
        "header_name": checks.header,
        "generator": checks.one("uuid", "uuid#counter", "tracker"),
        "echo_downstream": checks.flag,
    },
    "request-transformer": {
        "http_method": checks.one(*METHODS),
        "remove": checks.record(**_lines),
        "rename": checks.record(**_pairs),
        "replace": checks.record(**_pairs, uri=checks.text),
        "add": checks.record(**_pairs),
        "append": checks.record(**_pairs),
    },
    "response-transformer": {
        "remove": checks.record(headers=checks.texts, json=checks.texts),
        "rename": checks.record(headers=checks.many(checks.pair)),
        **dict.fromkeys(
            ("replace", "add", "append"), checks.record(headers=checks.many(checks.pair), json=checks.many(checks.pair))
        ),
    },
    "prometheus": dict.fromkeys(
        ("per_consumer", "status_code_metrics", "latency_metrics", "bandwidth_metrics", "upstream_health_metrics"),
        checks.flag,
    ),
    "request-termination": {
        "status_code": checks.number(100, 599),
        "message": checks.text,
        "echo": checks.flag,
        "content_type": checks.text,
        "body": checks.text,
        "trigger": checks.header,
    },
}


def _jwt(config: Mapping[str, Any]) -> Iterator[str]:
    claims = config.get("claims_to_verify")
    if claims is None:
        yield "claims_to_verify must be written, without it an expired token is good"
    elif config.get("maximum_expiration") and isinstance(claims, list) and "exp" not in claims:
        yield "maximum_expiration needs exp among claims_to_verify"


def _rate_limiting(config: Mapping[str, Any]) -> Iterator[str]:
    limits = [(window, config[window]) for window in WINDOWS if isinstance(config.get(window), int)]
    if not limits:
        yield "needs a limit"
    for (short, less), (long, more) in pairwise(limits):
        if more < less:
            yield f"the limit for a {long} is below that for a {short}"
    for value, needed in (("header", "header_name"), ("path", "path")):
        if config.get("limit_by") == value and needed not in config:
            yield f"limit_by {value} needs {needed}"
    if config.get("policy") == "redis" and "redis_host" not in config:
        yield "policy redis needs redis_host"


def _request_termination(config: Mapping[str, Any]) -> Iterator[str]:
    if "message" in config and ("body" in config or "content_type" in config):
        yield "message goes with neither body nor content_type"
    if "content_type" in config and "body" not in config:
        yield "content_type needs a body"
    if config.get("echo") and "body" in config:
        yield "echo goes with no body"


# What a plugin asks of its fields together.
_TOGETHER: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]]] = {
    "jwt": _jwt,
    "rate-limiting": _rate_limiting,
    "request-termination": _request_termination,
}


# ---------------------------------------------------------------- the document
_TOP: Final = ("services", "routes", "consumers", "plugins", "jwt_secrets")


def problems(document: Any) -> list[str]:
    """Return what is wrong with a declarative configuration, each with its place; empty when nothing is."""
    if not isinstance(document, dict):
        return ["the document must be an object"]
    found = [f"{key}: is unknown" for key in document if key not in (*_TOP, "_format_version", "_transform")]
    if document.get("_format_version") != "3.0":
        found.append('_format_version: must be "3.0"')
    return [*found, *_Reading(document).problems()]


def _named(reference: Any) -> str:
    """Return the name in a reference, which is that name alone or an object with it."""
    name = reference.get("name") or reference.get("username") if isinstance(reference, dict) else reference
    return name if isinstance(name, str) else repr(name)


class _Reading:
    """One pass over the entities, wherever they are nested, and then over their names and references."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._found: list[str] = []
        self._values: dict[str, list[str]] = {}  # what must be unique, by what it is
        self._references: list[tuple[str, str, Any]] = []  # place, kind, the reference
        for place, service in self._each(document, "services", ""):
            self._fields(service, SERVICE, place, needed=("host",), nested=("routes", "plugins"))
            self._unique("service", service.get("name"))
            self._routes(service, f"{place}.")
            self._plugins(service, f"{place}.", {"service": service.get("name") or place})
        self._routes(document, "")
        for place, consumer in self._each(document, "consumers", ""):
            self._fields(consumer, CONSUMER, place, nested=("jwt_secrets", "plugins"))
            if not consumer.get("username") and not consumer.get("custom_id"):
                self._say(place, "needs username or custom_id")
            self._unique("consumer", consumer.get("username"))
            self._unique("custom_id", consumer.get("custom_id"))
            self._secrets(consumer, f"{place}.", nested=())
            self._plugins(consumer, f"{place}.", {"consumer": consumer.get("username") or place})
        self._secrets(document, "", nested=("consumer",))
        self._plugins(document, "", {})

    def problems(self) -> Iterable[str]:
        yield from self._found
        for place, kind, given in self._references:
            name = _named(given)
            if name not in self._values.get(kind, []):
                yield f"{place}.{kind}: there is no {kind} {name}"
        for what, values in self._values.items():
            for value in sorted(value for value, times in Counter(values).items() if times > 1):
                yield f"{what} {value}: comes twice"

    def _say(self, place: str, what: str) -> None:
        self._found.append(f"{place}: {what}")

    def _unique(self, what: str, value: Any) -> None:
        if isinstance(value, str):
            self._values.setdefault(what, []).append(value)

    def _each(self, owner: Mapping[str, Any], key: str, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        entities = owner.get(key, [])
        if not isinstance(entities, list):
            self._say(f"{prefix}{key}", "must be a list")
            return
        for index, entity in enumerate(entities):
            place = f"{prefix}{key}[{index}]"
            if isinstance(entity, dict):
                yield place, entity
            else:
                self._say(place, "must be an object")

    def _fields(
        self,
        entity: Mapping[str, Any],
        schema: Mapping[str, Check],
        place: str,
        *,
        needed: tuple[str, ...] = (),
        nested: tuple[str, ...] = (),
    ) -> None:
        for key, value in entity.items():
            if key in schema:
                if found := schema[key](value):
                    self._say(f"{place}.{key}", found)
            elif key not in nested:
                self._say(f"{place}.{key}", "is unknown")
        for key in needed:
            if key not in entity:
                self._say(f"{place}.{key}", "is missing")

    def _routes(self, owner: Mapping[str, Any], prefix: str) -> None:
        for place, route in self._each(owner, "routes", prefix):
            self._fields(route, ROUTE, place, nested=("plugins", "service"))
            self._unique("route", route.get("name"))
            if not any(route.get(key) for key in ("hosts", "paths", "methods")):
                self._say(place, "needs hosts, paths or methods")
            if "strip_path" not in route:
                self._say(place, "strip_path must be written, its default takes the path away")
            if "service" in route:
                self._references.append((place, "service", route["service"]))
            self._plugins(route, f"{place}.", {"route": route.get("name") or place})

    def _secrets(self, owner: Mapping[str, Any], prefix: str, *, nested: tuple[str, ...]) -> None:
        for place, secret in self._each(owner, "jwt_secrets", prefix):
            self._fields(secret, JWT_SECRET, place, needed=nested, nested=nested)
            self._unique("jwt_secret", secret.get("key"))
            if "consumer" in nested and "consumer" in secret:
                self._references.append((place, "consumer", secret["consumer"]))
            if str(secret.get("algorithm", "HS256")).startswith(("RS", "ES")) and "rsa_public_key" not in secret:
                self._say(place, "this algorithm needs rsa_public_key")

    def _plugins(self, owner: Mapping[str, Any], prefix: str, scope: Mapping[str, Any]) -> None:
        for place, plugin in self._each(owner, "plugins", prefix):
            scopes = ("service", "route", "consumer")
            self._fields(plugin, _PLUGIN, place, needed=("name",), nested=("name", "config", *scopes))
            self._references += [(place, kind, plugin[kind]) for kind in scopes if kind in plugin]
            self._unique("plugin instance", plugin.get("instance_name"))
            name, config = plugin.get("name"), plugin.get("config", {})
            if not isinstance(name, str) or name not in PLUGINS:
                self._say(f"{place}.name", f"must be one of {', '.join(PLUGINS)}")
                continue
            own = {**scope, **{kind: _named(plugin[kind]) for kind in scopes if kind in plugin}}
            self._unique("plugin", " ".join([name, *(f"{kind} {own[kind]}" for kind in scopes if kind in own)]))
            if name == "jwt" and "consumer" in own:
                self._say(place, "jwt cannot belong to a consumer: it is what finds the consumer")
            if not isinstance(config, dict):
                self._say(f"{place}.config", "must be an object")
                continue
            self._fields(config, PLUGINS[name], f"{place}.config")
            if name in _TOGETHER:
                for found in _TOGETHER[name](config):
                    self._say(f"{place}.config", found)
