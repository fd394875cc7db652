"""The waiting list: who waits joins at the end, and a time that gets free is offered to the first whom it suits.

An offer is a proposed appointment that names its entry and ends after `profile.policies.waitingOffer`; taken, it is
booked like any hold; declined or lapsed, it frees the time again, and so passes on. The same time is never offered
twice to the same entry, and an entry has one offer at a time. Nobody is written to at night: what gets free then is
offered in the morning.

Two kinds of durable work, both level-triggered: one looks at a professional's day in which a time got free, one at an
entry, when it joins and then each hour, for what nobody told us of (a private event that left the calendar) and for
its end. Whoever offers holds the lock of the waiting list, so that two freed times go to two entries, in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.availability import Availability, Verdict, schedule_of
from atendeai.appointment.calendars import PASSING
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.models import SlotSearch
from atendeai.appointment.problems import no_such_wish, refused, too_many_wishes, waiting_list_off
from atendeai.appointment.reminder_plan import next_morning
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.service import AppointmentService
from atendeai.appointment.steps import FREED_QUEUE, asked_by, freed_key
from atendeai.appointment.waitlist_models import JoinRequest, Wish
from atendeai.appointment.waitlist_repository import WaitlistRepository
from atendeai.domain.slots import Interval, Professional, Refusal, Schedule, Slot, openings
from atendeai.kit import audit, clock
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem, Unavailable, invalid
from atendeai.kit.idempotency import Reply, idempotent
from atendeai.kit.identity import Principal
from atendeai.kit.preconditions import etag_of, require_match
from atendeai.kit.responses import dumps
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

__all__ = ["MOST_WISHES", "WISH_QUEUE", "WaitingList", "rendered"]

WISH_QUEUE = "waitlist-wish"
MOST_WISHES = 5
"""How many entries of one contact wait at once."""
_AHEAD = timedelta(hours=1)
"""A time that begins sooner is not offered: the patient must be able to come."""
_EACH = timedelta(hours=1)
_UNREADABLE = timedelta(minutes=1)
"""Until a calendar is asked again of which somebody must mend something first; others are asked at once and then ever
more rarely, as the queue does with what fails."""
_ACTOR = "service:appointment"


@dataclass(frozen=True, slots=True)
class WaitingList:
    """What can be asked of the waiting list, and the handlers of its two queues."""

    database: Database
    availability: Availability
    messenger: Messenger

    # ------------------------------------------------------------------ asked for

    async def join(self, tenant: Tenant, who: Principal, wanted: JoinRequest, key: str | None) -> Reply:
        """Join at the end: 201, or 200 when the very same is waited for already.

        Raises a problem when the clinic's rules are against it; of a person also 422 for a contact that there is not
        (the attendant speaks for one that there is), and `ServiceError` when nobody says.
        """
        if who.kind == "person":
            await self.messenger.known(tenant, wanted.contact_id)
        async with self.database.transaction(tenant) as connection:
            return await idempotent(
                connection,
                clinic_id=tenant.id,
                scope=f"appointments.waitlist:{who.actor}",
                key=key,
                request=wanted.model_dump(mode="json"),
                run=lambda: self._join(connection, tenant, who, wanted),
                headers=lambda body: {"ETag": etag_of(dumps(body))},
            )

    async def _join(self, connection: AsyncConnection, tenant: Tenant, who: Principal, wanted: JoinRequest) -> Reply:
        _check(tenant, wanted)  # of a new request alone: the profile and the day may be others when it comes again
        rows, wishes = AppointmentRepository(connection, tenant.id), WaitlistRepository(connection, tenant.id)
        await rows.lock(f"contact:{wanted.contact_id}")
        same = await wishes.same(wanted)
        if same is not None:
            [shown] = await rendered(connection, tenant, [same])
            return Reply(200, shown)
        if await wishes.count_open(wanted.contact_id) >= MOST_WISHES:
            raise too_many_wishes(MOST_WISHES)
        wish = await wishes.join(wanted, who.kind, now=clock.now())
        target = f"waitlist:{wish.id}"
        await audit.record(connection, tenant.id, who, "waitlist.join", target, reason=asked_by(who.actor))
        await enqueue(connection, tenant.id, WISH_QUEUE, str(wish.id))
        return Reply(201, wish.as_json(tenant.config.tz))

    async def leave(self, tenant: Tenant, who: Principal, wish_id: UUID, if_match: str | None = None) -> None:
        """End an entry and take back what it is being offered; one that is over stays so.

        Raises a problem: 404, and with `if_match` 412 when it is not what the caller saw.
        """
        async with self.database.transaction(tenant) as connection:
            service, asked = AppointmentService(connection, tenant, who.actor), asked_by(who.actor)
            wishes = WaitlistRepository(connection, tenant.id)
            await AppointmentRepository(connection, tenant.id).lock("waitlist")
            seen = await wishes.get(wish_id)
            if seen is None:
                raise no_such_wish()
            await _unchanged(connection, tenant, seen, if_match)
            for offer in await wishes.open_offers([wish_id]):
                await service.give_up_offer(offer, asked)
            if await wishes.end(wish_id, "cancelled", "withdrawn", now=clock.now()):
                await audit.record(connection, tenant.id, who, "waitlist.leave", f"waitlist:{wish_id}", reason=asked)
            elif seen.status == "waitlist" and (over := await wishes.get(wish_id)) is not None:
                # Booked since it was looked at: who books locks the appointment first, and the entry but then.
                await _unchanged(connection, tenant, over, if_match)
            await service.settle()

    # ------------------------------------------------------------------ work

    async def look_at_day(self, tenant: Tenant, key: str) -> datetime | None:
        """Offer what is free in a professional's day to those who wait for it, in turn."""
        written, _, code = key.partition("/")
        day = date.fromisoformat(written)
        start, end = _bounds(tenant, day, day)
        if not tenant.config.profile.policies.waiting_list or end <= clock.now():
            return None
        async with self.database.transaction(tenant) as connection:
            waiting = await WaitlistRepository(connection, tenant.id).waiting(code, day)
        schedule = schedule_of(tenant)
        person = schedule.professional(code)
        if not waiting or person is None:
            return None
        morning = next_morning(clock.now(), tenant.config.tz)
        if morning is not None:
            return morning
        said = await self.availability.calendars.busy(tenant, [code], start, end)
        if code in said.unavailable:
            if said.unavailable[code] in PASSING:
                raise Unavailable("The calendar")
            return clock.now() + _UNREADABLE
        async with self.database.transaction(tenant) as connection:
            offering = _Offering(connection, tenant, schedule, person, day)
            await offering.offer(said.busy.get(code, ()), start, end)
        return None

    async def look_at_wish(self, tenant: Tenant, key: str) -> datetime | None:
        """See whether something suits an entry, or whether its days are over."""
        async with self.database.transaction(tenant) as connection:
            wishes = WaitlistRepository(connection, tenant.id)
            wish = await wishes.get(UUID(key))
            if wish is None or wish.status != "waitlist":
                return None
            _, end = _bounds(tenant, wish.date_to, wish.date_to)
            if end <= clock.now():
                await self._end(connection, tenant, wish)
                return None
            offered = await wishes.offered([wish.id])
        morning = next_morning(clock.now(), tenant.config.tz)
        if morning is not None:
            return min(morning, end)
        if tenant.config.profile.policies.waiting_list:
            days = {
                (slot.start.date(), slot.professional_code)
                for slot in await self._suiting(tenant, wish)
                if (wish.id, slot.professional_code, slot.start) not in offered
            }
            async with self.database.transaction(tenant) as connection:
                for day, code in sorted(days):
                    await enqueue(connection, tenant.id, FREED_QUEUE, freed_key(code, day))
        return min(clock.now() + _EACH, end)

    async def _end(self, connection: AsyncConnection, tenant: Tenant, wish: Wish) -> None:
        if await WaitlistRepository(connection, tenant.id).end(wish.id, "cancelled", "ended", now=clock.now()):
            target = f"waitlist:{wish.id}"
            await audit.record(connection, tenant.id, _ACTOR, "waitlist.end", target, reason="days-are-over")

    async def _suiting(self, tenant: Tenant, wish: Wish) -> Sequence[Slot]:
        """Return free slots that suit; none of a service or professional that the clinic has no longer."""
        today = clock.now().astimezone(tenant.config.tz).date()
        wanted = SlotSearch(
            service_code=wish.service_code,
            date_from=max(wish.date_from, today),
            date_to=wish.date_to,
            time_from=wish.time_from,
            time_to=wish.time_to,
            professional_code=wish.professional_code,
            limit=200,
        )
        try:
            return (await self.availability.search(tenant, wanted)).slots
        except Problem:
            return ()


@dataclass(frozen=True, slots=True)
class _Offering:
    """One round of offers in one professional's day, inside one transaction."""

    connection: AsyncConnection
    tenant: Tenant
    schedule: Schedule
    person: Professional
    day: date

    async def offer(self, calendar: Sequence[Interval], start: datetime, end: datetime) -> None:
        """Go through those who wait, in turn, and offer each the first time that suits, as long as there is one."""
        rows = AppointmentRepository(self.connection, self.tenant.id)
        wishes = WaitlistRepository(self.connection, self.tenant.id)
        service = AppointmentService(self.connection, self.tenant, _ACTOR)
        code, now = self.person.code, clock.now()
        await rows.lock("waitlist")
        await rows.lock(f"professional:{code}")
        await service.clear(code, start, end)
        waiting = await wishes.waiting(code, self.day, lock=True)
        offered = await wishes.offered([wish.id for wish in waiting])
        taken = await rows.taken([code], start, end, now=now)
        busy = [*calendar, *(Interval(begins, ends) for _, begins, ends in taken)]
        for wish in waiting:
            for verdict in self._suiting(wish, busy, now + _AHEAD):
                if (wish.id, code, verdict.start) in offered:
                    continue
                expires_at = min(now + self.tenant.config.profile.policies.offer, verdict.start)
                if await service.offer(verdict, wish, expires_at) is not None:
                    busy.append(Interval(verdict.start, verdict.end))
                    break
        await service.settle()

    def _suiting(self, wish: Wish, busy: Sequence[Interval], earliest: datetime) -> list[Verdict]:
        service = self.schedule.service(wish.service_code)
        if service is None or service.code not in self.person.services:
            return []
        found = openings(self.schedule, service, self.person, wish.window(self.day), now=earliest, busy=busy)
        return [
            Verdict(service, self.person, slot.start, slot.end, None, calendar_busy=False, calendar_readable=True)
            for slot in found
        ]


async def rendered(connection: AsyncConnection, tenant: Tenant, found: Sequence[Wish]) -> list[dict[str, Any]]:
    """Render entries with what each is being offered at the moment."""
    rows = AppointmentRepository(connection, tenant.id)
    ids = await WaitlistRepository(connection, tenant.id).open_offers([one.id for one in found])
    offers = {offer.waitlist_id: offer for offer in await rows.get_many(ids)}
    return [one.as_json(tenant.config.tz, offers.get(one.id)) for one in found]


async def _unchanged(connection: AsyncConnection, tenant: Tenant, wish: Wish, if_match: str | None) -> None:
    """Raise a 412 problem when an entry, or what it is being offered, is not what the caller saw."""
    if if_match is not None:
        [shown] = await rendered(connection, tenant, [wish])
        require_match(if_match, etag_of(dumps(shown)))


def _check(tenant: Tenant, wanted: JoinRequest) -> None:
    """Raise a problem when the clinic's own rules are against waiting for this: 409, 422."""
    if not tenant.config.profile.policies.waiting_list:
        raise waiting_list_off()
    schedule = schedule_of(tenant)
    if schedule.service(wanted.service_code) is None:
        raise refused(Refusal.UNKNOWN_SERVICE)
    if wanted.professional_code is not None and schedule.professional(wanted.professional_code) is None:
        raise refused(Refusal.UNKNOWN_PROFESSIONAL)
    if not schedule.performers(wanted.service_code, wanted.professional_code):
        raise refused(Refusal.NOT_PERFORMED)
    if wanted.date_to < clock.now().astimezone(tenant.config.tz).date():
        raise invalid("date_to", "lies in the past")


def _bounds(tenant: Tenant, first: date, last: date) -> tuple[datetime, datetime]:
    """Return the moments at which days begin and end in the clinic's time zone."""
    tz = tenant.config.tz
    return datetime.combine(first, time(), tzinfo=tz), datetime.combine(last + timedelta(days=1), time(), tzinfo=tz)
