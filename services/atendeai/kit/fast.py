"""Routes that are served before FastAPI: the few that must answer thousands of times a second.

FastAPI resolves every dependency of a route anew for each request, which costs more than all that these routes do. A
fast route is the very function that the router declares (so the OpenAPI document, and a request that the function
leaves to FastAPI, know it too), taking the request alone. It runs inside the kit's outermost layer like everything
else, and in no other: request id, limit of size, headers, CORS, metrics, log and problems are the same. The guard is
not: what is under /api proves and counts its callers itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

FastEndpoint = Callable[[Request], Awaitable[Response | None]]
"""Answers a request, or leaves it to FastAPI (None) before having read its body."""

FastRoutes = Mapping[tuple[str, str], FastEndpoint]
"""By method and exact path."""


class _Route:
    """What the access log and the metrics read the template of a route from."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class Service(FastAPI):
    """FastAPI with a short way in for its fast routes."""

    def __init__(self, *, fast: FastRoutes | None, outermost: Callable[[ASGIApp], ASGIApp], **values: Any) -> None:
        """Take what FastAPI takes; `outermost` wraps the app in the layer that no request is without."""
        super().__init__(**values)
        self._fast: ASGIApp = outermost(_Fast(fast or {}, super().__call__))
        self._paths: Collection[tuple[str, str]] = (fast or {}).keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and (scope["method"], scope["path"]) in self._paths:
            scope["app"] = self
            await self._fast(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Fast:
    """Serves the fast routes, and gives what they leave to FastAPI."""

    def __init__(self, routes: FastRoutes, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._routes = {key: (endpoint, _Route(key[1])) for key, endpoint in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint, scope["route"] = self._routes[scope["method"], scope["path"]]
        answer = await endpoint(Request(scope, receive, send))
        if answer is None:
            del scope["route"]
            await self._otherwise(scope, receive, send)
        else:
            await answer(scope, receive, send)
