"""What a service process is told through its environment (prefix `ATENDEAI_`), and nothing else.

A clinic's own configuration does not come this way: it is a row of `atendeai.clinic_config` (see `tenancy`).
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICE_PORTS: dict[str, int] = {
    "auth": 3001,
    "user": 3002,
    "clinic": 3003,
    "health": 3004,
    "conversation": 3005,
    "appointment": 3006,
    "whatsapp": 3007,
    "calendar": 3008,
}
"""Port of every service; the operator's catalogue holds the same numbers."""


class Settings(BaseSettings):
    """The environment of one service process. Durations are seconds, sizes bytes.

    What a validator says is shown to whoever starts the process: it must not repeat the value, which may be a secret.
    """

    model_config = SettingsConfigDict(env_prefix="ATENDEAI_", frozen=True, extra="ignore", allow_inf_nan=False)

    service: str
    version: str = "0.0.0-dev"
    clinic_id: UUID | None = None
    """The one clinic this process serves; absent in the shared pool."""

    database_url: SecretStr
    redis_url: SecretStr
    stack_key_file: Path = Path("/var/run/atendeai/stack-key")
    stack_key: SecretStr | None = None
    """The key itself instead of a file: for tests and for a shell."""

    service_url_template: str = "http://{service}:{port}"
    gateway_health_url: str | None = None
    otlp_endpoint: str | None = None
    """Base address of an OpenTelemetry collector (OTLP over HTTP); absent: nothing is recorded."""

    log_format: Literal["JSON", "Text"] = "JSON"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    bind_host: str = "0.0.0.0"  # noqa: S104 - a pod listens on its own address, whichever that is
    port: int | None = Field(default=None, ge=1, le=65535)
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    drain_seconds: float = Field(default=10.0, ge=0)
    """After SIGTERM the process answers for this long while not being ready, so that proxies notice: a busy node has
    been seen to send new connections here for four seconds."""

    grace_seconds: float = Field(default=20.0, ge=0)
    """How long running requests and work may take to end after that."""

    database_pool_size: int | None = Field(default=None, ge=1)
    database_connection_seconds: int = Field(default=600, ge=10)
    """A backend grows with the partitions it touches: connections are replaced after this time."""

    database_idle_seconds: int = Field(default=60, ge=1)
    """The server closes a connection that nobody has used for so long."""

    database_connect_seconds: float = Field(default=3.0, gt=0)
    """How long a connection may take to open before the database counts as away."""

    database_statement_seconds: int = Field(default=15, ge=1)
    redis_pool_size: int = Field(default=32, ge=2)
    client_timeout_seconds: float = Field(default=10.0, gt=0)

    reply_quiet_seconds: float = Field(default=2.5, ge=0)
    """How long nothing must have come from a patient before what they wrote is answered; 0: at once."""

    reply_wait_seconds: float = Field(default=8.0, ge=0)
    """The longest a patient who goes on writing waits for an answer."""

    @field_validator("clinic_id", "gateway_health_url", "otlp_endpoint", "port", mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        check_database_url(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr) -> SecretStr:
        _address(value.get_secret_value(), "redis", "rediss")
        return value

    @field_validator("gateway_health_url", "otlp_endpoint")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None:
            _address(value, "http", "https")
        return value

    @field_validator("bind_host")
    @classmethod
    def _is_listened_at(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise ValueError("is not an IP address") from None
        return value

    @field_validator("reply_wait_seconds")
    @classmethod
    def _outlasts_the_quiet(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reply_quiet_seconds", 0):
            raise ValueError("is shorter than ATENDEAI_REPLY_QUIET_SECONDS")
        return value

    @field_validator("service_url_template")
    @classmethod
    def _names_a_service(cls, value: str) -> str:
        try:
            filled = {value.format(service=service, port=port) for service, port in SERVICE_PORTS.items()}
        except (KeyError, IndexError, ValueError):
            raise ValueError("has a placeholder that is neither {service} nor {port}") from None
        for address in filled:
            _address(address, "http", "https")
        if len(filled) < len(SERVICE_PORTS):
            raise ValueError("is one address for several services: it needs {service} or {port}")
        return value

    @property
    def shared(self) -> bool:
        """Whether this process serves the clinics of the shared pool."""
        return self.clinic_id is None

    @property
    def listen_port(self) -> int:
        """Port to listen on: the configured one, else the service's own.

        Raises `ValueError` when the service has no port of its own and none is configured.
        """
        if self.port is not None:
            return self.port
        if self.service not in SERVICE_PORTS:
            raise ValueError(f"ATENDEAI_PORT is needed: {self.service!r} is none of {', '.join(SERVICE_PORTS)}")
        return SERVICE_PORTS[self.service]

    @property
    def pool_size(self) -> int:
        """Most database connections at a time, besides the one that listens."""
        if self.database_pool_size is not None:
            return self.database_pool_size
        return 18 if self.shared else 6

    def service_url(self, service: str) -> str:
        """Return the base URL of another service of the same clinic or pool, without a trailing slash."""
        return self.service_url_template.format(service=service, port=SERVICE_PORTS[service]).rstrip("/")

    def load_stack_key(self) -> bytes:
        """Return the Fernet key of the stack.

        Raises `OSError` when the file cannot be read.
        """
        if self.stack_key is not None:
            return self.stack_key.get_secret_value().encode()
        return self.stack_key_file.read_bytes().strip()


def check_database_url(value: str) -> None:
    """Raise `ValueError`, which repeats nothing of the value, for what is no address of a PostgreSQL database."""
    _address(value, "postgresql", "postgres", path=True)


def _address(value: str, *schemes: str, path: bool = False) -> None:
    """Refuse what is no address of one of these schemes; `path`: it must name a database too."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in schemes:
        raise ValueError(f"does not begin with {schemes[0]}://")
    if not host:
        raise ValueError("names no host")
    if path and not parts.path.strip("/"):
        raise ValueError("names no database")
