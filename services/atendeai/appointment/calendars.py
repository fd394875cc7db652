"""How the appointment service asks the calendar service, and what it makes of its silence.

A calendar that cannot be read offers no slots: every failure here ends as "unavailable", never as "free".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from atendeai.domain.slots import Interval
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.tenancy import Tenant

__all__ = ["PASSING", "CalendarBusy", "Calendars"]

PASSING = frozenset({"calendar-service", "no-answer", "rate-limited", "unavailable"})
"""Why a calendar cannot be read though nobody need do anything about it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CalendarBusy:
    """What the calendars say is taken, by professional, and whose calendar could not be read and why."""

    busy: Mapping[str, list[Interval]] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


class Calendars:
    """The calendar service, as this service sees it."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def busy(self, tenant: Tenant, codes: Sequence[str], start: datetime, end: datetime) -> CalendarBusy:
        """Return what is taken in `[start, end)`. A clinic without a calendar has nothing else to ask."""
        if not codes or tenant.config.settings.calendar.provider == "None":
            return CalendarBusy()
        body = {"professional_codes": list(codes), "time_min": start.isoformat(), "time_max": end.isoformat()}
        try:
            # Reading may be repeated, though it is a POST: the key says so to the client.
            answer = await self._client.call(
                tenant, "calendar", "POST", "/internal/v1/freebusy", json=body, idempotency_key="read"
            )
            return _read(answer, codes)
        except (ServiceError, KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("calendar_unreadable", clinic_id=str(tenant.id), error=str(error)[:200])
            return CalendarBusy(unavailable=dict.fromkeys(codes, "calendar-service"))

    async def put_event(self, tenant: Tenant, appointment_id: UUID, event: Mapping[str, Any]) -> None:
        """Make the appointment's event be so. Raises ServiceError."""
        await self._client.call(tenant, "calendar", "PUT", f"/internal/v1/events/{appointment_id}", json=event)

    async def delete_event(self, tenant: Tenant, appointment_id: UUID, version: int) -> None:
        """Take the appointment's event away. Raises ServiceError."""
        path = f"/internal/v1/events/{appointment_id}"
        await self._client.call(tenant, "calendar", "DELETE", path, params={"version": version})


def _read(answer: Any, codes: Sequence[str]) -> CalendarBusy:
    unavailable = {one["professional_code"]: str(one.get("reason") or "unknown") for one in answer["unavailable"]}
    busy: dict[str, list[Interval]] = {}
    for code in codes:
        if code in unavailable:
            continue
        if code not in answer["busy"]:
            unavailable[code] = "no-answer"
            continue
        busy[code] = [
            Interval(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
            for one in answer["busy"][code]
        ]
    return CalendarBusy(busy, unavailable)
