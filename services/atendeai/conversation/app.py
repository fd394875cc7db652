"""Builds the conversation service."""

from datetime import timedelta

import httpx
from fastapi import FastAPI

from atendeai.conversation import internal, public
from atendeai.conversation.answering import Answering
from atendeai.conversation.model_state import ModelStates
from atendeai.conversation.queues import (
    CONVERSATION_QUEUE,
    EMERGENCY_QUEUE,
    PREFERENCE_QUEUE,
    REPLY_QUEUE,
    UNATTENDED_QUEUE,
)
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.work import Worker

__all__ = ["create_app"]


def create_app(
    settings: Settings, *, kit: Kit | None = None, model_transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Build the app; a test hands in a kit and a transport, so that calls to other services and models end in it."""
    resources = kit or Kit(settings)
    states = ModelStates()
    answering = Answering(resources, states, model_transport)
    app = create_service(
        "conversation",
        settings,
        routers=[internal.router, public.router],
        workers=[
            Worker(CONVERSATION_QUEUE, answering.handle, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(EMERGENCY_QUEUE, answering.attend, concurrency=4, max_pause=timedelta(seconds=2)),
            Worker(PREFERENCE_QUEUE, answering.tell_preference, concurrency=2),
            Worker(REPLY_QUEUE, answering.pass_on, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(UNATTENDED_QUEUE, answering.look, concurrency=2, max_pause=timedelta(seconds=30)),
        ],
        kit=resources,
        lifespan=answering.lifespan,
    )
    app.state.model_states = states
    app.state.answering = answering
    return app
