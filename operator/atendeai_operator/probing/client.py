"""The questions themselves, with short deadlines: one connection for each, none kept. Raises nothing but `Waiting`."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from atendeai_operator.api import names
from atendeai_operator.catalogue import WEBHOOK_PATH
from atendeai_operator.gateway.model import PROXY_PORT
from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.ports import Door, Report, Verdict
from atendeai_operator.probing import answers
from atendeai_operator.probing.tokens import service_token

GATEWAY_PATH = "/health/live"
"""Every clinic's host has it, it needs no token, and the service behind it answers out of itself."""
ACTIVE_PATHS = (GATEWAY_PATH, WEBHOOK_PATH)
"""What an active clinic must answer: also where its messages arrive, for the network may know one service before
another, and the very next webhook must find its way."""
GATEWAY_SECONDS = 2.0
CHANNEL_SECONDS, CALENDAR_SECONDS = 15.0, 30.0
"""The services ask Meta and Google meanwhile."""
CONNECT_SECONDS = 1.0
MOST_AT_ONCE = 32
BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read."""
RETRY_SECONDS = 1.0

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host name; none when it is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})


class HttpProbing:
    """Asks over HTTP. Used from one event loop; connects when it is asked for the first time."""

    def __init__(self, *, resolve: Resolve = addresses, gateway_port: int = PROXY_PORT) -> None:
        self._resolve, self._gateway_port = resolve, gateway_port
        self._session: aiohttp.ClientSession | None = None

    async def serves(self, gateway: str, host: str, *, suspended: bool) -> bool:
        """See `Probing.serves`."""
        found = await self._resolve(gateway, self._gateway_port)
        if not found:
            raise Waiting(f"No pod of the gateway is found at {gateway}.", retry_in=RETRY_SECONDS)
        paths = (GATEWAY_PATH,) if suspended else ACTIVE_PATHS
        told = await asyncio.gather(
            *(self._serves(address, host, path, suspended=suspended) for address in found for path in paths)
        )
        return all(told)

    async def _serves(self, address: str, host: str, path: str, *, suspended: bool) -> bool:
        place = f"[{address}]" if ":" in address else address
        url = f"http://{place}:{self._gateway_port}{path}"
        try:
            status, headers, body = await self._get(url, {"Host": host}, GATEWAY_SECONDS)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Waiting(
                f"The gateway's pod at {address} cannot be asked ({_name(error)}).", retry_in=RETRY_SECONDS
            ) from error
        return answers.served(status, headers, body, suspended=suspended)

    async def channel(self, door: Door) -> Report:
        """See `Probing.channel`."""
        return await self._report(door, "whatsapp", "/internal/v1/channel", CHANNEL_SECONDS, answers.channel)

    async def calendar(self, door: Door) -> Report:
        """See `Probing.calendar`."""
        return await self._report(door, "calendar", "/internal/v1/status", CALENDAR_SECONDS, answers.calendar)

    async def _report(
        self, door: Door, service: str, path: str, seconds: float, read: Callable[[Mapping[str, Any]], Report]
    ) -> Report:
        try:
            token = service_token(door, time.time())
            headers = {"Authorization": f"Bearer {token}", "X-Clinic-ID": str(door.clinic_id)}
            status, _, body = await self._get(door.url + path, headers, seconds)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Report(Verdict.UNKNOWN, f"The {service} service cannot be asked ({_name(error)}).")
        except ValueError:
            return Report(Verdict.UNKNOWN, "The clinic's own key cannot be read: its Secret was changed by hand.")
        if status != HTTPStatus.OK:
            return Report(Verdict.UNKNOWN, f"The {service} service cannot say (HTTP {status}).")
        try:
            said = json.loads(body)
            return read(said)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Report(Verdict.UNKNOWN, f"The {service} service gives an answer that this operator cannot read.")

    async def _get(self, url: str, headers: Mapping[str, str], seconds: float) -> tuple[int, Mapping[str, str], str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_AT_ONCE, force_close=True, use_dns_cache=False),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": names.FIELD_MANAGER},
            )
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        async with self._session.get(url, headers=headers, timeout=timeout, allow_redirects=False) as answer:
            body = b""
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) >= BODY_LIMIT:
                    break
            return answer.status, answer.headers, body[:BODY_LIMIT].decode(errors="replace")

    async def close(self) -> None:
        """See `Probing.close`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _name(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
