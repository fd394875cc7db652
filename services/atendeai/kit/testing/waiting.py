"""Waiting for a condition up to a deadline: what a test does in place of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(
    condition: Callable[[], Any], *, seconds: float = 30.0, every: float = 0.02, what: str = ""
) -> Any:
    """Return the first true value of `condition` (plain or async); an AssertionError inside it counts as not yet.

    Raises `AssertionError` after the deadline, with the last reason.
    """
    deadline = time.monotonic() + seconds
    reason: object = "it was never true"
    while True:
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            reason = value
        except AssertionError as error:
            reason = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s{': ' + what if what else ''} (last: {reason!r})")
        await asyncio.sleep(every)
