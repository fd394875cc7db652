"""`create_app`: the one way this service is built."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.work import Worker
from atendeai.whatsapp import internal, staff, webhook
from atendeai.whatsapp.channel import Channels
from atendeai.whatsapp.graph import GraphClient
from atendeai.whatsapp.inbox import INBOUND_QUEUE, Inbox
from atendeai.whatsapp.outbox import OUTBOUND_QUEUE, Outbox
from atendeai.whatsapp.verify_tokens import VerifyTokens


def create_app(settings: Settings, *, kit: Kit | None = None, graph: GraphClient | None = None) -> FastAPI:
    """Build the service; a kit and a Graph client may be handed in by tests."""
    resources = kit or Kit(settings)
    client = graph or GraphClient()
    outbox = Outbox(resources, client)
    inbox = Inbox(resources, outbox)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await client.close()

    app = create_service(
        "whatsapp",
        settings,
        routers=[webhook.router, internal.router, staff.router],
        workers=[
            Worker(INBOUND_QUEUE, inbox.hand_on, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(OUTBOUND_QUEUE, outbox.send_next, concurrency=16, max_pause=timedelta(seconds=30)),
        ],
        kit=resources,
        lifespan=lifespan,
    )
    app.state.inbox = inbox
    app.state.channels = Channels(resources, client)
    app.state.verify_tokens = VerifyTokens(resources)
    return app
