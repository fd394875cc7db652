"""The rendering for Kong, held to Kong's documentation and read the way Kong reads it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import jwt
import pytest

from atendeai_operator.gateway import kong, kong_schema, model
from tests.unit.gateway import samples

Json = dict[str, Any]
POOL = model.Pool("atendeai", "dev", frozenset({"whatsapp"}))


def render(*names: str) -> Json:
    rendered: Json = json.loads(kong.render(samples.edge(*names)))
    return rendered


@pytest.fixture
def document() -> Json:
    return render()


def _routes(document: Json) -> list[Json]:
    return [*(route for service in document["services"] for route in service["routes"]), *document["routes"]]


def _matched(document: Json, host: str, path: str) -> Json:
    """The route Kong takes: hosts before none, regular expressions by priority before prefixes."""
    fitting = []
    for route in _routes(document):
        if "hosts" in route and host not in route["hosts"]:
            continue
        for pattern in route["paths"]:
            regex = pattern.startswith("~")
            if re.match(pattern[1:], path) if regex else path.startswith(pattern):
                fitting.append((("hosts" in route, regex, route.get("regex_priority", 0)), route))
    best = max(key for key, _ in fitting)
    (route,) = [route for key, route in fitting if key == best]
    return route


def _upstream(document: Json, host: str, path: str) -> str:
    wanted = _matched(document, host, path)["name"]
    (service,) = [
        service["name"] for service in document["services"] if wanted in {route["name"] for route in service["routes"]}
    ]
    return str(service)


def _plugin(owner: Json, name: str) -> Json:
    (config,) = [plugin["config"] for plugin in owner["plugins"] if plugin["name"] == name]
    return dict(config)


def _plugins(owner: Json) -> set[str]:
    return {plugin["name"] for plugin in owner["plugins"]}


@pytest.mark.parametrize(
    "names",
    [(), ("sol",), ("lua",), ("lua", "rio"), ("sono",), ("sol", "lua", "sono")],
    ids="-".join,
)
def test_the_rendering_is_what_kongs_documentation_allows(names: tuple[str, ...]) -> None:
    assert kong_schema.problems(render(*names)) == []


def test_so_is_that_of_three_shared_clinics() -> None:
    shared = [samples.tenant(name, dedicated=False) for name in ("lua", "rio", "mar")]
    document = json.loads(kong.render(model.edge(POOL, shared)))
    assert kong_schema.problems(document) == []
    assert len(document["consumers"]) == 3


def test_an_edge_without_clinics_ends_every_request() -> None:
    document = json.loads(kong.render(model.edge(POOL, [])))
    assert kong_schema.problems(document) == []
    assert _plugin(_matched(document, "anything.example", "/"), "request-termination")["status_code"] == 404


def test_the_same_edge_gives_the_same_bytes() -> None:
    assert kong.files(samples.edge("sol", "lua", "rio")) == kong.files(samples.edge("rio", "lua", "sol"))


@pytest.mark.parametrize(
    ("path", "service", "token"),
    [
        ("/api/v1/auth/login", "auth", False),
        ("/api/v1/auth/me", "auth", True),
        ("/api/v1/auth", "auth", True),
        ("/api/v1/auth/loginx", "auth", True),
        ("/api/v1/users", "user", True),
        ("/api/v1/users/1", "user", True),
        ("/webhook/whatsapp", "whatsapp", False),
        ("/api/v1/whatsapp/templates", "whatsapp", True),
        ("/health", "health", False),
        ("/health/ready", "health", False),
        ("/api/v1/calendar/push", "calendar", False),
        ("/api/v1/calendar/events", "calendar", True),
    ],
)
def test_each_path_meets_its_route(document: Json, path: str, service: str, *, token: bool) -> None:
    for name, prefix in (("sol", samples.tenant("sol").clinic_id.replace("-", "")), ("lua", "pool")):
        assert _upstream(document, samples.host(name), path) == f"{prefix}-{service}"
        assert ("jwt" in _plugins(_matched(document, samples.host(name), path))) is token


@pytest.mark.parametrize(
    "path", ["/internal/v1/messages", "/metrics", "/", "/api/v1/usersx", "/healthy", "/health%2Fx"]
)
def test_other_paths_are_ended_at_the_edge(document: Json, path: str) -> None:
    said = _plugin(_matched(document, samples.host("sol"), path), "request-termination")
    assert said["status_code"] == 404
    assert said["content_type"] == "application/problem+json"
    assert json.loads(said["body"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": model.UNKNOWN_PATH.detail,
    }


def test_an_unknown_host_is_ended_and_a_suspended_clinic_told(document: Json) -> None:
    unknown = _plugin(_matched(document, "nobody.example", "/health"), "request-termination")
    assert json.loads(unknown["body"])["detail"] == model.UNKNOWN_HOST.detail
    suspended = _plugin(_matched(document, samples.host("sono"), "/api/v1/users"), "request-termination")
    assert suspended["status_code"] == 503
    assert _upstream(document, samples.host("sono"), "/webhook/whatsapp") == "pool-whatsapp"


def test_the_stacks_own_host_serves_webhooks_alone(document: Json) -> None:
    assert _upstream(document, samples.OWN_HOST, "/webhook/whatsapp") == "pool-whatsapp"
    assert _plugins(_matched(document, samples.OWN_HOST, "/health")) == {"request-termination"}


def test_the_number_of_routes_does_not_grow_with_shared_clinics() -> None:
    assert len(_routes(render("lua"))) == len(_routes(render("lua", "rio")))


def test_every_route_forwards_host_and_path_as_they_came(document: Json) -> None:
    for route in _routes(document):
        assert route["strip_path"] is False
        assert route["preserve_host"] is True
        assert route["request_buffering"] is True


def _accepted(document: Json, token: str, host: str = samples.host("sol"), path: str = "/api/v1/users") -> bool:
    """What Kong's documentation says that its JWT plugin does with a token."""
    config = _plugin(_matched(document, host, path), "jwt")
    assert config["secret_is_base64"]
    secrets = [secret for consumer in document["consumers"] for secret in consumer["jwt_secrets"]]
    kid = jwt.get_unverified_header(token)[config["key_claim_name"]]
    (found,) = [secret for secret in secrets if secret["key"] == kid] or [None]
    if found is None:
        return False
    options: Any = {"require": config["claims_to_verify"], "verify_aud": False}
    try:
        key = base64.b64decode(found["secret"], validate=True)
        jwt.decode(token, key, algorithms=[found["algorithm"]], options=options)
    except jwt.InvalidTokenError:
        return False
    return True


def test_a_token_that_the_services_accept_passes(document: Json) -> None:
    for name in ("sol", "mar", "lua", "rio"):
        assert _accepted(document, samples.token(name), samples.host(name))


def test_other_tokens_do_not(document: Json) -> None:
    assert not _accepted(document, samples.token("sol", key=samples.secret("lua")))
    assert not _accepted(document, samples.token("sol", exp=1))
    assert not _accepted(document, samples.token("sol", exp=None))
    assert not _accepted(document, samples.token("sol", kid="kid-nobody"))
    assert not _accepted(document, samples.token("sono"))


def test_a_token_comes_in_the_header_alone_and_a_preflight_without(document: Json) -> None:
    config = _plugin(_matched(document, samples.host("sol"), "/api/v1/users"), "jwt")
    assert config["header_names"] == ["authorization"]
    assert config["uri_param_names"] == config["cookie_names"] == []
    assert config["run_on_preflight"] is False


def test_every_clinic_is_one_consumer_with_all_its_keys() -> None:
    identity = samples.tenant("sol").clinic_id
    keys = tuple(model.Key(identity, kid, "c2VjcmV0LXNlY3JldA") for kid in ("new", "old"))
    document = json.loads(kong.render(model.edge(POOL, [samples.tenant("sol", keys=keys)])))
    (consumer,) = document["consumers"]
    assert consumer["username"] == f"clinic-{identity}"
    assert {secret["key"] for secret in consumer["jwt_secrets"]} == {"new", "old"}
    assert {secret["secret"] for secret in consumer["jwt_secrets"]} == {"c2VjcmV0LXNlY3JldA=="}


def test_the_guard_is_per_address_and_wider_for_webhooks(document: Json) -> None:
    everywhere = _plugin(document, "rate-limiting")
    assert (everywhere["limit_by"], everywhere["policy"]) == ("ip", "local")
    assert (everywhere["second"], everywhere["minute"]) == (400, 12_000)
    webhook = _plugin(_matched(document, samples.host("lua"), "/webhook/whatsapp"), "rate-limiting")
    assert (webhook["second"], webhook["minute"]) == (4_000, 120_000)


def test_every_request_is_bounded_named_and_counted(document: Json) -> None:
    size = _plugin(document, "request-size-limiting")
    assert (size["allowed_payload_size"], size["size_unit"]) == (1024 * 1024, "bytes")
    assert _plugin(document, "correlation-id")["header_name"] == "X-Request-ID"
    assert _plugin(document, "request-transformer")["remove"]["headers"] == ["X-Clinic-ID"]
    assert all(on for group, on in _plugin(document, "prometheus").items() if group.endswith("_metrics"))


def test_only_what_is_rendered_is_loaded(document: Json) -> None:
    used = _plugins(document) | {name for route in _routes(document) for name in _plugins(route)}
    assert used == set(kong.PLUGINS) == set(kong_schema.PLUGINS)
    assert kong.environment()["KONG_PLUGINS"].split(",") == list(kong.PLUGINS)
    assert kong.environment()["KONG_UNTRUSTED_LUA"] == "off"


def test_admin_and_gui_listen_on_loopback_alone() -> None:
    settings = kong.environment(admin_gui=True)
    assert settings["KONG_ADMIN_LISTEN"] == "127.0.0.1:8001"
    assert settings["KONG_ADMIN_GUI_LISTEN"] == "127.0.0.1:8002"
    assert kong.environment(admin_gui=False)["KONG_ADMIN_GUI_LISTEN"] == "off"


def test_the_process_finds_the_files_that_are_rendered() -> None:
    settings, files = kong.environment(), kong.files(samples.edge())
    for setting in ("KONG_DECLARATIVE_CONFIG", "KONG_ERROR_TEMPLATE_JSON"):
        directory, _, name = settings[setting].rpartition("/")
        assert directory == kong.CONFIG_DIR
        assert name in files
    # Kong puts its message where %s stands, and nothing else may look like a place for one
    assert json.loads(files["problem.json"] % "Bad Gateway") == {"type": "about:blank", "title": "Bad Gateway"}


def test_the_ports_and_limits_are_the_models() -> None:
    settings = kong.environment()
    assert settings["KONG_DATABASE"] == "off"
    assert re.findall(r":(\d+) (http2 ssl )?", settings["KONG_PROXY_LISTEN"]) == [("8000", ""), ("8443", "http2 ssl ")]
    assert settings["KONG_STATUS_LISTEN"].endswith(":8100")
    assert settings["KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE"] == "4194304"
    assert settings["KONG_NGINX_HTTP_LARGE_CLIENT_HEADER_BUFFERS"] == "4 8k"
