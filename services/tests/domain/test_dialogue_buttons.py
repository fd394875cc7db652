"""Buttons pressed: what is answered follows from what was done. It is Tuesday, 24/11/2026, nine o'clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from atendeai.conversation.memory import MemoryClinic
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.ports import Appointment, Appointments, Refused, Upcoming
from atendeai.domain.dialogue.session import Message, Patient
from atendeai.domain.dialogue.state import Outcome, State

NOW = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
FRIDAY = datetime(2026, 11, 27, 10)  # noqa: DTZ001 - wall-clock time
PROFILE: dict[str, Any] = {
    "services": [{"code": "c", "name": "Consulta", "durationMinutes": 30}],
    "professionals": [{"code": "ana", "name": "Dra. Ana Lima", "services": ["c"]}],
    "businessHours": {"fri": [{"opens": "08:00", "closes": "18:00"}]},
}


@pytest.fixture
def world() -> MemoryClinic:
    return MemoryClinic(PROFILE, NOW)


def test_a_cancellation_refused_after_an_emergency_leaves_it_one() -> None:
    standing = Appointment("a1", FRIDAY, "ana", "c", "Ana")
    before = State(handed_off=True, done=Outcome.EMERGENCY)
    steps = turn(before, Message("Cancelar", pressed="cancel:a1"), clinic_from_profile("Sol", PROFILE), NOW)
    assert isinstance(next(steps), Upcoming)
    steps.send(Appointments((standing,)))
    with pytest.raises(StopIteration) as stop:
        steps.send(Refused("notice-too-short"))
    assert (stop.value.value.state.outcome, stop.value.value.alerts) == (Outcome.EMERGENCY, (Alert.NOTICE,))


def press(world: MemoryClinic, button: str) -> str:
    """Press a button; return what was said."""
    message = Message("Botão", pressed=button)
    steps = turn(State(), message, clinic_from_profile("Sol", PROFILE), NOW, Patient("Ana"))
    try:
        request = next(steps)
        while True:
            request = steps.send(world.answer(request))
    except StopIteration as stop:
        return "\n".join(stop.value.replies)


@pytest.mark.parametrize("key", ["99", "0b5c7a52-5a0e-4a5e-9d0c-1f5b5b0c2f77", "x-y"])
def test_what_is_not_this_patients_is_said_not_to_be_there(world: MemoryClinic, key: str) -> None:
    world.add_existing("c", "ana", FRIDAY)
    before = dict(world.appointments)
    for act in ("confirm", "cancel"):
        assert press(world, f"{act}:{key}") == "Essa consulta não está mais marcada."
    for act in ("accept", "decline"):
        assert press(world, f"{act}:{key}").startswith("Essa vaga não está mais disponível.")
    assert (world.appointments, world.confirmed) == (before, set())


def test_an_offer_is_declined_once_and_then_gone(world: MemoryClinic) -> None:
    offer = world.add_offer("c", "ana", FRIDAY)
    assert "passei a vaga adiante" in press(world, f"decline:{offer}")
    assert world.holds == {}
    assert "passei a vaga adiante" not in press(world, f"decline:{offer}")
    assert "não está mais disponível" in press(world, f"accept:{offer}")


def test_an_appointment_is_not_undone_by_declining_it(world: MemoryClinic) -> None:
    offer = world.add_offer("c", "ana", FRIDAY)
    assert "Agendado!" in press(world, f"accept:{offer}")
    assert "continua marcada" in press(world, f"decline:{offer}")
    assert "Presença confirmada" in press(world, f"confirm:{offer}")
    assert list(world.appointments) == [offer]


def say(world: MemoryClinic, text: str, state: State | None = None) -> tuple[State, str]:
    """Write a message; return the state and what was said."""
    steps = turn(state or State(), Message(text), clinic_from_profile("Sol", PROFILE), NOW, Patient("Ana"))
    try:
        request = next(steps)
        while True:
            request = steps.send(world.answer(request))
    except StopIteration as stop:
        return stop.value.state, "\n".join(stop.value.replies)


@pytest.mark.parametrize("yes", ["quero", "Sim, quero", "sim", "pode ser", "aceito"])
def test_a_yes_in_words_takes_what_the_waiting_list_offers(world: MemoryClinic, yes: str) -> None:
    world.add_offer("c", "ana", FRIDAY)
    assert say(world, yes)[1].startswith("Agendado!")
    assert [one.start for one in world.appointments.values()] == [FRIDAY]


@pytest.mark.parametrize("no", ["Não, obrigado", "não quero", "n"])
def test_a_no_in_words_passes_it_on(world: MemoryClinic, no: str) -> None:
    world.add_offer("c", "ana", FRIDAY)
    assert "passei a vaga adiante" in say(world, no)[1]
    assert (world.holds, world.appointments) == ({}, {})


def test_a_yes_to_a_question_of_ours_is_no_answer_to_an_offer_before_it(world: MemoryClinic) -> None:
    world.add_offer("c", "ana", FRIDAY)
    state, offer = say(world, "quero consulta sexta às 15h")
    assert "15h" in offer
    say(world, "sim", state)
    assert [one.start.hour for one in world.appointments.values()] == [15]


def test_a_reminder_that_came_after_an_offer_is_what_a_yes_answers(world: MemoryClinic) -> None:
    world.add_offer("c", "ana", FRIDAY)
    reminded = Appointment("a1", FRIDAY.replace(hour=16), "ana", "c", reminded_at=NOW + timedelta(minutes=1))
    world.appointments["a1"] = reminded
    say(world, "sim")
    assert list(world.appointments) == ["a1"]
