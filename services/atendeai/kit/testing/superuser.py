"""The superuser's connection: for what tests prepare, and for their own look at what was stored.

It has a loop and a thread of its own and outlives the loops of the tests. A backend that is new has to learn of every
table it touches, which costs ten times what is asked of it here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")
Work = Callable[[asyncpg.Connection], Awaitable[T]]


class Superuser:
    """One connection to a server, made when it is first asked for, and anew when it was lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="superuser", daemon=True).start()

    async def run(self, work: Work[T]) -> T:
        """Do something with the connection; raises what that raises."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._run(work), self._loop))

    async def _run(self, work: Work[T]) -> T:
        if self._lock.locked():  # whoever has it may wait for what this one does
            connection = await self._connect()
            try:
                return await work(connection)
            finally:
                await connection.close()
        async with self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            return await work(self._connection)

    async def _connect(self) -> asyncpg.Connection:
        # No statement is kept: migrations change what it would give.
        return await asyncpg.connect(self._dsn, statement_cache_size=0)
