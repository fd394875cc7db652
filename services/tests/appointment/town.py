"""A town whose patients, reception, desk and calendars do random things to one small diary, all at the same time.

Each actor draws from dice of their own, made of the history's seed, so that a seed repeats what everybody tries; what
comes of it depends on who is faster. Therefore `account` tells what each did and was answered, in that order.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.appointment.diary import Ward, at, until

ACTORS, MOVES = 8, 24
PEOPLE = ("ana", "bruno")
STARTS = [f"{hour:02d}:{minute:02d}" for hour in (13, 14) for minute in (0, 20, 40)]
UNTIL = "15:00"
"""Few times for many people: the more they collide, the better."""
QUEUES = ("waitlist-freed", "waitlist-wish", "hold-expiry", "appointment-notice")
NAMES = ("Maria", "João", "Rita")
DESK = ("arrived", "checked-in", "fulfilled", "noshow", "entered-in-error")


@dataclass
class Town:
    """What is known to everybody, and what was acknowledged to somebody."""

    ward: Ward
    seed: int
    known: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    booked: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    """What somebody tried to undo, whatever came of it."""
    cancelled: set[str] = field(default_factory=set)
    acknowledged: set[tuple[str, int, str, str]] = field(default_factory=set)
    """(appointment, version, status, start) of every answer that told of one."""
    told: Counter[int] = field(default_factory=Counter)
    journal: list[str] = field(default_factory=list)

    async def live(self) -> None:
        """Let everybody act at once. In the end more wait than there are times; then much gets free at one moment.

        What was booked is given up, what was offered runs out, or both: the seed decides.
        """
        actors = [Actor(self, f"{self.seed}/{number}") for number in range(ACTORS)]
        await asyncio.gather(*(actor.act() for actor in actors))
        await asyncio.gather(*(Actor(self, f"{self.seed}/+{number}").join() for number in range(2 * ACTORS)))
        await self.settled()
        booked = await self.ward.rows("SELECT id FROM atendeai.appointment WHERE clinic_id = $1 AND status = 'booked'")
        given_up = [str(row["id"]) for row in booked] if self.seed % 3 != 1 else []
        running_out = actors if self.seed % 3 != 0 else []
        await asyncio.gather(
            *(actor.undo(one) for actor, one in zip(actors, given_up, strict=False)),
            *(actor.let_lapse() for actor in running_out),
        )
        await self.settled()

    async def settled(self) -> None:
        """Wait until everything that follows has been done."""
        await until(lambda: self.ward.idle(*QUEUES), bool)

    def account(self) -> str:
        """Return how the history went, and how to try it again."""
        again = f"ATENDEAI_HISTORY_SEEDS={self.seed} pytest services/tests/appointment/test_histories.py"
        return "\n".join([f"seed {self.seed}; again: {again}", *self.journal])


class Actor:
    """A patient with a telephone, who now and then is the reception, the desk or a calendar."""

    def __init__(self, town: Town, name: str) -> None:
        self.town, self.ward, self.name = town, town.ward, name
        self.dice = random.Random(name)  # noqa: S311 - a repeatable plan, no secret
        self.contact = uuid4()

    async def act(self) -> None:
        """Do random things, one after the other."""
        moves: dict[Callable[[], Awaitable[None]], int] = {
            self.hold: 5,
            self.book: 2,
            self.cancel: 3,
            self.move: 3,
            self.create: 2,
            self.confirm: 1,
            self.desk: 1,
            self.join: 3,
            self.leave: 1,
            self.answer_offer: 3,
            self.let_lapse: 1,
            self.calendar: 1,
        }
        for move in self.dice.choices(list(moves), list(moves.values()), k=MOVES):
            await move()

    # ------------------------------------------------------------------ patients

    async def hold(self) -> None:
        start, person, name = self._start(), self.dice.choice(PEOPLE), self.dice.choice(NAMES)
        times = self.dice.choice([1, 1, 1, 2])  # twice: the first answer was lost, and the call is made again
        key = str(uuid4())
        answers = await asyncio.gather(
            *(
                self.ward.hold(start, contact=self.contact, professional=person, name=name, key=key)
                for _ in range(times)
            )
        )
        for answer in answers:
            self._note(f"hold {start:%H:%M} {person}", answer)
        held = {answer.json()["id"] for answer in answers if answer.is_success}
        assert len(held) <= 1, "one key, two holds"
        for one in held:
            self.town.known.append(one)
            if self.dice.random() < 0.6:
                await self.take(one, name)

    async def take(self, appointment: str, name: str | None = None) -> None:
        answer = await self.ward.book(appointment, name=name)
        self._note(f"book {appointment}", answer)
        if answer.is_success:
            self.town.booked.add(appointment)

    async def book(self) -> None:
        await self.take(self._known())

    async def undo(self, appointment: str) -> None:
        self.town.undone.add(appointment)
        answer = await self.ward.internal("POST", f"/appointments/{appointment}/cancel", json={"reason": ""})
        self._note(f"cancel {appointment}", answer)
        if answer.is_success:
            self.town.cancelled.add(appointment)

    async def cancel(self) -> None:
        await self.undo(self._known())

    async def move(self) -> None:
        one, start, person = self._known(), self._start(), self.dice.choice(PEOPLE)
        body = {"start": start.isoformat(), "professional_code": person}
        answer = await self.ward.internal("POST", f"/appointments/{one}/reschedule", json=body)
        self._note(f"move {one} to {start:%H:%M} {person}", answer)

    async def confirm(self) -> None:
        one = self._known()
        self._note(f"confirm {one}", await self.ward.internal("POST", f"/appointments/{one}/confirm"))

    async def join(self) -> None:
        body = {
            "contact_id": str(self.contact),
            "patient_name": self.dice.choice(NAMES),
            "service_code": "consulta",
            "professional_code": self.dice.choice(["ana", "bruno", None]),
            "date_from": "2030-11-26",
            "date_to": "2030-11-26",
            "time_from": self.dice.choice(["13:00", "13:00", "13:30"]),
            "time_to": UNTIL,
        }
        answer = await self.ward.internal("POST", "/waitlist", json=body)
        self._note(f"join {body['patient_name']} {body['professional_code']} {body['time_from']}", answer)
        if answer.status_code == 201:
            self.town.wishes.append(answer.json()["id"])

    async def leave(self) -> None:
        if self.town.wishes and self.dice.random() < 0.3:
            one = self.dice.choice(self.town.wishes)
            self._note(f"leave {one}", await self.ward.internal("DELETE", f"/waitlist/{one}"))

    async def answer_offer(self) -> None:
        offers = await self.ward.offers()
        if offers:
            offer = str(self.dice.choice(offers)["id"])
            self.town.known.append(offer)
            await (self.take(offer) if self.dice.random() < 0.4 else self.undo(offer))

    # ------------------------------------------------------------------ everybody else

    async def create(self) -> None:
        start, person = self._start(), self.dice.choice(PEOPLE)
        body = {
            "service_code": "consulta",
            "professional_code": person,
            "start": start.isoformat(),
            "patient_name": self.dice.choice(NAMES),
            "contact_id": str(self.contact),
        }
        answer = await self.ward.staff("POST", json=body)
        self._note(f"create {start:%H:%M} {person}", answer)
        if answer.is_success:
            self.town.known.append(answer.json()["id"])
            self.town.booked.add(answer.json()["id"])

    async def desk(self) -> None:
        one, status = self._known(), self.dice.choice(DESK)
        if status == "entered-in-error":
            self.town.undone.add(one)
        answer = await self.ward.staff("POST", f"/{one}/status", json={"status": status})
        self._note(f"{status} {one}", answer)

    async def let_lapse(self) -> None:
        await self.ward.clinic.fetch(
            "UPDATE atendeai.appointment SET expires_at = $2 WHERE clinic_id = $1 AND status = 'proposed' AND id ="
            " (SELECT id FROM atendeai.appointment WHERE clinic_id = $1 AND status = 'proposed' AND expires_at > $2"
            " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
            self.ward.clinic.id,
            self.ward.hands.now,
        )
        self.town.journal.append(f"{self.name}: a hold runs out")
        await self.ward.make_due("hold-expiry")

    async def calendar(self) -> None:
        kind = self.dice.choice(["moved", "moved", "overlapped", "cleared", "deleted"])
        one, start = self._known(), self._start()
        if kind == "deleted":
            self.town.undone.add(one)
        body = {"appointment_id": one, "kind": kind, "start": start.isoformat()}
        answer = await self.ward.calendar(body)
        while answer.status_code == 503:  # it was just being moved to somebody else: the calendar service asks again
            assert answer.headers["Retry-After"] == "1"
            answer = await self.ward.calendar(body)
        self._note(f"calendar: {kind} {one} {start:%H:%M}", answer)

    # ------------------------------------------------------------------ what they have in common

    def _known(self) -> str:
        """Return an appointment that somebody was told of: mostly a recent one, which is likely to stand."""
        known = self.town.known[-8:] if self.dice.random() < 0.7 else self.town.known
        return self.dice.choice(known) if known else str(UUID(int=self.dice.getrandbits(128), version=4))

    def _start(self) -> Any:
        return at(self.dice.choice(STARTS))

    def _note(self, what: str, answer: httpx.Response) -> None:
        self.town.told[answer.status_code] += 1
        self.town.journal.append(f"{self.name}: {what} -> {answer.status_code}")
        body = answer.json() if answer.is_success and answer.content else {}
        if "version" in body:
            self.town.acknowledged.add((body["id"], body["version"], body["status"], body["start"]))
