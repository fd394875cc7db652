"""Reads a process's settings from its environment, once, at start: whatever is wrong is said in one message.

A message names variables and what they must be, never what they hold: a database's address carries its password.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.fernet import Fernet
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from atendeai.kit.settings import Settings, check_database_url

PREFIX = "ATENDEAI_"
EXIT_CONFIGURATION = 2
"""The exit code of a process that cannot start as it is configured; a restart changes nothing."""

_EXPECTED = {
    "database_url": "postgresql://role:password@host:5432/database",
    "redis_url": "redis://user:password@host:6379/0",
    "clinic_id": "the clinic's id, a UUID; leave it out in the shared pool",
    "service_url_template": "an address with the placeholders {service} and {port}, e.g. http://{service}:{port}",
    "gateway_health_url": "an address that begins with http:// or https://",
    "otlp_endpoint": "the address of an OpenTelemetry collector that speaks OTLP over HTTP, e.g. http://collector:4318",
    "bind_host": "an address of this machine to listen on; leave it out to listen on all, 0.0.0.0",
    "reply_wait_seconds": "seconds, no fewer than ATENDEAI_REPLY_QUIET_SECONDS; both may be left out, for 8 and 2.5",
    "log_format": "JSON or Text",
    "log_level": "DEBUG, INFO, WARNING or ERROR",
    "stack_key_file": "the path of a file that holds the stack's key and that this process may read",
    "stack_key": "a Fernet key: 32 bytes in URL-safe base64",
}
# What Kubernetes itself adds for a Service of that name, where service links are on.
_LINKS = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$")


class ConfigurationError(Exception):
    """The environment does not make a process; `problems` has a sentence for each variable."""

    def __init__(self, service: str, problems: list[str]) -> None:
        count = "one variable is" if len(problems) == 1 else f"{len(problems)} variables are"
        super().__init__(
            "\n".join((f"{service} cannot start: {count} wrong.", *(f"  {problem}" for problem in problems)))
        )
        self.problems = problems


def load(service: str, *others: type[BaseSettings]) -> Settings:
    """Return the settings of a service from the environment. Raises `ConfigurationError` with everything wrong.

    `others` are what the service reads besides, each under a prefix of its own: looked at here as well, so that one
    message says it all.
    """
    settings: Settings | None = None
    problems: list[str] = []
    try:
        settings = Settings(service=service)
    except ValidationError as error:
        problems = [_problem(Settings, item) for item in error.errors()]
    for other in others:
        try:
            other()
        except ValidationError as error:
            problems += [_problem(other, item) for item in error.errors()]
    wrong = _wrong_key(settings or _key_alone(service))
    if wrong is not None:
        problems.append(wrong)
    if settings is None or problems:
        raise ConfigurationError(service, problems)
    return settings


def database_url(process: str, environ: Mapping[str, str]) -> str:
    """Return the database's address, for a process that needs nothing else. Raises `ConfigurationError`."""
    field, reason = "database_url", "is missing"
    value = environ.get(_variable(Settings, field), "")
    if value:
        try:
            check_database_url(value)
        except ValueError as error:
            reason = str(error)
        else:
            return value
    raise ConfigurationError(process, [f"{_variable(Settings, field)}: {reason}. Set it to {_EXPECTED[field]}."])


def _key_alone(service: str) -> Settings:
    """Settings in which nothing but the stack's key is as the environment has it: it is looked at in any case."""
    harmless: dict[str, Any] = {
        name: field.default for name, field in Settings.model_fields.items() if not name.startswith("stack_key")
    }
    addresses = {"database_url": "postgresql://nobody@localhost/none", "redis_url": "redis://localhost"}
    return Settings(**{**harmless, **addresses, "service": service})


def unknown(environ: Mapping[str, str], *others: type[BaseSettings]) -> Iterable[tuple[str, str | None]]:
    """Yield each variable of our prefix that means nothing here, and the one it may have been meant to be.

    `others` as for `load`.
    """
    kinds: tuple[type[BaseSettings], ...] = (Settings, *others)
    known = [_variable(kind, field) for kind in kinds for field in kind.model_fields]
    for variable in sorted(environ):
        name = variable.upper()
        if name.startswith(PREFIX) and name not in known and not _LINKS.search(name):
            yield variable, next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)


def _variable(kind: type[BaseSettings], field: str) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def _problem(kind: type[BaseSettings], item: ErrorDetails) -> str:
    """Say which variable is wrong, why, and what would be right; the value itself is never part of it."""
    field = str(item["loc"][0]) if item["loc"] else ""
    reason = _reason(item)
    expected = _EXPECTED.get(field)
    default = kind.model_fields[field].default if field in kind.model_fields else None
    if expected is not None:
        remedy = f"Set it to {expected}."
    elif default is not None and str(default):
        remedy = f"Correct it, or leave it out for the default, {default}."
    else:
        remedy = "Correct it, or leave it out."
    return f"{_variable(kind, field)}: {reason}. {remedy}"


def _reason(item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])  # the validators of Settings, whose words repeat no value
    return _worded(kind, context) or "has a value that cannot be read"


def _worded(kind: str, context: Mapping[str, Any]) -> str | None:
    """Word pydantic's own reasons: some of its messages repeat the input."""
    bounds = {
        "greater_than": "must be greater than {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than_equal": "must be at most {le}",
    }
    if kind in bounds:
        return bounds[kind].format(**context)
    if kind.startswith(("int_", "float_")):
        return "is not a number" if kind.startswith("float") else "is not a whole number"
    return {
        "finite_number": "is no finite number",
        "uuid_parsing": "is not a UUID",
        "literal_error": "is none of the values it may have",
    }.get(kind)


def _wrong_key(settings: Settings) -> str | None:
    """Say what is wrong with the stack's key: without it no clinic's credentials can be read."""
    field = "stack_key_file" if settings.stack_key is None else "stack_key"
    try:
        key = settings.load_stack_key()
    except OSError as error:
        reason = f"its file cannot be read ({error.strerror or type(error).__name__})"
    else:
        try:
            Fernet(key)
        except ValueError:
            reason = "does not hold a Fernet key (32 bytes in URL-safe base64)"
        else:
            return None
    return f"{PREFIX}{field.upper()}: {reason}. Set it to {_EXPECTED[field]}."
