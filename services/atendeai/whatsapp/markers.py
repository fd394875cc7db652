"""Read markers: a person sees the blue ticks once the attendant has what they wrote, and that it is typing.

Source: developers.facebook.com, "WhatsApp Cloud API: mark messages as read", "typing indicators": marking a message
marks all earlier ones; the indicator goes away with the answer or after 25 seconds. Nothing depends on a marker, so one
that is refused is let go.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.whatsapp.failures import Course
from atendeai.whatsapp.graph import GraphClient

READ_QUEUE = "whatsapp.read"
"""Work keyed by contact: mark what was handed on as read."""
_AGAIN = timedelta(seconds=10)
_WORTHWHILE = timedelta(minutes=2)

_NEWEST = text(
    "SELECT wamid, typing, sent_at, handed_on_at FROM atendeai.whatsapp_inbound"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND handed_on_at IS NOT NULL"
    " AND read_marked_at IS NULL AND kind NOT IN ('system', 'edit', 'revoke', 'reaction')"
    " ORDER BY sent_at DESC, received_at DESC, position DESC LIMIT 1"
)
_MARKED = text(
    "UPDATE atendeai.whatsapp_inbound SET read_marked_at = :now WHERE clinic_id = :clinic_id"
    " AND contact_id = :contact_id AND read_marked_at IS NULL AND handed_on_at IS NOT NULL AND sent_at <= :sent_at"
)


class Markers:
    """Read markers of the clinics this process serves."""

    def __init__(self, kit: Kit, graph: GraphClient) -> None:
        self._kit = kit
        self._graph = graph

    async def mark(self, tenant: Tenant, key: str) -> datetime | None:
        """Mark the newest message of a person that conversation has; when to try again."""
        names = {"clinic_id": tenant.id, "contact_id": UUID(key)}
        async with self._kit.database.transaction(tenant) as connection:
            newest = (await connection.execute(_NEWEST, names)).one_or_none()
        if newest is None:
            return None
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": newest.wamid}
        if newest.typing:
            body["typing_indicator"] = {"type": "text"}
        number = tenant.config.settings.whatsapp.phone_number_id
        answer = await self._graph.ask(tenant.config, "POST", f"{number}/messages", json=body)
        now = clock.now()
        passing = answer.failure is not None and answer.failure.course in (Course.RETRY, Course.SLOW_DOWN)
        if passing and now - newest.handed_on_at < _WORTHWHILE:
            return now + _AGAIN
        async with self._kit.database.transaction(tenant) as connection:
            await connection.execute(_MARKED, {**names, "sent_at": newest.sent_at, "now": now})
        return None
