"""One stack's PostgreSQL, as the pipeline's port `Postgres` asks for it.

Connects as the superuser, over few connections that do not live long: a backend keeps in memory what it learned of
each partition it touched. What cannot be reached yet raises `Waiting`, what is refused raises `TenancyError`, and
neither carries a statement, because a statement may hold what must not be logged.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import asyncpg

from atendeai_operator.pipeline.errors import TenancyError, Waiting
from atendeai_operator.pipeline.ports import Claim, ClaimResult, ConfigRow, PostgresAccess, RetainedClinic
from atendeai_operator.tenancy import names, partitions, registry, roles

SUPERUSER = "postgres"
CONNECTIONS = 4
CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 60.0
IDLE_SECONDS = 30.0
QUERIES_PER_CONNECTION = 1000

_SESSION = {
    "application_name": "atendeai-operator",
    "statement_timeout": "45s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
    "search_path": "pg_catalog, public",
}

_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
_UNMIGRATED = (
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedObjectError,
)


class StackPostgres:
    """The database behind one access."""

    def __init__(self, access: PostgresAccess) -> None:
        self._access = access
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def bootstrap(self) -> None:
        """Make roles, passwords, extensions, schema and database settings hold."""
        await self._ensure_database()
        async with self._connection() as connection:
            await roles.ensure_roles(
                connection,
                roles.stack_roles(
                    {
                        names.MIGRATOR: self._access.migrator_password,
                        names.POOL: self._access.pool_password,
                        names.EXPORTER: self._access.exporter_password,
                    }
                ),
            )
            await roles.ensure_database(connection)

    async def migrations_applied(self) -> str | None:
        """Return the Alembic revision the schema stands at; None before the first migration."""
        async with self._connection() as connection:
            if await connection.fetchval("SELECT to_regclass($1)", f"{names.SCHEMA}.alembic_version") is None:
                return None
            revision: str | None = await connection.fetchval("SELECT version_num FROM atendeai.alembic_version")
            return revision

    async def claim(self, clinic_id: UUID, claims: Sequence[Claim]) -> ClaimResult:
        """Claim what is free, keep what is held already, report what somebody else holds."""
        async with self._connection() as connection:
            return await registry.claim(connection, clinic_id, claims)

    async def release(self, clinic_id: UUID, keep: Sequence[Claim] = ()) -> frozenset[Claim]:
        """Release every claim of the clinic but `keep`; return what was released."""
        async with self._connection() as connection:
            return await registry.release(connection, clinic_id, keep)

    async def ensure_clinic(self, clinic_id: UUID, *, login: bool, password: str) -> None:
        """Make the clinic's role, its memberships and a partition of every tenant table hold."""
        async with self._connection() as connection:
            await roles.ensure_clinic_role(connection, clinic_id, login=login, password=password)
            await partitions.ensure_partitions(connection, clinic_id)

    async def ensure_partitions(self, clinic_id: UUID) -> None:
        """Make a partition of every tenant table hold for a clinic that exists."""
        async with self._connection() as connection:
            await partitions.ensure_partitions(connection, clinic_id)

    async def write_config(self, row: ConfigRow) -> bool:
        """Write the configuration row; return whether anything changed."""
        async with self._connection() as connection:
            return await registry.write_config(connection, row)

    async def drop_config(self, clinic_id: UUID) -> None:
        """Delete the configuration row and take the right to log in from the role: data stays, nobody serves it."""
        async with self._connection() as connection:
            await roles.retire_clinic_role(connection, clinic_id)
            await registry.delete_config(connection, clinic_id)

    async def drop_clinic(self, clinic_id: UUID) -> None:
        """Delete partitions, configuration, claims and role."""
        async with self._connection() as connection:
            await roles.retire_clinic_role(connection, clinic_id)
            await registry.delete_rows(connection, clinic_id)
            await partitions.drop_partitions(connection, clinic_id)
            await roles.drop_clinic_role(connection, clinic_id)

    async def retained(self, clinic_id: UUID) -> RetainedClinic | None:
        """Return what is held of this clinic; None when nothing."""
        async with self._connection() as connection:
            tables = await partitions.count_partitions(connection, clinic_id)
            if not tables:
                return None
            return RetainedClinic(clinic_id, await registry.config_name(connection, clinic_id), tables)

    async def close(self) -> None:
        """Close the connections, at once where one does not answer."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), CONNECT_SECONDS)
            except TimeoutError:
                pool.terminate()

    async def _ensure_database(self) -> None:
        """Create the stack's database where the server has none of that name yet."""
        try:
            async with self._connection():
                return
        except Waiting as waiting:
            if not isinstance(waiting.__cause__, asyncpg.InvalidCatalogNameError):
                raise
        with _mapped(self._access):
            connection = await asyncpg.connect(**self._options("postgres"))
            try:
                await connection.execute(f"CREATE DATABASE {names.quoted(self._access.database)}")
            except asyncpg.DuplicateDatabaseError:
                pass
            finally:
                await connection.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _mapped(self._access):
            pool = await self._opened()
            async with pool.acquire(timeout=2 * CONNECT_SECONDS) as connection:
                yield connection

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **self._options(self._access.database),
                    min_size=0,
                    max_size=CONNECTIONS,
                    max_queries=QUERIES_PER_CONNECTION,
                    max_inactive_connection_lifetime=IDLE_SECONDS,
                )
            return self._pool

    def _options(self, database: str) -> dict[str, Any]:
        return {
            "host": self._access.host,
            "port": self._access.port,
            "user": SUPERUSER,
            "password": self._access.superuser_password,
            "database": database,
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            "statement_cache_size": 0,
            "server_settings": _SESSION,
            "ssl": False,
        }


@contextmanager
def _mapped(access: PostgresAccess) -> Iterator[None]:
    """Turn the driver's errors into the pipeline's."""
    server = f"PostgreSQL at {access.host}"
    try:
        yield
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise TenancyError(
            f"{server} refuses the superuser's password: the stack's Secret differs from the one the database was "
            "created with"
        ) from error
    except _UNMIGRATED as error:
        raise Waiting(f"{server}: its migrations have not run yet", retry_in=2) from error
    except _UNREACHABLE as error:
        raise Waiting(f"{server} does not accept connections yet", retry_in=2) from error
    except asyncpg.InterfaceError as error:
        # The driver says so when the server went away between two statements; all else is a mistake of ours.
        if "clos" not in str(error):
            raise
        raise Waiting(f"{server} does not accept connections yet", retry_in=2) from error
    except asyncpg.PostgresError as error:
        # The message alone: DETAIL may quote a row.
        raise TenancyError(f"{server}: {error.sqlstate} {error.args[0]}") from error
