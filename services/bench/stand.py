"""What every bench stands on: a PostgreSQL that loses nothing, Redis, clinics, one process of a service or of the peer.

Everything listens on 127.0.0.1 and ends with the run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.servers import free_port, postgres_server, redis_server

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "atendeai" / "bench"
CONNECTIONS = 64
START_SECONDS = 30.0

# PostgreSQL as the stack runs it, as far as it bears on durability and on this machine's memory.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}


@contextmanager
def stack(options: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Both servers, after the migrations."""
    with postgres_server({**DURABLE, **(options or {})}) as postgres, redis_server() as redis:
        environment = {**os.environ, "ATENDEAI_DATABASE_URL": postgres.dsn("atendeai_migrator", "migrator")}
        subprocess.run(
            [sys.executable, "-m", "atendeai.migrations", "upgrade"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )
        yield Stack(postgres, redis, Fernet.generate_key().decode())


def clinic(made: Stack, **values: Any) -> TestClinic:
    """Make a clinic whose limits a load does not meet."""
    limits = {"auth": {"minute": 10**9, "hour": 10**9}, "api": {"minute": 10**9, "hour": 10**9}}
    values["settings"] = {**values.get("settings", {}), "security": {"rateLimits": limits}}
    return asyncio.run(make_clinic(made, **values))


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], port: int, path: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until it answers at `path`; its log goes nowhere, its complaints to the terminal."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not come up")
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def environment(made: Stack, port: int, **more: str) -> dict[str, str]:
    """What a service of the pool is told."""
    key = CACHE / "stack-key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(made.key)
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ATENDEAI_DATABASE_URL": made.postgres.dsn("atendeai_pool", "pool"),
        "ATENDEAI_REDIS_URL": made.redis.url("pool", "pool"),
        "ATENDEAI_STACK_KEY_FILE": str(key),
        "ATENDEAI_BIND_HOST": "127.0.0.1",
        "ATENDEAI_PORT": str(port),
        "ATENDEAI_DRAIN_SECONDS": "0",
        **more,
    }


@dataclass(frozen=True)
class Server:
    """A server under load."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time it has used so far, all of its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def service(made: Stack, name: str, **more: str) -> Iterator[Server]:
    """One process of a service of the pool, its workers paused."""
    port = free_port()
    command = [sys.executable, "-m", "bench.paused", name]
    with running(command, environment(made, port, **more), port, "/health/live") as process:
        yield Server(port, process.pid)


def install_peer() -> Path:
    """Install the peer from the npm registry into the cache; where it is."""
    place = CACHE / "peer"
    place.mkdir(parents=True, exist_ok=True)
    before = place / "package-lock.json"
    lock = (HERE / "peer" / "package-lock.json").read_bytes()
    fresh = not before.exists() or before.read_bytes() != lock or not (place / "node_modules").exists()
    for file in (HERE / "peer").iterdir():
        shutil.copy(file, place / file.name)
    if fresh:
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(npm, cwd=place, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return place


@contextmanager
def peer(made: Stack, clinics: Iterable[TestClinic], sql: Mapping[str, str], **more: Any) -> Iterator[Server]:
    """One process of the peer."""
    port = free_port()
    config = {
        "port": port,
        "database": made.postgres.dsn("atendeai_pool", "pool"),
        "redis": made.redis.url("pool", "pool"),
        "sql": dict(sql),
        "clinics": [
            {
                "id": str(one.id),
                "host": one.host,
                "role": one.role,
                "phone": one.phone_number_id,
                "secret": one.credentials["whatsapp"]["app-secret"],
                "keys": one.credentials["jwt"]["keys"],
                "offset": "-03:00",  # of America/Sao_Paulo, all year
            }
            for one in clinics
        ],
        **more,
    }
    place = CACHE / "peer"
    command = ["node", "--disable-warning=FSTDEP023", str(place / "server.js")]
    with running(command, {"PEER_CONFIG": json.dumps(config)}, port, "/nothing") as process:
        yield Server(port, process.pid)


def build_load() -> Path:
    """Build the load generator into the cache; where it is."""
    CACHE.mkdir(parents=True, exist_ok=True)
    binary = CACHE / "load"
    subprocess.run(["go", "build", "-C", str(HERE / "load"), "-o", str(binary), "."], check=True, timeout=300)
    return binary


def load(
    server: Server, requests: list[bytes], *, connections: int = CONNECTIONS, seconds: float = 60
) -> dict[str, Any]:
    """Send each request once over so many connections, and say how it went."""
    before = server.cpu()
    file = CACHE / "requests"
    file.write_bytes(b"".join(len(one).to_bytes(4, "little") + one for one in requests))
    command = [str(CACHE / "load"), "-port", str(server.port), "-connections", str(connections)]
    done = subprocess.run(
        [*command, "-requests", str(file), "-seconds", str(seconds)],
        check=False,
        capture_output=True,
        timeout=seconds + 30,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the load failed: {done.stderr.decode()[-500:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    report["cpu_us"] = (server.cpu() - before) / max(1, report["answered"]) * 1e6
    return report
