"""The way to what hears and answers patients, which a process reads once it is up.

What the understanding knows are thousands of patterns to compile: a quarter of the start, and nothing that being ready
needs. They are read in a thread right after the start; a message or a piece of work that comes sooner waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI

from atendeai.conversation.model_state import ModelStates, usable
from atendeai.conversation.schemas import InboundMessage
from atendeai.kit.resources import Kit
from atendeai.kit.start import quickly
from atendeai.kit.tenancy import Tenant

if TYPE_CHECKING:
    from atendeai.conversation.attention import Attention
    from atendeai.conversation.engine import Engine
    from atendeai.conversation.hearing import Heard
    from atendeai.conversation.service import Conversations


class Answering:
    """Hears messages and handles this service's work; one per process. ``transport`` replaces the way to models."""

    def __init__(self, kit: Kit, states: ModelStates, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._kit = kit
        self._states = states
        self._transport = transport
        self._reading: asyncio.Task[tuple[Conversations, Attention]] | None = None

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Begin to read when the process is up."""
        asyncio.get_running_loop().call_soon(self._begun)
        yield
        if self._reading is not None:
            await asyncio.wait([self._reading])  # a thread is not broken off

    async def hear(self, message: InboundMessage, body: str) -> Heard:
        """Hear a message; ``body`` is its text as it is kept."""
        await self._parts()
        from atendeai.conversation.hearing import Heard  # noqa: PLC0415 - read by now

        return Heard(message, body)

    async def handle(self, tenant: Tenant, key: str) -> datetime | None:
        """Answer a contact (see ``Conversations.handle``)."""
        return await (await self._parts())[0].handle(tenant, key)

    async def attend(self, tenant: Tenant, key: str) -> datetime | None:
        """Answer a contact's emergency (see ``Conversations.attend``)."""
        return await (await self._parts())[0].attend(tenant, key)

    async def tell_preference(self, tenant: Tenant, key: str) -> datetime | None:
        """Tell whatsapp what a contact wants to hear of (see ``Conversations.tell_preference``)."""
        return await (await self._parts())[0].tell_preference(tenant, key)

    async def pass_on(self, tenant: Tenant, key: str) -> datetime | None:
        """Pass replies on (see ``Conversations.pass_on``)."""
        return await (await self._parts())[0].pass_on(tenant, key)

    async def look(self, tenant: Tenant, key: str) -> datetime | None:
        """See who waits for a person (see ``Attention.look``)."""
        return await (await self._parts())[1].look(tenant, key)

    async def _parts(self) -> tuple[Conversations, Attention]:
        return await asyncio.shield(self._begun())

    def _begun(self) -> asyncio.Task[tuple[Conversations, Attention]]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._made(), name="conversation.answering")
        return self._reading

    async def _made(self) -> tuple[Conversations, Attention]:
        await asyncio.to_thread(_read)
        from atendeai.conversation.attention import Attention  # noqa: PLC0415 - read by now
        from atendeai.conversation.service import Conversations  # noqa: PLC0415 - read by now

        return Conversations(self._kit, self._engine_of), Attention(self._kit)

    def _engine_of(self, tenant: Tenant) -> Engine:
        from atendeai.conversation.engine import EmbeddedEngine  # noqa: PLC0415 - read by now
        from atendeai.conversation.model_client import Endpoint  # noqa: PLC0415 - read by now
        from atendeai.conversation.openai_engine import OpenAIEngine  # noqa: PLC0415 - read by now

        ai, key = tenant.config.settings.ai, tenant.config.credentials.ai.api_key
        if not usable(tenant):
            return EmbeddedEngine()
        note = partial(self._states.note, tenant.id)
        return OpenAIEngine(Endpoint(ai.base_url or "", ai.model or "", key), transport=self._transport, note=note)


@cache
def _read() -> None:
    with quickly():
        for name in ("attention", "hearing", "openai_engine", "service"):
            import_module(f"atendeai.conversation.{name}")
