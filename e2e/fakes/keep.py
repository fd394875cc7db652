"""What a fake remembers over a restart: accounts, calendars, watch channels, as the platforms do.

A pickle, because only the fake itself writes the file and reads it, on a volume of its own.
"""

import asyncio
import contextlib
import logging
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

_log = logging.getLogger("uvicorn.error")
EVERY_SECONDS = 1.0


class Keeper:
    """Loads a fake's memory from a file and writes it back whenever it changed.

    `remember` returns what shall survive, `recall` puts it back. A file of another version of the fake is left aside:
    it then begins with nothing, as without one.
    """

    def __init__(self, path: Path, remember: Callable[[], Any], recall: Callable[[Any], None]) -> None:
        self._path, self._remember, self._recall = path, remember, recall
        self._written = b""

    def load(self) -> None:
        """Put back what the file holds, if there is one."""
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        try:
            self._recall(pickle.loads(content))  # noqa: S301 - its own file
        except Exception as error:  # noqa: BLE001 - whatever another version wrote
            _log.warning("%s is not of this version, beginning with nothing: %r", self._path, error)
            return
        self._written = content

    def save(self) -> None:
        """Write the memory when it differs from the file's; a kill leaves the old file or the new one."""
        content = pickle.dumps(self._remember())
        if content == self._written:
            return
        beside = self._path.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(self._path)
        self._written = content

    async def run(self) -> None:
        """Save once a second until cancelled; a volume that refuses for a while does not end it."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                self.save()
            except OSError as error:
                _log.warning("%s cannot be written, trying again: %s", self._path, error)


@contextlib.asynccontextmanager
async def kept(path: Path | None, remember: Callable[[], Any], recall: Callable[[Any], None]) -> AsyncIterator[None]:
    """Load, keep saving while the block runs, and save a last time; nothing of it without a path."""
    if path is None:
        yield
        return
    keeper = Keeper(path, remember, recall)
    keeper.load()
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        keeper.save()
