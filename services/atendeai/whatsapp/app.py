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
from atendeai.whatsapp import account_routes, internal, media_routes, staff, webhook
from atendeai.whatsapp.account import Account, Standing
from atendeai.whatsapp.channel import Channels
from atendeai.whatsapp.directory import Directory
from atendeai.whatsapp.graph import GraphClient
from atendeai.whatsapp.inbox import INBOUND_QUEUE, MEDIA_QUEUE, Inbox
from atendeai.whatsapp.markers import READ_QUEUE, Markers
from atendeai.whatsapp.media import Files
from atendeai.whatsapp.news import News
from atendeai.whatsapp.onboarding import Onboarding
from atendeai.whatsapp.outbox import OUTBOUND_QUEUE, Outbox
from atendeai.whatsapp.setbacks import SETBACK_QUEUE, Setbacks
from atendeai.whatsapp.takeovers import TAKEOVER_QUEUE, TakeOvers
from atendeai.whatsapp.templates import ACCOUNT_QUEUE
from atendeai.whatsapp.transcription import Transcriber


def create_app(
    settings: Settings,
    *,
    kit: Kit | None = None,
    graph: GraphClient | None = None,
    transcriber: Transcriber | None = None,
) -> FastAPI:
    """Build the service; a kit and clients of what is outside may be handed in by tests."""
    resources = kit or Kit(settings)
    client = graph or GraphClient()
    transcriber = transcriber or Transcriber()
    files = Files(resources, client, transcriber)
    outbox = Outbox(resources, client, files)
    standing = Standing()
    account = Account(resources, client, standing)
    directory = Directory(resources)
    markers = Markers(resources, client)
    inbox = Inbox(resources, outbox, News(account), directory)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await client.close()
        await transcriber.close()

    app = create_service(
        "whatsapp",
        settings,
        routers=[webhook.router, internal.router, staff.router, media_routes.router, account_routes.router],
        workers=[
            Worker(INBOUND_QUEUE, inbox.hand_on, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(OUTBOUND_QUEUE, outbox.send_next, concurrency=16, max_pause=timedelta(seconds=30)),
            Worker(MEDIA_QUEUE, files.fetch, concurrency=4),
            Worker(READ_QUEUE, markers.mark, concurrency=4, max_pause=timedelta(seconds=30)),
            Worker(SETBACK_QUEUE, Setbacks(resources).tell, concurrency=2, max_pause=timedelta(seconds=30)),
            Worker(TAKEOVER_QUEUE, TakeOvers(resources).tell, concurrency=2, max_pause=timedelta(seconds=30)),
            Worker(ACCOUNT_QUEUE, account.sync, concurrency=2),
        ],
        kit=resources,
        fast=webhook.FAST,
        bodies=webhook.BODIES,
        lifespan=lifespan,
    )
    app.state.inbox = inbox
    app.state.channels = Channels(resources, client, standing)
    app.state.directory = directory
    app.state.onboarding = Onboarding(resources, client)
    return app
