"""Telling that an answer or a notice will never arrive.

Conversation is told so that staff sees it and can call the person, and of an offer appointment too, which makes it to
the next.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from atendeai.kit.http import ServiceError
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.whatsapp import outbox_repository as outbox

SETBACK_QUEUE = "whatsapp.setback"
"""Work keyed by outbound message: say that it was given up."""

_ANSWERS = frozenset((purpose, "service:conversation") for purpose in ("reply", "emergency"))
_OFFER = ("waitlist", "service:appointment")
_NOTICES = frozenset({_OFFER, *((purpose, "service:appointment") for purpose in ("change", "reminder"))})
# Conversation's word on the call itself; everything else (404 while rolling out, 429, 5xx) may pass.
_NEVER = frozenset({400, 413, 415, 422})

log = structlog.get_logger(__name__)


def concerns(purpose: str, author: str) -> bool:
    """Whether a message of this purpose and author is an answer of conversation's or a notice of appointment's."""
    return (purpose, author) in _ANSWERS | _NOTICES


class Setbacks:
    """What became of the attendant's answers and the clinic's notices, told to who shows it to staff."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def tell(self, tenant: Tenant, key: str) -> datetime | None:
        """Say that a message was given up (a worker's handler). Raises `ServiceError` while nobody can take it."""
        message = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            failed = await outbox.failed(connection, tenant.id, message)
        if failed is None:
            return None
        body: dict[str, Any]
        if (failed.purpose, failed.author) in _ANSWERS:
            path = "/internal/v1/undelivered"
            error = f"{failed.error_code} {failed.error_title}"
            body = {"reply_id": failed.key, "outbound_id": message, "error": error}
        else:
            path = "/internal/v1/undelivered-notices"
            body = {"contact_id": failed.contact_id}
        if (failed.purpose, failed.author) == _OFFER:  # somebody waits for that time
            await self._say(tenant, "appointment", "/internal/v1/undelivered", {"key": failed.key}, message)
        await self._say(tenant, "conversation", path, body, message)
        return None

    async def _say(self, tenant: Tenant, service: str, path: str, body: dict[str, Any], message: UUID) -> None:
        try:
            await self._kit.services.call(tenant, service, "POST", path, json=body, idempotency_key=message)
        except ServiceError as problem:
            if problem.status not in _NEVER:
                raise
            log.error(  # noqa: TRY400 - what a stack could add is in the other service
                "setback_refused",
                message_id=str(message),
                to_service=service,
                status=problem.status,
                problem=problem.slug,
            )
