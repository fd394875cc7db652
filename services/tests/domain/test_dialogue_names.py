"""The patient's name beside whatever else a message says. It is 24/11/2026, a Tuesday."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Clínica Aroeira",
        "services": [
            {"name": "Dermatologia", "minutes": 30, "price_brl": 300},
            {"name": "Fisioterapia", "minutes": 30},
            {"name": "Extração de siso", "minutes": 60, "price_brl": 600},
        ],
        "professionals": [
            {"name": "Dra. Yara Torres", "services": ["Dermatologia"]},
            {"name": "Bianca Luz", "services": ["Fisioterapia"]},
            {"name": "Renan Prates", "services": ["Fisioterapia"]},
            {"name": "Dr. Tadeu Rocha", "services": ["Extração de siso"]},
        ],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "insurance": ["Unimed", "Bradesco Saúde"],
    },
}


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("marca dermato amanhã às 10h pra Ivone Saldanha, particular", "Ivone Saldanha"),
        ("dermato amanhã 10h, Iago Benevides, Unimed", "Iago Benevides"),
        ("queria dermato amanhã às 10h. Patrícia Lemos Dourado, pela Unimed", "Patrícia Lemos Dourado"),
        ("queria dermato amanhã às 10h, é pra mim, Tainá Ribas", "Tainá Ribas"),
        ("qro dermato amanha 10h, joao da silva, particular", "Joao da Silva"),
        ("dermato amanhã 10h com a Dra. Yara Torres, Mirela Queirós Dantas", "Mirela Queirós Dantas"),
        (
            "queria dermatologista amanhã às dez da manhã meu nome todo é Zuleide Caetano de Brito e pago em dinheiro",
            "Zuleide Caetano de Brito",
        ),
    ],
)
def test_a_name_beside_the_wish_is_not_asked_for_again(wish: str, name: str) -> None:
    answered = talk(wish)[-1]
    assert answered["asks"] == "confirmation"
    assert answered["replies"][-1].endswith(f"Em nome de {name}. Pode ser?")


@pytest.mark.parametrize(
    ("answer", "plan"),
    [
        ("Gilson Matoso, Unimed", "Sim, atendemos Unimed."),
        ("Gilson Matoso, particular", "Certo, atendimento particular."),
        ("Gilson Matoso, sem plano", "Certo, atendimento particular."),
        ("tá bom. é particular mesmo, Gilson Matoso", "Certo, atendimento particular."),
    ],
)
def test_a_name_and_how_it_is_paid_are_both_taken(answer: str, plan: str) -> None:
    answered = talk("quero dermatologista amanhã às 10h", answer)[-1]
    assert answered["replies"][0] == plan
    assert answered["replies"][-1].endswith("Em nome de Gilson Matoso. Pode ser?")


@pytest.mark.parametrize(
    "wish",
    [
        "quero dermato amanhã às 10h com a Yara Torres, Unimed",
        "dermato amanhã às 10h, Bradesco Saúde",
        "dermato amanhã 10h, moro longe, Vila Mariana",
        "dermato amanhã 10h, Bom Dia, obrigado",
        "dermato amanhã 10h, indicação da Dra. Paula Mendes, obrigada",
    ],
)
def test_what_is_nobodys_name_is_not_taken_for_one(wish: str) -> None:
    assert talk(wish)[-1]["asks"] == "name"


def test_how_it_is_paid_asks_for_no_price() -> None:
    answered = talk("siso, quinta, 15h, pode ser? sou Débora Lins, particular")[-1]
    assert "600" not in " ".join(answered["replies"])
    assert answered["replies"][-1].endswith("quinta-feira, 26/11 às 15h. Em nome de Débora Lins. Pode ser?")
    assert "R$ 300,00" in talk("a dermato é particular? quanto?")[-1]["replies"][0]


def test_whom_the_patient_sees_already_is_not_whom_they_wish_for() -> None:
    wish = "já faço pilates aí com a Bianca. agora quero fisioterapia amanhã às 10h com o Renan, Cleonice Arruda"
    assert "Fisioterapia com Renan Prates" in talk(wish)[-1]["replies"][-1]


BOTH = [
    {"service": "Dermatologia", "professional": "Dra. Yara Torres", "date": "2026-11-26", "time": "09:00"},
    {"service": "Fisioterapia", "professional": "Bianca Luz", "date": "2026-11-27", "time": "10:00"},
]


def test_another_appointment_that_stays_is_left_alone() -> None:
    answered = talk("então cancela a de sexta, a outra eu mantenho", existing=BOTH)[-1]
    assert answered["replies"] == [
        "Você quer cancelar: Fisioterapia com Bianca Luz, sexta-feira, 27/11 às 10h. Confirma o cancelamento?"
    ]


@pytest.mark.parametrize("yes", ["as duas, isso", "isso, todas", "as duas"])
def test_all_of_them_is_a_yes_to_cancelling_several(yes: str) -> None:
    _, answered = talk("preciso cancelar tudo que tenho aí", yes, existing=BOTH)
    assert answered["replies"][0].startswith("Cancelado: Dermatologia")
    assert answered["state"]["outcome"] == "cancelled"


def test_another_time_at_the_last_word_on_several_asks_which_is_to_be_moved() -> None:
    _, answered = talk("preciso cancelar tudo que tenho aí", "pode ser na segunda às 15h?", existing=BOTH)
    assert answered["asks"] == "date"
    assert "Dermatologia" in answered["replies"][0]
    assert "Fisioterapia" in answered["replies"][0]


def test_a_presence_is_confirmed_before_what_else_is_wished_for() -> None:
    reminder = {"last_outbound": "reminder", "text": "Amanhã, 25/11, às 15:00 você tem Dermatologia. Confirma?"}
    there = [{"service": "Dermatologia", "professional": "Dra. Yara Torres", "date": "2026-11-25", "time": "15:00"}]
    wish = "confirmo! e aproveita e marca uma fisioterapia pra minha irmã na segunda às 10h, Samara Couto, particular"
    confirmed, *_, offered = talk(wish, existing=there, context=reminder)[-1]["replies"]
    assert confirmed.startswith("Presença confirmada! Dermatologia")
    assert offered.endswith("segunda-feira, 30/11 às 10h. Em nome de Samara Couto. Pode ser?")


@pytest.mark.parametrize(
    ("first", "name"),
    [
        ("Rafael Antunes aqui. preciso de dermato", "Rafael Antunes"),
        ("quero arrancar o siso 😬 Ester Nakamura", "Ester Nakamura"),
        ("meu pai precisa de dermato. ele é o Osvaldo Machado Pires, 71 anos", "Osvaldo Machado Pires"),
        ("sou paciente nova, Carolina Brandt, 29 anos, vou pagar particular", "Carolina Brandt"),
    ],
)
def test_a_name_that_was_given_before_is_known_at_the_offer(first: str, name: str) -> None:
    answered = talk(first, "quero dermato" if "nova" in first else "certo", "amanhã às 10h")[-1]
    assert answered["replies"][-1].endswith(f"Em nome de {name}. Pode ser?")


def test_whom_it_is_for_is_put_right_and_nothing_dropped() -> None:
    answered = talk("queria marcar dermato", "não, pera, é pra minha mãe. Conceição Albuquerque", "amanhã às 10h")[-1]
    assert answered["replies"][-1].endswith("Em nome de Conceição Albuquerque. Pode ser?")


def test_a_day_that_is_put_right_at_the_last_word_is_not_booked() -> None:
    wish = "dermato dia 25 às 10h, Débora Quintela"
    offered = talk(wish, "ai esqueci que dia 25 tenho manicure, muda pra dia 26, mesmo horário")[-1]
    assert offered["asks"] == "confirmation"
    assert "quinta-feira, 26/11 às 10h" in offered["replies"][-1]


@pytest.mark.parametrize("answer", ["esse mais cedo mesmo", "qualquer um tá bom", "a mais cedo"])
def test_the_first_of_several_times(answer: str) -> None:
    listed, answered = talk("dermato amanhã de manhã, Débora Quintela", answer)
    first = listed["options"][0]["title"]
    assert first.endswith("às 8h")
    assert "amanhã (quarta-feira, 25/11) às 8h" in answered["replies"][-1]


def test_what_changes_in_a_life_moves_no_appointment() -> None:
    answered = talk("cancela todas as consultas que tenho marcadas, vamos mudar de cidade", existing=BOTH)[-1]
    assert answered["replies"][-1].endswith("Confirma o cancelamento?")


def test_the_weekday_of_the_appointment_is_no_other_day() -> None:
    later = [{**BOTH[0], "date": "2026-12-03"}, {**BOTH[1], "date": "2026-12-04"}]
    _, answered = talk("cancela a de quinta dia 3, a outra eu vou", "sim, a de quinta", existing=later)
    assert answered["replies"][0].startswith("Cancelado: Dermatologia")


def test_antenatal_care_is_no_christmas() -> None:
    prenatal = {**SCENE["clinic"], "services": [{"name": "Pré-natal", "minutes": 30}], "professionals": []}
    answered = talk("tem vaga amanhã às 10h pra pré natal? sou Jaqueline Dutra", clinic=prenatal)[-1]
    assert "amanhã (quarta-feira, 25/11) às 10h" in answered["replies"][-1]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("Bia Souza, minha filha. Eu sou a Maria, mãe dela", "Bia Souza"),
        ("Eu sou a responsável, Carla Dias. O paciente é Davi Dias", "Davi Dias"),
        ("sou o pai, Jorge Melo, e o paciente é Téo Melo", "Téo Melo"),
        ("sou a Maria Souza", "Maria Souza"),
    ],
)
def test_who_speaks_for_somebody_is_not_the_patient(answer: str, name: str) -> None:
    *_, named = talk("quero dermato amanhã às 10h", answer)
    assert named["replies"][-1].endswith(f"Em nome de {name}. Pode ser?")


def test_the_name_of_who_writes_beside_the_patients_first_one_leaves_the_offer_as_it_was() -> None:
    *_, asked = talk("quero dermato amanhã às 10h", "é pra minha filha Bia, eu sou a mãe, Maria")
    assert asked["asks"] == "name"
    assert "às 10h" in asked["replies"][-1]
