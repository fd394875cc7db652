"""The hot path of what comes in: plain messages of many webhooks, stored by one transaction.

Whatever needs more than being stored (files, statuses, edits, deletions, people who change number or turn out to be
one) is left to `inbox`, which takes one webhook at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.db import on_commit
from atendeai.kit.metrics import MESSAGES
from atendeai.kit.resources import Kit
from atendeai.kit.telemetry import origin
from atendeai.kit.tenancy import Tenant
from atendeai.kit.together import ApartError, Together
from atendeai.kit.work import wake_on_commit
from atendeai.whatsapp import ingest_repository as repository
from atendeai.whatsapp import revisions
from atendeai.whatsapp.content import OPENS_NO_WINDOW
from atendeai.whatsapp.payload import Change, Inbound
from atendeai.whatsapp.people import Known, match

_REVISES = frozenset({"edit", "revoke"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """The messages of one webhook for one clinic, each with its position there."""

    clinic_id: UUID
    trace: str | None
    messages: tuple[tuple[int, Inbound], ...]


@dataclass(slots=True)
class _Person:
    """A contact as the group knows it so far."""

    id: UUID
    fresh: bool
    number_key: str | None
    user_id: str | None
    wa_id: str | None = None
    name: str | None = None
    heard: datetime | None = None


@dataclass(slots=True)
class _Seat:
    """A message, and whose it is."""

    row_id: UUID
    person: _Person
    message: Inbound
    position: int
    trace: str | None


def plain(changes: Sequence[Change]) -> bool:
    """Whether these changes are messages that only need to be stored."""
    return any(change.messages for change in changes) and all(
        change.about == "messages"
        and not change.statuses
        and all(
            message.file is None and message.previous is None and message.kind not in _REVISES
            for message in change.messages
        )
        for change in changes
    )


class Ingest:
    """Groups what arrives; one per process."""

    def __init__(self, kit: Kit, queue: str) -> None:
        self._kit = kit
        self._queue = queue
        # While a group is written to disk the next one gathers: two halves of what a process has at a time keep both
        # it and the database at work. A clinic's all go through one lane, so few are answered at a time.
        self._together: Together[Arrival, int | None] = Together(
            "whatsapp.ingest", self._store, lanes=2, most=32, told=2
        )

    async def take(self, tenant: Tenant, changes: Sequence[Change]) -> tuple[int, int] | None:
        """Store plain changes; how many messages were new, and how many known.

        None when they must be stored by themselves: a sender needs a closer look, or the group failed and the reason
        may be a neighbour's. Raises `Unavailable` when the database is away, and what a lone webhook's storing raises.
        """
        messages = tuple(item for change in changes for item in enumerate(change.messages))
        try:
            # However many a clinic's are, two statements store them: they share a lane, which keeps their order too.
            stored = await self._together(Arrival(tenant.id, origin(), messages), key=tenant.id)
        except ApartError:
            return None
        return None if stored is None else (stored, len(messages) - stored)

    async def _store(self, arrivals: Sequence[Arrival]) -> list[int | None]:
        now = clock.now()
        by_clinic: dict[UUID, list[int]] = defaultdict(list)
        for index, arrival in enumerate(arrivals):
            by_clinic[arrival.clinic_id].append(index)
        results: list[int | None] = [None] * len(arrivals)
        clinics = sorted(by_clinic)  # as with contacts: two groups never wait for each other crosswise
        async with self._kit.database.across(clinics[0]) as across:
            for clinic_id in clinics:
                connection = await across.enter(clinic_id)
                theirs = [arrivals[index] for index in by_clinic[clinic_id]]
                for index, stored in zip(
                    by_clinic[clinic_id], await self._of_clinic(connection, clinic_id, theirs, now), strict=True
                ):
                    results[index] = stored
        return results

    async def _of_clinic(
        self, connection: AsyncConnection, clinic_id: UUID, arrivals: Sequence[Arrival], now: datetime
    ) -> list[int | None]:
        """Store what one clinic's webhooks bring: for each how many were new, or None where it needs a closer look."""
        senders = [message.sender for arrival in arrivals for _, message in arrival.messages]
        known = await repository.meet(
            connection,
            clinic_id,
            sorted({key for sender in senders if (key := sender.key)}),
            sorted({sender.user_id for sender in senders if sender.user_id}),
        )
        table = _Table(known)
        seated = [table.seat(arrival) for arrival in arrivals]
        seats = [seat for group in seated for seat in group or ()]
        if not seats:
            return [None] * len(arrivals)
        outcomes = await repository.store(connection, clinic_id, list(map(_row, seats)), self._queue, now)
        stored = len(seats) - sum(not outcome.stored for outcome in outcomes.values())
        for seat in seats if outcomes else ():
            if _outcome(seat, outcomes).overtaken:
                message = seat.message
                await revisions.catch_up(
                    connection,
                    clinic_id,
                    seat.person.id,
                    seat.row_id,
                    wamid=message.wamid,
                    sent_at=message.sent_at,
                    now=now,
                )
        if stored:
            wake_on_commit(connection, clinic_id, self._queue)
            on_commit(connection, lambda: MESSAGES.labels("inbound", "stored").inc(stored))
        return [_count(group, outcomes) for group in seated]


def _outcome(seat: _Seat, outcomes: Mapping[UUID, repository.Outcome]) -> repository.Outcome:
    return outcomes.get(seat.row_id, repository.SIMPLY_STORED)


def _count(seats: Sequence[_Seat] | None, outcomes: Mapping[UUID, repository.Outcome]) -> int | None:
    if seats is None or not all(_outcome(seat, outcomes).met for seat in seats):
        return None
    return sum(_outcome(seat, outcomes).stored for seat in seats)


class _Table:
    """Who sits where: the senders of a group, each met once, by the rules of `people.match`."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._by_number: dict[str, _Person] = {}
        self._by_user: dict[str, _Person] = {}
        for row in known:
            self._remember(_Person(row.id, False, row.number_key, row.user_id))

    def seat(self, arrival: Arrival) -> list[_Seat] | None:
        """Find the sender of each message; None when one of them is not simply somebody known or somebody new."""
        seats: list[_Seat] = []
        for position, message in arrival.messages:
            person = self._person(message)
            if person is None:
                return None
            seats.append(_Seat(uuid4(), person, message, position, arrival.trace))
        return seats

    def _person(self, message: Inbound) -> _Person | None:
        sender, key = message.sender, message.sender.key
        by_number = self._by_number.get(key) if key else None
        by_user = self._by_user.get(sender.user_id) if sender.user_id else None
        found = match(sender, [person for person in (by_number, by_user) if person is not None])
        if found.merges or found.loses_number:
            return None
        # Only whom the rules found: a number that the group still knows may be somebody's who has another by now.
        met = (person for person in (by_number, by_user) if person is not None and person.id == found.contact)
        person = next(met, None) or _Person(uuid4(), True, key, sender.user_id)
        # What is known by the latest of the group's messages holds for all of them: one contact, one row.
        if person.heard is None or message.sent_at >= person.heard:
            person.heard = message.sent_at
            person.wa_id, person.name = sender.wa_id or person.wa_id, sender.name or person.name
        person.wa_id, person.name = person.wa_id or sender.wa_id, person.name or sender.name
        person.number_key, person.user_id = key or person.number_key, sender.user_id or person.user_id
        self._remember(person)
        return person

    def _remember(self, person: _Person) -> None:
        if person.number_key:
            self._by_number[person.number_key] = person
        if person.user_id:
            self._by_user[person.user_id] = person


def _row(seat: _Seat) -> repository.Row:
    message, person = seat.message, seat.person
    return {
        "id": seat.row_id,
        "wamid": message.wamid,
        "contact_id": person.id,
        "fresh": person.fresh,
        "wa_id": person.wa_id,
        "number_key": person.number_key,
        "user_id": person.user_id,
        "name": person.name,
        "kind": message.kind,
        "text": message.text,
        "reply_id": message.reply_id,
        "context_wamid": message.context_wamid,
        "content": orjson.Fragment(message.content),
        "sent_at": message.sent_at,
        "window_at": None if message.kind in OPENS_NO_WINDOW else message.sent_at,
        "position": seat.position,
        "trace": seat.trace,
    }
