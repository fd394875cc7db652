"""The fakes of Meta and of Google as the tests of a session share them: one that no test uses serves the next.

What a fake costs is building its routes. Between two tests it forgets everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from atendeai.kit.testing.peers import Peers
from fakes.google import create_google
from fakes.graph import create_graph

_graphs: list[tuple[FastAPI, dict[str, FastAPI]]] = []
_googles: list[FastAPI] = []


def _graph() -> tuple[FastAPI, dict[str, FastAPI]]:
    reached: dict[str, FastAPI] = {}
    return create_graph(Peers(reached)), reached


@asynccontextmanager
async def graph_fake() -> AsyncIterator[tuple[FastAPI, dict[str, FastAPI]]]:
    """A Graph API that knows nobody yet, and the services (by host) that its webhooks reach: none yet."""
    app, reached = fake = _graphs.pop() if _graphs else _graph()
    async with app.router.lifespan_context(app):
        yield fake
    app.state.graph.reset(accounts=True)
    reached.clear()
    _graphs.append(fake)


@asynccontextmanager
async def google_fake() -> AsyncIterator[FastAPI]:
    """A Google that knows no account yet; its notifications travel as `app.state.pusher.transport` says."""
    app = _googles.pop() if _googles else create_google()
    async with app.router.lifespan_context(app):
        yield app
    app.state.google.reset(accounts=True)
    app.state.pusher.forget()
    _googles.append(app)
