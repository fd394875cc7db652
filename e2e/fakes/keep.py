"""What a fake remembers over a restart: accounts, calendars, watch channels, as the platforms do.

A pickle, because only the fake itself writes the file and reads it, on a volume of its own. Writing a whole memory down
to see whether it changed is work, so nothing is compared until a request came that may have changed it.
"""

import asyncio
import contextlib
import logging
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_log = logging.getLogger("uvicorn.error")
EVERY_SECONDS = 1.0


class Keeper:
    """Loads a fake's memory from a file and writes it back whenever it changed; without a path it does nothing.

    `remember` returns what shall survive, `recall` puts it back. A file of another version of the fake is left aside:
    it then begins with nothing, as without one.
    """

    def __init__(self, path: Path | None, remember: Callable[[], Any], recall: Callable[[Any], None]) -> None:
        self._path, self._remember, self._recall = path, remember, recall
        self._written = b""
        self._touched = False

    def touch(self) -> None:
        """Note that the memory may have changed, and that what was asked may go on changing it for a while."""
        self._touched = True

    def look(self) -> None:
        """Save if the memory may have changed since it was last found to be what the file holds. Raises OSError."""
        if self._touched:
            self._touched = self.save()

    def load(self) -> None:
        """Put back what the file holds, if there is one."""
        if self._path is None or not self._path.exists():
            return
        content = self._path.read_bytes()
        try:
            self._recall(pickle.loads(content))  # noqa: S301 - its own file
        except Exception as error:  # noqa: BLE001 - whatever another version wrote
            _log.warning("%s is not of this version, beginning with nothing: %r", self._path, error)
            return
        self._written = content

    def save(self) -> bool:
        """Write the memory when it differs from the file's; a kill leaves the old file or the new one.

        Returns whether it differed. Raises OSError.
        """
        if self._path is None:
            return False
        content = pickle.dumps(self._remember())
        if content == self._written:
            return False
        beside = self._path.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(self._path)
        self._written = content
        return True

    async def run(self) -> None:
        """Look once a second until cancelled; a volume that refuses for a while does not end it."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                self.look()
            except OSError as error:
                _log.warning("%s cannot be written, trying again: %s", self._path, error)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load, keep saving while the block runs, and save a last time."""
        self.load()
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.save()


class Touching:
    """ASGI middleware that tells a keeper of every request that may change what is remembered."""

    def __init__(self, app: ASGIApp, keeper: Keeper) -> None:
        self._app, self._keeper = app, keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or _only_looks(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        self._keeper.touch()
        try:
            await self._app(scope, receive, send)
        finally:
            self._keeper.touch()


def _only_looks(method: str, path: str) -> bool:
    """Whether a request changes nothing: a probe, or a test that reads back. The platforms' own GETs are noted."""
    return path == "/healthz" or (method == "GET" and path.startswith("/_fake/"))
