"""A clinic in memory: carries the dialogue's requests out without any server, with the same slot rules as the service.

Wall-clock times are held as UTC, which has no jumps: the scene of a shell dialogue names no time zone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from atendeai.domain import slots
from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Book,
    Cancel,
    Confirm,
    Decline,
    Done,
    Found,
    Held,
    Hold,
    JoinWaitlist,
    Nothing,
    Offers,
    Refused,
    Request,
    Reschedule,
    Search,
    Slot,
    Upcoming,
)


class MemoryClinic:
    """Appointments, holds and busy times of one clinic, for one patient, at a moment that stands still."""

    def __init__(self, profile: Mapping[str, Any], now: datetime) -> None:
        self.schedule = slots.schedule_from_profile(profile, "UTC")
        self.now = now
        self.appointments: dict[str, Appointment] = {}
        self.holds: dict[str, Slot] = {}
        self.offers: set[str] = set()
        self.confirmed: set[str] = set()
        self.waiting: list[JoinWaitlist] = []
        self._busy: dict[str, list[slots.Interval]] = {}
        self._made = 0

    # ------------------------------------------------------------ the scene
    def add_existing(self, service: str, professional: str, start: datetime) -> None:
        """An appointment this patient already has."""
        key = self._new_id()
        self.appointments[key] = Appointment(key, start, professional, service)

    def add_offer(self, service: str, professional: str, start: datetime) -> str:
        """A time kept for this patient, who waited for one; its id."""
        key = self._new_id()
        self.holds[key] = Slot(start, professional, service)
        self.offers.add(key)
        return key

    def add_busy(self, professional: str | None, day: date, begin: time, until: time) -> None:
        """Time that is taken by somebody else; of everybody when no professional is named."""
        interval = slots.Interval(_aware(datetime.combine(day, begin)), _aware(datetime.combine(day, until)))
        everybody = [p.code for p in self.schedule.professionals]
        for code in [professional] if professional else everybody:
            self._busy.setdefault(code, []).append(interval)

    # ------------------------------------------------------------ the port
    def answer(self, request: Request) -> Answer:
        """Carries one request out."""
        result: Answer
        match request:
            case Search():
                result = self._search(request)
            case Hold(slot):
                result = self._hold(slot)
            case Book(hold, name):
                result = self._book(hold, name)
            case Cancel(key):
                gone = self.holds.pop(key, None) or self.appointments.pop(key, None)
                result = Done() if gone else Refused("not-found")
            case Decline(key):
                result = self._decline(key)
            case Reschedule(key, slot):
                result = self._move(key, slot)
            case Confirm(key):
                result = self._confirm(key)
            case JoinWaitlist():
                self.waiting.append(request)
                result = Done()
            case Upcoming() | Offers():
                result = self._listed(request)
        return result

    def _listed(self, request: Upcoming | Offers) -> Answer:
        if isinstance(request, Offers):
            kept = [(key, self.holds[key]) for key in sorted(self.offers) if key in self.holds]
            return Appointments(
                tuple(Appointment(key, s.start, s.professional, s.service, reminded_at=self.now) for key, s in kept)
            )
        since = self.now - timedelta(minutes=request.begun)
        ahead = [a for a in self.appointments.values() if a.start > since]
        return Appointments(tuple(sorted(ahead, key=lambda a: a.start)))

    def _search(self, request: Search) -> Answer:
        service = self.schedule.service(request.service)
        if service is None:
            return Refused("unknown-service")
        people = self.schedule.performers(service.code, request.professional)
        window = slots.Window(request.date_from, request.date_to, request.time_from, request.time_to)
        now = _aware(self.now)
        free = slots.free_slots(
            self.schedule, service, window, now=now, busy=self._taken(request.moving), professionals=people
        )
        found = tuple(
            Slot(s.start.replace(tzinfo=None), s.professional_code, s.service_code) for s in islice(free, request.limit)
        )
        if found:
            return Found(found)
        why = slots.why_none(self.schedule, service, window, now=now, professionals=people, unreadable=False)
        return Found((), Nothing(why.value))

    def _taken(self, except_for: str | None = None) -> dict[str, list[slots.Interval]]:
        taken = {code: list(intervals) for code, intervals in self._busy.items()}
        held = [(s.professional, s.service, s.start) for s in self.holds.values()]
        standing = [(a.professional, a.service, a.start) for k, a in self.appointments.items() if k != except_for]
        for professional, service, start in held + standing:
            offered = self.schedule.service(service)
            length = offered.duration if offered else slots.STEP
            begin = _aware(start)
            taken.setdefault(professional, []).append(slots.Interval(begin, begin + length))
        return taken

    def _free(self, slot: Slot, except_for: str | None = None) -> bool:
        day, at = slot.start.date(), slot.start.time()
        found = self._search(Search(slot.service, day, day, at, at, slot.professional, moving=except_for))
        return isinstance(found, Found) and any(s.start == slot.start for s in found.slots)

    def _hold(self, slot: Slot) -> Answer:
        if not self._free(slot):
            return Refused("slot-taken")
        key = self._new_id()
        self.holds[key] = slot
        return Held(key)

    def _book(self, hold: str, name: str | None) -> Answer:
        slot = self.holds.pop(hold, None)
        if slot is None:
            return Refused("not-found")
        self.appointments[hold] = Appointment(hold, slot.start, slot.professional, slot.service, name)
        return Done()

    def _decline(self, key: str) -> Answer:
        if key not in self.offers or self.holds.pop(key, None) is None:
            return Refused("not-offered")
        return Done()

    def _confirm(self, key: str) -> Answer:
        if key not in self.appointments:
            return Refused("not-found")
        self.confirmed.add(key)
        return Done()

    def _move(self, key: str, slot: Slot) -> Answer:
        standing = self.appointments.get(key)
        if standing is None or not self._free(slot, key):
            return Refused("slot-taken")
        self.appointments[key] = replace(standing, start=slot.start, professional=slot.professional)
        return Done()

    def _new_id(self) -> str:
        self._made += 1
        return str(self._made)


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
