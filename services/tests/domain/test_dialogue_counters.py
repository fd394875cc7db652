"""What begins like a yes and asks for something else, and who comes in whose place."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

CLINIC: dict[str, Any] = {
    "name": "Clínica Mar",
    "services": [
        {"name": "Consulta", "minutes": 30, "price_brl": 250},
        {"name": "Limpeza de pele", "minutes": 60, "price_brl": 180},
    ],
    "professionals": [{"name": "Dra. Ana Lima", "services": ["Consulta", "Limpeza de pele"]}],
    "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
THURSDAY = [{"service": "Consulta", "professional": "Dra. Ana Lima", "date": "2026-11-26", "time": "14:00"}]
OTHER_TIMES = (
    "pode ser mais cedo?",
    "pode ser mais cedo",
    "pode ser outro dia?",
    "pode ser antes?",
    "pode ser mais pra frente?",
)
NO_YES = ("pode ser online?", "sim, mais tarde eu confirmo", "pode ser que eu me atrase")


def talk(*messages: str, existing: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return hold({"now": "2026-11-24T09:00", "clinic": CLINIC, "existing": existing or []}, messages)[-1]


def said(answer: dict[str, Any]) -> str:
    return "\n".join(answer["replies"])


@pytest.mark.parametrize("text", [*OTHER_TIMES, *NO_YES])
def test_a_counter_question_books_nothing(text: str) -> None:
    answer = talk("quero consulta sexta 10h", "Ana Reis", text)
    assert answer["state"]["outcome"] == "nothing_booked"
    assert answer["asks"] is not None


@pytest.mark.parametrize("text", [*OTHER_TIMES, *NO_YES])
def test_a_counter_question_moves_nothing(text: str) -> None:
    answer = talk("quero remarcar pra sexta 10h", text, existing=THURSDAY)
    assert answer["state"]["outcome"] == "nothing_booked"
    assert "Remarcado" not in said(answer)


@pytest.mark.parametrize("text", [*OTHER_TIMES, "pode deixar", "pode ser que sim, pode ser que não", "claro que não"])
def test_a_counter_question_cancels_nothing(text: str) -> None:
    answer = talk("quero cancelar", text, existing=THURSDAY)
    assert answer["state"]["outcome"] == "nothing_booked"
    assert "Cancelado" not in said(answer)


def test_earlier_on_that_day_is_offered() -> None:
    answer = talk("quero consulta sexta 10h", "Ana Reis", "pode ser mais cedo?")
    assert "27/11 às 8h" in said(answer)
    assert answer["asks"] == "time"


@pytest.mark.parametrize("yes", ["pode ser", "pode ser sim", "pode ser, obrigada", "sim, pode ser na sexta mesmo"])
def test_a_yes_is_one(yes: str) -> None:
    assert talk("quero consulta sexta 10h", "Ana Reis", yes)["state"]["outcome"] == "booked"


@pytest.mark.parametrize(
    "text",
    [
        "minha irmã pode ir no meu lugar na consulta de quinta?",
        "não vou poder ir mas meu marido vai no meu lugar",
        "posso passar minha vaga pra um amigo?",
        "quero transferir minha consulta para o nome da minha mãe",
    ],
)
def test_whoever_comes_in_ones_place_is_a_persons_matter(text: str) -> None:
    answer = talk(text, existing=THURSDAY)
    assert answer["state"]["outcome"] == "handed_off"
    assert "continua reservado" in said(answer)


def test_nothing_is_cancelled_where_somebody_else_comes() -> None:
    answer = talk("quero cancelar", "minha filha vai no meu lugar", "sim", existing=THURSDAY)
    assert answer["state"]["outcome"] == "handed_off"


def test_a_wrong_time_is_told_the_right_one() -> None:
    told = talk("minha consulta com a dra ana é quinta 15h", existing=THURSDAY)
    assert "quinta-feira, 26/11 às 14h" in said(told)
    moved = talk("minha consulta com a dra ana é quinta 15h", "dá pra ser sexta 10h?", "sim", existing=THURSDAY)
    assert (moved["state"]["outcome"], moved["state"]["date"]) == ("rescheduled", "2026-11-27")
    assert "Não encontrei" in said(talk("minha consulta é quinta 14h"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Carla D’Ávila", "Carla D’Ávila"),
        ("João Silva, ops, Joana Silva", "Joana Silva"),
        ("é João Silva, quer dizer, Joana Silva", "Joana Silva"),
        ("me chamo Maria Alves e sou a mãe, a paciente é a Bia Reis", "Bia Reis"),
    ],
)
def test_the_name_that_is_meant(text: str, name: str) -> None:
    assert f"Em nome de {name}. Pode ser?" in said(talk("quero consulta sexta 10h", text))


def test_oneself_is_no_name() -> None:
    assert talk("quero consulta sexta 10h", "eu mesma")["asks"] == "name"


def test_after_a_price_a_wish_is_one() -> None:
    assert talk("quanto custa a limpeza de pele?", "e pra marcar?")["asks"] == "date"


@pytest.mark.parametrize(
    "wish",
    [
        "quero consulta quinta 10h e outra sexta 10h",
        "consulta quinta 10h e consulta sexta 10h",
        "quero uma consulta dia 26/11 às 10h e mais uma dia 27/11 às 10h",
    ],
)
def test_two_times_of_one_service_are_booked_one_after_the_other(wish: str) -> None:
    first = talk(wish, "Ana Reis", "sim")
    assert "26/11 às 10h, em nome de Ana Reis" in said(first)
    assert "27/11 às 10h" in said(first)
    assert first["asks"] == "confirmation"
    second = talk(wish, "Ana Reis", "sim", "sim")
    assert (second["state"]["outcome"], second["state"]["date"]) == ("booked", "2026-11-27")


def test_two_times_to_choose_from_are_one_wish() -> None:
    last = talk("quero consulta quinta 10h ou sexta 10h", "Ana Reis", "a de sexta", "sim")
    assert (last["state"]["outcome"], last["state"]["date"]) == ("booked", "2026-11-27")
    assert last["asks"] is None
