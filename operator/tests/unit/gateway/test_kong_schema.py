"""The check of a Kong configuration, against mistakes: each must be found, and named with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from atendeai_operator.gateway import kong, kong_schema
from tests.unit.gateway import samples

Json = dict[str, Any]
Change = Callable[[Json], None]

GOOD: Json = json.loads(kong.render(samples.edge()))
ROUTE = "services.0.routes.0"
PLUGIN = {plugin["name"]: f"plugins.{index}" for index, plugin in enumerate(GOOD["plugins"])}
GUARD = f"{PLUGIN['rate-limiting']}.config"
SECRET = "consumers.0.jwt_secrets.0"
JWT = next(
    f"services.{number}.routes.{index}.plugins.0.config"
    for number, service in enumerate(GOOD["services"])
    for index, route in enumerate(service["routes"])
    if [plugin["name"] for plugin in route["plugins"]][:1] == ["jwt"]
)
OTHER_SECRET_KEY = GOOD["consumers"][1]["jwt_secrets"][0]["key"]


def _find(document: Any, path: str) -> tuple[Any, Any]:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        document = document[part]
    return document, last


def put(path: str, value: Any) -> Change:
    def change(document: Json) -> None:
        owner, key = _find(document, path)
        owner[key] = value

    return change


def drop(path: str) -> Change:
    def change(document: Json) -> None:
        owner, key = _find(document, path)
        del owner[key]

    return change


def again(path: str, entry: int = 0) -> Change:
    def change(document: Json) -> None:
        owner, key = _find(document, path)
        owner[key].append(copy.deepcopy(owner[key][entry]))

    return change


MISTAKES: list[tuple[Change, str]] = [
    # the document
    (put("_format_version", "1.1"), "_format_version: must be"),
    (drop("_format_version"), "_format_version: must be"),
    (put("upstream", []), "upstream: is unknown"),
    (put("services", {"name": "one"}), "services: must be a list"),
    (put("services.0", "auth"), "services[0]: must be an object"),
    # services
    (put("services.0.hots", "x"), "services[0].hots: is unknown"),
    (put("services.0.port", "3001"), "services[0].port: must be a whole number"),
    (put("services.0.port", 70_000), "services[0].port: must be a whole number"),
    (put("services.0.host", "no host"), "services[0].host: must be a host name"),
    (put("services.0.host", "-x-"), "services[0].host: must be a host name"),
    (drop("services.0.host"), "services[0].host: is missing"),
    (put("services.0.protocol", "htp"), "services[0].protocol: must be one of http"),
    (put("services.0.retries", -1), "services[0].retries: must be a whole number"),
    (put("services.0.read_timeout", 0), "services[0].read_timeout: must be a whole number"),
    (put("services.0.connect_timeout", "1s"), "services[0].connect_timeout: must be a whole number"),
    (put("services.0.name", "a b"), "services[0].name: must be a name"),
    (put("services.0.id", "1"), "services[0].id: must be a UUID"),
    (put("services.0.path", "api"), "services[0].path: must start with /"),
    (again("services"), "comes twice"),
    # routes
    (put(f"{ROUTE}.paths", ["api"]), "must start with /"),
    (put(f"{ROUTE}.paths", ["~/a(("]), "is no regular expression"),
    (put(f"{ROUTE}.paths", ["~/a(?!b)"]), "looks ahead or back"),
    (put(f"{ROUTE}.paths", ["/a//b"]), "must not have empty segments"),
    (put(f"{ROUTE}.paths", ["/a/(b|c)$|"]), "has a character that a path cannot have"),
    (put(f"{ROUTE}.paths", ["/a%2"]), "has a character that a path cannot have"),
    (put(f"{ROUTE}.paths", "/a"), "must be a list"),
    (put(f"{ROUTE}.paths", ["/a", "/a"]), "[1] comes twice"),
    (put(f"{ROUTE}.hosts", ["*.a.*"]), "must be a host name"),
    (put(f"{ROUTE}.hosts", ["a.*.b"]), "must be a host name"),
    (put(f"{ROUTE}.hosts", ["https://a.b"]), "must be a host name"),
    (put(f"{ROUTE}.hosts", []), "must not be empty"),
    (put(f"{ROUTE}.methods", ["get"]), "must be one of GET"),
    (put(f"{ROUTE}.protocols", ["htp"]), "must be one of http"),
    (put(f"{ROUTE}.strip_path", "false"), "strip_path: must be true or false"),
    (drop(f"{ROUTE}.strip_path"), "strip_path must be written"),
    (put(f"{ROUTE}.path_handling", "v2"), "must be one of v0"),
    (put(f"{ROUTE}.regex_priority", 1.5), "regex_priority: must be a whole number"),
    (put(f"{ROUTE}.service", {"name": "nobody"}), "there is no service nobody"),
    (put("routes.0.service", "nobody"), "there is no service nobody"),
    (put("routes.0.name", GOOD["routes"][1]["name"]), "comes twice"),
    (drop(f"routes.{len(GOOD['routes']) - 1}.paths"), "needs hosts, paths or methods"),
    # consumers and their keys
    (drop("consumers.0.username"), "needs username or custom_id"),
    (put("consumers.0.username", GOOD["consumers"][1]["username"]), "comes twice"),
    (put(f"{SECRET}.algorithm", "none"), "must be one of HS256"),
    (put(f"{SECRET}.algorithm", "RS256"), "needs rsa_public_key"),
    (put(f"{SECRET}.key", OTHER_SECRET_KEY), "comes twice"),
    (put(f"{SECRET}.secret", ""), "secret: must be a text"),
    (put(f"{SECRET}.kid", "x"), "kid: is unknown"),
    (put("jwt_secrets", [{"key": "k", "consumer": "nobody"}]), "there is no consumer nobody"),
    (put("jwt_secrets", [{"key": "k"}]), "jwt_secrets[0].consumer: is missing"),
    # plugins
    (put("routes.0.plugins.0.name", "request-terminatoin"), "must be one of jwt"),
    (put("plugins.0.name", "pre-function"), "must be one of jwt"),
    (put("plugins.0.config", ["x"]), "config: must be an object"),
    (put("plugins.0.route", {"name": "nobody"}), "there is no route nobody"),
    (put("plugins.0.consumer", "nobody"), "there is no consumer nobody"),
    (again("plugins"), "comes twice"),
    (put(f"{GUARD}.policy", "cluster"), "must be one of local"),
    (put(f"{GUARD}.policy", "redis"), "policy redis needs redis_host"),
    (put(f"{GUARD}.redis", {"host": "redis"}), "config.redis: is unknown"),
    (put(f"{GUARD}.second", 0), "must be a whole number from 1"),
    (put(f"{GUARD}.minute", 1), "the limit for a minute is below that for a second"),
    (put(GUARD, {"policy": "local"}), "needs a limit"),
    (put(f"{GUARD}.limit_by", "address"), "must be one of consumer"),
    (put(f"{GUARD}.limit_by", "header"), "limit_by header needs header_name"),
    (put(f"{PLUGIN['prometheus']}.config.status_code_metrics", "yes"), "must be true or false"),
    (put(f"{PLUGIN['correlation-id']}.config.generator", "uuid7"), "must be one of uuid"),
    (put(f"{PLUGIN['correlation-id']}.config.header_name", "X Request"), "must be a header's name"),
    (put(f"{PLUGIN['request-size-limiting']}.config.size_unit", "MiB"), "must be one of bytes"),
    (put(f"{PLUGIN['request-transformer']}.config.remove", {"header": ["A"]}), "has no field header"),
    (put(f"{PLUGIN['request-transformer']}.config.add", {"headers": ["A"]}), "must be written name:value"),
    (put(f"{PLUGIN['response-transformer']}.config.remove", ["A"]), "must be an object"),
    (drop(f"{JWT}.claims_to_verify"), "claims_to_verify must be written"),
    (put(f"{JWT}.claims_to_verify", ["exp", "iss"]), "must be one of exp, nbf"),
    (put(f"{JWT}.maximum_expiration", 40_000_000), "must be a whole number from 0"),
    (put(f"{JWT}.realm", "clinic"), "config.realm: is unknown"),
    (
        lambda document: _find(document, JWT)[0]["config"].update(claims_to_verify=["nbf"], maximum_expiration=900),
        "maximum_expiration needs exp",
    ),
    (put("consumers.0.plugins", [{"name": "jwt", "config": {"claims_to_verify": []}}]), "cannot belong to a consumer"),
    (put("routes.0.plugins.0.config.status_code", 99), "must be a whole number from 100"),
    (put("routes.0.plugins.0.config.message", "x"), "message goes with neither"),
    (drop("routes.0.plugins.0.config.body"), "content_type needs a body"),
    (put("routes.0.plugins.0.config.echo", True), "echo goes with no body"),
]


@pytest.mark.parametrize(("change", "said"), MISTAKES)
def test_a_mistake_is_found(change: Change, said: str) -> None:
    broken = copy.deepcopy(GOOD)
    change(broken)
    assert broken != GOOD
    assert said in "\n".join(kong_schema.problems(broken))


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_document_is_said_to_be_none(document: Any) -> None:
    assert kong_schema.problems(document) == ["the document must be an object"]


def test_other_right_ways_of_writing_are_let_pass() -> None:
    document = {
        "_format_version": "3.0",
        "_transform": True,
        "services": [
            {"name": "a", "host": "a.example", "path": "/x", "tags": ["one"], "routes": []},
            {"name": "b", "host": "10.0.0.1", "id": "6f1a3cb2-2a4c-4f0e-9b4b-0d7a2c1e8f55"},
        ],
        "routes": [
            {"name": "all", "service": "a", "hosts": ["*.example", "a.*", "b:8080"], "strip_path": True},
            {"service": {"name": "b"}, "methods": ["GET"], "strip_path": False, "plugins": [{"name": "prometheus"}]},
            {"service": "b", "paths": ["/b%20c", "~/d+$"], "strip_path": False, "plugins": [{"name": "prometheus"}]},
        ],
        "consumers": [{"custom_id": "x"}, {"username": "y"}],
        "jwt_secrets": [{"consumer": {"username": "y"}, "key": "k", "secret": "s"}],
        "plugins": [
            {"name": "rate-limiting", "service": "a", "config": {"second": 1, "hour": 5, "limit_by": "consumer"}},
            {"name": "rate-limiting", "route": "all", "consumer": "y", "config": {"day": 1}},
            {"name": "request-transformer", "config": {"add": {"headers": ["A:b"]}, "replace": {"uri": "/x"}}},
        ],
    }
    assert kong_schema.problems(document) == []
