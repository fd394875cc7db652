"""What a turn asks for is carried out once: also what several of its parts want to know, until something changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from atendeai.conversation.engine import Actions
from atendeai.conversation.journal import Journal
from atendeai.domain.dialogue.ports import Answer, Appointment, Appointments, Confirm, Done, Request, Upcoming
from tests.conversation.world import unhandled

NOW = datetime.fromisoformat("2026-09-14T10:00:00")
HELD = Appointments((Appointment("a-1", NOW, "ana", "consulta"),))


class Diary:
    """Answers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def answer(self, request: Request, key: UUID) -> Answer:
        self.asked.append(request)
        return HELD if isinstance(request, Upcoming) else Done()


async def saved() -> None:
    pass


async def test_what_only_asks_is_asked_once_until_something_changes() -> None:
    diary, journal = Diary(), Journal([unhandled(NOW.astimezone())], NOW)
    actions = Actions(diary, journal, uuid4(), saved)
    for _ in range(3):
        assert await actions.carry_out(Upcoming()) == HELD
    await actions.carry_out(Upcoming(begun=240))
    await actions.carry_out(Confirm("a-1"))
    await actions.carry_out(Upcoming())
    await actions.carry_out(Confirm("a-1"))
    assert diary.asked == [Upcoming(), Upcoming(begun=240), Confirm("a-1"), Upcoming(), Confirm("a-1")]


async def test_a_turn_that_is_run_again_asks_nothing_that_was_answered() -> None:
    diary, journal, key = Diary(), Journal([unhandled(NOW.astimezone())], NOW), uuid4()
    first = Actions(diary, journal, key, saved)
    for request in (Upcoming(), Upcoming(), Confirm("a-1")):
        await first.carry_out(request)
    diary.asked.clear()
    again = Actions(diary, journal, key, saved)
    for request in (Upcoming(), Upcoming(), Confirm("a-1"), Upcoming()):
        await again.carry_out(request)
    assert diary.asked == [Upcoming()]
