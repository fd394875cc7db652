"""The rendering for Envoy, on the real binary: every rule of the edge, asked as a client asks it."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from atendeai_operator.gateway import envoy, model
from atendeai_operator.probing import answers
from atendeai_operator.probing.client import GATEWAY_PATH
from tests import processes
from tests.unit.gateway import proxies, samples


class Edge:
    """A running Envoy whose upstreams all are one echo."""

    def __init__(self, directory: Path, echo: int) -> None:
        self.directory = directory
        self.plain, self.tls, self.status, self.admin = (processes.free_port() for _ in range(4))
        self.echo = echo
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self.plain}", timeout=10)

    def write(self, edge: model.Edge, *only: str) -> None:
        """Write all files, or only some, the way the kubelet does: each complete, the bootstrap only once."""
        config = self.directory / "config"
        ports = (self.plain, self.tls, self.status)
        files = {
            "cds.json": self._to_echo(envoy.clusters(edge)),
            "ecds.json": envoy.filters(edge),
            "rds.json": envoy.routes(edge),
            "lds.json": envoy.listeners(
                edge, config_dir=str(config), tls_dir=str(self.directory / "tls"), bind="127.0.0.1", ports=ports
            ),
        }
        for name in only or files:
            text = files[name]
            fresh = self.directory / name
            fresh.write_text(text)
            fresh.rename(config / name)

    def _to_echo(self, clusters: str) -> str:
        document = json.loads(clusters)
        for cluster in document["resources"]:
            endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
            endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": self.echo}
        return json.dumps(document)

    def ask(self, name: str, path: str, **request: Any) -> httpx.Response:
        """Ask as a client of a clinic (or of a whole host name)."""
        host = name if "." in name else samples.host(name)
        headers = {"Host": host, **request.pop("headers", {})}
        return self._client.request(request.pop("method", "GET"), path, headers=headers, **request)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    directory = tmp_path_factory.mktemp("envoy")
    for name in ("config", "tls"):
        (directory / name).mkdir()
    pair = proxies.certificate("gateway")
    (directory / "tls" / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls" / "tls.key").write_bytes(pair.key)
    with proxies.echo() as echo:
        found = Edge(directory, echo)
        found.write(samples.edge())
        bootstrap = directory / "bootstrap.json"
        bootstrap.write_text(envoy.bootstrap(config_dir=str(directory / "config"), admin_port=found.admin))
        command = [proxies.envoy_binary(), "-c", str(bootstrap), "--disable-hot-restart", "--concurrency", "1"]
        with processes.running([*command, "-l", "warning"], directory / "log"):
            proxies.until("envoy", lambda: proxies.answers(f"http://127.0.0.1:{found.status}/status/ready"))
            proxies.until("routes", lambda: found.ask("sol", "/health").status_code == 200)
            yield found


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    return body


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_configuration_is_accepted(edge: Edge) -> None:
    command = [proxies.envoy_binary(), "--mode", "validate", "-c", str(edge.directory / "bootstrap.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_was_rejected_nor_deprecated(edge: Edge) -> None:
    log = (edge.directory / "log").read_text()
    assert "rejected" not in log
    assert "Deprecated" not in log


def test_an_unknown_host_is_not_found(edge: Edge) -> None:
    _problem(edge.ask("nobody.example", "/health"), 404)


@pytest.mark.parametrize("path", ["/internal/v1/messages", "/metrics", "/api/v1/usersx", "/"])
def test_paths_that_are_nobodys_are_not_found(edge: Edge, path: str) -> None:
    for name in ("sol", "lua"):
        _problem(edge.ask(name, path), 404)


def test_the_hosts_port_and_case_do_not_matter(edge: Edge) -> None:
    assert edge.ask(f"{samples.host('sol').upper()}:8443", "/health").status_code == 200


def test_public_paths_need_no_token(edge: Edge) -> None:
    for path in ("/api/v1/auth/login", "/webhook/whatsapp", "/health", "/api/v1/calendar/push"):
        assert edge.ask("sol", path).status_code == 200
        assert edge.ask("lua", path).status_code == 200


def test_other_paths_need_one(edge: Edge) -> None:
    for name in ("sol", "lua"):
        answer = edge.ask(name, "/api/v1/users")
        _problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_clinics_own_token_is_let_through_with_the_request(edge: Edge) -> None:
    for name in ("sol", "lua", "rio"):
        token = samples.token(name)
        answer = edge.ask(name, "/api/v1/users", headers=_bearer(token))
        assert answer.status_code == 200
        assert answer.json()["headers"]["authorization"] == f"Bearer {token}"


def test_a_dedicated_clinic_refuses_every_other_clinics_token(edge: Edge) -> None:
    for name in ("mar", "lua"):
        _problem(edge.ask("sol", "/api/v1/users", headers=_bearer(samples.token(name))), 401)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_600_000_000},
        {"exp": None},
        {"iss": "atendeai:somebody-else"},
        {"key": b"x" * 32},
        {"kid": "kid-mar"},
    ],
)
def test_a_bad_token_is_refused(edge: Edge, changes: dict[str, Any]) -> None:
    _problem(edge.ask("sol", "/api/v1/users", headers=_bearer(samples.token("sol", **changes))), 401)


def test_an_unsigned_token_is_refused(edge: Edge) -> None:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": f"atendeai:{samples.clinic_id('sol')}", "aud": "atendeai", "exp": 4_000_000_000}
    token = f"{part({'alg': 'none', 'kid': 'kid-sol'})}.{part(claims)}."
    _problem(edge.ask("sol", "/api/v1/users", headers=_bearer(token)), 401)


def test_a_token_in_the_address_counts_for_nothing(edge: Edge) -> None:
    _problem(edge.ask("sol", f"/api/v1/users?access_token={samples.token('sol')}"), 401)


def test_a_services_token_is_not_a_persons(edge: Edge) -> None:
    token = samples.token("sol", aud="atendeai-internal")
    _problem(edge.ask("sol", "/api/v1/users", headers=_bearer(token)), 403)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/auth/login/../me", 401),
        ("/api/v1/auth/login/%2e%2e/me", 401),
        ("//api//v1/users", 401),
        ("/api/v1/./users", 401),
        ("/api/v1/auth/login%2f..%2fme", 400),
        ("/api/v1/auth/login%5c..%5cme", 400),
    ],
)
def test_no_spelling_of_a_path_gets_around_the_token(edge: Edge, path: str, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.plain, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", samples.host("sol"))
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_a_preflight_needs_no_token(edge: Edge) -> None:
    headers = {"Origin": "https://painel.example", "Access-Control-Request-Method": "GET"}
    assert edge.ask("sol", "/api/v1/users", method="OPTIONS", headers=headers).status_code == 200


def test_what_a_client_says_about_itself_is_not_believed(edge: Edge) -> None:
    forged = {"X-Clinic-ID": "forged", "X-Real-IP": "6.6.6.6", "X-Request-ID": "forged"}
    seen = edge.ask("sol", "/health", headers={**forged, "X-Forwarded-For": "203.0.113.9"}).json()["headers"]
    assert "x-clinic-id" not in seen
    assert seen["x-real-ip"] == "203.0.113.9"
    assert seen["x-request-id"] != "forged"


def test_every_answer_carries_the_requests_id(edge: Edge) -> None:
    answer = edge.ask("sol", "/health")
    assert answer.headers["x-request-id"] == answer.json()["headers"]["x-request-id"]
    refused = edge.ask("sol", "/api/v1/users")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_a_long_body_is_refused_before_a_service_sees_it(edge: Edge) -> None:
    fits = edge.ask("sol", "/webhook/whatsapp", method="POST", content=b"x" * model.MAX_WEBHOOK_BYTES)
    assert fits.json()["length"] == model.MAX_WEBHOOK_BYTES
    _problem(edge.ask("sol", "/webhook/whatsapp", method="POST", content=b"x" * (model.MAX_WEBHOOK_BYTES + 1)), 413)
    _problem(edge.ask("sol", "/health", method="POST", content=b"x" * (model.MAX_BODY_BYTES + 1)), 413)


def test_long_headers_are_refused(edge: Edge) -> None:
    _problem(edge.ask("sol", "/health", headers={"X-Long": "x" * 1024 * (model.MAX_HEADER_KIB + 2)}), 431)


def test_a_suspended_clinic_takes_webhooks_alone(edge: Edge) -> None:
    assert edge.ask("sono", "/webhook/whatsapp", method="POST", content=b"{}").status_code == 200
    _problem(edge.ask("sono", "/api/v1/users"), 503)
    _problem(edge.ask("sono", "/health"), 503)


def test_a_webhook_is_taken_while_a_gateway_knows_of_routes_and_not_yet_of_upstreams(edge: Edge) -> None:
    awake = [samples.tenant(name, suspended=False, standby="") for name in samples.NAMES]
    edge.write(model.edge(model.Pool("atendeai", "dev", frozenset({"whatsapp"})), awake), "rds.json")
    try:
        proxies.until("awake", lambda: edge.ask("sono", "/nowhere").status_code == 404)
        assert edge.ask("sono", "/webhook/whatsapp", method="POST", content=b"{}").status_code == 200
        _problem(edge.ask("sono", "/health"), 503)  # of its API nothing is known yet
    finally:
        edge.write(samples.edge())
    proxies.until("asleep again", lambda: edge.ask("sono", "/nowhere").status_code == 503)


def test_the_operator_can_tell_which_clinics_are_served(edge: Edge) -> None:
    def served(name: str, *, suspended: bool) -> bool:
        answer = edge.ask(name, GATEWAY_PATH)
        return answers.served(answer.status_code, answer.headers, answer.text, suspended=suspended)

    assert served("sol", suspended=False)
    assert served("lua", suspended=False)
    assert served("sono", suspended=True)
    assert not served("sono", suspended=False)
    assert not served("sol", suspended=True)
    assert not served("nobody.example.com", suspended=False)
    assert not served("nobody.example.com", suspended=True)


def test_the_stacks_own_host_takes_webhooks_alone(edge: Edge) -> None:
    assert edge.ask(samples.OWN_HOST, "/webhook/whatsapp", method="POST", content=b"{}").status_code == 200
    _problem(edge.ask(samples.OWN_HOST, "/health"), 404)


def test_one_address_that_floods_is_stopped_and_another_is_not(edge: Edge) -> None:
    def ask(address: str, path: str = "/health") -> httpx.Response:
        # a connection of its own: a changed listener keeps what an old connection knows until that is drained
        headers = {"Host": samples.host("sol"), "X-Forwarded-For": address}
        return httpx.get(f"http://127.0.0.1:{edge.plain}{path}", headers=headers, timeout=10)

    edge.write(replace(samples.edge(), guard=model.Guard(per_second=1, burst=3)))
    try:
        answer = proxies.until(
            "429",
            lambda: found if (found := ask("198.51.100.7")).status_code == httpx.codes.TOO_MANY_REQUESTS else None,
        )
        _problem(answer, 429)
        assert answer.headers["retry-after"] == "1"
        assert ask("198.51.100.8").status_code == 200
        assert ask("198.51.100.7", "/webhook/whatsapp").status_code == 200
    finally:
        edge.write(samples.edge())
    proxies.until("the usual guard", lambda: all(ask("198.51.100.9").status_code == 200 for _ in range(8)))


def test_a_webhook_waits_for_pods_that_have_just_come_and_other_requests_hear_at_once(edge: Edge) -> None:
    later, usual = processes.free_port(), edge.echo

    def refused() -> int:
        text = httpx.get(f"http://127.0.0.1:{edge.status}/metrics", timeout=5).text
        found = re.findall(r"^envoy_cluster_upstream_rq_retry{.*whatsapp.*} (\d+)", text, re.MULTILINE)
        return sum(map(int, found))

    edge.echo = later
    edge.write(samples.edge())
    try:
        proxies.until("nobody there", lambda: edge.ask("sol", "/health").status_code == 503)
        before = refused()
        with ThreadPoolExecutor(1) as outside:
            webhook = outside.submit(edge.ask, "sol", "/webhook/whatsapp", method="POST", content=b"{}")
            # More often than others are tried.
            proxies.until("tried", lambda: refused() - before > 4)
            with proxies.echo(later):
                assert webhook.result().status_code == 200
    finally:
        edge.echo = usual
        edge.write(samples.edge())
    proxies.until("the usual", lambda: edge.ask("sol", "/health").status_code == 200)


def test_an_edge_without_clinics_serves_the_stacks_own_host(edge: Edge) -> None:
    pool = model.Pool("atendeai", "dev", frozenset({"whatsapp"}))
    edge.write(model.edge(pool, [], own_hosts=[samples.OWN_HOST]))
    try:
        proxies.until("clinics gone", lambda: edge.ask("sol", "/health").status_code == 404)
        assert edge.ask(samples.OWN_HOST, "/webhook/whatsapp").status_code == 200
    finally:
        edge.write(samples.edge())
    proxies.until("clinics back", lambda: edge.ask("sol", "/health").status_code == 200)


def test_tls_and_http2_are_spoken_on_the_second_port(edge: Edge) -> None:
    answer = httpx.get(
        f"https://127.0.0.1:{edge.tls}/health",
        headers={"Host": samples.host("sol")},
        verify=False,  # noqa: S501 - made for this test
        timeout=5,
    )
    assert answer.status_code == 200


def test_the_status_port_shows_figures_and_cannot_stop_anything(edge: Edge) -> None:
    base = f"http://127.0.0.1:{edge.status}"
    assert "envoy_http_downstream_rq_total" in httpx.get(f"{base}/metrics").text
    assert httpx.get(f"{base}/quitquitquit").status_code == 404
    assert httpx.post(f"{base}/quitquitquit").status_code == 404
    assert httpx.get(f"{base}/config_dump").status_code == 404


def test_a_change_arrives_without_a_restart(edge: Edge) -> None:
    edge.write(samples.edge("sol", "lua"))
    try:
        proxies.until("clinic gone", lambda: edge.ask("rio", "/health").status_code == 404)
        assert edge.ask("lua", "/health").status_code == 200
    finally:
        edge.write(samples.edge())
    proxies.until("clinic back", lambda: edge.ask("rio", "/health").status_code == 200)
    token = samples.token("mar")
    proxies.until("its tokens too", lambda: edge.ask("mar", "/api/v1/users", headers=_bearer(token)).status_code == 200)
