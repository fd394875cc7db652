"""What a clinic does not offer is said plainly, with what it does; plans are written as their owners write them."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.test_dialogue_people import SCENE, said, talk

WHAT_THERE_IS = "Temos consulta com cardiologista, consulta com pediatra e eletrocardiograma."
PASSED_ON = "Não tenho essa informação aqui, mas já pedi à nossa equipe que responda por aqui."
PLANS: dict[str, Any] = {
    "clinic": {**SCENE["clinic"], "insurance": ["Unimed Campinas", "SulAmérica", "Bradesco Saúde"]}
}


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        ("vocês fazem tomografia?", "tomografia"),
        ("tem neurologista?", "neurologista"),
        ("fazem cirurgia plástica?", "cirurgia plástica"),
        ("vcs fazem unha encravada aí?", "unha encravada"),
        ("aí vende óculos?", "óculos"),
        ("realizam exame de vista na clínica?", "exame de vista"),
        ("aplicam vacina?", "vacina"),
    ],
)
def test_what_is_not_offered_is_said_to_be_not(question: str, thing: str) -> None:
    assert said(question) == [f"Não temos {thing} por aqui. {WHAT_THERE_IS}"]


@pytest.mark.parametrize("wish", ["quero marcar um exame de vista", "preciso de uma sessão de acupuntura"])
def test_a_wish_for_it_is_told_and_asked_for_another(wish: str) -> None:
    (answer,) = talk(wish)
    assert answer["replies"][0].startswith("Não temos ")
    assert answer["asks"] == "service"


@pytest.mark.parametrize("wish", ["quero marcar um exame de rotina", "quero marcar uma consulta", "fazer um exame"])
def test_words_that_name_nothing_are_no_service(wish: str) -> None:
    assert not any(reply.startswith("Não temos") for reply in said(wish))


@pytest.mark.parametrize(
    "question",
    ["vocês têm wifi?", "tem estacionamento?", "atendem idosos?", "vocês tratam acne?", "atende a domicílio?"],
)
def test_what_nobody_knows_is_passed_on_without_a_list(question: str) -> None:
    assert said(question) == [PASSED_ON]


@pytest.mark.parametrize("question", ["quais especialidades vocês têm?", "o que vocês fazem aí?", "que exames fazem?"])
def test_what_there_is(question: str) -> None:
    assert said(question) == [WHAT_THERE_IS]


def test_what_is_offered_is_answered_with_who_does_it() -> None:
    assert said("vocês fazem eletrocardiograma?") == [
        "Sim, temos eletrocardiograma, com o Dr. João Melo. Dura cerca de 30 minutos. Quer marcar?"
    ]


# ---------------------------------------------------------------- for whom


@pytest.mark.parametrize(
    "question",
    [
        "vocês atendem criança? é pro meu filho de 5 anos",
        "atendem crianças? tenho um filho de 5 anos",
        "oi, atende criança? minha filha tem 3 anos",
    ],
)
def test_a_relative_asked_for_is_who_it_is_booked_for(question: str) -> None:
    answer, *_, offer, named, booked = talk(
        question, "quero marcar então", "amanhã às 10h com a dra Marina", "Lucas Reis", "sim"
    )
    assert answer["replies"][0].startswith(
        "Sim, temos consulta com pediatra, com a Dra. Marina Costa ou o Dr. Caio Prado."
    )
    assert offer["asks"] == "name"
    assert "Em nome de Lucas Reis" in named["replies"][0]
    assert booked["state"]["service"] == "Consulta com pediatra"


KNOWN: dict[str, Any] = {
    "existing": [
        {"service": "Eletrocardiograma", "professional": "Dr. João Melo", "date": "2026-12-10", "time": "10:00"}
    ]
}
WISH = "quero pediatra amanhã às 10h"


def test_the_name_of_a_relative_is_asked_even_of_who_is_known() -> None:
    assert talk(WISH, **KNOWN)[-1]["asks"] == "confirmation"
    assert talk("atendem criança? é pro meu filho", WISH, **KNOWN)[-1]["asks"] == "name"
    assert talk("quanto custa pro meu filho de 5 anos?", WISH, **KNOWN)[-1]["asks"] == "name"


@pytest.mark.parametrize(
    ("question", "wish"),
    [
        ("posso levar meu filho junto?", WISH),
        ("atendem criança? é pro meu filho", f"{WISH}, é pra mim mesmo"),
        ("vocês atendem unimed? meu marido é paciente", WISH),
    ],
)
def test_a_relative_who_only_comes_along_is_not(question: str, wish: str) -> None:
    assert talk(question, wish, **KNOWN)[-1]["asks"] == "confirmation"


def test_the_relative_is_forgotten_once_it_is_booked() -> None:
    booked = ("atendem criança? é pro meu filho", WISH, "Lucas Reis", "sim")
    again = "quero marcar também um eletrocardiograma pra mim na sexta às 9h"
    assert "Lucas Reis" not in said(*booked, again, **KNOWN)[-1]


# ---------------------------------------------------------------- plans


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("aceita sul america?", "Sim, atendemos SulAmérica."),
        ("vcs pegam unimed?", "Sim, atendemos Unimed Campinas."),
        ("aceita BRADESCO?", "Sim, atendemos Bradesco Saúde."),
        ("vcs atendem unimedi?", "Sim, atendemos Unimed Campinas."),
    ],
)
def test_an_accepted_plan_is_written_as_the_clinic_does(question: str, answer: str) -> None:
    assert said(question, **PLANS) == [answer]


@pytest.mark.parametrize(
    ("question", "plan"),
    [("aceita hapvida?", "Hapvida"), ("atende pela notredame?", "NotreDame"), ("aceitam cassi?", "CASSI")],
)
def test_another_is_written_as_its_company_does(question: str, plan: str) -> None:
    (answer,) = said(question, **PLANS)
    assert answer == (
        f"Não atendemos {plan}. Trabalhamos com Unimed Campinas, SulAmérica e Bradesco Saúde, e também particular."
    )
