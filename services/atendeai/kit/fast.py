"""Routes that are served before FastAPI: the few that must answer thousands of times a second.

FastAPI resolves every dependency of a route anew for each request, which costs more than all that these routes do. A
fast route is the very function that the router declares (so the OpenAPI document, and a request that the function
leaves to FastAPI, know it too), taking the request alone. It runs inside the kit's outermost layer like everything
else, entered past the three layers that FastAPI puts around that one: request id, limit of size, headers, CORS,
metrics, log and problems are the same. The guard is not: what is under /api proves and counts its callers itself.
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

    def __init__(self, *, fast: type[Any] | None = None, **values: Any) -> None:
        """Take what FastAPI takes; `fast` is the class of the middleware that fast routes enter by."""
        super().__init__(**values)
        self._enters_by = fast
        self._short: ASGIApp | None = None
        self._paths: Collection[tuple[str, str]] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the first one builds the layers."""
        if scope["type"] == "http" and self._short is not None and (scope["method"], scope["path"]) in self._paths:
            scope["app"] = self
            await self._short(scope, receive, send)
            return
        await super().__call__(scope, receive, send)
        if self._enters_by is not None and self._short is None:
            self._find()

    def _find(self) -> None:
        layer: Any = self.middleware_stack
        while layer is not None and not isinstance(layer, Fast):
            if isinstance(layer, self._enters_by or ()):
                self._short = layer
            layer = getattr(layer, "app", None)
        self._paths = layer.paths if layer is not None else ()


class Fast:
    """ASGI middleware that serves the fast routes."""

    def __init__(self, app: ASGIApp, routes: FastRoutes) -> None:
        self.app = app
        self._routes = {key: (endpoint, _Route(key[1])) for key, endpoint in routes.items()}

    @property
    def paths(self) -> Collection[tuple[str, str]]:
        """Method and path of each route."""
        return self._routes.keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            found = self._routes.get((scope["method"], scope["path"]))
            if found is not None:
                endpoint, route = found
                scope["route"] = route
                answer = await endpoint(Request(scope, receive, send))
                if answer is not None:
                    await answer(scope, receive, send)
                    return
                del scope["route"]
        await self.app(scope, receive, send)
