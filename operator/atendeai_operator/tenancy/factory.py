"""Gives out one port per stack and access, and takes them back (the pipeline's `TenancyFactory`)."""

import asyncio
from contextlib import suppress

from atendeai_operator.pipeline.ports import Postgres, PostgresAccess, Redis, RedisAccess
from atendeai_operator.tenancy.postgres import StackPostgres
from atendeai_operator.tenancy.redis import StackRedis


class Tenancy:
    """The databases and caches of all stacks. Used from one event loop."""

    def __init__(self) -> None:
        self._postgres: dict[tuple[str, int, str], tuple[PostgresAccess, StackPostgres]] = {}
        self._redis: dict[tuple[str, int], tuple[RedisAccess, StackRedis]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def postgres(self, access: PostgresAccess) -> Postgres:
        """Return the database behind `access`; a changed password gets fresh connections."""
        key = (access.host, access.port, access.database)
        known = self._postgres.get(key)
        if known is not None and known[0] == access:
            return known[1]
        port = StackPostgres(access)
        self._postgres[key] = (access, port)
        if known is not None:
            self._retire(known[1])
        return port

    def redis(self, access: RedisAccess) -> Redis:
        """Return the cache behind `access`; a changed password gets fresh connections."""
        key = (access.host, access.port)
        known = self._redis.get(key)
        if known is not None and known[0] == access:
            return known[1]
        port = StackRedis(access)
        self._redis[key] = (access, port)
        if known is not None:
            self._retire(known[1])
        return port

    async def close(self) -> None:
        """Close everything that was given out."""
        ports: list[StackPostgres | StackRedis] = [
            *(port for _, port in self._postgres.values()),
            *(port for _, port in self._redis.values()),
        ]
        self._postgres.clear()
        self._redis.clear()
        await asyncio.gather(*(port.close() for port in ports), *self._closing, return_exceptions=True)

    def _retire(self, port: StackPostgres | StackRedis) -> None:
        """Close in the background what somebody may still be using."""
        task = asyncio.get_running_loop().create_task(_quietly(port))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _quietly(port: StackPostgres | StackRedis) -> None:
    with suppress(Exception):
        await port.close()
