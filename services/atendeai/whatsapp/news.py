"""News of the account that webhooks bring: templates, quality, limits, restrictions, people's preferences.

Source: developers.facebook.com, "WhatsApp Business Platform: webhooks reference" (one page for each field). News may
come late, twice or in the wrong order, so what it says of templates and of quality is also read anew from the account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import contacts, templates, templates_repository
from atendeai.whatsapp import outbox_repository as outbox
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp.account import Account
from atendeai.whatsapp.failures import Failure
from atendeai.whatsapp.fields import dicts, identifier, phone, words
from atendeai.whatsapp.payload import Change
from atendeai.whatsapp.people import Identity

LOCKED = 131031
_STATES = frozenset({"APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING"})
_TEMPLATE_FIELDS = frozenset(
    {"message_template_status_update", "message_template_quality_update", "template_category_update"}
)
_QUALITY_FIELD = "phone_number_quality_update"
_LIMIT_FIELDS = frozenset({_QUALITY_FIELD, "business_capability_update"})
_LIMIT_NAMES = {
    "50": "TIER_50",
    "250": "TIER_250",
    "1000": "TIER_1K",
    "2000": "TIER_2K",
    "10000": "TIER_10K",
    "100000": "TIER_100K",
    "-1": "TIER_UNLIMITED",
}

log = structlog.get_logger(__name__)


class News:
    """Applies news to the clinics they are about."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def apply(self, connection: AsyncConnection, tenant: Tenant, change: Change, now: datetime) -> bool:
        """Apply one change; False for what says nothing to this system."""
        value = change.value
        if change.about in _TEMPLATE_FIELDS:
            await self._template(connection, tenant, value, now)
        elif change.about in _LIMIT_FIELDS:
            await self._account.stands(connection, tenant.id, None, _limit(value))
            if change.about == _QUALITY_FIELD:
                # It names an event (FLAGGED, UNFLAGGED, …), not the rating.
                await enqueue(connection, tenant.id, templates.ACCOUNT_QUEUE, templates.SYNC)
        elif change.about == "account_update":
            await self._account_update(connection, tenant, value, now)
        elif change.about == "user_preferences":
            return await self._preferences(connection, tenant, value, now)
        else:
            return False
        return True

    async def _template(
        self, connection: AsyncConnection, tenant: Tenant, value: dict[str, Any], now: datetime
    ) -> None:
        await enqueue(connection, tenant.id, templates.ACCOUNT_QUEUE, templates.SYNC)
        name, language = words(value, "message_template_name"), words(value, "message_template_language")
        event = words(value, "event")
        if name is None or language is None or event not in _STATES:
            return
        told = templates.read(
            {
                "name": name,
                "language": language,
                "status": event,
                "rejected_reason": value.get("reason"),
                "category": value.get("message_template_category"),
                "id": value.get("message_template_id"),
            }
        )
        if told is not None:
            await templates_repository.put(connection, tenant.id, told, now)

    async def _account_update(
        self, connection: AsyncConnection, tenant: Tenant, value: dict[str, Any], now: datetime
    ) -> None:
        event = words(value, "event") or "UNKNOWN"
        ban = value.get("ban_info")
        state = words(ban, "waba_ban_state") if isinstance(ban, dict) else None
        said = f"{event}: {state}" if state else event
        await staff.account_event(connection, tenant.id, said[:200], now)
        await enqueue(connection, tenant.id, templates.ACCOUNT_QUEUE, templates.SYNC)
        log.warning("account_update", account_event=said[:200])
        if state == "DISABLE":
            locked = Failure(LOCKED, "Account has been locked", "WhatsApp disabled the business account.")
            await outbox.channel_broken(connection, tenant.id, locked, now)
        elif state == "REINSTATE":
            await staff.unlocked(connection, tenant.id, LOCKED)

    async def _preferences(
        self, connection: AsyncConnection, tenant: Tenant, value: dict[str, Any], now: datetime
    ) -> bool:
        known = False
        for wish in dicts(value, "user_preferences"):
            person = Identity(phone(wish, "wa_id"), identifier(wish, "user_id"))
            said = words(wish, "value")
            if wish.get("category") == "marketing_messages" and said in ("stop", "resume"):
                known |= await contacts.marketing(connection, tenant.id, person, stopped=said == "stop", now=now)
        return known


def _limit(value: dict[str, Any]) -> str | None:
    """Return the portfolio's limit: the newer field is a tier or a number of people a day, the older a tier."""
    for field in ("max_daily_conversations_per_business", "max_daily_conversation_per_phone", "current_limit"):
        given = value.get(field)
        if isinstance(given, bool) or not isinstance(given, (str, int)):
            continue
        text = str(given)[:64]
        if text.startswith("TIER_") and text != "TIER_NOT_SET":
            return text
        if text in _LIMIT_NAMES:
            return _LIMIT_NAMES[text]
    return None
