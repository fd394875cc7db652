"""What is free: the clinic's hours, its live appointments and what the calendars say, put together.

Only reads. `search` answers with slots or with the reason why there are none; `judge` says beforehand what speaks
against one given time. The judgement of the calendar is asked for outside any transaction: a slow Google must not keep
rows locked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from atendeai.appointment.calendars import CalendarBusy, Calendars
from atendeai.appointment.models import Appointment, OpenTimes, SlotSearch
from atendeai.appointment.problems import calendar_unavailable, profile_unreadable, refused, slot_taken
from atendeai.appointment.repository import AppointmentRepository
from atendeai.domain.slots import (
    MAX_DAYS,
    Interval,
    Professional,
    Reason,
    Refusal,
    Schedule,
    Service,
    Slot,
    Window,
    free_slots,
    merge,
    open_stretches,
    refusal,
    schedule_from_profile,
    subtract,
    why_none,
)
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Availability", "Found", "Verdict", "open_times", "schedule_of"]


@dataclass(frozen=True, slots=True)
class Found:
    """Free slots in order, or why there are none; and whose calendars could not be read."""

    slots: list[Slot]
    reason: Reason | None
    unreadable: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Render for the wire."""
        body: dict[str, Any] = {
            "slots": [
                {
                    "start": slot.start.isoformat(),
                    "end": slot.end.isoformat(),
                    "professional_code": slot.professional_code,
                    "service_code": slot.service_code,
                }
                for slot in self.slots
            ]
        }
        if self.reason is not None:
            body["reason"] = self.reason.value
        if self.unreadable:
            body["unreadable"] = [{"professional_code": k, "reason": v} for k, v in self.unreadable.items()]
        return body


@dataclass(frozen=True, slots=True)
class Verdict:
    """One given time, and what the clinic's rules and the calendars say about it."""

    service: Service
    professional: Professional
    start: datetime
    end: datetime
    rules: Refusal | None
    calendar_busy: bool
    calendar_readable: bool

    def enforce(self, *, ignore_calendar: bool = False) -> None:
        """Raise the problem that stands in the way, if any: 422, 409 slot-taken or 503 calendar-unavailable."""
        if self.rules is not None:
            raise refused(self.rules)
        if ignore_calendar:
            return
        if not self.calendar_readable:
            raise calendar_unavailable()
        if self.calendar_busy:
            raise slot_taken()


@dataclass(frozen=True, slots=True)
class Availability:
    """Reads what is free, for one clinic at a time."""

    database: Database
    calendars: Calendars

    async def search(self, tenant: Tenant, wanted: SlotSearch) -> Found:
        """Return the free slots of a window. Raises a 422 problem for a service or professional the clinic lacks."""
        schedule = schedule_of(tenant)
        service = schedule.service(wanted.service_code)
        if service is None:
            raise refused(Refusal.UNKNOWN_SERVICE)
        if wanted.professional_code is not None and schedule.professional(wanted.professional_code) is None:
            raise refused(Refusal.UNKNOWN_PROFESSIONAL)
        people = schedule.performers(service.code, wanted.professional_code)
        now = clock.now()
        window = Window(wanted.date_from, wanted.date_to, wanted.time_from, wanted.time_to)
        start, end = _bounds(schedule, window, now)
        if not people or start >= end or not _any(schedule, service, window, now, people):
            return Found([], Reason.CLOSED, {})
        said = await self.calendars.busy(tenant, [one.code for one in people], start, end)
        busy = await self._busy(tenant, said, people, start, end, wanted)
        readable = [one for one in people if one.code not in said.unavailable]
        found = list(
            islice(
                free_slots(schedule, service, window, now=now, busy=busy, professionals=readable),
                wanted.limit,
            )
        )
        reason = None
        if not found:
            unreadable = len(readable) < len(people)
            reason = why_none(schedule, service, window, now=now, professionals=people, unreadable=unreadable)
        return Found(found, reason, said.unavailable)

    async def judge(
        self,
        tenant: Tenant,
        service_code: str,
        professional_code: str,
        start: datetime,
        *,
        moving: Appointment | None = None,
        by_staff: bool = False,
    ) -> Verdict:
        """Say what speaks against a time; an appointment being moved does not stand in its own way.

        Staff may enter who is at the desk now, so for them the minute that has begun has not gone by.
        Raises a 422 problem when the service or the professional does not exist: then there is no time to judge.
        """
        schedule = schedule_of(tenant)
        now = clock.now()
        now = now.replace(second=0, microsecond=0) if by_staff else now
        service, person = schedule.service(service_code), schedule.professional(professional_code)
        if service is None:
            raise refused(Refusal.UNKNOWN_SERVICE)
        if person is None:
            raise refused(Refusal.UNKNOWN_PROFESSIONAL)
        start = start.astimezone(UTC)
        end = start + service.duration
        rules = refusal(schedule, service_code, professional_code, start, now=now)
        if rules is not None:
            return Verdict(service, person, start, end, rules, calendar_busy=False, calendar_readable=True)
        said = await self.calendars.busy(tenant, [person.code], start, end)
        taken = list(said.busy.get(person.code, ()))
        if moving is not None and moving.professional_code == person.code:
            taken = subtract(taken, Interval(moving.starts_at, moving.ends_at))
        asked = Interval(start, end)
        return Verdict(
            service,
            person,
            start,
            end,
            None,
            calendar_busy=any(one.overlaps(asked) for one in taken),
            calendar_readable=person.code not in said.unavailable,
        )

    async def _busy(
        self,
        tenant: Tenant,
        said: CalendarBusy,
        people: tuple[Professional, ...],
        start: datetime,
        end: datetime,
        wanted: SlotSearch,
    ) -> dict[str, list[Interval]]:
        busy = {one.code: list(said.busy.get(one.code, ())) for one in people}
        async with self.database.transaction(tenant) as connection:
            rows = AppointmentRepository(connection, tenant.id)
            moving = await rows.get(wanted.appointment_id) if wanted.appointment_id else None
            taken = await rows.taken(
                list(busy),
                start,
                end,
                now=clock.now(),
                besides_contact=wanted.contact_id,
                besides=wanted.appointment_id,
            )
        if moving is not None and moving.professional_code in busy:
            own = Interval(moving.starts_at, moving.ends_at)
            busy[moving.professional_code] = subtract(busy[moving.professional_code], own)
        for code, taken_from, taken_until in taken:
            busy[code].append(Interval(taken_from, taken_until))
        return busy


def schedule_of(tenant: Tenant) -> Schedule:
    """Return what the clinic's profile says about its time, read once for each configuration.

    Raises a 503 problem when it contradicts itself.
    """
    config = tenant.config
    try:
        return config.derived(
            "appointment.schedule", lambda: schedule_from_profile(config.raw_profile, config.settings.timezone)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise profile_unreadable(str(error)) from error


async def open_times(tenant: Tenant, first: date, last: date, professional_code: str | None) -> OpenTimes:
    """Return when each professional, or the one that is named, can be booked on these days as the profile is by now.

    Raises a 503 problem when the profile contradicts itself.
    """
    schedule = schedule_of(tenant)
    people = [one for one in schedule.professionals if professional_code in {None, one.code}]
    # A year of a large clinic takes half a second.
    return await asyncio.to_thread(_open_times, schedule, people, first, last)


def _open_times(schedule: Schedule, people: Sequence[Professional], first: date, last: date) -> OpenTimes:
    """Return these people's hours; stretches that adjoin are one."""
    found = OpenTimes([], [], [])
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    for person in people:
        for one in merge(stretch for day in days for stretch in open_stretches(schedule, person, day)):
            found.codes.append(person.code)
            found.opens.append(one.start.isoformat())
            found.closes.append(one.end.isoformat())
    return found


def _bounds(schedule: Schedule, window: Window, now: datetime) -> tuple[datetime, datetime]:
    """Return the moments between which a window's slots can lie, from now on."""
    last = min(window.date_to, window.date_from + timedelta(days=MAX_DAYS - 1))
    start = datetime.combine(window.date_from, time(), tzinfo=schedule.tz).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), tzinfo=schedule.tz).astimezone(UTC)
    return max(start, now), end


def _any(schedule: Schedule, service: Service, window: Window, now: datetime, people: tuple[Professional, ...]) -> bool:
    return next(free_slots(schedule, service, window, now=now, busy={}, professionals=people), None) is not None
