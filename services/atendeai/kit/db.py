"""PostgreSQL for services: one transaction, always inside one clinic.

A transaction begins with `SET LOCAL ROLE clinic_<hex>`, so row security sees that clinic and no other, and nothing of
it survives the commit (a transaction pooler may stand in between; hence no named prepared statements either).
SQLAlchemy runs in its AUTOCOMMIT mode and this module speaks BEGIN and COMMIT itself: begin and role are one round
trip.

A connection goes back to the pool without a reset query (`RESET ALL; UNLISTEN *; …`, a round trip for each request).
There is nothing it could reset: role and settings are SET LOCAL and end with the transaction, on a server that was
told to cancel a statement too; statements are unnamed; LISTEN has a connection of its own; advisory locks are taken
for a transaction; temporary tables and cursors that outlive one are made by nobody, and `set_config` is not granted.
What cannot be proven to have ended is not given back: `_end` closes the connection instead.

What a burst has opened stays open until the server finds it idle: a new connection costs more than what is done with
it (a process, its login, its view of the catalog: some 20 ms of CPU), and a process that works in bursts would open one
for every few messages. The pool hands out the one used last, so that the others can get old.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from atendeai.kit.errors import Problem, Unavailable
from atendeai.kit.settings import Settings

_AFTER_COMMIT = "atendeai.after_commit"
_FINISH_SECONDS = 10.0

# SQLSTATE classes that mean "the server, not the statement": connection, refused login (a password that is being
# changed reaches database and pods one after the other), resources, operator intervention.
_OUTAGE_CLASSES = ("08", "28", "53", "57")
_SHARED_LOCK_TIMEOUT = "1s"

# Text that is no UTF-8 for the server, or that its encoding cannot hold: both are said of NUL.
_UNSTORABLE = ("22021", "22P05")
# SET ROLE to a role that does not exist, or that this login is not a member of.
_NO_SUCH_ROLE = ("22023", "42501")


class HasId(Protocol):
    """Anything that stands for one clinic."""

    @property
    def id(self) -> UUID:
        """The clinic's id."""


class UnknownClinicError(Exception):
    """The database has no role for this clinic: it was never made, or its data was deleted."""


def role_of(clinic_id: UUID) -> str:
    """Name of the clinic's database role."""
    return f"clinic_{clinic_id.hex}"


def sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE behind an error of SQLAlchemy or asyncpg, or None."""
    seen: BaseException | None = error
    while seen is not None:
        state = getattr(seen, "sqlstate", None)
        if isinstance(state, str):
            return state
        seen = getattr(seen, "orig", None) or seen.__cause__
    return None


def is_unstorable(error: BaseException) -> bool:
    """Whether a value cannot be kept, though it passed as text or a date: NUL, half a character, a year without end.

    PostgreSQL's text knows no NUL and no lone surrogate; JSON does. Dates near the years 1 and 9999 leave Python's
    range as soon as a time zone moves them.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OverflowError) or _unsendable(seen):
            return True
        if isinstance(seen, UnicodeEncodeError):
            return seen.reason == "surrogates not allowed"
        seen = getattr(seen, "orig", None) or seen.__cause__
    return sqlstate(error) in _UNSTORABLE


def _unsendable(error: BaseException) -> bool:
    """Whether asyncpg refused to send an argument: its InterfaceError for that is a ValueError too."""
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def is_outage(error: BaseException) -> bool:
    """Whether the error says that the database cannot be reached or is being stopped, rather than refusing a query."""
    if _unsendable(error):
        return False
    # asyncpg answers InternalClientError on a connection whose server said goodbye while it was idle.
    if isinstance(error, (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = sqlstate(error)
    return state is not None and state[:2] in _OUTAGE_CLASSES


def on_commit(connection: AsyncConnection, callback: Callable[[], None]) -> None:
    """Call `callback` (quick, not awaiting) once this transaction has committed, and never if it does not."""
    connection.sync_connection.info[_AFTER_COMMIT].append(callback)  # type: ignore[union-attr]  # None only before it is begun


def driver(connection: AsyncConnection) -> Any:
    """Return the asyncpg connection underneath, for statements so frequent that SQLAlchemy's share would show.

    Placeholders are `$1`, `$2`; the transaction is the same one, and so is its clinic.
    """
    return connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]  # None only before it is begun


class Across:
    """A transaction that goes from clinic to clinic; row security shows it the one that it entered last."""

    def __init__(self, connection: AsyncConnection, entered: UUID) -> None:
        self._connection = connection
        self._entered = entered

    async def enter(self, clinic_id: UUID) -> AsyncConnection:
        """Be this clinic from now on. Raises `UnknownClinicError` when it has no role."""
        if clinic_id != self._entered:
            try:
                await driver(self._connection).execute(f'SET LOCAL ROLE "{role_of(clinic_id)}"')
            except asyncpg.PostgresError as error:
                if sqlstate(error) in _NO_SUCH_ROLE:
                    raise UnknownClinicError from error
                raise
            self._entered = clinic_id
        return self._connection


class Database:
    """The process's connections to PostgreSQL, handed out one transaction at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: AsyncEngine = create_async_engine(
            make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+asyncpg"),
            isolation_level="AUTOCOMMIT",
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_recycle=settings.database_connection_seconds,
            pool_reset_on_return=None,
            pool_use_lifo=True,
            hide_parameters=True,  # what patients wrote must not reach a log through an error
            connect_args={
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: "",
                "timeout": settings.database_connect_seconds,
                "command_timeout": settings.database_statement_seconds + 5,
                "server_settings": {
                    "application_name": f"atendeai-{settings.service}",
                    "statement_timeout": f"{settings.database_statement_seconds}s",
                    "idle_in_transaction_session_timeout": "60s",
                    "idle_session_timeout": f"{settings.database_idle_seconds}s",
                },
            },
        )

    def dsn(self) -> str:
        """Return the plain connection string, for the one connection that LISTENs."""
        return self._settings.database_url.get_secret_value()

    @asynccontextmanager
    async def transaction(self, tenant: HasId | UUID) -> AsyncIterator[AsyncConnection]:
        """Open one transaction as this clinic; commit at the end of the block, roll back on any exception.

        Raises `Unavailable` when the server cannot be reached, `UnknownClinicError` when the clinic has no role.
        """
        clinic_id = tenant if isinstance(tenant, UUID) else tenant.id
        async with self._run(f'BEGIN; SET LOCAL ROLE "{role_of(clinic_id)}"') as connection:
            yield connection

    @asynccontextmanager
    async def across(self, first: UUID) -> AsyncIterator[Across]:
        """Open one transaction for several clinics, entered one after the other (see `kit.together`).

        Only the pool's login may enter more than one. Raises as `transaction` does; a row that somebody holds for
        longer than `_SHARED_LOCK_TIMEOUT` is an error too, so that one of them cannot keep the others waiting.
        """
        begin = f"BEGIN; SET LOCAL lock_timeout = '{_SHARED_LOCK_TIMEOUT}'; SET LOCAL ROLE \"{role_of(first)}\""
        async with self._run(begin) as connection:
            yield Across(connection, first)

    @asynccontextmanager
    async def system(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction without a clinic: only the definer functions that return ids can be used in it."""
        async with self._run("BEGIN") as connection:
            yield connection

    async def ping(self) -> None:
        """Prove a round trip. Raises `Unavailable`."""
        async with self.system() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _run(self, begin: str) -> AsyncIterator[AsyncConnection]:
        connection = await self._begin(begin)
        hooks: list[Callable[[], None]] = []
        connection.sync_connection.info[_AFTER_COMMIT] = hooks  # type: ignore[union-attr]  # None only before it is begun
        try:
            yield connection
        except BaseException as error:
            await self._finish(connection, "ROLLBACK")
            if not isinstance(error, Problem) and is_outage(error) and _from_database(error):
                raise Unavailable("PostgreSQL") from error
            raise
        await self._finish(connection, "COMMIT")
        for hook in hooks:
            hook()

    async def _begin(self, begin: str) -> AsyncConnection:
        """Check out a connection and start; a connection that died in the pool is replaced, a few times at most."""
        attempts = self._settings.pool_size + 2
        while True:
            attempts -= 1
            connection = None
            try:
                connection = await self._engine.connect()
                await driver(connection).execute(begin)
            except asyncio.CancelledError:
                if connection is not None:
                    await _discard(connection)
                raise
            except Exception as error:
                if connection is not None:
                    await _discard(connection)
                if sqlstate(error) in _NO_SUCH_ROLE:
                    raise UnknownClinicError from error
                if not is_outage(error):
                    raise
                # Only a pooled connection can have died unnoticed; a failed connect will fail again.
                if connection is None or attempts <= 0:
                    raise Unavailable("PostgreSQL") from error
            else:
                return connection

    async def _finish(self, connection: AsyncConnection, verb: str) -> None:
        """End the transaction even when the caller is being cancelled: no connection returns half way."""
        task = asyncio.create_task(_end(connection, verb))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            with suppress(Exception):
                await task
            raise


def _from_database(error: BaseException) -> bool:
    """Whether an outage-like error came out of the driver and not, say, out of a call to another service."""
    drivers = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, (DBAPIError, PoolTimeout, *drivers))


async def _discard(connection: AsyncConnection) -> None:
    with suppress(Exception):
        await connection.invalidate()
    with suppress(Exception):
        await connection.close()


async def _end(connection: AsyncConnection, verb: str) -> None:
    try:
        status = await driver(connection).execute(verb, timeout=_FINISH_SECONDS)
    except Exception as error:
        await _discard(connection)
        if verb == "ROLLBACK":
            return  # the server forgets the transaction with the connection
        if is_outage(error):
            raise Unavailable("PostgreSQL") from error
        raise
    await connection.close()
    if verb == "COMMIT" and status != "COMMIT":
        # PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: never call that success.
        raise RuntimeError("the transaction had failed before its commit; an error inside it was swallowed")
