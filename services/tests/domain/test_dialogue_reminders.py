"""A yes or a no that is typed in answer to a reminder, however lately something was arranged. It is 24/11/2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from atendeai.conversation.memory import MemoryClinic
from atendeai.domain.dialogue import texts
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Message, Patient, Turn
from atendeai.domain.dialogue.state import State

NINE = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
PROFILE: dict[str, Any] = {
    "services": [{"code": "c", "name": "Consulta"}],
    "professionals": [{"code": "ana", "name": "Dra. Ana Lima"}],
    "businessHours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
BOOKING = ("quero marcar consulta hoje às 16h", "sim")


class Talk:
    """A patient's dialogue with a clinic that reminds a day before; the time is set by hand."""

    def __init__(self) -> None:
        self.world = MemoryClinic(PROFILE, NINE)
        self.clinic = clinic_from_profile("Sol", PROFILE)
        self.state = State()

    def say(self, *messages: str, now: datetime = NINE) -> str:
        """Write one message after the other; return the last reply."""
        reply = ""
        for text in messages:
            message = Message(text, remind_within=timedelta(hours=25))
            steps = turn(self.state, message, self.clinic, now, Patient("Maria Souza"))
            try:
                request = next(steps)
                while True:
                    request = steps.send(self.world.answer(request))
            except StopIteration as stop:
                done: Turn = stop.value
            self.state = State.from_json(done.state.to_json())
            reply = "\n".join(done.replies)
        return reply

    def remind(self, at: datetime) -> None:
        """Remind of every appointment."""
        for key, one in self.world.appointments.items():
            self.world.appointments[key] = replace(one, reminded_at=at)


@pytest.fixture
def talk() -> Talk:
    return Talk()


TWO = NINE.replace(hour=14, second=20)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("yes", ["sim", "confirmo", "Confirmado!", "👍"])
def test_a_yes_confirms_what_was_arranged_today(talk: Talk, yes: str, moved: bool) -> None:
    assert "Agendado" in talk.say(*BOOKING)
    if moved:
        assert "Remarcado" in talk.say("quero remarcar para hoje às 17h", "sim")
    talk.remind(TWO)
    assert talk.say(yes, now=TWO + timedelta(minutes=5)).startswith("Presença confirmada!")
    assert talk.world.confirmed == set(talk.world.appointments)


def test_a_no_leaves_nothing_standing_silently(talk: Talk) -> None:
    talk.say(*BOOKING)
    talk.remind(TWO)
    assert talk.say("não", now=TWO + timedelta(minutes=5)) == texts.MOVE_OR_CANCEL
    assert "Confirma o cancelamento?" in talk.say("cancelar", now=TWO + timedelta(minutes=6))
    assert "Cancelado" in talk.say("sim", now=TWO + timedelta(minutes=7))
    assert talk.world.appointments == {}


def test_a_question_in_between_changes_nothing(talk: Talk) -> None:
    talk.say(*BOOKING)
    talk.remind(TWO)
    talk.say("quanto custa?", now=TWO + timedelta(minutes=5))
    assert "Presença confirmada" in talk.say("sim, confirmo", now=TWO + timedelta(minutes=6))


def test_without_a_reminder_since_a_yes_confirms_nothing_and_a_no_is_told_what_stands(talk: Talk) -> None:
    talk.say(*BOOKING)
    assert talk.say("ok", now=NINE + timedelta(minutes=1)) == texts.NOTED
    assert talk.say("não", now=NINE + timedelta(minutes=2)) == texts.STANDS
    assert talk.world.confirmed == set()


def test_a_reminder_is_answered_once_and_the_next_one_again(talk: Talk) -> None:
    talk.say(*BOOKING)
    talk.remind(NINE + timedelta(hours=1))
    later = NINE + timedelta(hours=1, minutes=1)
    assert "Presença confirmada" in talk.say("sim", now=later)
    assert talk.say("ok", now=later) == texts.NOTED
    talk.remind(TWO)
    assert talk.say("não", now=TWO + timedelta(minutes=5)) == texts.MOVE_OR_CANCEL


def test_of_several_appointments_the_one_reminded_of_last_is_meant(talk: Talk) -> None:
    talk.world.add_existing("c", "ana", NINE.replace(hour=15))
    talk.world.add_existing("c", "ana", NINE.replace(hour=17))
    first, second = talk.world.appointments
    talk.world.appointments[first] = replace(talk.world.appointments[first], reminded_at=NINE.replace(hour=8))
    talk.world.appointments[second] = replace(talk.world.appointments[second], reminded_at=TWO)
    assert "às 17h" in talk.say("sim", now=TWO + timedelta(minutes=5))
    assert talk.world.confirmed == {second}


def test_a_reminder_of_before_is_not_answered_by_a_word_after_a_booking(talk: Talk) -> None:
    talk.world.add_existing("c", "ana", NINE.replace(hour=15))
    talk.remind(NINE - timedelta(minutes=30))
    talk.say("quero marcar outra consulta hoje às 16h", "sim")
    assert talk.say("ok", now=NINE + timedelta(minutes=1)) == texts.NOTED
    assert talk.world.confirmed == set()


@pytest.mark.parametrize("question", ["quero marcar outra consulta amanhã às 11h", "vocês fazem consulta?"])
def test_a_reminder_after_a_question_of_ours_is_what_a_yes_answers(talk: Talk, question: str) -> None:
    talk.world.add_existing("c", "ana", NINE.replace(hour=16))
    assert talk.say(question).endswith("?")
    talk.remind(TWO)
    assert talk.say("sim", now=TWO + timedelta(minutes=5)).startswith("Presença confirmada!")
    assert (len(talk.world.appointments), talk.world.holds) == (1, {})


def test_a_question_of_ours_after_a_reminder_is_what_a_yes_answers(talk: Talk) -> None:
    talk.world.add_existing("c", "ana", NINE.replace(hour=16))
    talk.remind(NINE - timedelta(minutes=30))
    talk.say("quero marcar outra consulta amanhã às 11h")
    assert "Agendado" in talk.say("sim", now=NINE + timedelta(minutes=3))
    assert talk.world.confirmed == set()
