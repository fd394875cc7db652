"""What is said of whatever is being done: the request's id, the clinic, the queue. Log lines carry it, calls the id.

One mapping in one context variable, replaced as a whole: structlog has a variable for each key, and looks for them
among all there are at every line.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

from structlog.typing import EventDict

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SAID: ContextVar[Mapping[str, str]] = ContextVar("atendeai_said", default=_NOTHING)


def current() -> Mapping[str, str]:
    """Return what is said of what is being done here."""
    return _SAID.get()


def begin(**values: str) -> None:
    """Say this of what is being done from here on, and nothing that was said before."""
    _SAID.set(values)


def add(**values: str) -> None:
    """Say this besides, from here on."""
    _SAID.set({**_SAID.get(), **values})


def merged(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Have a log line carry it (a processor of structlog's); what the line says itself counts more."""
    return {**_SAID.get(), **event}
