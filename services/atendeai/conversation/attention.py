"""How long what the attendant left to a person waits for one: a gauge for alerts.

A conversation waits from its alert on, until somebody of the clinic takes it, writes to the patient or releases it. The
first alert wakes work of the clinic's, which looks twice a minute for as long as one waits: where nobody is waited for,
nothing is asked. An emergency counts at any hour: a life does not wait until Monday. Anything else counts while the
clinic is open, and as long as the attendant keeps quiet for it (`spec.ai.handoff.timeout`): at night nobody was
promised an answer, and it said when the clinic opens.
"""

import time as timer
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from atendeai.conversation.metrics import UNATTENDED
from atendeai.conversation.service import clinic_of
from atendeai.conversation.staff_repository import StaffRepository
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant

log = structlog.get_logger()

EMERGENCY, OTHER = "emergency", "other"
_EVERY = timedelta(seconds=30)
_FRESH_SECONDS = 90.0
"""What another process may have looked at since, and found seen to, is forgotten after so long."""
_LONG_SECONDS = 300.0
"""From then on the log names the clinic, which no label does."""


def open_time(clinic: Clinic, since: datetime, until: datetime) -> timedelta:
    """How much of the time between two moments by the clinic's clock it is open; all of it where it names no hours."""
    if not clinic.hours and not clinic.special:
        return until - since
    total, day = timedelta(), since.date()
    while day <= until.date():
        for opens, closes in () if clinic.undeclared_holiday(day) else clinic.hours_on(day):
            begins, ends = max(since, datetime.combine(day, opens)), min(until, datetime.combine(day, closes))
            total += max(ends - begins, timedelta())
        day += timedelta(days=1)
    return total


class Attention:
    """Looks at the clinics of this process that have somebody waiting; one per process."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._waited: dict[UUID, tuple[Mapping[str, float], float]] = {}
        """Seconds by reason, and when that was seen."""
        for reason in (EMERGENCY, OTHER):
            UNATTENDED.labels(reason).set_function(partial(self.longest, reason))

    async def look(self, tenant: Tenant, key: str) -> datetime | None:
        """See how long a clinic's oldest has waited (a worker's handler); None when nobody waits any more."""
        del key  # there is one piece of work for each clinic
        now = clock.now()
        async with self._kit.database.transaction(tenant) as connection:
            rows = StaffRepository(connection, tenant.id)
            since = await rows.unattended(now - tenant.config.settings.ai.handoff.silence)
        waited: dict[str, float] = {}
        if True in since:
            waited[EMERGENCY] = (now - since[True]).total_seconds()
        if False in since:
            tz = tenant.config.tz
            begun, ended = (moment.astimezone(tz).replace(tzinfo=None) for moment in (since[False], now))
            waited[OTHER] = open_time(clinic_of(tenant), begun, ended).total_seconds()
        self._note(tenant.id, waited)
        return now + _EVERY if waited else None

    def _note(self, clinic_id: UUID, waited: Mapping[str, float]) -> None:
        before = self._waited.pop(clinic_id, ({}, 0.0))[0]
        if waited:
            self._waited[clinic_id] = (waited, timer.monotonic())
        for reason, seconds in waited.items():
            if before.get(reason, 0.0) <= _LONG_SECONDS < seconds:
                log.warning("nobody_attends", reason=reason, seconds=int(seconds))

    def longest(self, reason: str) -> float:
        """The most seconds that a clinic seen lately has somebody waiting for this reason."""
        now = timer.monotonic()
        fresh = [waited.get(reason, 0.0) for waited, seen in self._waited.values() if now - seen < _FRESH_SECONDS]
        return max(fresh, default=0.0)
