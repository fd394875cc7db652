"""What is refused, excepted or only asked after is not done. It is Monday, 30/11/2026, 9h."""

from __future__ import annotations

import re
from typing import Any

import pytest

from atendeai.conversation.shell import _Stage as Stage
from atendeai.domain.dialogue.nearest import days_ruled_out
from atendeai.domain.understanding.normalise import fold

DAYS = ("mon", "tue", "wed", "thu", "fri")
CLINIC: dict[str, Any] = {
    "name": "Clínica Sol",
    "services": [{"name": "Consulta", "minutes": 30}, {"name": "Limpeza", "minutes": 30}],
    "professionals": [
        {"name": "Dra. Ana Souza", "services": ["Consulta", "Limpeza"]},
        {"name": "Dr. Bruno Lima", "services": ["Limpeza"]},
    ],
    "hours": {day: [["08:00", "18:00"]] for day in DAYS},
}
VISIT = {"service": "Consulta", "professional": "Dra. Ana Souza", "date": "2026-12-03", "time": "10:00"}
CLEANING = {"service": "Limpeza", "professional": "Dr. Bruno Lima", "date": "2026-12-04", "time": "15:00"}
LATER = {"service": "Limpeza", "professional": "Dra. Ana Souza", "date": "2026-12-15", "time": "09:00"}
KEPT = "Certo, sua consulta continua marcada."
KEPT_ALL = "Certo, suas consultas continuam marcadas."


def play(*said: str, existing: tuple[dict[str, str], ...] = (VISIT, CLEANING)) -> tuple[str, list[str]]:
    """What is answered to the last message, and the days and hours that stand in the end."""
    stage = Stage({"now": "2026-11-30T09:00", "clinic": CLINIC, "existing": list(existing)})
    answers = [stage.hear(text) for text in said]
    standing = sorted(f"{a.start:%d/%m %Hh}" for a in stage.world.appointments.values())
    return "\n".join(answers[-1]["replies"]), standing


# ---------------------------------------------------------------- refused, or only asked after


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("não quero cancelar, quero confirmar", "Presença confirmada! Consulta"),
        ("não é pra cancelar", "Você tem marcado"),
        ("por favor não cancelem a minha consulta de quinta!", "Você tem marcado"),
        ("não cancela minha consulta, só quero saber o horário", "quinta-feira, 03/12 às 10h"),
        ("vocês cancelaram minha consulta?", "Você tem marcado"),
        ("minha consulta foi cancelada?", "Você tem marcado"),
        ("não precisa desmarcar, eu vou", "Você tem marcado"),
        ("se eu cancelar tem multa?", "Se há alguma cobrança nesse caso, a nossa equipe informa"),
    ],
)
def test_a_cancellation_refused_or_asked_after_is_none(said: str, answer: str) -> None:
    assert answer in play(said, existing=(VISIT,))[0]
    assert play(said, "sim", existing=(VISIT,))[1] == ["03/12 10h"]


@pytest.mark.parametrize(
    "said",
    ["não posso ir, quero cancelar", "não quero ir, cancela", "não dá pra cancelar?", "não, quero desmarcar"],
)
def test_a_no_to_something_else_refuses_no_cancellation(said: str) -> None:
    assert play(said, "sim", existing=(VISIT,))[1] == []


@pytest.mark.parametrize("said", ["não cancela a de quinta!", "não, não quero mais cancelar"])
def test_a_cancellation_is_refused_when_it_was_about_to_be_made(said: str) -> None:
    assert play("quero cancelar", said, existing=(VISIT,)) == (KEPT, ["03/12 10h"])
    assert play("quero cancelar", said) == (KEPT_ALL, ["03/12 10h", "04/12 15h"])


# ---------------------------------------------------------------- excepted


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (["quero cancelar todas exceto a do dia 15"], ["15/12 09h"]),
        (["cancela todas menos a limpeza do dia 4"], ["04/12 15h"]),
        (["cancela tudo menos a limpeza"], ["04/12 15h", "15/12 09h"]),
        (["desmarca todas as consultas menos a do Dr. Bruno"], ["04/12 15h"]),
        (["cancela a limpeza, menos a do dia 15"], ["03/12 10h", "15/12 09h"]),
        (["cancela tudo, menos a primeira"], ["03/12 10h"]),
        (["quero cancelar", "todas menos a do dia 15"], ["15/12 09h"]),
        (["cancela todas", "todas menos a do dia 15"], ["15/12 09h"]),
        (["cancela todas", "não cancela a do dia 15"], ["15/12 09h"]),
        (["não cancela a limpeza, cancela a consulta"], ["04/12 15h", "15/12 09h"]),
        (["cancela todas menos uma"], ["03/12 10h", "04/12 15h", "15/12 09h"]),
    ],
)
def test_what_is_excepted_stays(said: list[str], standing: list[str]) -> None:
    assert play(*said, "sim", existing=(VISIT, CLEANING, LATER))[1] == standing


def test_which_one_is_asked_where_the_exception_is_not_plain() -> None:
    assert "Qual delas?" in play("cancela todas menos uma")[0]
    assert play("cancela tudo menos a consulta", existing=(VISIT,)) == (KEPT, ["03/12 10h"])


# ---------------------------------------------------------------- the other act, at "which of them?"


@pytest.mark.parametrize(
    "said", ["na verdade remarca a limpeza pra segunda 9h", "quero mudar a limpeza pra segunda 9h"]
)
def test_a_move_is_heard_where_it_was_asked_which_to_cancel(said: str) -> None:
    assert "Posso remarcar de sexta-feira, 04/12 às 15h para: Limpeza" in play("quero cancelar", said)[0]
    assert play("quero cancelar", said, "sim")[1] == ["03/12 10h", "07/12 09h"]


@pytest.mark.parametrize("said", ["cancela a limpeza", "não, deixa como está e cancela a limpeza"])
def test_a_cancellation_is_heard_where_it_was_asked_which_to_move(said: str) -> None:
    assert "Você quer cancelar: Limpeza" in play("quero remarcar pra segunda 9h", said)[0]
    assert play("quero remarcar pra segunda 9h", said, "sim")[1] == ["03/12 10h"]


# ---------------------------------------------------------------- days ruled out


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("limpeza semana que vem, nem segunda nem sexta", {"08/12", "09/12", "10/12"}),
        ("limpeza semana que vem, nem terça nem quarta", {"07/12", "10/12", "11/12"}),
        ("limpeza essa semana, menos quarta e quinta", {"30/11", "01/12", "04/12"}),
        ("limpeza semana que vem, menos segunda, terça e quarta", {"10/12", "11/12"}),
        ("limpeza, não quero quarta nem quinta, sexta dá?", {"04/12"}),
        ("limpeza, não posso quarta e quinta posso?", {"03/12"}),
    ],
)
def test_days_ruled_out_are_not_offered(said: str, offered: set[str]) -> None:
    days = set(re.findall(r"\d\d/\d\d", play(said, existing=())[0]))
    assert days
    assert days <= offered


@pytest.mark.parametrize(
    "said",
    [
        ("quero limpeza", "não posso quarta nem quinta"),
        ("quero limpeza, nao posso quarta nem quinta",),
        ("quero limpeza", "nao consigo quarta e nem quinta"),
        ("quero limpeza", "quarta e quinta não dá"),
        ("quero limpeza", "sexta às 10h", "Rita Dias", "não posso quarta nem quinta"),
        ("quero limpeza", "sexta", "quarta e quinta eu nao consigo"),
    ],
)
def test_who_rules_days_out_is_offered_others(said: tuple[str, ...]) -> None:
    days = re.findall(r"\d\d/\d\d", play(*said, existing=())[0])
    assert days
    assert not {"02/12", "03/12", "09/12", "10/12"}.intersection(days)


def test_days_ruled_out_stay_so_until_one_of_them_is_named() -> None:
    said = ("quero limpeza", "não posso quarta nem quinta", "outro dia")
    assert "03/12" in play(*said, "pode ser quinta às 10h", existing=())[0]
    later = play(*said, "semana que vem de tarde", existing=())[0]
    assert set(re.findall(r"\d\d/\d\d", later)) == {"07/12", "08/12"}


def test_of_two_days_only_the_one_is_ruled_out_of_which_it_is_said() -> None:
    words = play("limpeza, pode ser quarta e quinta não posso", existing=())[0]
    assert set(re.findall(r"\d\d/\d\d", words)) == {"02/12"}


@pytest.mark.parametrize(
    "said",
    [
        "nenhuma",
        "nenhuma das duas, obrigada",
        "não",
        "nao, deixa pra la",
        "esquece",
        "deixa como tá",
        "não quero mais",
        "ah, desisti",
    ],
)
@pytest.mark.parametrize("begun", ["quero cancelar minha consulta", "quero remarcar"])
def test_none_of_several_ends_the_question_which(begun: str, said: str) -> None:
    assert play(begun, said) == (KEPT_ALL, ["03/12 10h", "04/12 15h"])
    assert "como posso ajudar" in play(begun, said, "oi")[0].lower()


@pytest.mark.parametrize("said", ["não, a limpeza", "a segunda", "nao, a do dr bruno"])
def test_a_no_that_names_one_of_several_picks_it(said: str) -> None:
    assert "Você quer cancelar: Limpeza" in play("quero cancelar", said)[0]


@pytest.mark.parametrize(
    "said", ["quinta não posso de manhã", "não posso quinta de manhã", "quinta nao consigo ir antes das 10"]
)
def test_a_part_of_a_day_that_will_not_do_rules_out_no_day(said: str) -> None:
    assert days_ruled_out(fold(said)) == set()
