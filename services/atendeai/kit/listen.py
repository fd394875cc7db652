"""LISTEN on a connection of its own: how a changed configuration reaches a running process.

A transaction pooler carries no LISTEN, and a dead connection looks like silence: this one proves a round trip every
two seconds, and whoever depends on it asks `connected` before trusting what it remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

_KEEPALIVE_SECONDS = 2.0
_ANSWER_SECONDS = 2.0
_RECONNECT_SECONDS = (0.1, 0.5, 1.0, 2.0)

log = structlog.get_logger(__name__)


class Listener:
    """Follows channels; calls `on_reset` after each (re)connect, since what was said in between is lost."""

    def __init__(self, dsn: str, handlers: Mapping[str, Callable[[str], None]], on_reset: Callable[[], None]) -> None:
        self._dsn = dsn
        self._handlers = dict(handlers)
        self._on_reset = on_reset
        self._task: asyncio.Task[None] | None = None
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether notifications are arriving, proven in the last few seconds."""
        return self._connected

    async def start(self) -> None:
        """Begin to follow, in the background."""
        self._task = asyncio.create_task(self._run(), name="listen")

    async def stop(self) -> None:
        """Stop following and close the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._follow()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listen_lost", error=type(error).__name__, failures=failures)
            finally:
                if self._connected:
                    failures = 0
                self._connected = False
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1

    async def _follow(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=3, statement_cache_size=0, server_settings={"application_name": "atendeai-listen"}
        )
        try:
            for channel in self._handlers:
                await connection.add_listener(channel, self._heard)
            self._on_reset()
            self._connected = True
            while True:
                await asyncio.sleep(_KEEPALIVE_SECONDS)
                await connection.execute("SELECT 1", timeout=_ANSWER_SECONDS)
        finally:
            self._connected = False
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, channel: str, payload: object) -> None:
        self._handlers[channel](str(payload))
