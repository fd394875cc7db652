"""Several services in one wish: all of them one after the other, or one of them. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from atendeai.conversation.shell import _Stage as Stage
from atendeai.domain.dialogue.state import State
from tests.domain.test_dialogue_stumbles import CLINIC as SOL

CLINIC: dict[str, Any] = {
    **SOL,
    "services": [*SOL["services"], {"name": "Exame de urina", "minutes": 15, "price_brl": 40}],
    "professionals": [
        {"name": "Dr. Bruno Lima", "services": ["Consulta clínica", "Exame de sangue", "Exame de urina"]},
        {"name": "Dra. Carla Dias", "services": ["Limpeza de pele"]},
    ],
}
WHICH = "Qual você prefere: limpeza de pele ou exame de sangue?"
ONE = ("quero limpeza", "sexta às 10h", "Rita Dias", "sim")
BOOKED = ("quero limpeza e exame de sangue", "limpeza", "sexta às 10h", "Rita Dias", "sim")
NEXT = "Quer marcar também exame de sangue?"


def play(*said: str) -> tuple[str, dict[str, Any]]:
    """What is answered to the last message, and how things then stand."""
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    answers = [stage.hear(text) for text in said]
    return "\n".join(answers[-1]["replies"]), answers[-1]["state"]


def booked(*said: str) -> list[tuple[str, date, str, str | None]]:
    """What is in the diary in the end: service, day, hour, patient."""
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    for text in said:
        stage.hear(text)
    kept = sorted(stage.world.appointments.values(), key=lambda a: a.start)
    return [(a.service, a.start.date(), f"{a.start:%H:%M}", a.patient_name) for a in kept]


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ("quero marcar limpeza ou exame de sangue amanhã às 10h", WHICH),
        ("tem horário pra limpeza ou exame de sangue amanhã?", WHICH),
        ("não sei se marco limpeza ou exame de sangue", WHICH),
        ("quero limpeza ou exame", "Qual você prefere: limpeza de pele, exame de sangue ou exame de urina?"),
        ("quero marcar um exame", "Qual você prefere: exame de sangue ou exame de urina?"),
    ],
)
def test_of_one_or_the_other_it_is_asked_which(wish: str, asked: str) -> None:
    assert play(wish)[0] == asked
    assert play(wish, "sim")[0] == asked


def test_what_was_said_with_both_goes_for_the_one_that_is_chosen() -> None:
    wish = "quero marcar limpeza ou exame de sangue amanhã às 10h"
    for chosen, service in (
        ("a limpeza", "Limpeza de pele"),
        ("o segundo", "Exame de sangue"),
        ("tanto faz", "Limpeza"),
    ):
        assert play(wish, chosen)[0].startswith(f"Tenho este horário: {service}")
    assert [kept[0] for kept in booked(wish, "exame", "Rita Dias", "sim", "sim")] == ["Exame de sangue"]


def test_a_word_that_several_share_narrows_the_choice() -> None:
    assert play("quero limpeza ou exame", "exame")[0] == "Qual você prefere: exame de sangue ou exame de urina?"
    assert "Exame de urina" in play("quero limpeza ou exame amanhã às 10h", "exame", "o de urina")[0]


def test_whoever_corrects_themselves_names_no_two() -> None:
    assert "Exame de sangue" in play("quero limpeza, ou melhor, exame de sangue amanhã às 10h")[0]


def test_the_second_is_asked_for_once_the_first_is_booked() -> None:
    said, state = play(*BOOKED)
    assert said.startswith("Agendado! Limpeza de pele")
    assert said.endswith(NEXT)
    assert state["outcome"] == "booked"
    assert [(s, f"{day:%d/%m}", at) for s, day, at, _ in booked(*BOOKED, "sim", "segunda às 9h", "sim")] == [
        ("Limpeza de pele", "27/11", "10:00"),
        ("Exame de sangue", "30/11", "09:00"),
    ]


@pytest.mark.parametrize(
    ("answer", "offer"),
    [
        ("hoje não, amanhã às 9h", "amanhã (quarta-feira, 25/11) às 9h"),
        ("pode ser no mesmo dia às 15h", "sexta-feira, 27/11 às 15h"),
        ("sim, logo depois", "1) sexta-feira, 27/11 às 10h30"),
        ("quero sim, segunda às 8h", "segunda-feira, 30/11 às 8h"),
    ],
)
def test_a_time_in_the_answer_is_that_of_the_second(answer: str, offer: str) -> None:
    assert offer in play(*BOOKED, answer)[0]


@pytest.mark.parametrize("no", ["não", "agora não, obrigada", "só a limpeza mesmo", "depois eu vejo", "obrigada!"])
def test_whoever_does_not_want_the_second_is_not_asked_again(no: str) -> None:
    assert "exame" not in play(*BOOKED, no)[0].lower()
    assert [kept[0] for kept in booked(*BOOKED, no, "sim")] == ["Limpeza de pele"]
    assert "exame" not in play(*BOOKED, no, "quero remarcar para as 11h", "sim")[0].lower()


def test_a_question_or_a_change_in_between_does_not_make_it_forgotten() -> None:
    assert play(*BOOKED, "quanto custa?")[0] == f"Exame de sangue: R$ 90,00.\n{NEXT}"
    moved = play(*BOOKED, "muda a limpeza para as 11h", "sim")[0]
    assert moved.startswith("Remarcado! Limpeza de pele")
    assert moved.endswith(NEXT)


def test_the_second_is_for_the_same_patient_and_not_at_the_same_moment() -> None:
    wish = ("quero limpeza e exame de sangue sexta às 10h pro meu filho", "tanto faz", "Pedro Dias", "sim", "sim", "1")
    offered, _ = play(*wish)
    assert "às 10h30" in offered
    assert "Em nome de Pedro Dias" in offered


def test_of_two_people_the_second_is_asked_for_too() -> None:
    wish = "quero consulta clínica pro meu filho e limpeza pra mim sexta"
    offered, _ = play(wish, "consulta", "8h", "Caio Dias", "sim", "sim", "às 15h")
    assert offered.endswith("Qual é o nome completo do paciente, por favor?")


def test_what_is_not_wanted_is_not_booked() -> None:
    assert "Exame de sangue" in play("não quero limpeza, quero exame de sangue amanhã às 9h")[0]


def test_three_are_arranged_one_by_one() -> None:
    said, _ = play("quero limpeza, exame de sangue e exame de urina")
    assert said.endswith("Começamos por qual: limpeza de pele, exame de sangue ou exame de urina?")
    more = ("quero limpeza, exame de sangue e exame de urina", *BOOKED[1:])
    assert play(*more, "não")[0] == "Tudo bem.\nQuer marcar também exame de urina?"
    assert play(*more, "sim", "não quero mais")[0].startswith("Tudo bem, não marquei mais nada.")


def test_what_comes_later_is_stored_with_the_conversation() -> None:
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    for text in BOOKED:
        stage.hear(text)
    assert len(stage.state.later) == 1
    assert State.from_json(json.loads(json.dumps(stage.state.to_json()))) == stage.state


@pytest.mark.parametrize("choice", ["o de sangue", "sangue", "de sangue amanhã cedo, por favor"])
def test_a_word_of_a_service_that_was_asked_for_is_no_emergency(choice: str) -> None:
    assert play("quero marcar um exame", choice)[1]["outcome"] == "nothing_booked"


@pytest.mark.parametrize(
    "danger", ["estou sangrando muito", "perdi muito sangue", "muito sangue", "sangue no nariz e na boca"]
)
def test_danger_is_heard_in_the_same_place(danger: str) -> None:
    assert play("quero marcar um exame", danger)[1]["outcome"] == "emergency"


@pytest.mark.parametrize(
    "said",
    [
        "troca o nome pra Maria Souza",
        "muda o nome pra Maria Souza por favor",
        "o nome tá errado, é Rita Dias Lopes",
        "corrige meu nome por favor, é Rita Diaz",
        "escreveram meu nome errado",
        "meu nome é com z, Diaz",
        "pode colocar no nome do meu marido, João Dias?",
    ],
)
def test_the_name_of_what_is_booked_is_a_persons_to_put_right(said: str) -> None:
    reply, _ = play(*ONE, said)
    assert reply.startswith("Quem corrige o nome é a nossa equipe.")
    assert "horário continua reservado" in reply
    assert booked(*ONE, said) == booked(*ONE)


@pytest.mark.parametrize(
    "said",
    ["muda a consulta em nome da Rita pra quinta", "troca pra sexta que vem", "marca outra no nome da minha filha"],
)
def test_a_name_beside_another_wish_is_not_put_right(said: str) -> None:
    assert "Quem corrige o nome" not in play(*ONE, said)[0]
