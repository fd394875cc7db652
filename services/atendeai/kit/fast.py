"""Routes that are served before FastAPI: the few that must answer thousands of times a second.

FastAPI resolves every dependency of a route anew for each request, which costs more than all that these routes do. A
fast route is the very function that the router declares (so the OpenAPI document, and a request that the function
leaves to FastAPI, know it too), taking the request alone. It runs inside the kit's outermost layer like everything
else: request id, limit of size, headers, CORS, metrics, log and problems are the same. The guard is not: what is under
/api proves and counts its callers itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

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


class Fast:
    """ASGI middleware that serves the fast routes."""

    def __init__(self, app: ASGIApp, routes: FastRoutes) -> None:
        self._app = app
        self._routes = {key: (endpoint, _Route(key[1])) for key, endpoint in routes.items()}

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
        await self._app(scope, receive, send)
