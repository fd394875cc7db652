"""Telling conversation what a person of the clinic has written to a contact.

The attendant keeps quiet from then on, and whoever reads the transcript sees who answered.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.whatsapp import outbox_repository as outbox

TAKEOVER_QUEUE = "whatsapp.takeover"
"""Work keyed by outbound message: say that staff wrote it."""


class TakeOvers:
    """Whom staff wrote to, told to who would otherwise answer the reply."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def tell(self, tenant: Tenant, key: str) -> datetime | None:
        """Say who wrote to whom (a worker's handler). Raises `ServiceError` while nobody can take it."""
        async with self._kit.database.transaction(tenant) as connection:
            written = await outbox.written(connection, tenant.id, UUID(key))
        if written is not None:
            message = {"id": key, "text": written.text, "at": written.at}
            body = {"contact_id": written.contact_id, "actor": written.author, "message": message}
            await self._kit.services.call(
                tenant, "conversation", "POST", "/internal/v1/takeovers", json=body, idempotency_key=UUID(key)
            )
        return None
