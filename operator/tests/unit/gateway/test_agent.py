"""The agent beside a proxy: against a real HAProxy, and against something that answers as Kong's Admin API does."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from atendeai_operator.gateway import agent
from atendeai_operator.gateway.model import ORIGINS_FILE
from tests import processes
from tests.unit.gateway import proxies

OPERATOR = Path(agent.__file__).parents[2]
REFUSED = {"message": "declarative config is invalid: {routes={...}}", "fields": {"secret": "c2VjcmV0"}}


class Mount:
    """A directory as the kubelet mounts a Secret: files are links into `..data`, which is replaced in one step."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._versions = 0
        directory.mkdir()

    def write(self, files: Mapping[str, str]) -> None:
        self._versions += 1
        fresh = self.directory / f"..{self._versions}"
        fresh.mkdir()
        for name, text in files.items():
            (fresh / name).write_text(text)
            if not (self.directory / name).is_symlink():
                (self.directory / name).symlink_to(f"..data/{name}")
        link = self.directory / "..data_tmp"
        link.symlink_to(fresh.name)
        link.rename(self.directory / "..data")


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path / "config")


class Admin:
    """Answers `POST /config` with the next of the given statuses, and with 201 when there is none."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[tuple[str, Any]] = []
        self.port = 0

    @property
    def taken(self) -> list[str]:
        return [body["config"] for _, body in self.asked]


class _Kong(BaseHTTPRequestHandler):
    admin: Admin

    def do_POST(self) -> None:
        admin = self.admin
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        admin.asked.append((self.path, body))
        status = admin.statuses.pop(0) if admin.statuses else 201
        text = b"" if status == 304 else json.dumps(REFUSED).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def serving(admin: Admin, port: int = 0) -> Iterator[None]:
    handler = type("Handler", (_Kong,), {"admin": admin})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    admin.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def admin() -> Iterator[Admin]:
    found = Admin()
    with serving(found):
        yield found


def follower(mount: Mount, admin: Admin) -> agent.Follower:
    return agent.Follower(agent.Kong(mount.directory, f"http://127.0.0.1:{admin.port}/"), mount.directory)


@contextmanager
def following(found: agent.Follower) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=found.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_kong_is_given_the_file_and_every_change_of_it(mount: Mount, admin: Admin) -> None:
    mount.write({"kong.json": "one"})
    found = follower(mount, admin)
    with following(found):
        proxies.until("the first content", lambda: admin.taken == ["one"])
        mount.write({"kong.json": "two"})
        proxies.until("the second content", lambda: admin.taken == ["one", "two"])
        proxies.until("it is known to be applied", lambda: found.current)
    assert {path for path, _ in admin.asked} == {"/config?check_hash=1"}


def test_what_kong_already_has_counts_as_applied(mount: Mount, admin: Admin) -> None:
    admin.statuses = [304]
    mount.write({"kong.json": "one"})
    found = follower(mount, admin)
    found.look()
    assert found.current
    found.look()
    assert len(admin.asked) == 1


def test_an_unchanged_file_is_not_given_again(mount: Mount, admin: Admin) -> None:
    mount.write({"kong.json": "one"})
    found = follower(mount, admin)
    for _ in range(5):
        found.look()
        mount.write({"kong.json": "one"})
    assert admin.taken == ["one"]


def test_a_refusal_is_tried_again_later_and_told_once_without_secrets(
    mount: Mount, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    admin.statuses = [400, 400]
    mount.write({"kong.json": "one"})
    found = follower(mount, admin)
    found.look()
    assert not found.current
    tries = 0
    while not found.current:
        found.look()
        tries += 1
        assert tries < 50
    assert len(admin.asked) == 3
    assert tries > 2, "a refused content is not offered at every look"
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert vars(warning)["reason"] == "Kong answered 400: declarative config is invalid: {routes={...}}"


def test_a_new_content_does_not_wait_for_the_refused_one(mount: Mount, admin: Admin) -> None:
    admin.statuses = [400] * 8
    mount.write({"kong.json": "bad"})
    found = follower(mount, admin)
    while admin.statuses:
        found.look()
    mount.write({"kong.json": "good"})
    found.look()
    assert found.current
    assert admin.taken[-1] == "good"


def test_a_kong_that_comes_later_is_waited_for(mount: Mount) -> None:
    admin = Admin()
    admin.port = processes.free_port()
    mount.write({"kong.json": "one"})
    found = follower(mount, admin)
    found.look()
    assert not found.current
    with following(found), serving(admin, admin.port):
        proxies.until("Kong has it", lambda: found.current)
    assert admin.taken == ["one"]


def test_an_empty_or_vanished_directory_is_waited_for(mount: Mount, admin: Admin, tmp_path: Path) -> None:
    found = follower(mount, admin)
    found.look()
    assert not admin.asked
    nowhere = agent.Follower(agent.Kong(mount.directory, f"http://127.0.0.1:{admin.port}"), tmp_path / "nowhere")
    nowhere.look()
    assert not admin.asked
    assert not nowhere.current
    mount.write({"kong.json": "one"})
    found.look()
    assert admin.taken == ["one"]


# ---------------------------------------------------------------- HAProxy
def configuration(port: int, said: str) -> str:
    return f"""
global
    log stderr format raw local0 notice
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend one
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string {said}
"""


def test_haproxy_follows_its_files_and_survives_a_bad_one(mount: Mount, tmp_path: Path) -> None:
    port, health = processes.free_port(), processes.free_port()
    master = tmp_path / "master.sock"
    mount.write({"haproxy.cfg": configuration(port, "one")})
    command, environment = proxies.haproxy_command()
    file = str(mount.directory / "haproxy.cfg")
    haproxy = [command, "-W", "-db", "-S", f"{master},mode,600", "-f", file]
    program = [sys.executable, "-m", "atendeai_operator.gateway.agent", "haproxy"]
    arguments = ["--watch", str(mount.directory), "--socket", str(master), "--health-port", str(health)]

    def says(text: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=1).text == text
        except httpx.HTTPError:
            return False

    def applied(status: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{health}/", timeout=1).status_code == status
        except httpx.HTTPError:
            return False

    log = tmp_path / "agent.log"
    own = {**os.environ, "PYTHONPATH": str(OPERATOR)}
    with processes.running([*program, *arguments], log, own) as process:
        # the agent comes first, and waits
        proxies.until("the agent says that nothing is applied", lambda: applied(503))
        with processes.running(haproxy, tmp_path / "haproxy.log", environment):
            proxies.until("the first content is served", lambda: says("one"))
            proxies.until("and known to be", lambda: applied(200))
            mount.write({"haproxy.cfg": configuration(port, "two")})
            proxies.until("the second content is served", lambda: says("two"))
            mount.write({"haproxy.cfg": "nonsense\n"})
            proxies.until("the agent says that it is not applied", lambda: applied(503))
            assert says("two")
            mount.write({"haproxy.cfg": configuration(port, "three")})
            proxies.until("the third content is served", lambda: says("three"))
            proxies.until("and known to be", lambda: applied(200))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["message"] for line in lines].count("applied") == 3
    refusals = [line["reason"] for line in lines if "HAProxy keeps" in line.get("reason", "")]
    assert any("nonsense" in reason for reason in refusals)


def test_a_map_that_changes_is_given_to_the_worker_that_runs(mount: Mount, tmp_path: Path) -> None:
    port, master = processes.free_port(), tmp_path / "master.sock"
    table = f"{mount.directory}/{ORIGINS_FILE}"
    config = configuration(port, "one").replace("string one", f"lf-string %[req.hdr(host),map_str({table},none)]-%pid")

    def write(*entries: str, config: str = config) -> None:
        mount.write({"haproxy.cfg": config, ORIGINS_FILE: "".join(f"{entry} 1\n" for entry in entries)})
        found.look()
        assert found.current

    def says(host: str) -> tuple[str, str]:
        text = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=5).text
        found, _, worker = text.partition("-")
        return found, worker

    def settled(before: str) -> bool:
        """Whether another worker than before answers alone: the old one takes connections until it has heard."""
        seen = {says("a.example") for _ in range(10)}
        return len(seen) == 1 and seen.pop()[1] != before

    found = agent.Follower(agent.HAProxy(master, mount.directory), mount.directory)
    mount.write({"haproxy.cfg": config, ORIGINS_FILE: "a.example 1\n"})
    command, environment = proxies.haproxy_command()
    haproxy = [command, "-W", "-db", "-S", f"{master},mode,600", "-f", str(mount.directory / "haproxy.cfg")]
    with processes.running(haproxy, tmp_path / "haproxy.log", environment):
        proxies.until("haproxy", lambda: proxies.answers(f"http://127.0.0.1:{port}/"))
        _, first = says("a.example")
        write("a.example", "b.example")  # read by a reload: what ran before is not known
        proxies.until("another worker", lambda: settled(first))
        _, worker = says("a.example")
        many = [f"{number}.many.example" for number in range(3000)]
        write("b.example", *many)
        assert [says(host) for host in ("a.example", "b.example", *many[::999])] == [
            ("none", worker),
            *[("1", worker)] * 5,
        ]
        write()
        assert says("b.example") == ("none", worker)
        write("a.example", config=config + "    timeout client 6s\n")
        proxies.until("another worker", lambda: settled(worker))
        assert says("a.example")[0] == "1"


def test_an_haproxy_that_ends_in_the_middle_is_tried_again(mount: Mount, tmp_path: Path) -> None:
    mount.write({"haproxy.cfg": "anything"})
    path = tmp_path / "master.sock"
    found = agent.Follower(agent.HAProxy(path, mount.directory), mount.directory)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        found.look()
        thread.join(10)
    assert not found.current
