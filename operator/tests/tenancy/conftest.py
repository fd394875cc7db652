"""A PostgreSQL 15 and a Redis 7 of their own, from Debian's binaries, for what the operator does inside them.

The servers are bare: everything in them is put there by the operator's own bootstrap and by the project's migrations.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from atendeai_operator.pipeline.ports import PostgresAccess, RedisAccess
from atendeai_operator.tenancy import names
from atendeai_operator.tenancy.postgres import StackPostgres
from atendeai_operator.tenancy.redis import StackRedis
from tests.processes import free_port, running, wait_for_port

REPOSITORY = Path(__file__).parents[3]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server."""
    for item in items:
        if Path(__file__).parent in item.path.parents and {"postgres_access", "redis_access"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.integration)


def find(binary: str) -> str:
    """Return the path of a server binary; Debian keeps PostgreSQL's own off PATH."""
    found = shutil.which(binary, path=f"/usr/lib/postgresql/15/bin:{os.environ['PATH']}")
    if found is None:
        pytest.fail(f"{binary} is missing: run `make apt` (Debian: apt-get install postgresql-15 redis-server)")
    return found


def as_postgres(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root: as root, give it the directory and the unprivileged user of its package."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Give a directory that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="atendeai-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[PostgresAccess]:
    """Start a bare PostgreSQL with password authentication."""
    directory = scratch / "postgres"
    directory.mkdir()
    prefix = as_postgres(directory)
    password = directory / "password"
    password.write_text("superuser-password")
    if prefix:
        shutil.chown(password, "postgres")
    data = directory / "data"
    arguments = ["-D", str(data), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "-N"]
    subprocess.run([*prefix, find("initdb"), *arguments], check=True, capture_output=True)
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "max_locks_per_transaction": "1024",
        "shared_buffers": "32MB",
        # Its transactions would be taken for writes of the operator's.
        "autovacuum": "off",
    }
    settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    command, log = [*prefix, find("postgres"), "-D", str(data), *settings], directory / "log"
    with running(command, log, end=signal.SIGINT) as process:  # a fast shutdown: without waiting for clients
        wait_for_port(port, process, log)
        yield PostgresAccess(
            host="127.0.0.1",
            port=port,
            superuser_password="superuser-password",
            migrator_password="migrator-password",
            pool_password="pool-password",
            exporter_password="exporter-password",
        )


@pytest.fixture(scope="session")
def postgres_access(postgres_server: PostgresAccess) -> PostgresAccess:
    """Bootstrap the server as the operator does, and run the project's migrations."""

    async def bootstrap() -> None:
        port = StackPostgres(postgres_server)
        for _ in range(100):
            try:
                await port.bootstrap()
                break
            except Exception as error:
                if "accept connections" not in str(error):
                    raise
                await asyncio.sleep(0.1)
        await port.close()

    asyncio.run(bootstrap())
    migrate(postgres_server)
    return postgres_server


def migrate(access: PostgresAccess) -> None:
    """Run the migrations as the Job does: in a process of their own, as the migrator."""
    url = f"postgresql://{names.MIGRATOR}:{access.migrator_password}@{access.host}:{access.port}/{access.database}"
    done = subprocess.run(
        [sys.executable, "-m", "atendeai.migrations", "upgrade"],
        env={**os.environ, "ATENDEAI_DATABASE_URL": url, "PYTHONPATH": str(REPOSITORY / "services")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture
async def postgres(postgres_access: PostgresAccess) -> AsyncIterator[StackPostgres]:
    """Give the operator's port to the migrated database."""
    port = StackPostgres(postgres_access)
    yield port
    await port.close()


Connect = Callable[..., Any]


@pytest.fixture
def connect(postgres_access: PostgresAccess) -> Connect:
    """Open connections as any role, as a service would."""

    @asynccontextmanager
    async def opened(user: str, password: str, database: str | None = None) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(
            host=postgres_access.host,
            port=postgres_access.port,
            user=user,
            password=password,
            database=database or postgres_access.database,
            statement_cache_size=0,
            ssl=False,
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    return opened


@pytest.fixture
def superuser(connect: Connect) -> Any:
    """Open a connection as the superuser."""
    return lambda: connect("postgres", "superuser-password")


@pytest.fixture
def clinic_id() -> UUID:
    """Return the id of a clinic that nothing knows yet."""
    return uuid4()


@pytest.fixture(scope="session")
def redis_server(scratch: Path) -> Iterator[RedisAccess]:
    """Start a bare Redis whose ACL file has what the stack's start script writes: a closed default and the operator."""
    directory = scratch / "redis"
    directory.mkdir()
    users = directory / "users.acl"
    users.write_text("user default off\nuser operator on >admin-password ~* &* +@all\n")
    port, log = free_port(), directory / "log"
    command = [
        *(find("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)),
        *("--save", "", "--aclfile", str(users)),
    ]
    with running(command, log) as process:
        wait_for_port(port, process, log)
        yield RedisAccess(
            host="127.0.0.1",
            port=port,
            admin_password="admin-password",
            pool_password="pool-password",
            exporter_password="exporter-password",
        )


@pytest.fixture
def redis_access(redis_server: RedisAccess) -> RedisAccess:
    """Give the access to the running Redis."""
    return redis_server


@pytest.fixture
async def redis(redis_access: RedisAccess) -> AsyncIterator[StackRedis]:
    """Give the operator's port to the cache."""
    port = StackRedis(redis_access)
    yield port
    await port.close()


@pytest.fixture
def client(redis_access: RedisAccess) -> Any:
    """Open clients as any user, as a service would."""

    @asynccontextmanager
    async def opened(user: str, password: str) -> AsyncIterator[Any]:
        opened_client: Any = Redis(
            host=redis_access.host,
            port=redis_access.port,
            username=user,
            password=password,
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            yield opened_client
        finally:
            await opened_client.aclose()

    return opened
