"""Redis for services: a client exists only for one clinic, and writes only under `clinic:<id>:`.

Redis wakes, caches, limits and holds sessions; nothing that must not be lost lives here alone. A client fails fast:
two seconds, one retry, then `Unavailable`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from uuid import UUID

import redis.asyncio as aioredis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from atendeai.kit.errors import Unavailable
from atendeai.kit.settings import Settings

_SECONDS = 2.0
_REFUSED = {
    "OOM": "its memory is full (OOM)",
    "READONLY": "it is a replica (READONLY)",
    "NOREPLICAS": "too few replicas follow it (NOREPLICAS)",
    "MISCONF": "it cannot save to its disk (MISCONF)",
}
_REFUSAL = re.compile(rf"\b({'|'.join(_REFUSED)})\b")
_OF_NO_CLINIC = UUID(int=0)


class HasId(Protocol):
    """Anything that stands for one clinic."""

    @property
    def id(self) -> UUID:
        """The clinic's id."""


def prefix_of(clinic_id: UUID) -> str:
    """Return what every key and channel of the clinic begins with."""
    return f"clinic:{clinic_id}:"


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn an outage of Redis, also of its writes alone, into `Unavailable`; its other errors are bugs and pass."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise Unavailable("Redis") from error
    except ResponseError as error:
        refused = takes_no_writes(error)
        if refused is None:
            raise
        raise Unavailable("Redis", how=refused) from error


def takes_no_writes(error: BaseException) -> str | None:
    """Return the words for why Redis takes no writes, when that is what its error says; None for another error."""
    if isinstance(error, OutOfMemoryError):
        code = "OOM"
    elif isinstance(error, ReadOnlyError):
        code = "READONLY"
    else:
        found = _REFUSAL.search(str(error)) if isinstance(error, ResponseError) else None
        code = found[0] if found else ""
    return f"takes no writes: {_REFUSED[code]}" if code else None


class _Sends(aioredis.Connection):
    """redis-py's connection; whoever is cancelled while sending is cancelled.

    redis-py waits with `asyncio.wait_for`, which before Python 3.12 drops a cancellation that arrives together with the
    result (bpo-37658): work that must end would go on. It also makes a task of each command.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send, within the socket's time. Raises redis-py's `TimeoutError` and `ConnectionError`."""
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        if isinstance(command, str):
            command = command.encode()
        sent = False
        try:
            async with asyncio.timeout(self.socket_timeout):
                await self._send_packed_command([command] if isinstance(command, bytes) else command)
            sent = True
        except TimeoutError as error:
            raise RedisTimeoutError("Redis did not take a command in time") from error
        except OSError as error:
            raise RedisConnectionError(f"Redis did not take a command: {error}") from error
        finally:
            if not sent:  # half a command may be on its way
                await self.disconnect(nowait=True)


class _SendsEncrypted(_Sends, aioredis.SSLConnection):
    """The same over TLS."""


_CONNECTIONS: dict[type[AbstractConnection], type[_Sends]] = {
    aioredis.Connection: _Sends,
    aioredis.SSLConnection: _SendsEncrypted,
}


class TenantRedis:
    """The commands services use, each on keys of one clinic. Values are bytes, keys come without the prefix."""

    def __init__(self, client: aioredis.Redis, clinic_id: UUID) -> None:
        self._client = client
        self._prefix = prefix_of(clinic_id)

    def key(self, name: str) -> str:
        """Return the full name of a key or channel."""
        return self._prefix + name

    async def _do(self, command: Awaitable[Any]) -> Any:
        with unavailable():
            return await command

    async def get(self, key: str) -> bytes | None:
        """Value of a key, or None."""
        value: bytes | None = await self._do(self._client.get(self.key(key)))
        return value

    async def set(
        self, key: str, value: bytes | str, *, seconds: float | None = None, only_if_absent: bool = False
    ) -> bool:
        """Set a key, for so many seconds if given; False when `only_if_absent` and it was there."""
        milliseconds = None if seconds is None else max(1, int(seconds * 1000))
        return bool(await self._do(self._client.set(self.key(key), value, px=milliseconds, nx=only_if_absent)))

    async def delete(self, *keys: str) -> int:
        """Delete keys; how many there were."""
        return int(await self._do(self._client.delete(*(self.key(key) for key in keys)))) if keys else 0

    async def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return bool(await self._do(self._client.exists(self.key(key))))

    async def increment(self, key: str, amount: int = 1, *, seconds: float | None = None) -> int:
        """Add to a counter; a fresh one lives for so many seconds if given. The new value."""
        script = (
            "local v = redis.call('INCRBY', KEYS[1], ARGV[1])\n"
            "if tonumber(ARGV[2]) > 0 and redis.call('PTTL', KEYS[1]) < 0 then\n"
            "redis.call('PEXPIRE', KEYS[1], ARGV[2]) end\n"
            "return v"
        )
        return int(await self.eval(script, [key], [amount, int((seconds or 0) * 1000)]))

    async def expire(self, key: str, seconds: float) -> bool:
        """Let a key end in so many seconds."""
        return bool(await self._do(self._client.pexpire(self.key(key), int(seconds * 1000))))

    async def hash_set(self, key: str, values: Mapping[str, bytes | str]) -> None:
        """Set fields of a hash."""
        await self._do(self._client.hset(self.key(key), mapping=dict(values)))  # type: ignore[arg-type]  # redis-py's mapping is invariant

    async def hash_get_all(self, key: str) -> dict[bytes, bytes]:
        """All fields of a hash."""
        values: dict[bytes, bytes] = await self._do(self._client.hgetall(self.key(key)))
        return values

    async def publish(self, channel: str, message: bytes | str) -> int:
        """Publish on a channel of the clinic; how many heard it."""
        return int(await self._do(self._client.publish(self.key(channel), message)))

    async def eval(self, script: str, keys: Sequence[str], arguments: Sequence[bytes | str | float] = ()) -> Any:
        """Run a Lua script on keys of the clinic. Redis checks undeclared keys against the user's rules too."""
        full = [self.key(key) for key in keys]
        return await self._do(self._client.eval(script, len(full), *full, *arguments))


class Cache:
    """The process's connections to Redis."""

    def __init__(self, settings: Settings) -> None:
        self.pool: aioredis.BlockingConnectionPool = aioredis.BlockingConnectionPool.from_url(
            settings.redis_url.get_secret_value(),
            max_connections=settings.redis_pool_size,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            health_check_interval=30,
            protocol=2,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
            driver_info=None,  # CLIENT SETINFO is not among the commands a clinic's user may call
        )
        self.pool.connection_class = _CONNECTIONS[self.pool.connection_class]
        self._client = aioredis.Redis(connection_pool=self.pool)
        self._shared = settings.shared
        self._clinic_id = settings.clinic_id

    def for_tenant(self, tenant: HasId | UUID) -> TenantRedis:
        """Return the clinic's client; there is no other way to get one."""
        return TenantRedis(self._client, tenant if isinstance(tenant, UUID) else tenant.id)

    async def ping(self) -> None:
        """Prove a round trip. Raises `Unavailable`."""
        with unavailable():
            await self._client.ping()

    async def prove_writes(self) -> None:
        """Prove that it takes a write, of a key that ends within a second. Raises `Unavailable`."""
        await self.for_tenant(self._clinic_id or _OF_NO_CLINIC).set("health", b"", seconds=1)

    async def pipeline(self, commands: Sequence[Sequence[bytes | str | float]]) -> list[Any]:
        """Run commands in one round trip; an answer may be an error of Redis. Their keys name clinics by themselves."""
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute(raise_on_error=False)

    async def wakes(self, queues: Sequence[str]) -> AsyncIterator[tuple[UUID, str]]:
        """Yield clinic and queue whenever somebody publishes work for it; ends with an error when Redis goes away.

        Redis compares a PSUBSCRIBE pattern literally with the user's rule, so the pool follows all of `clinic:*`.
        """
        async with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:
            if self._shared:
                await pubsub.psubscribe("clinic:*")
            else:
                assert self._clinic_id is not None  # noqa: S101 - for the type checker: not shared
                prefix = prefix_of(self._clinic_id)
                await pubsub.subscribe(*(f"{prefix}wake:{queue}" for queue in queues))
            wanted = set(queues)
            while True:
                message = await pubsub.get_message(timeout=15.0)
                if message is None:
                    await pubsub.ping()
                    continue
                if message["channel"] is None:  # the answer to a ping
                    continue
                match bytes(message["channel"]).decode("utf-8", "replace").split(":", 3):
                    case [_, clinic, "wake", queue] if queue in wanted:
                        with suppress(ValueError):  # no clinic's channel
                            yield UUID(clinic), queue

    async def close(self) -> None:
        """Close all connections."""
        try:
            await self._client.aclose()
            await self.pool.aclose()
        except RedisError:
            return
