"""Carries a changed configuration into the proxy beside it: to Kong over its loopback admin, to HAProxy by its master.

A program of its own (`python3 -m atendeai_operator.gateway.agent kong|haproxy …`) in a container of the proxy's pod. It
needs nothing but the standard library and tries until the proxy has what the files say. A proxy that starts anew reads
the same files by itself, and an agent that starts anew applies them once: either may end at any time. With
`--health-port` it tells, to whoever asks, whether the proxy has the files' last content.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from atendeai_operator import logs
from atendeai_operator.gateway.kong import ADMIN_PORT, FILE
from atendeai_operator.gateway.model import ORIGINS_FILE

log = logging.getLogger("agent")

POLL_SECONDS: Final = 0.25
TIMEOUT_SECONDS: Final = 20.0
LONGEST_PAUSE: Final = 20  # looks that are let pass between two tries
MOST_WORDS: Final = 500  # characters of a proxy's answer that are logged
BATCH: Final = 8 * 1024  # bytes of a map in one command: half of what HAProxy's buffer holds by default


class NotAppliedError(Exception):
    """The proxy did not take the configuration. The message is the proxy's own."""


def fingerprint(directory: Path, *, without: str = "") -> str:
    """Return a digest of all files of a directory (hidden ones are Kubernetes' own links) but one, empty without any.

    Raises OSError when a file vanishes meanwhile: the mount is being replaced, look again.
    """
    found = hashlib.sha256()
    files = sorted(path for path in directory.iterdir() if path.name != without and _is_content(path))
    for path in files:
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest() if files else ""


def _is_content(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file()


class Kong:
    """A Kong without a database, by its Admin API: `POST /config` with the whole file."""

    def __init__(self, directory: Path, admin: str) -> None:
        self._file = directory / FILE
        self._address = f"{admin.rstrip('/')}/config?check_hash=1"
        # the admin is beside us: no proxy of the environment stands between
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def apply(self) -> None:
        """Give Kong the file. Raises NotAppliedError; OSError when Kong cannot be reached."""
        body = json.dumps({"config": self._file.read_text(encoding="utf-8")}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - loopback, given by the operator
            self._address, data=body, headers=headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError as error:
            with error:
                if error.code != HTTPStatus.NOT_MODIFIED:  # which says that it has this very content
                    raise NotAppliedError(f"Kong answered {error.code}: {_message(error.read())}") from error


def _message(body: bytes) -> str:
    """Return the one field of Kong's answer that describes; the others repeat what was sent, keys included."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    return str(answer.get("message", ""))[:MOST_WORDS] if isinstance(answer, dict) else ""


class HAProxy:
    """An HAProxy in master-worker mode, by its master socket: `reload`, answered once the new worker runs.

    Where nothing but the map of origins has changed, as it does with the clinics, the running worker is given that: a
    reload costs a process more until every connection of the old one has ended.
    """

    def __init__(self, path: Path, directory: Path) -> None:
        self._path, self._map, self._directory = path, directory / ORIGINS_FILE, directory
        self._loaded = ""  # digest of what the running worker has read, but for the map

    def apply(self) -> None:
        """Give HAProxy the files. Raises NotAppliedError; OSError when the socket does not answer."""
        wanted, known = fingerprint(self._directory, without=ORIGINS_FILE), self._loaded
        self._loaded = ""  # whatever is refused is tried again by a reload
        if wanted == known:
            self._replace_map()
        else:
            answer = self._ask("reload")
            if not answer.startswith("Success=1"):
                alerts = " ".join(line for line in answer.splitlines() if "ALERT" in line)
                raise NotAppliedError(f"HAProxy keeps its old configuration: {alerts[:MOST_WORDS]}")
        self._loaded = wanted

    def _replace_map(self) -> None:
        """Give the running worker, in one step, the map as the file has it."""
        lines = self._map.read_text(encoding="utf-8").splitlines()
        created = self._ask(f"@1 prepare map {self._map}").strip()
        version = created.rpartition(": ")[2]
        if not version.isdecimal():
            raise NotAppliedError(f"HAProxy keeps its old map: {created[:MOST_WORDS]}")
        for batch in _batches(lines):
            self._tell(f"@1 add map @{version} {self._map} <<\n{batch}")
        self._tell(f"@1 commit map @{version} {self._map}")

    def _tell(self, command: str) -> None:
        if answer := self._ask(command).strip():
            raise NotAppliedError(f"HAProxy keeps its old map: {answer[:MOST_WORDS]}")

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(str(self._path))
            connection.sendall(command.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)  # no other command comes: the master ends after its answer
            parts = []
            while part := connection.recv(4096):
                parts.append(part)
        return b"".join(parts).decode(errors="replace")


def _batches(lines: list[str]) -> Iterator[str]:
    """Yield the lines, each with its end, in texts of at most BATCH bytes."""
    batch = ""
    for line in lines:
        if len(batch) + len(line) >= BATCH:
            yield batch
            batch = ""
        batch += line + "\n"
    if batch:
        yield batch


class Follower:
    """Keeps a proxy at what a directory says.

    What was there when the proxy started it has read by itself, but between its start and ours the files may have
    changed: so the first content is applied like any other.
    """

    def __init__(self, proxy: Kong | HAProxy, directory: Path) -> None:
        self._proxy, self._directory = proxy, directory
        self._held = self._seen = self._complaint = ""
        self._failures = self._pause = 0
        self.current = False

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        while not stop.wait(POLL_SECONDS):
            self.look()

    def look(self) -> None:
        """Look once, and apply what is new or has not been taken yet. A new content is tried without a pause."""
        try:
            wanted = fingerprint(self._directory)
        except OSError:
            return
        if wanted != self._seen:
            self._seen, self._failures, self._pause = wanted, 0, 0
        self.current = wanted == self._held != ""
        if self.current or not wanted:
            return
        if self._pause:
            self._pause -= 1
            return
        try:
            self._proxy.apply()
        except (NotAppliedError, OSError) as error:
            self._failures += 1
            self._pause = min(2**self._failures, LONGEST_PAUSE)
            self._complain(str(error) or type(error).__name__)
            return
        # Files that changed while they were being applied have another digest by now, and are applied again.
        self._held, self.current, self._complaint = wanted, True, ""
        log.info("applied", extra={"digest": wanted[:12]})

    def _complain(self, reason: str) -> None:
        if reason != self._complaint:  # once: a proxy that starts, or that refuses, is asked often
            self._complaint = reason
            log.warning("not applied, trying again", extra={"reason": reason})


@contextmanager
def health(follower: Follower, port: int) -> Iterator[int]:
    """Answer on all addresses for the time of the block: 200 while the proxy has the last content, otherwise 503.

    Gives the port, which is another one when 0 was asked for.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            current = follower.current
            body = json.dumps({"status": "ok" if current else "the proxy has not taken the last content"}).encode()
            self.send_response(HTTPStatus.OK if current else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing: it is asked every few seconds."""

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(arguments: list[str]) -> int:
    """Run until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    parser.add_argument("proxy", choices=("kong", "haproxy"))
    parser.add_argument("--watch", type=Path, required=True, help="directory with the configuration")
    parser.add_argument("--admin", default=f"http://127.0.0.1:{ADMIN_PORT}", help="Kong's Admin API")
    parser.add_argument("--socket", type=Path, default=Path("/var/run/haproxy/master.sock"), help="HAProxy's master")
    parser.add_argument("--health-port", type=int, help="tell here whether the last content is applied")
    given = parser.parse_args(arguments)
    logs.configure("INFO")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    proxy: Kong | HAProxy = (
        Kong(given.watch, given.admin) if given.proxy == "kong" else HAProxy(given.socket, given.watch)
    )
    follower = Follower(proxy, given.watch)
    if given.health_port is None:
        follower.run(stop)
    else:
        with health(follower, given.health_port):
            follower.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
