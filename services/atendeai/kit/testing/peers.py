"""Lets one service under test talk to other ASGI apps, or to a test's own handlers, in place of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class Peers(httpx.AsyncBaseTransport):
    """Routes by host: `Peers({"appointment": app})` answers `http://appointment:3006/…` by that ASGI app.

    Hand it to the kit: `Kit(settings, peers=Peers({…}))`. A host nobody stands for cannot be connected to. The mapping
    is looked at anew for each request, so two services that call each other can be put in after both are made.
    """

    def __init__(self, apps: Mapping[str, Any]) -> None:
        self._apps = apps
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve one request."""
        self.requests.append(request)
        app = self._apps.get(request.url.host)
        if app is None:
            raise httpx.ConnectError(f"nobody stands for {request.url.host}", request=request)
        return await httpx.ASGITransport(app=app, raise_app_exceptions=False).handle_async_request(request)
