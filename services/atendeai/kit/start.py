"""The start of a process, which should cost little: what is made then stays, so nothing of it is garbage.

Imports nothing of the kit: it is there before everything else is read.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
        gc.enable()
