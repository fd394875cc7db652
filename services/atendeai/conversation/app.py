"""Builds the conversation service."""

from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI

from atendeai.conversation import internal, public
from atendeai.conversation.attention import Attention
from atendeai.conversation.engine import EmbeddedEngine, Engine
from atendeai.conversation.model_client import Endpoint
from atendeai.conversation.model_state import ModelStates, usable
from atendeai.conversation.openai_engine import OpenAIEngine
from atendeai.conversation.service import (
    CONVERSATION_QUEUE,
    EMERGENCY_QUEUE,
    PREFERENCE_QUEUE,
    REPLY_QUEUE,
    UNATTENDED_QUEUE,
    Conversations,
)
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import Worker

__all__ = ["create_app"]


def create_app(
    settings: Settings, *, kit: Kit | None = None, model_transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Build the app; a test hands in a kit and a transport, so that calls to other services and models end in it."""
    resources = kit or Kit(settings)
    states = ModelStates()

    def engine_of(tenant: Tenant) -> Engine:
        ai, key = tenant.config.settings.ai, tenant.config.credentials.ai.api_key
        if not usable(tenant):
            return EmbeddedEngine()
        note = partial(states.note, tenant.id)
        return OpenAIEngine(Endpoint(ai.base_url or "", ai.model or "", key), transport=model_transport, note=note)

    conversations, attention = Conversations(resources, engine_of), Attention(resources)
    app = create_service(
        "conversation",
        settings,
        routers=[internal.router, public.router],
        workers=[
            Worker(CONVERSATION_QUEUE, conversations.handle, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(EMERGENCY_QUEUE, conversations.attend, concurrency=4, max_pause=timedelta(seconds=2)),
            Worker(PREFERENCE_QUEUE, conversations.tell_preference, concurrency=2),
            Worker(REPLY_QUEUE, conversations.pass_on, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(UNATTENDED_QUEUE, attention.look, concurrency=2, max_pause=timedelta(seconds=30)),
        ],
        kit=resources,
    )
    app.state.model_states = states
    return app
