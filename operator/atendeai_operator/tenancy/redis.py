"""One stack's Redis, as the pipeline's port `Redis` asks for it.

The users live in an ACL file on the server's volume. A change is therefore written into the running server and then
saved (an unsaved one is lost at the next restart), never by ACL LOAD, which disconnects everybody. After a loss of the
volume the next reconcile finds the users missing and makes them again.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from atendeai_operator.pipeline.errors import TenancyError, Waiting
from atendeai_operator.pipeline.ports import RedisAccess
from atendeai_operator.tenancy import acl, names

CONNECTIONS = 4
SECONDS = 5.0
SCAN_COUNT = 1000


class StackRedis:
    """The cache behind one access."""

    def __init__(self, access: RedisAccess) -> None:
        self._access = access
        self._client: Any = Redis(
            host=access.host,
            port=access.port,
            username=acl.ADMIN,
            password=access.admin_password,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            max_connections=CONNECTIONS,
            client_name="atendeai-operator",
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 1),
        )
        self._unsaved = False

    async def ensure_base(self) -> None:
        """Make the users default, operator, pool and exporter hold."""
        async with self._session() as client:
            await self._close_default(client)
            await self._ensure(client, acl.pool_user(self._access.pool_password))
            await self._ensure(client, acl.exporter_user(self._access.exporter_password))

    async def ensure_user(self, clinic_id: UUID, password: str) -> None:
        """Make the clinic's user hold."""
        async with self._session() as client:
            await self._ensure(client, acl.clinic_user(clinic_id, password))

    async def remove_user(self, clinic_id: UUID) -> None:
        """Delete the clinic's user; Redis ends its connections with it."""
        async with self._session() as client:
            if await client.acl_getuser(names.redis_user(clinic_id)) is not None:
                self._unsaved = True
                await client.acl_deluser(names.redis_user(clinic_id))

    async def drop_keys(self, clinic_id: UUID) -> None:
        """Delete every key of the clinic, in steps that keep nobody waiting."""
        async with self._session() as client:
            batch: list[str] = []
            async for key in client.scan_iter(match=f"{names.redis_prefix(clinic_id)}*", count=SCAN_COUNT):
                batch.append(key)
                if len(batch) >= SCAN_COUNT:
                    await client.unlink(*batch)
                    batch.clear()
            if batch:
                await client.unlink(*batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _close_default(self, client: Any) -> None:
        """Shut the door that an ACL file without a `default` line leaves open."""
        found = await client.acl_getuser("default")
        if found is not None and "on" in found["flags"] and "nopass" in found["flags"]:
            self._unsaved = True
            await client.execute_command("ACL SETUSER", "default", "reset", "off")

    async def _ensure(self, client: Any, user: acl.User) -> None:
        reference = await self._reference(client, user)
        found = await client.acl_getuser(user.name)
        if found is not None and acl.holds(user, found, reference):
            return
        self._unsaved = True
        await client.execute_command("ACL SETUSER", user.name, *user.rules)
        if found is not None:
            # What is connected keeps the rights and the password it came with.
            await client.execute_command("CLIENT KILL", "USER", user.name)

    async def _reference(self, client: Any, user: acl.User) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = await client.acl_getuser(user.reference)
        if found is None:
            self._unsaved = True
            await client.execute_command("ACL SETUSER", user.reference, "reset", "off", *user.commands)
            found = await client.acl_getuser(user.reference)
        if found is None:
            raise TenancyError(f"Redis at {self._access.host} lost a user while it was being written")
        return found

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        """Give the client, and save what was changed with it, or by an earlier session whose saving failed."""
        with _mapped(self._access):
            try:
                yield self._client
            finally:
                if self._unsaved:
                    await self._client.execute_command("ACL SAVE")
                    self._unsaved = False


@contextmanager
def _mapped(access: RedisAccess) -> Iterator[None]:
    """Turn the client's errors into the pipeline's."""
    server = f"Redis at {access.host}"
    try:
        yield
    except AuthenticationError as error:
        raise TenancyError(
            f"{server} refuses the operator's password: the stack's Secret differs from the server's ACL file"
        ) from error
    except (BusyLoadingError, RedisConnectionError, RedisTimeoutError, OSError, TimeoutError) as error:
        raise Waiting(f"{server} does not accept connections yet", retry_in=2) from error
    except ResponseError as error:
        raise TenancyError(f"{server}: {str(error).split(':', 1)[0]}") from error
    except RedisError as error:
        raise TenancyError(f"{server}: {type(error).__name__}") from error
