"""The start of a process, which should cost little: what is made then stays, so nothing of it is garbage.

Imports nothing of the kit: it is there before everything else is read.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_IN_CASE = ("httpx._main", "opentelemetry.sdk.metrics", "rich")
"""What libraries import in case somebody wants it: httpx its command line, redis-py metrics of its own, structlog
coloured tracebacks. Nobody here does, and it is a tenth of what a start reads."""


_ALLOCATIONS = 10_000
"""So many objects more than at the last look, and the youngest are looked through. A request makes some hundred: with
Python's own 700 every few requests would pay for a look."""


@contextmanager
def quickly() -> Iterator[None]:
    """Import and build without looking for garbage, which takes a seventh of the time, and never look there again.

    What exists at the end is left out of every later collection too: they stop the event loop for that much less.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS)
        gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Import a service: `quickly`, and without what its libraries do without where it is not installed."""
    spared = [name for name in _IN_CASE if name not in sys.modules]
    sys.modules.update(dict.fromkeys(spared))  # type: ignore[arg-type]  # None: as if it were not installed
    try:
        with quickly():
            yield
    finally:
        for name in spared:
            del sys.modules[name]
