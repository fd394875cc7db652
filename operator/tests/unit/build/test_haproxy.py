"""HAProxy's configuration, on the real binary: certificates by SNI, the redirect, the client's address, the checks."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from atendeai.kit import cors
from atendeai_operator.api import names
from atendeai_operator.gateway import agent
from atendeai_operator.stack import validate
from atendeai_operator.stack.build import haproxy
from atendeai_operator.stack.facts import TlsPair
from atendeai_operator.stack.plan import Certificate, StackPlan
from tests import processes
from tests.unit.build import samples
from tests.unit.gateway import proxies

CLINIC = "own.example.com"
PAGE, OTHERS_PAGE = "https://painel.example.com", "https://painel.other.example:8443"


def _plan(default: TlsPair | None = None, own: TlsPair | None = None) -> StackPlan:
    clinics = (
        samples.edge_clinic("own", hosts=(CLINIC,)),
        samples.edge_clinic("other", hosts=("other.example.com",), origins=(OTHERS_PAGE,)),
    )
    spec = {"gateway": {"cors": {"origins": [PAGE]}}}
    plan = validate.validate(samples.stack_facts(spec, clinics=clinics))
    certificates = (Certificate("clinic-own", (CLINIC,), own),) if own else ()
    balancer = replace(plan.load_balancer, certificates=certificates)
    return replace(plan, load_balancer=replace(balancer, tls=default or balancer.tls))


def _write(plan: StackPlan, directory: Path) -> Path:
    for name, content in haproxy.files(plan, directory=str(directory)).items():
        (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory / "haproxy.cfg"


def _check(path: Path) -> subprocess.CompletedProcess[str]:
    binary, environment = proxies.haproxy_command()
    return subprocess.run([binary, "-c", "-f", str(path)], env=environment, capture_output=True, text=True, check=False)


def test_the_configuration_is_accepted_without_a_warning(tmp_path: Path) -> None:
    done = _check(_write(_plan(own=samples.certificate(CLINIC)), tmp_path))
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_a_clinics_broken_certificate_is_left_out(tmp_path: Path) -> None:
    broken = TlsPair(b"no certificate", b"no key")
    clinics = (samples.edge_clinic("sol", tls=broken), samples.edge_clinic("lua", tls=samples.certificate("lua")))
    plan = validate.validate(samples.stack_facts(clinics=clinics))
    assert [entry.hosts for entry in plan.load_balancer.certificates] == [("lua.atendeai.local",)]
    assert _check(_write(plan, tmp_path)).returncode == 0


@dataclass
class Balancer:
    """A running HAProxy before one echo."""

    http: int
    https: int
    stats: int
    echo: int
    directory: Path
    master: Path

    def certificate_of(self, host: str) -> str:
        """The name in the certificate that a client of this host is shown."""
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=5) as plain,
            _trusting().wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            shown = wrapped.getpeercert(binary_form=True)
        assert shown is not None
        return x509.load_der_x509_certificate(shown).subject.rfc4514_string().removeprefix("CN=")

    @contextmanager
    def connection(self) -> Iterator[HTTPSConnection]:
        """A connection over which something was asked already."""
        found = HTTPSConnection("127.0.0.1", self.https, timeout=10, context=_trusting())
        with closing(found):
            found.request("GET", "/health", headers={"Host": CLINIC})
            assert found.getresponse().read()
            yield found

    def ask(self, path: str, **request: Any) -> httpx.Response:
        """Ask over TLS."""
        headers = {"Host": CLINIC, **request.pop("headers", {})}
        url = f"https://127.0.0.1:{self.https}{path}"
        return httpx.request(
            request.pop("method", "GET"),
            url,
            headers=headers,
            verify=False,  # noqa: S501 - made for this test
            timeout=10,
            **request,
        )


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    directory = tmp_path_factory.mktemp("haproxy")
    path = _write(_plan(proxies.certificate("the.default"), proxies.certificate(CLINIC)), directory)
    with proxies.echo() as echo:
        master = directory / "master.sock"
        http_port, https_port, stats_port = (processes.free_port() for _ in range(3))
        found = Balancer(http_port, https_port, stats_port, echo, directory, master)
        text = path.read_text()
        for wanted, port in ((haproxy.HTTP, found.http), (haproxy.HTTPS, found.https), (haproxy.STATS, found.stats)):
            text, count = re.subn(rf"bind :{wanted}\b", f"bind 127.0.0.1:{port}", text)
            assert count == 1
        text = re.sub(r"server-template gateway \d+ .*", f"server gateway 127.0.0.1:{echo}", text)
        text = re.sub(r"check port \d+", f"check port {echo}", text).replace("resolvers kube init-addr none", "")
        path.write_text(text)
        binary, environment = proxies.haproxy_command()
        command = [binary, "-W", "-db", "-S", f"{master},mode,600", "-f", str(path)]
        with processes.running(command, directory / "log", environment):
            proxies.until("haproxy", lambda: proxies.answers(f"http://127.0.0.1:{found.stats}/healthz"))
            proxies.until("its backend", lambda: found.ask("/").status_code == 200)
            yield found


def test_the_certificate_follows_the_host(balancer: Balancer) -> None:
    assert balancer.certificate_of(CLINIC) == CLINIC
    assert balancer.certificate_of("any.other.example") == "the.default"


def test_http_is_sent_to_https(balancer: Balancer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{balancer.http}/a/b?c=d", headers={"Host": "Own.Example.com:8080"})
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://own.example.com/a/b?c=d"


def test_http_without_a_host_is_refused(balancer: Balancer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", balancer.http, timeout=5)
    connection.putrequest("GET", "/", skip_host=True)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_what_a_client_says_about_itself_is_replaced(balancer: Balancer) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "6.6.6.6",
        "X-Clinic-ID": "forged",
        "X-Request-ID": "forged",
    }
    seen = balancer.ask("/", headers=forged).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert not {"x-real-ip", "x-clinic-id", "x-request-id"} & set(seen)
    assert seen["host"] == CLINIC


def test_a_clinics_page_may_read_what_no_service_said(balancer: Balancer) -> None:
    answer = balancer.ask("/api/v1/users", headers={"Origin": PAGE, "Host": f"{CLINIC.upper()}:8443"})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == cors.EXPOSED_HEADERS
    assert answer.headers["vary"] == "Origin"
    other = balancer.ask("/api/v1/users", headers={"Origin": OTHERS_PAGE, "Host": "other.example.com"})
    assert other.headers["access-control-allow-origin"] == OTHERS_PAGE


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/v1/users", {}),
        ("/api/v1/users", {"Origin": "null"}),
        ("/api/v1/users", {"Origin": OTHERS_PAGE}),
        ("/api/v1/users", {"Origin": f"{PAGE}.evil.example"}),
        ("/api/v1/users", {"Origin": PAGE.upper()}),
        ("/api/v1/users", {"Origin": PAGE, "Host": "other.example.com"}),
        ("/api/v1/users", {"Origin": PAGE, "Host": "nobody.example.com"}),
        ("/webhook/whatsapp", {"Origin": PAGE}),
        ("/health", {"Origin": PAGE}),
    ],
)
def test_no_other_page_may_nor_at_other_paths(balancer: Balancer, path: str, headers: dict[str, str]) -> None:
    ask = {"Access-Control-Request-Method": "GET"}
    for method, more in (("GET", {}), ("OPTIONS", ask)):
        answer = balancer.ask(path, method=method, headers=headers | more)
        assert answer.headers["x-service"] == "echo"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        # An answer that one page may read is not to be kept for another.
        assert answer.headers.get("vary") == ("Origin" if path.startswith("/api/") else None)


def test_what_a_service_says_of_it_is_left_as_it_is(balancer: Balancer) -> None:
    answer = balancer.ask("/api/v1/users", headers={"Origin": PAGE, "X-Allow-Origin": PAGE})
    assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
    assert answer.headers.get_list("vary") == ["Accept, Origin"]
    assert "access-control-expose-headers" not in answer.headers


def test_a_pages_preflight_is_answered_whether_a_service_runs_or_not(balancer: Balancer) -> None:
    ask = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    answer = balancer.ask("/api/v1/users", method="OPTIONS", headers=ask)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == cors.METHODS
    assert answer.headers["access-control-allow-headers"] == cors.REQUEST_HEADERS
    assert answer.headers["access-control-max-age"] == str(cors.PREFLIGHT_SECONDS)
    assert balancer.ask("/api/v1/users", method="OPTIONS", headers={"Origin": PAGE}).headers["x-service"] == "echo"


@pytest.mark.parametrize(
    "path",
    [
        "/webhook/../api/v1/users",
        "/api/..",
        "/api/./v1/users",
        "/api/%2e%2E/webhook/whatsapp",
        "/webhook/.%2e/api/v1/users",
        "/webhook%2f..%2Fapi/v1/users",
        "/webhook\\..\\api/v1/users",
        "/webhook/%5c..%5C/api/v1/users",
        "/webhook/..;/api/v1/users",
        "/webhook/%zz/../api/v1/users",
    ],
)
def test_a_path_that_a_gateway_could_read_as_another_is_refused(balancer: Balancer, path: str) -> None:
    with balancer.connection() as connection:
        connection.putrequest("POST", path, skip_host=True)
        for name, value in {"Host": CLINIC, "Content-Length": "0"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (400, "application/problem+json")
        assert "as a segment" in json.loads(answer.read())["detail"]


@pytest.mark.parametrize("path", ["/.well-known/x", "/api/v1/..b", "/api/v1/a..", "/api/v1/...", "/api/v1?at=/../a"])
def test_dots_in_a_name_are_none_of_those(balancer: Balancer, path: str) -> None:
    assert balancer.ask(path).json()["path"] == path


def test_credentials_are_the_stacks_to_allow() -> None:
    spec = {"gateway": {"cors": {"origins": [PAGE], "credentials": False}}}
    text = haproxy.files(validate.validate(samples.stack_facts(spec)))["haproxy.cfg"]
    assert "Access-Control-Allow-Origin" in str(text)
    assert "Access-Control-Allow-Credentials" not in str(text)


def test_a_webhook_is_given_again_where_a_gateway_ends_without_an_answer(balancer: Balancer) -> None:
    with balancer.connection() as connection:
        connection.putrequest("POST", "/webhook/whatsapp", skip_host=True)
        for name, value in {"Host": CLINIC, "X-Hang-Up": "webhook", "Content-Length": "2"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        balancer.ask("/health")  # meanwhile the head has arrived, alone
        connection.send(b"{}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["length"] == 2


def test_what_changes_something_is_not_given_again(balancer: Balancer) -> None:
    with balancer.connection() as connection:
        connection.request("POST", "/api/v1/users", body=b"{}", headers={"Host": CLINIC, "X-Hang-Up": "user"})
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
    assert balancer.ask("/health", headers={"X-Hang-Up": "user"}).status_code == 200


def test_a_connection_that_is_idle_while_haproxy_reloads_gets_its_next_answer(balancer: Balancer) -> None:
    with balancer.connection() as connection:
        agent.HAProxy(balancer.master, balancer.directory).apply()
        connection.request("GET", "/health", headers={"Host": CLINIC})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.read()
        assert answer.getheader("connection") == "close"


def test_statistics_and_metrics_are_on_their_own_port(balancer: Balancer) -> None:
    base = f"http://127.0.0.1:{balancer.stats}"
    assert "haproxy_backend_active_servers" in httpx.get(f"{base}/metrics").text
    assert "gateway" in httpx.get(f"{base}/stats").text
    assert balancer.ask("/stats").json()["path"] == "/stats"


def test_its_own_errors_are_problem_documents(tmp_path: Path) -> None:
    text = haproxy.configuration("gateway", 1, directory=str(tmp_path))
    lines = [line for line in text.splitlines() if line.strip().startswith("http-error")]
    assert len(lines) == 7
    assert all("application/problem+json" in line for line in lines)
    assert "Retry-After" in next(line for line in lines if "status 503" in line)


def test_the_gateways_pods_are_asked_for_by_one_name() -> None:
    text = str(haproxy.files(_plan())["haproxy.cfg"])
    assert f"{names.child('dev', 'gateway-pods')}.atendeai.svc.cluster.local:8000" in text
