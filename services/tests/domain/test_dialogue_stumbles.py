"""Where a dialogue may stumble: a yes taken back, what staff changed meanwhile, two services in one wish."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from atendeai.conversation.memory import MemoryClinic
from atendeai.conversation.shell import _Stage as Stage
from atendeai.domain.dialogue.state import State

CLINIC: dict[str, Any] = {
    "name": "Clínica Sol",
    "services": [
        {"name": "Consulta clínica", "minutes": 30, "price_brl": 200},
        {"name": "Limpeza de pele", "minutes": 30, "price_brl": 150},
        {"name": "Exame de sangue", "minutes": 30, "price_brl": 90},
    ],
    "professionals": [
        {"name": "Dr. Bruno Lima", "services": ["Consulta clínica", "Exame de sangue"]},
        {"name": "Dra. Carla Dias", "services": ["Limpeza de pele"]},
    ],
    "hours": {day: [["08:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "address": "Rua do Porto, 45",
}
STANDING = {"service": "Consulta clínica", "professional": "Dr. Bruno Lima", "date": "2026-11-26", "time": "14:00"}
OFFERED = ("quero consulta clínica amanhã às 10h", "Joana Pinto")


def play(*said: str, meanwhile: Callable[[MemoryClinic], None] | None = None, **scene: Any) -> dict[str, Any]:
    """The answer to the last message. ``meanwhile``: what staff do between the message before it and this one."""
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC, **scene})
    for text in said[:-1]:
        stage.hear(text)
    if meanwhile is not None:
        meanwhile(stage.world)
    return stage.hear(said[-1])


def words(*said: str, **scene: Any) -> str:
    return "\n".join(play(*said, **scene)["replies"])


def end(*said: str, **scene: Any) -> tuple[str, str | None, str | None, str | None]:
    state = play(*said, **scene)["state"]
    return state["outcome"], state["service"], state["date"], state["time"]


# ---------------------------------------------------------------- a yes that is taken back


@pytest.mark.parametrize(
    "answer", ["sim, não", "sim não", "sim\nsim\nnão", "ok, não", "sim, não, sim", "pode marcar não"]
)
def test_yes_and_no_books_nothing(answer: str) -> None:
    said = play(*OFFERED, answer)
    assert (said["state"]["outcome"], said["asks"] in {"confirmation", "time"}) == ("nothing_booked", True)


def test_after_yes_and_no_the_same_is_asked_again() -> None:
    assert words(*OFFERED, "sim, não").startswith("Desculpe, não entendi se é sim ou não.")
    assert "às 10h" in words(*OFFERED, "sim, não")
    assert end(*OFFERED, "sim, não", "sim") == ("booked", "Consulta clínica", "2026-11-25", "10:00")


@pytest.mark.parametrize("answer", ["sim nao pode ser outro dia", "claro que não", "pode ser não", "sim, agora não"])
def test_a_yes_that_is_none_leads_to_another_day(answer: str) -> None:
    said = play(*OFFERED, answer)
    assert (said["state"]["outcome"], said["asks"]) == ("nothing_booked", "date")


@pytest.mark.parametrize(
    "answer",
    [
        "sim, não tem problema",
        "sim, não vou faltar",
        "sim, não vou faltar não",
        "sim, não se preocupe",
        "pode sim, sem problemas",
        "sim, por que não",
        "sim, não tenho dúvida",
    ],
)
def test_a_no_that_takes_nothing_back_leaves_the_yes(answer: str) -> None:
    assert end(*OFFERED, answer)[0] == "booked"


def test_yes_and_no_before_the_name_books_nothing() -> None:
    assert play(OFFERED[0], "sim, não", "Joana Pinto")["state"]["outcome"] == "nothing_booked"


def test_yes_and_no_cancels_nothing_but_not_coming_does() -> None:
    asked = "quero cancelar minha consulta"
    assert play(asked, "sim, não", existing=[STANDING])["state"]["outcome"] == "nothing_booked"
    assert play(asked, "sim, não posso ir", existing=[STANDING])["state"]["outcome"] == "cancelled"


# ---------------------------------------------------------------- what staff changed meanwhile


def gone(world: MemoryClinic) -> None:
    world.appointments.clear()


def moved(world: MemoryClinic) -> None:
    for key, one in world.appointments.items():
        world.appointments[key] = replace(one, start=datetime(2026, 11, 27, 15))  # noqa: DTZ001 - the clinic's clock


MOVING = "quero remarcar minha consulta para sexta às 10h"
CANCELLING = "quero cancelar minha consulta"


def test_what_was_cancelled_before_it_was_moved_is_offered_as_new() -> None:
    said = play(MOVING, "sim", existing=[STANDING], meanwhile=gone)
    assert said["replies"][0] == "Essa consulta não está mais marcada."
    assert "sexta-feira, 27/11 às 10h" in said["replies"][1]
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC, "existing": [STANDING]})
    stage.hear(MOVING)
    gone(stage.world)
    stage.hear("sim")
    assert stage.hear("sim")["state"]["outcome"] == "booked"
    assert [a.start.day for a in stage.world.appointments.values()] == [27]


def test_what_was_moved_before_it_was_cancelled_is_asked_about_anew() -> None:
    said = play(CANCELLING, "sim", existing=[STANDING], meanwhile=moved)
    assert said["state"]["outcome"] == "nothing_booked"
    assert "sexta-feira, 27/11 às 15h. Confirma o cancelamento?" in said["replies"][-1]


def test_what_was_cancelled_meanwhile_needs_no_person() -> None:
    assert words(CANCELLING, "sim", existing=[STANDING], meanwhile=gone) == "Essa consulta não está mais marcada."


# ---------------------------------------------------------------- two services in one wish

TWO_DAYS = "quero consulta com o dr bruno dia 08/01 às 14h e limpeza de pele dia 11/01 às 14h"
ONE_DAY = "quero marcar exame de sangue e limpeza de pele amanhã às 10h"


@pytest.mark.parametrize(
    ("wish", "first", "booked"),
    [
        (TWO_DAYS, "a consulta", ("Consulta clínica", "2027-01-08", "14:00")),
        (TWO_DAYS, "limpeza primeiro", ("Limpeza de pele", "2027-01-11", "14:00")),
        (ONE_DAY, "exame primeiro", ("Exame de sangue", "2026-11-25", "10:00")),
        (ONE_DAY, "primeiro a limpeza, depois o exame", ("Limpeza de pele", "2026-11-25", "10:00")),
        (ONE_DAY, "o exame e depois a limpeza", ("Exame de sangue", "2026-11-25", "10:00")),
        (ONE_DAY, "a segunda", ("Limpeza de pele", "2026-11-25", "10:00")),
        (ONE_DAY, "as duas", ("Exame de sangue", "2026-11-25", "10:00")),
        (ONE_DAY, "exame dia 26/11 às 9h e limpeza dia 27/11 às 11h", ("Exame de sangue", "2026-11-26", "09:00")),
    ],
)
def test_of_two_services_the_one_called_first_is_booked(wish: str, first: str, booked: tuple[str, str, str]) -> None:
    asked = play(wish)
    assert asked["asks"] == "service"
    assert asked["replies"][-1].startswith("Marco um de cada vez. Começamos por qual")
    assert end(wish, first, "Rita Dias", "sim") == ("booked", *booked)


def test_what_was_said_of_each_outlives_the_message() -> None:
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    stage.hear(TWO_DAYS)
    assert [part.when.date for part in stage.state.parts] == [date(2027, 1, 8), date(2027, 1, 11)]
    assert State.from_json(json.loads(json.dumps(stage.state.to_json()))) == stage.state


@pytest.mark.parametrize(
    "wish",
    [
        "quero marcar uma consulta, limpeza de pele, amanhã às 10h",
        "tenho consulta com dr bruno hoje e quero marcar limpeza de pele amanhã às 10h",
        "limpeza de pele amanhã às 10h e quero saber o preço",
    ],
)
def test_one_service_beside_another_word_stays_one(wish: str) -> None:
    assert end(wish, "Rita Dias", "sim") == ("booked", "Limpeza de pele", "2026-11-25", "10:00")


# ---------------------------------------------------------------- an hour of today that has gone by


@pytest.mark.parametrize("wish", ["consulta hoje às 9h", "hoje às 8h", "quero consulta hoje 8:00", "hoje 8h30"])
def test_an_hour_that_has_gone_by_is_said_to_be_so(wish: str) -> None:
    said = words(wish)
    assert said.startswith("Esse horário de hoje já passou.")
    assert "hoje (terça-feira, 24/11) às 9h30" in said
    assert end(wish, "Rita Dias", "sim") == ("booked", "Consulta clínica", "2026-11-24", "09:30")


def test_a_bare_hour_is_the_evening_s_where_the_clinic_is_open_then() -> None:
    late = {**CLINIC, "hours": {"tue": [["08:00", "21:00"]]}}
    assert "às 20h" in words("quero consulta hoje às 8h", clinic=late)


def test_after_the_clinic_s_day_the_same_hour_of_the_next_is_offered() -> None:
    said = words("quero consulta hoje às 9h", now="2026-11-24T19:00")
    assert "já passou" in said
    assert "amanhã (quarta-feira, 25/11) às 9h" in said


# ---------------------------------------------------------------- names, and the hour declined


def test_one_name_in_the_place_of_another() -> None:
    assert "Em nome de Pedro. Pode ser?" in words(*OFFERED, "não é em nome de Maria, é de Pedro")
    assert "Em nome de Pedro. Pode ser?" in words(OFFERED[0], "não é em nome de Maria, é de Pedro")


@pytest.mark.parametrize("answer", ["o primeiro", "último", "na verdade"])
def test_an_ordinal_is_no_name(answer: str) -> None:
    assert play(OFFERED[0], answer)["asks"] == "name"


@pytest.mark.parametrize("text", ["não quero marcar consulta amanhã às 10h", "não vou marcar nada para amanhã"])
def test_a_wish_for_no_booking_is_none(text: str) -> None:
    assert (play(text)["asks"], play(text)["state"]["outcome"]) == (None, "answered")


def test_a_wish_for_no_booking_before_another_is_one() -> None:
    wish = "não quero marcar amanhã, quero sexta às 10h"
    assert end(wish, "Rita Dias", "sim") == ("booked", "Consulta clínica", "2026-11-27", "10:00")


@pytest.mark.parametrize("answer", ["depois de amanhã no mesmo horário", "no mesmo horário, mas depois de amanhã"])
def test_the_same_hour_is_that_of_what_was_declined(answer: str) -> None:
    said = words("quero consulta clínica amanhã às 14h", "Joana Pinto", "não", answer)
    assert "quinta-feira, 26/11 às 14h." in said
