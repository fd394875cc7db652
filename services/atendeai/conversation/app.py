"""Builds the conversation service."""

from datetime import timedelta

from fastapi import FastAPI

from atendeai.conversation import internal, public
from atendeai.conversation.service import CONVERSATION_QUEUE, REPLY_QUEUE, Conversations
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.kit.work import Worker

__all__ = ["create_app"]


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """Build the app; a test hands in a kit whose calls to other services end in the test."""
    resources = kit or Kit(settings)
    conversations = Conversations(resources)
    return create_service(
        "conversation",
        settings,
        routers=[internal.router, public.router],
        workers=[
            Worker(CONVERSATION_QUEUE, conversations.handle, concurrency=8, max_pause=timedelta(seconds=30)),
            Worker(REPLY_QUEUE, conversations.pass_on, concurrency=8, max_pause=timedelta(seconds=30)),
        ],
        kit=resources,
    )
