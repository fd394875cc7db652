"""Structured logs, one JSON object of the Elastic Common Schema a line; never a patient's words, name or number.

An exception is logged by its type, its SQLSTATE and where it was raised. Its message is kept only for types whose
messages the machine wrote: a ValueError or a database error quotes what a patient typed. A library's own lines are
taken from warnings on (the server's from info on), and without the values that were put into them: an HTTP client
names addresses, a loop prints the exception that nobody fetched.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

from atendeai.kit import ecs, telemetry
from atendeai.kit.said import current, merged
from atendeai.kit.settings import Settings

_MESSAGE_IS_OURS = (OSError, ImportError, AttributeError, NameError, NotImplementedError, RuntimeError, AssertionError)
_FRAMES = 12
_CAUSES = 5
_SERVER = "uvicorn"
"""The logger whose lines speak of the process alone."""


def describe(error: BaseException) -> dict[str, Any]:
    """Return what may be said of an exception: types along its causes, code, place; a message only where it is ours."""
    chain: list[BaseException] = []
    code: str | None = None
    seen: BaseException | None = error
    while seen is not None and len(chain) < _CAUSES:
        chain.append(seen)
        code = code or getattr(seen, "sqlstate", None)
        seen = seen.__cause__ or seen.__context__
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    described: dict[str, Any] = {
        "type": _type(error),
        "frames": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, _MESSAGE_IS_OURS) and str(error):
        described["message"] = str(error)
    if len(chain) > 1:
        described["causes"] = [
            f"{_type(cause)}: {cause}" if isinstance(cause, _MESSAGE_IS_OURS) else _type(cause) for cause in chain[1:]
        ]
    if code:
        described["code"] = code
    return described


def _type(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _exceptions(_logger: Any, _method: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        event["exception"] = describe(info)
    return event


class _Output:
    """Where finished lines go, whole and at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def line(self, text: bytes | str) -> None:
        """Write one."""
        self._stream.write((text.encode() if isinstance(text, str) else text) + b"\n")
        self._stream.flush()


class _Access:
    """Writes the lines of served requests: structlog's way to the same line costs a webhook a tenth of its time."""

    def __init__(self) -> None:
        self._output: _Output | None = None
        self._service: Mapping[str, str] = {}
        self._log = structlog.get_logger(ecs.ACCESS)

    def short(self, output: _Output, service: Mapping[str, str]) -> None:
        """Go the short way from now on: JSON, and nothing of it is filtered."""
        self._output, self._service = output, service

    def long(self) -> None:
        """Go structlog's way from now on."""
        self._output = None

    def __call__(self, method: str, route: str, status: int, nanoseconds: int) -> None:
        """Write one."""
        if self._output is None or telemetry.identifiers() is not None:
            self._log.info(ecs.REQUEST, method=method, route=route, http_status=status, duration_ns=nanoseconds)
        else:
            line = ecs.served(method, route, status, nanoseconds, current(), self._service)
            self._output.line(orjson.dumps(line))


access = _Access()


class _Logger:
    """What structlog hands a finished line to."""

    def __init__(self, output: _Output, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = output.line


class _Libraries(logging.Handler):
    """Takes what libraries say through the standard library's `logging`."""

    def __init__(self, output: _Output, processors: list[Processor]) -> None:
        super().__init__()
        self._output = output
        self._processors = processors

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        server = record.name.partition(".")[0] == _SERVER
        if record.levelno < (logging.INFO if server else logging.WARNING):
            return
        try:
            said = record.getMessage() if server else str(record.msg)
            event: EventDict = {"event": said.partition("\n")[0], "level": record.levelname.lower()}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            finished: Any = event
            for processor in self._processors:
                finished = processor(_Logger(self._output, record.name), record.levelname.lower(), finished)
            self._output.line(finished)
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end what wrote it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say that a line is lost, and not what it said: the standard library would print it."""
        finished: Any = {"event": "log_failed", "level": "error"}
        for processor in self._processors:
            finished = processor(_Logger(self._output, record.name), "error", finished)
        self._output.line(finished)


def configure(settings: Settings, stream: BinaryIO | None = None) -> None:
    """Send what structlog and the standard library's loggers are told to standard output, in the configured format.

    `stream` is for tests: loggers are then not bound to it for good.
    """
    output = _Output(stream or sys.stdout.buffer)
    service = {"service.name": settings.service, "service.version": settings.version, "service.type": "atendeai"}

    def to_json(_logger: Any, _method: str, event: EventDict) -> bytes:
        return orjson.dumps(ecs.fields(event, service, telemetry.identifiers()), default=str)

    shared: list[Processor] = [merged, _named, _exceptions]
    if settings.log_format == "JSON":
        shared.append(to_json)
    else:
        shared += [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), _text(colors=sys.stdout.isatty())]
    if settings.log_format == "JSON" and settings.log_level in ("DEBUG", "INFO"):
        access.short(output, service)
    else:
        access.long()
    root = logging.getLogger()
    root.handlers[:] = [_Libraries(output, shared)]
    root.setLevel(settings.log_level)
    structlog.configure(
        processors=[structlog.processors.add_log_level, *shared],
        logger_factory=lambda *names: _Logger(output, names[0] if names else "atendeai"),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level)),
        cache_logger_on_first_use=stream is None,
    )
    sys.excepthook = _excepthook


def _named(logger: Any, _method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _text(*, colors: bool) -> Processor:
    """Return the renderer for people: a line, then what is known of an exception."""
    render = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=20)

    def rendered(logger: Any, method: str, event: EventDict) -> str:
        exception = event.pop("exception", None)
        for key in ("type", "message", "code") if exception else ():
            if exception.get(key):
                event[f"error.{key}"] = exception[key]
        line = render(logger, method, event)
        below = (
            [*exception["frames"], *(f"caused by {cause}" for cause in exception.get("causes", ()))]
            if exception
            else []
        )
        return "\n    ".join((line, *below))

    return rendered


def for_tests() -> None:
    """Print short lines with plain tracebacks; nothing else is configured."""
    access.long()
    structlog.configure(
        processors=[
            merged,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("atendeai").critical("process_failed", exc_info=error)
