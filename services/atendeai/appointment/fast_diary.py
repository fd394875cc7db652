"""The diary of one day, as a front desk asks for it all day long: a fast route (see `kit.fast`), read in groups.

It answers `?date=…&page_size=…` and nothing else; other filters, later pages and whatever is not valid are left to the
route of `public`, which says the same in the same words.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from atendeai.appointment import diary_repository as repository
from atendeai.appointment.models import HORIZON
from atendeai.kit import clock
from atendeai.kit.fast import FastRoutes
from atendeai.kit.guard import ample, guard
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.paging import MOST
from atendeai.kit.permissions import allowed
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant, current_tenant
from atendeai.kit.together import ApartError, Together

_ASKED = re.compile(rb"^date=(\d{4}-\d\d-\d\d)&page_size=([1-9]\d{0,2})$")
_READ = "appointments.read"
_READER = permitted(_READ)


@dataclass(frozen=True, slots=True)
class _Day:
    clinic_id: UUID
    zone: str
    actor: str
    first: datetime
    beyond: datetime
    size: int


class FastDiary:
    """Reads days for everybody who asks at the same time; one per process."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._together: Together[_Day, str | None] = Together("appointment.diary", self._read, lanes=2, most=32)

    @property
    def routes(self) -> FastRoutes:
        """The route that it serves."""
        return {("GET", "/api/v1/appointments"): self.day}

    async def day(self, request: Request) -> Response | None:
        """Answer with the appointments of a day, or leave the request to the router."""
        asked = _ASKED.match(request.scope["query_string"])
        if asked is None or int(asked[2]) > MOST:
            return None
        try:
            day = date.fromisoformat(asked[1].decode())
            beyond = day + timedelta(days=1)
        except (ValueError, OverflowError):
            return None
        if day > (clock.now() + HORIZON).date():
            return None
        tenant = await current_tenant(request)
        tz = tenant.config.tz

        def wanted(who: Principal) -> _Day:
            return _Day(
                clinic_id=tenant.id,
                zone=tz.key,
                actor=who.actor,
                first=datetime.combine(day, time(), tzinfo=tz),
                beyond=datetime.combine(beyond, time(), tzinfo=tz),
                size=int(asked[2]),
            )

        early = await self._early(request, tenant, wanted)
        try:
            await guard(request)
            who = await _READER(request, tenant)
            items = await (early or self._together.begin(wanted(who)))
        except ApartError:
            return None
        finally:
            if early is not None and not early.cancel() and not early.cancelled():
                early.exception()  # refused meanwhile: nobody else hears of it
        if items is None:
            return None
        return Response(f'{{"items":[{items}],"next_page_token":null}}'.encode(), media_type="application/json")

    async def _early(
        self, request: Request, tenant: Tenant, wanted: Callable[[Principal], _Day]
    ) -> asyncio.Future[str | None] | None:
        """Begin to read while the request is counted, where it will pass; None where that is to be seen.

        Counting and reading each wait for a server, and one after the other they took as long as both.
        """
        who = await ample(request, tenant)
        return self._together.begin(wanted(who)) if who is not None and allowed(_READ, who.roles) else None

    async def _read(self, days: Sequence[_Day]) -> list[str | None]:
        now = clock.now()
        by_clinic: dict[UUID, list[repository.Look]] = defaultdict(list)
        zones: dict[UUID, str] = {}
        for index, day in enumerate(days):
            zones[day.clinic_id] = day.zone
            by_clinic[day.clinic_id].append(repository.Look(index, uuid4(), day.actor, day.first, day.beyond, day.size))
        results: list[str | None] = [None] * len(days)
        zone = None
        async with self._kit.database.across(next(iter(by_clinic))) as across:
            for clinic_id, looks in by_clinic.items():
                connection = await across.enter(clinic_id)
                if zones[clinic_id] != zone:
                    zone = zones[clinic_id]
                    await repository.zone(connection, zone)
                for index, items in (await repository.read(connection, clinic_id, looks, now)).items():
                    results[index] = items
        return results
