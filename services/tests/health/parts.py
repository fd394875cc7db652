"""Stands for everything that the health service asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

Behaviour = Callable[[httpx.Request], Any]

ANSWERS: dict[str, dict[str, Any]] = {
    "/internal/v1/channel": {"state": "ok", "token": {"valid": True}, "recently_sent": 9, "recently_failed": 0},
    "/internal/v1/model": {"state": "ok", "turns": 4, "fallbacks": 1, "reason": "refused"},
    "/internal/v1/status": {"provider": "Google", "ready": True, "calendars": []},
}


class Parts(httpx.AsyncBaseTransport):
    """Stands for the other parts; `behaviour` may answer in place of "healthy"."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.behaviour: dict[str, Behaviour] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        behaviour = self.behaviour.get(request.url.host)
        if behaviour is not None:
            answer = behaviour(request)
            response: httpx.Response = await answer if asyncio.iscoroutine(answer) else answer
            return response
        return httpx.Response(200, json=ANSWERS.get(request.url.path, {"status": "healthy", "version": "1.2.3"}))


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connect to 10.1.2.3 failed: password=x", request=request)


async def hang(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
