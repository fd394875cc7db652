"""Structured logs, one JSON object a line; never a patient's words, name or number.

An exception is logged by its type, its SQLSTATE and where it was raised. Its message is kept only for types whose
messages the machine wrote: a ValueError or a database error quotes what a patient typed.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict

from atendeai.kit.settings import Settings

_MESSAGE_IS_OURS = (OSError, ImportError, AttributeError, NameError, NotImplementedError, RuntimeError, AssertionError)
_FRAMES = 12
_CAUSES = 5


def describe(error: BaseException) -> dict[str, Any]:
    """Return what may be said of an exception: types along its causes, code, place; a message only where it is ours."""
    chain: list[str] = []
    code: str | None = None
    seen: BaseException | None = error
    while seen is not None and len(chain) < _CAUSES:
        text = f": {seen}" if isinstance(seen, _MESSAGE_IS_OURS) else ""
        chain.append(f"{type(seen).__module__}.{type(seen).__qualname__}{text}")
        code = code or getattr(seen, "sqlstate", None)
        seen = seen.__cause__ or seen.__context__
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    described: dict[str, Any] = {
        "type": chain[0],
        "frames": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if len(chain) > 1:
        described["causes"] = chain[1:]
    if code:
        described["sqlstate"] = code
    return described


def _exceptions(_logger: Any, _method: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        event["exception"] = describe(info)
    return event


def _to_json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard output, in the configured format."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _exceptions,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if settings.log_format == "JSON"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )

    def add_service(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {"service": settings.service, "version": settings.version, **event}

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, add_service, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _excepthook


def for_tests() -> None:
    """Print short lines with plain tracebacks; nothing else is configured."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        cache_logger_on_first_use=False,
    )


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("atendeai").critical("process_failed", exc_info=error)
