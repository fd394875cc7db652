"""What arrives together is done together: one transaction, one commit, for many requests.

A commit costs a write to disk and a few round trips, whether it carries one row or fifty. `Together` gathers what
arrives while the event loop is busy or an earlier group is under way; it never waits for more to come, so a lone
request is as fast as before. Whoever asks still waits until the group's transaction has committed.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

import structlog

from atendeai.kit.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class ApartError(Exception):
    """The group failed for a reason that may be one neighbour's alone: do this one by itself."""


class _Lane(Generic[Item, Result]):
    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self.running: asyncio.Task[None] | None = None


class Together(Generic[Item, Result]):
    """Does items in groups of at most `most`; groups of one lane follow each other, lanes run side by side.

    `run` gets a group and returns a result for each, in order; nothing of it may have happened when it raises. Then
    the items of the group end with `ApartError`, and whoever asked does theirs alone, where the error is their own; of
    an outage (`Unavailable`) they hear at once, with all who wait behind them. Nobody waits behind more than `queue`.

    `told` of a group get their results in one turn of the event loop (None: all). Whoever gets one goes on in that
    turn, and a lane's next group needs a turn for each of its round trips to the database: where all of a process's
    work comes through one lane, the database would stand idle while a whole group is answered. Where several lanes
    are busy another one has work for it, and the turns cost more than they bring.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        lanes: int = 2,
        most: int = 64,
        queue: int = 2000,
        told: int | None = None,
    ) -> None:
        self._name = name
        self._told = told or most
        self._run = run
        self._most = most
        self._queue = queue
        self._lanes: list[_Lane[Item, Result]] = [_Lane() for _ in range(lanes)]

    async def __call__(self, item: Item, key: Hashable = None) -> Result:
        """Do an item with whatever is waiting in its lane; items of one key (within this process) keep their order.

        A caller that is cancelled before its group began takes its item along; afterwards the group goes on without
        whoever has left.
        """
        return await self.begin(item, key)

    def begin(self, item: Item, key: Hashable = None) -> asyncio.Future[Result]:
        """The same for whoever has something else to do meanwhile; a future that is cancelled has left."""
        loop = asyncio.get_running_loop()
        lane = self._lanes[hash(key) % len(self._lanes)] if key is not None else min(self._lanes, key=_length)
        if len(lane.waiting) >= self._queue:
            raise Unavailable("the database, behind which too many wait already,")
        future: asyncio.Future[Result] = loop.create_future()
        lane.waiting.append((item, future))
        if lane.running is None:
            # A context of its own: a group must not speak, or be traced, as the request that happened to come first.
            lane.running = loop.create_task(self._drain(lane), name=self._name, context=contextvars.Context())
        return future

    async def _drain(self, lane: _Lane[Item, Result]) -> None:
        try:
            while lane.waiting:
                group: list[tuple[Item, asyncio.Future[Result]]] = []
                while lane.waiting and len(group) < self._most:
                    item, future = lane.waiting.popleft()
                    if not future.done():
                        group.append((item, future))
                if group and await self._do(group):
                    # An outage: whoever waits hears of it now, not one group after another.
                    _fail(list(lane.waiting), Unavailable("the database"))
                    lane.waiting.clear()
        finally:
            lane.running = None
            while lane.waiting:  # only when this task was cancelled: the loop is closing
                lane.waiting.popleft()[1].cancel()

    async def _do(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> bool:
        """Do a group; whether what it needs is away."""
        try:
            results = await self._run([item for item, _ in group])
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:
            if isinstance(error, Unavailable):
                _fail(group, error)
                return True
            log.warning("done_apart", group=self._name, items=len(group), exc_info=error)
            _fail(group, ApartError())
            return False
        self._tell([(future, result) for (_, future), result in zip(group, results, strict=True)])
        return False

    def _tell(self, done: list[tuple[asyncio.Future[Result], Result]]) -> None:
        """Give results to the first of these now, and to the others in the turns that follow."""
        now, later = done[: self._told], done[self._told :]
        for future, result in now:
            if not future.done():
                future.set_result(result)
        if later:
            asyncio.get_running_loop().call_soon(self._tell, later)


def _fail(group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)


def _length(lane: _Lane[Item, Result]) -> int:
    return len(lane.waiting) + (lane.running is not None)
