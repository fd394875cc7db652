"""What patients say of what they have, and stories told on the way to a wish."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

WEEK = ("mon", "tue", "wed", "thu", "fri")
CLINIC: dict[str, Any] = {
    "name": "Clínica Mar",
    "services": [
        {"name": "Consulta psiquiátrica", "minutes": 30, "price_brl": 400},
        {"name": "Psicoterapia individual", "minutes": 60, "price_brl": 180},
        {"name": "Terapia de casal", "minutes": 60, "price_brl": 250},
    ],
    "professionals": [
        {"name": "Dr. Antônio Braga", "services": ["Consulta psiquiátrica"]},
        {"name": "Sofia Arantes", "services": ["Psicoterapia individual", "Terapia de casal"]},
    ],
    "hours": {day: [["08:00", "20:00"]] for day in WEEK},
}
TWO = [
    {"service": "Psicoterapia individual", "professional": "Sofia Arantes", "date": "2026-11-26", "time": "14:00"},
    {"service": "Consulta psiquiátrica", "professional": "Dr. Antônio Braga", "date": "2026-12-03", "time": "11:00"},
]


def talk(*messages: str, existing: list[dict[str, str]] | None = None) -> list[dict[str, Any]]:
    scene = {"now": "2026-11-24T09:00", "clinic": CLINIC, "existing": existing or []}
    return hold(scene, messages)


def said(answer: dict[str, Any]) -> str:
    return "\n".join(answer["replies"])


@pytest.mark.parametrize(
    "text",
    [
        "oi a consulta do Bernardo é dia 3 às 11 com o dr antonio ne",
        "oi, quinta dia 3/12 tenho o Dr Antônio às 11h",
        "tinha marcado a terapia dia 26 e a consulta dia 3",
        "tenho duas coisas marcadas aí né? a psicoterapia e a consulta psiquiátrica",
    ],
)
def test_what_one_has_is_told_and_not_booked_again(text: str) -> None:
    (answer,) = talk(text, existing=TWO)
    assert "Você tem marcado" in said(answer)
    assert "03/12 às 11h" in said(answer)
    assert answer["asks"] is None


def test_another_time_is_asked_for_of_what_was_just_told() -> None:
    *_, last = talk("minha psicoterapia é quinta 14h", "dá pra ser sexta mas de tarde?", "às 15h", "sim", existing=TWO)
    assert last["state"] == {
        "outcome": "rescheduled",
        "service": "Psicoterapia individual",
        "professional": "Sofia Arantes",
        "date": "2026-11-27",
        "time": "15:00",
    }


def test_a_wish_for_the_time_of_another_service_is_a_wish() -> None:
    (answer,) = talk("tem terapia de casal quinta às 16h?", existing=TWO)
    assert "Terapia de casal" in said(answer)


def test_said_again_a_cancellation_takes_nothing_more() -> None:
    *_, last = talk("cancela a de quinta dia 26", "sim", "pode cancelar", existing=TWO)
    assert said(last).startswith("Já está cancelado.")
    assert "03/12 às 11h" in said(last)


def test_said_again_with_nothing_left() -> None:
    *_, last = talk("quero cancelar", "sim", "pode cancelar", existing=TWO[:1])
    assert said(last) == "Já está cancelado."


def test_another_one_is_cancelled_when_it_is_named() -> None:
    *_, last = talk("cancela a de quinta dia 26", "sim", "cancela a consulta psiquiátrica também", existing=TWO)
    assert "Você quer cancelar: Consulta psiquiátrica" in said(last)


@pytest.mark.parametrize("yes", ["pode passar pra outro", "dá a vaga pra alguém", "libera pra quem precisa"])
def test_the_time_is_given_to_somebody_else(yes: str) -> None:
    *_, last = talk("quero cancelar a de quinta dia 26", yes, existing=TWO)
    assert (last["state"]["outcome"], last["state"]["date"]) == ("cancelled", "2026-11-26")


def test_another_one_stays() -> None:
    *_, asked, last = talk("cancela a de quinta dia 26", "a da outra semana fica", "sim", existing=TWO)
    assert "26/11 às 14h" in said(asked)
    assert (asked["asks"], last["state"]["outcome"], last["state"]["date"]) == (
        "confirmation",
        "cancelled",
        "2026-11-26",
    )


def test_no_service_is_taken_for_granted_where_several_are_done() -> None:
    first, second, _ = talk("quero marcar um horário", "quinta às 10h", "psicoterapia individual")
    assert (first["asks"], second["asks"]) == ("service", "service")
    last = talk("quero marcar um horário", "quinta às 10h", "psicoterapia individual")[-1]
    assert "Psicoterapia individual com Sofia Arantes, quinta-feira, 26/11 às 10h" in said(last)


def test_a_consultation_is_the_only_one_there_is() -> None:
    (answer,) = talk("quero marcar uma consulta quinta às 10h")
    assert "Consulta psiquiátrica" in said(answer)


@pytest.mark.parametrize("text", ["primeiro só a Alice, o outro eu vejo depois", "a mesma da última vez"])
def test_an_ordinal_in_a_story_picks_no_service(text: str) -> None:
    *_, last = talk("quero marcar um horário", text)
    assert last["asks"] == "service"


def test_what_is_known_already_may_be_said_again() -> None:
    *_, last = talk("quero fazer terapia de casal", "queria marcar a terapia de casal")
    assert "não entendi" not in said(last)
    assert last["asks"] == "date"


def test_taking_leave_while_the_question_rests_leaves_it_resting() -> None:
    *_, last = talk(
        "quero psicoterapia individual quinta às 15h",
        "vou falar com meu marido antes, deixa quieto",
        "depois eu volto, tchau",
    )
    assert said(last) == "Até logo! Se precisar, é só escrever."
    assert last["asks"] is None


def test_a_relative_says_who_they_are() -> None:
    first, *_, last = talk("boa tarde, sou a avó da Helena", "quero psicoterapia individual quinta às 10h")
    assert "Como posso ajudar?" in said(first)
    assert last["asks"] == "name"


def test_a_name_put_right_in_the_same_breath() -> None:
    *_, last = talk("quero psicoterapia individual quinta às 10h", "Tchesco não kkk é Francisco Madruga Silveira")
    assert "Em nome de Francisco Madruga Silveira" in said(last)


def test_a_day_one_is_busy_on_is_ruled_out_and_another_named() -> None:
    *_, last = talk("quero psicoterapia individual", "quinta", "vish pera, quinta eu tô de plantão. sexta dia 27")
    assert "27/11" in said(last)
    assert "26/11" not in said(last)


def test_the_same_is_asked_of_something_else() -> None:
    first, second, third = talk("quanto custa a psicoterapia individual?", "e a terapia de casal?", "quero marcar")
    assert "180" in said(first)
    assert said(second) == "Terapia de casal: R$ 250,00."
    assert "terapia de casal" in said(third).lower() or third["asks"] == "date"


def test_ones_own_times_are_listed() -> None:
    (answer,) = talk("quais são meus horários?", existing=TWO)
    assert "Você tem marcado" in said(answer)


def test_the_name_of_who_writes_is_not_the_patients() -> None:
    *_, asked, offered, booked = talk(
        "quero psicoterapia individual pra minha filha quinta às 10h", "me chamo Paulo Reis", "Bia Souza Reis", "sim"
    )
    assert asked["asks"] == "name"
    assert "Em nome de Bia Souza Reis" in said(offered)
    assert "em nome de Bia Souza Reis" in said(booked)


def test_said_twice_it_is_the_patients() -> None:
    *_, last = talk(
        "quero psicoterapia individual pra minha filha quinta às 10h", "me chamo Paulo Reis", "me chamo Paulo Reis"
    )
    assert "Em nome de Paulo Reis. Pode ser?" in said(last)


def test_papers_in_hand_are_a_wish() -> None:
    (answer,) = talk("bom dia, tenho encaminhamento pra psicoterapia individual")
    assert answer["asks"] == "date"
