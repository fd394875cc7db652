"""Alembic's entry: one connection as the migrator, DDL as `atendeai_owner`, one migration at a time.

The services of the version before are at work meanwhile. A statement that waits for a table's lock has everybody behind
it wait, too: it gives up soon, lets them pass and tries again. Each revision is one transaction: nothing is half done.

`SET ROLE atendeai_owner` makes the owner own what is created. For a revision that moves data, use
`tenant.as_migrator()`: forced row security hides every row from the owner, and only the migrator bypasses it.
"""

from __future__ import annotations

import asyncio
import os
import time

from alembic import context
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

# Any constant will do: two Jobs of one database must not migrate at the same time.
LOCK = 0x61_74_65_6E_64_65_61_69

SCHEMA = "atendeai"

LOCK_TIMEOUT = "2s"
"""So long a statement waits for a table that somebody else uses, and so long others wait behind it."""
PATIENCE_SECONDS = 600
"""So long it is tried again; then the Job fails and says which statement did not get its lock."""
_PAUSE_SECONDS = 2
_LOCK_NOT_AVAILABLE = "55P03"


def run(connection: Connection) -> None:
    """Migrate over this connection, each revision in a transaction of its own."""
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text("SET ROLE atendeai_owner"))
    connection.execute(text("SET search_path = atendeai, public"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=None,
        version_table_schema=SCHEMA,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect and migrate."""
    url = make_url(os.environ["ATENDEAI_DATABASE_URL"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 10})
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with engine.connect() as connection:
                await connection.run_sync(run)
                await connection.commit()
            break
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or time.monotonic() > until:
                raise
            print(f"a table is in use, trying again: {error.statement}", flush=True)  # noqa: T201 - the Job's log
            await asyncio.sleep(_PAUSE_SECONDS)
    await engine.dispose()


asyncio.run(main())
