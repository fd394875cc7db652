"""The SQL of how replies fare: passed on to whatsapp, refused, given up. Every statement names its clinic."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from atendeai.conversation.alerts import gravity_of
from atendeai.conversation.repository import Rows, loaded

_QUEUED = text(
    "SELECT id, contact_id, text, options, purpose FROM atendeai.reply"
    " WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND state = 'queued'"
    " ORDER BY purpose <> 'emergency', position LIMIT :limit"
)
_PASSED_ON = text(
    # Queued still: whatsapp may have given a reply up before its own answer was written down here.
    "UPDATE atendeai.reply SET state = :state, outbound_id = :outbound_id, error = :error, passed_on_at = :now"
    " WHERE clinic_id = :clinic_id AND id = :id AND state = 'queued'"
)
_GIVEN_UP = text(
    "UPDATE atendeai.reply SET state = 'refused', outbound_id = :outbound_id, error = :error"
    " WHERE clinic_id = :clinic_id AND id = :id AND state <> 'refused'"
)
_UNDELIVERED = text(
    # An emergency is graver than that the answer to it did not arrive.
    "UPDATE atendeai.conversation SET alert = 'undelivered', alert_at = :now"  # noqa: S608 - constants
    f" WHERE clinic_id = :clinic_id AND {gravity_of('alert')} = 0"
    " AND id = (SELECT conversation_id FROM atendeai.reply WHERE clinic_id = :clinic_id AND id = :id)"
)
_NOTICE_UNDELIVERED = text(
    "UPDATE atendeai.conversation SET alert = 'undelivered', alert_at = :now"  # noqa: S608 - constants
    f" WHERE clinic_id = :clinic_id AND contact_id = :contact_id AND {gravity_of('alert')} = 0"
)


class ReplyRepository(Rows):
    """The replies of one clinic inside one transaction."""

    async def queued(self, contact_id: UUID, limit: int) -> list[Mapping[str, Any]]:
        """Replies to the contact that whatsapp has not got yet, in order, those to emergencies first."""
        rows = (await self._run(_QUEUED, contact_id=contact_id, limit=limit)).mappings()
        return [{**row, "options": loaded(row["options"])} for row in rows]

    async def passed_on(self, reply_id: UUID, outbound_id: UUID, now: datetime) -> None:
        """Note that whatsapp has the reply."""
        await self._run(_PASSED_ON, id=reply_id, state="passed_on", outbound_id=outbound_id, error=None, now=now)

    async def refused(self, reply_id: UUID, error: str, now: datetime) -> None:
        """Note that whatsapp will never take the reply, where staff sees it."""
        await self._run(_PASSED_ON, id=reply_id, state="refused", outbound_id=None, error=error, now=now)
        await self._run(_UNDELIVERED, id=reply_id, now=now)

    async def undelivered(self, reply_id: UUID, outbound_id: UUID, error: str, now: datetime) -> bool:
        """Note that whatsapp gave a reply up after taking it, where staff sees it; False when it is known."""
        done = await self._run(_GIVEN_UP, id=reply_id, outbound_id=outbound_id, error=error)
        if done.rowcount:
            await self._run(_UNDELIVERED, id=reply_id, now=now)
        return bool(done.rowcount)

    async def notice_undelivered(self, contact_id: UUID, now: datetime) -> bool:
        """Show staff that a notice to a contact will not arrive; False where there is no conversation to show it in."""
        done = await self._run(_NOTICE_UNDELIVERED, contact_id=contact_id, now=now)
        return bool(done.rowcount)
