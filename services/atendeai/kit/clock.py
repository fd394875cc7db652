"""The one clock of the services, replaceable in tests.

Services ask `now()` and never `datetime.now`, so that a test can move time without waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """Return the present moment, always with the time zone UTC."""
    return _source()


@contextmanager
def override(source: Callable[[], datetime] | datetime) -> Iterator[None]:
    """Replace the clock inside the block, by a fixed moment or by a function that returns an aware moment."""
    global _source  # noqa: PLW0603 - one clock per process is the point
    before = _source
    _source = source if callable(source) else (lambda: source)
    try:
        yield
    finally:
        _source = before
