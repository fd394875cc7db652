"""What Meta says of the account, read again and again: templates, quality rating, messaging limit.

Template and account news reach the app's default callback, never an override (developers.facebook.com, "WhatsApp:
webhook overrides"), so a clinic may never hear of them: this work, once begun, comes back every hour.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp import templates
from atendeai.whatsapp.failures import Course, Failure
from atendeai.whatsapp.graph import Answer, GraphClient

SYNC_EVERY = timedelta(hours=1)
SYNC_SOON = timedelta(minutes=5)
"""After a failure that passes."""
_NO_SUCH_FIELD = 100
_FORGOTTEN_SECONDS = 3 * SYNC_EVERY.total_seconds()
RATINGS = ("GREEN", "YELLOW", "RED", "UNKNOWN")
LIMITS = ("TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", "UNKNOWN")

QUALITY = Gauge(
    "atendeai_whatsapp_numbers_by_quality",
    "Numbers of the clinics served here by the quality rating that Meta gives them.",
    ("rating",),
)
LIMIT = Gauge(
    "atendeai_whatsapp_numbers_by_messaging_limit",
    "Numbers of the clinics served here by the messaging limit of their portfolio.",
    ("limit",),
)


class Standing:
    """Counts the clinics that this process last heard of, so that no label has to name one."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[str, str, float]] = {}

    def note(self, clinic_id: UUID, rating: str | None, limit: str | None) -> None:
        """Remember how a clinic's number stands; one that nobody asks about any more is forgotten after hours."""
        now = time.monotonic()
        rating = rating if rating in RATINGS else "UNKNOWN"
        limit = limit if limit in LIMITS else "UNKNOWN"
        self._known[clinic_id] = (rating, limit, now)
        fresh = {id_: one for id_, one in self._known.items() if now - one[2] < _FORGOTTEN_SECONDS}
        self._known = fresh
        for name in RATINGS:
            QUALITY.labels(name).set(sum(one[0] == name for one in fresh.values()))
        for name in LIMITS:
            LIMIT.labels(name).set(sum(one[1] == name for one in fresh.values()))


class Account:
    """Reads the accounts of the clinics this process serves."""

    def __init__(self, kit: Kit, graph: GraphClient, standing: Standing) -> None:
        self._kit = kit
        self._graph = graph
        self._standing = standing

    async def sync(self, tenant: Tenant, key: str) -> datetime | None:
        """Read templates, quality and limit anew; the moment of the next time. A clinic without an account has none."""
        del key  # there is one piece of work for each clinic
        config = tenant.config
        if not (config.settings.whatsapp.phone_number_id and config.credentials.whatsapp.access_token):
            return None
        found = await templates.listed(self._graph, config)
        number = await self._number(tenant)
        async with self._kit.database.transaction(tenant) as connection:
            await templates.synchronise(connection, tenant.id, found)
            if number.ok:
                await self.stands(connection, tenant.id, _said(number, "quality_rating"), _limit(number))
        passing = isinstance(found, Failure) and found.course in (Course.RETRY, Course.SLOW_DOWN)
        again = SYNC_SOON if passing else SYNC_EVERY
        return clock.now() + again * (0.9 + 0.2 * random.random())  # noqa: S311 - jitter

    async def stands(self, connection: AsyncConnection, clinic_id: UUID, rating: str | None, limit: str | None) -> None:
        """Write down how the number stands; what is None stays as it was."""
        rating, limit = await staff.standing(connection, clinic_id, rating, limit)
        self._standing.note(clinic_id, rating, limit)

    async def _number(self, tenant: Tenant) -> Answer:
        """Ask how the number stands, in the older fields where the platform does not know the newer one."""
        number = tenant.config.settings.whatsapp.phone_number_id
        fields = "quality_rating,whatsapp_business_manager_messaging_limit"
        answer = await self._graph.ask(tenant.config, "GET", number, params={"fields": fields})
        if answer.failure is not None and answer.failure.code == _NO_SUCH_FIELD:
            fields = "quality_rating,messaging_limit_tier"
            answer = await self._graph.ask(tenant.config, "GET", number, params={"fields": fields})
        return answer


def _said(answer: Answer, field: str) -> str | None:
    value: Any = answer.body.get(field)
    return value[:64] if isinstance(value, str) and value else None


def _limit(answer: Answer) -> str | None:
    return _said(answer, "whatsapp_business_manager_messaging_limit") or _said(answer, "messaging_limit_tier")
