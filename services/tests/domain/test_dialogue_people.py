"""Professionals whom a patient names: who works here, who does not, who is spoken of otherwise. It is 24/11/2026."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Policlínica Ipê",
        "services": [
            {"name": "Consulta com cardiologista", "minutes": 30},
            {"name": "Consulta com pediatra", "minutes": 30},
            {"name": "Eletrocardiograma", "minutes": 30},
        ],
        "professionals": [
            {"name": "Dr. João Melo", "services": ["Consulta com cardiologista", "Eletrocardiograma"]},
            {"name": "Dra. Marina Costa", "services": ["Consulta com pediatra"]},
            {"name": "Dr. Caio Prado", "services": ["Consulta com pediatra"]},
        ],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
}
EVERYBODY = "Na nossa equipe, temos o Dr. João Melo, a Dra. Marina Costa e o Dr. Caio Prado."


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


def said(*messages: str, **scene: Any) -> list[str]:
    replies: list[str] = talk(*messages, **scene)[-1]["replies"]
    return replies


# ---------------------------------------------------------------- who does not work here


@pytest.mark.parametrize(
    ("wish", "sorry"),
    [
        ("quero marcar pediatra com o Dr. Pedro", "O Dr. Pedro não atende aqui."),
        ("queria pediatra com a dra fernanda", "A Dra. Fernanda não atende aqui."),
        ("QUERO PEDIATRA COM DR RICARDO", "O Dr. Ricardo não atende aqui."),
        ("tem pediatra com a doutora Letícia Nunes?", "A Dra. Letícia Nunes não atende aqui."),
        ("quero marcar pediatra com a Fernanda", "Fernanda não atende aqui."),
    ],
)
def test_who_does_not_work_here_is_named_with_who_does_instead(wish: str, sorry: str) -> None:
    instead = "Para consulta com pediatra, temos a Dra. Marina Costa e o Dr. Caio Prado."
    assert said(wish)[0].startswith(f"{sorry} {instead}")


def test_the_booking_goes_on() -> None:
    first, *_, booked = talk("quero pediatra com o Dr. Pedro amanhã às 10h", "Bia Reis", "sim")
    assert first["asks"] == "name"
    assert booked["state"]["outcome"] == "booked"
    asked = talk("quero marcar com o Dr. Pedro")[0]
    assert asked["replies"][0] == f"O Dr. Pedro não atende aqui. {EVERYBODY}"
    assert asked["asks"] == "service"


def test_asked_for_in_the_middle_of_an_offer() -> None:
    offer = talk("quero cardiologista amanhã às 10h", "tem com a dra Fernanda?")[-1]
    assert offer["replies"][0].startswith("A Dra. Fernanda não atende aqui.")
    assert "amanhã (quarta-feira, 25/11) às 10h" in offer["replies"][1]
    assert "Dr. Caio Prado" in said("quero pediatra amanhã às 10h com a dra Marina", "tem com o dr caio?")[-1]


def test_moving_to_who_does_not_work_here() -> None:
    existing = [
        {"service": "Consulta com pediatra", "professional": "Dr. Caio Prado", "date": "2026-11-26", "time": "10:00"}
    ]
    assert said("dá pra trocar pro dr Pedro?", existing=existing)[0].startswith("O Dr. Pedro não atende aqui.")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "o doutor Pedro atende aí?",
            f"O Dr. Pedro não atende aqui. {EVERYBODY} Quer marcar com alguém da nossa equipe?",
        ),
        (
            "a dra Marina ainda trabalha na clínica?",
            "Sim, a Dra. Marina Costa atende aqui (consulta com pediatra). Quer marcar?",
        ),
        ("vcs tem o dr caio?", "Sim, o Dr. Caio Prado atende aqui (consulta com pediatra). Quer marcar?"),
    ],
)
def test_whether_somebody_works_here_is_answered(question: str, answer: str) -> None:
    assert said(question) == [answer]
    assert talk(question, "quero sim")[-1]["asks"] in {"service", "date"}


def test_who_was_asked_about_is_who_it_is_booked_with() -> None:
    assert "Dr. Caio Prado" in said("o dr Caio atende aí?", "quero sim", "amanhã às 9h")[0]


# ---------------------------------------------------------------- who is spoken of otherwise


@pytest.mark.parametrize(
    "text",
    [
        "quero marcar eletrocardiograma, o dr Pedro pediu",
        "quero eletrocardiograma amanhã, indicação do Dr. Marcelo",
        "a dra Fernanda me encaminhou, quero cardiologista",
        "dr bom dia queria marcar pediatra",
        "quero marcar pediatra com a doutora",
        "quero marcar pediatra, meu nome é Pedro Souza",
        "quero marcar cardiologista com urgência",
        "pediatra para o meu filho Pedro",
        "queria pediatra com uma doutora mulher",
        "cardiologista amanhã em nome do Dr. Pedro Nunes",
    ],
)
def test_others_are_not_looked_for_on_the_team(text: str) -> None:
    assert not any("não atende aqui" in reply for reply in said(text))


@pytest.mark.parametrize(
    ("slip", "who"),
    [
        ("quero pediatra com a dra marinna amanhã às 10h", "Dra. Marina Costa"),
        ("pediatra com o dr. cayo amanhã às 10h", "Dr. Caio Prado"),
        ("quero pediatra com a dra Mariana amanhã às 10h", "Dra. Marina Costa"),
    ],
)
def test_a_slip_in_a_name_is_no_stranger(slip: str, who: str) -> None:
    (offer,) = said(slip)
    assert who in offer


def test_a_name_of_the_other_sex_is_a_stranger() -> None:
    assert said("quero pediatra com o dr. Marino")[0].startswith("O Dr. Marino não atende aqui.")


def test_who_does_something_else_is_named_with_who_does_it() -> None:
    sorry = said("quero pediatra com o dr João")[0]
    assert sorry == (
        "O Dr. João Melo não faz consulta com pediatra. Para isso, temos a Dra. Marina Costa e o Dr. Caio Prado."
    )
