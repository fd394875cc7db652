"""PostgreSQL 15 and Redis 7 of one test session: Debian's binaries, loopback, random ports, a directory that goes away.

Nothing is skipped: a missing binary is an error that names the remedy.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
BOOTSTRAP = Path(__file__).with_name("bootstrap.sql")
START_SECONDS = 60.0

# As the operator writes it, see design notes on partitions; the rest trades durability for speed.
POSTGRES_OPTIONS = {
    "max_locks_per_transaction": "1024",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


class MissingBinaryError(RuntimeError):
    """A server's program is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} was not found on this machine; install it with: make apt")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `admin_dsn` is the superuser's way in."""

    port: int
    directory: Path

    @property
    def admin_dsn(self) -> str:
        """Connection string of the superuser to database `atendeai`."""
        return self.dsn("postgres", "postgres")

    def dsn(self, user: str, password: str, database: str = "atendeai") -> str:
        """Connection string of any login."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True)
class RedisServer:
    """A running server with an ACL file; `admin_url` is the operator's way in."""

    port: int
    directory: Path

    @property
    def admin_url(self) -> str:
        """URL of the user `operator`, who may do everything."""
        return self.url("operator", "operator")

    def url(self, user: str, password: str) -> str:
        """URL of any user."""
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"


def verifier(password: str) -> str:
    """What a server keeps of a password (RFC 5803), after a single iteration.

    Four thousand of them guard what people think up. Here each would be counted by both sides of every connection, of
    which the tests open thousands.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told, kept, proof = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256$1:{told}${kept}:{proof}"


def find(program: str, *places: Path) -> str:
    """Return the path of a server's program. Raises `MissingBinaryError`."""
    for place in places:
        if (place / program).exists():
            return str(place / program)
    found = shutil.which(program)
    if found is None:
        raise MissingBinaryError(program)
    return found


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_postgres(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root; then Debian's own user runs it."""
    if os.geteuid() != 0:
        return list(command)
    return [find("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def _running(command: Sequence[str], port: int, log: Path, directory: Path, end: int) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=directory, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        )
    try:
        _wait_for_port(port, process, log)
        yield
    finally:
        process.send_signal(end)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def postgres_server(options: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Run a server with the operator's roles, extensions and schema, before any migration.

    `options` are laid over `POSTGRES_OPTIONS`, such as for one that must lose nothing.
    """
    directory = Path(tempfile.mkdtemp(prefix="atendeai-pg-"))
    log = directory / "log"
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
        data, port = directory / "data", free_port()
        password = directory / "password"
        password.write_text("postgres")
        password.chmod(0o644)
        _check(
            _as_postgres(
                [
                    find("initdb", POSTGRES_BIN),
                    *("-D", str(data), "-U", "postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"),
                    *("--auth=scram-sha-256", f"--pwfile={password}"),
                ]
            ),
            directory,
        )
        settings = {**POSTGRES_OPTIONS, **(options or {})}
        given = [item for key, value in settings.items() for item in ("-c", f"{key}={value}")]
        command = [find("postgres", POSTGRES_BIN), "-D", str(data), "-p", str(port), "-k", str(directory), *given]
        with _running(_as_postgres(command), port, log, directory, signal.SIGINT):
            server = PostgresServer(port, directory)
            psql = [find("psql", POSTGRES_BIN), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(BOOTSTRAP)]
            psql += [word for user in ("migrator", "pool") for word in ("-v", f"{user}={verifier(user)}")]
            deadline = time.monotonic() + START_SECONDS
            ready = [find("pg_isready", POSTGRES_BIN), "-q", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, check=False).returncode != 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            _check([*psql, server.dsn("postgres", "postgres", "postgres")], directory)
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a server whose users are the operator and the pool; everybody else is let in by nobody."""
    directory = Path(tempfile.mkdtemp(prefix="atendeai-redis-"))
    try:
        port = free_port()
        acl = directory / "users.acl"
        acl.write_text(
            f"user default off\nuser operator on >operator ~* &* +@all\nuser pool on >pool {clinic_rules('*')}\n"
        )
        command = [
            find("redis-server"),
            *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)),
            *("--aclfile", str(acl), "--save", "", "--appendonly", "no"),
        ]
        with _running(command, port, directory / "log", directory, signal.SIGTERM):
            yield RedisServer(port, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def clinic_rules(clinic: str) -> str:
    """Return the ACL rules of one clinic's user, or of the pool for `*`."""
    scope = "~clinic:* &clinic:*" if clinic == "*" else f"~clinic:{clinic}:* &clinic:{clinic}:*"
    return (
        f"{scope} -@all +@read +@write +@transaction +subscribe +unsubscribe +psubscribe +punsubscribe +publish +ping"
        " +quit +client|setname -@dangerous -@admin -@scripting +eval +evalsha +script|load"
        " -scan -randomkey -dbsize -lolwut"
    )


def _check(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


@contextmanager
def pooler(server: PostgresServer, users: Mapping[str, str], *, size: int = 3) -> Iterator[PostgresServer]:
    """Run PgBouncer in front of a server, one transaction at a time on each of `size` connections a user.

    `users` are names and passwords of those who may pass.
    """
    directory = Path(tempfile.mkdtemp(prefix="atendeai-pooler-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
        port = free_port()
        listed = directory / "users"
        listed.write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": listed,
            "pool_mode": "transaction",
            "default_pool_size": size,
            "max_client_conn": 500,
            # what a client says at its start; the server's own settings hold for all of them
            "ignore_startup_parameters": "extra_float_digits,statement_timeout,idle_in_transaction_session_timeout,"
            "idle_session_timeout",
        }
        file = directory / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
            + "".join(f"{key} = {value}\n" for key, value in settings.items())
        )
        for path in (listed, file):
            path.chmod(0o644)
        command = [find("pgbouncer", Path("/usr/sbin")), "-q", str(file)]
        with _running(_as_postgres(command), port, directory / "log", directory, signal.SIGTERM):
            yield PostgresServer(port, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
