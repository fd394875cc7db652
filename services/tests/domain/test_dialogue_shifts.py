"""Moves said by how far, being late without a booking, prices compared, complaints. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from atendeai.domain.dialogue.shifts import shifted
from tests.domain.test_dialogue import THURSDAY_AT_TEN, talk, words

BOOKED: dict[str, Any] = {"existing": [THURSDAY_AT_TEN]}
THURSDAY = datetime.fromisoformat("2026-11-26T10:00")


# ---------------------------------------------------------------- moves


@pytest.mark.parametrize(
    ("norm", "moved"),
    [
        ("quero adiar uma semana", "2026-12-03T10:00"),
        ("adia minha consulta em 15 dias", "2026-12-11T10:00"),
        ("da para antecipar um dia?", "2026-11-25T10:00"),
        ("tem como adiantar 1 hora a minha consulta?", "2026-11-26T09:00"),
        ("passa para meia hora mais tarde", "2026-11-26T10:30"),
        ("uma semana depois", "2026-12-03T10:00"),
        ("dois dias antes", "2026-11-24T10:00"),
        ("empurra 2 horas para frente", "2026-11-26T12:00"),
        ("remarcar para daqui a uma semana", None),
        ("adiar para a semana que vem", None),
        ("dois dias depois do natal", None),
        ("quero adiar minha consulta das 10 horas", None),
        ("tenho 2 filhos", None),
    ],
)
def test_how_far(norm: str, moved: str | None) -> None:
    found = shifted(norm, THURSDAY)
    at = (
        datetime.combine(found.date, found.time).isoformat(timespec="minutes")
        if found and found.date and found.time
        else None
    )
    assert at == moved


@pytest.mark.parametrize(
    ("said", "day", "time"),
    [
        (("quero adiar uma semana", "sim"), "2026-12-03", "10:00"),
        (("dá pra antecipar um dia?", "pode ser"), "2026-11-25", "10:00"),
        (("preciso mudar minha consulta", "mesmo horário, uma semana depois", "sim"), "2026-12-03", "10:00"),
        (("mesmo horário, só outro dia", "sexta", "sim"), "2026-11-27", "10:00"),
        (("quero remarcar, só mudar o dia, mantém o horário", "sexta", "sim"), "2026-11-27", "10:00"),
        (("queria mudar só o horário da consulta, mesmo dia", "11h", "sim"), "2026-11-26", "11:00"),
    ],
)
def test_a_move_keeps_what_is_not_named(said: tuple[str, ...], day: str, time: str) -> None:
    end = talk(*said, **BOOKED)[-1]["state"]
    assert (end["outcome"], end["date"], end["time"]) == ("rescheduled", day, time)


@pytest.mark.parametrize(
    ("said", "day", "time"),
    [
        ("ao invés das 10 pode ser às 11?", "2026-11-26", "11:00"),
        ("sexta em vez de quinta, no mesmo horário", "2026-11-27", "10:00"),
    ],
)
def test_a_move_goes_to_what_is_wished_for_instead(said: str, day: str, time: str) -> None:
    end = talk(said, "sim", **BOOKED)[-1]["state"]
    assert (end["outcome"], end["date"], end["time"]) == ("rescheduled", day, time)


def test_nothing_is_moved_to_where_it_stands() -> None:
    already, moved = talk("remarca minha consulta pra quinta às 10h", "então sexta às 9h", **BOOKED)
    assert words(already) == (
        "Esse horário já é o seu: Consulta com Dra. Ana Lima, quinta-feira, 26/11 às 10h. Para qual outro dia ou "
        "horário você gostaria de mudar?"
    )
    assert (already["asks"], already["state"]["outcome"]) == ("date", "nothing_booked")
    assert "sexta-feira, 27/11 às 9h" in words(moved)
    shown = words(talk("remarca minha consulta pra quinta de manhã", **BOOKED)[0])
    assert "10h," not in shown


# ---------------------------------------------------------------- being late


def test_late_for_an_appointment_of_today() -> None:
    for time in ("08:30", "09:30"):
        today = [{**THURSDAY_AT_TEN, "date": "2026-11-24", "time": time}]
        assert words(talk("tô atrasada, chego em 10 min", existing=today)[0]) == (
            "Obrigado por avisar! Já informei a recepção. Venha com calma."
        )


def test_late_with_nothing_booked_for_today() -> None:
    nothing = words(talk("tô atrasada, chego em 10 min")[0])
    assert nothing.startswith("Obrigado por avisar! Não encontrei uma consulta sua para hoje")
    other = words(talk("tô no trânsito, vou atrasar", **BOOKED)[0])
    assert "a próxima é: Consulta com Dra. Ana Lima, quinta-feira, 26/11 às 10h" in other


# ---------------------------------------------------------------- prices


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("qual o mais barato?", "O menor valor é R$ 180,00 (limpeza de pele)."),
        ("qual o mais caro de vocês?", "O maior valor é R$ 250,00 (consulta)."),
        (
            "me passa os preços do mais barato pro mais caro",
            "Nossos valores:\n• Limpeza de pele: R$ 180,00\n• Consulta: R$ 250,00",
        ),
        ("tem alguma coisa até 200 reais?", "Até esse valor, temos:\n• Limpeza de pele: R$ 180,00"),
        ("tem algo por até 100 reais?", "Até esse valor, não temos nada. O menor valor é R$ 180,00 (limpeza de pele)."),
        (
            "quanto custa a consulta e a limpeza de pele?",
            "Nossos valores:\n• Consulta: R$ 250,00\n• Limpeza de pele: R$ 180,00",
        ),
        ("qual o preço da limpeza?", "Limpeza de pele: R$ 180,00."),
    ],
)
def test_prices_are_compared(question: str, answer: str) -> None:
    assert words(talk(question)[0]) == answer


# ---------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    "complaint",
    [
        "fui muito mal atendida ontem",
        "quero fazer uma reclamação do médico",
        "esperei 2 horas e ninguém me chamou",
        "a recepcionista foi grossa comigo",
        "cobraram minha consulta duas vezes",
        "fiquei com a pele manchada, quero reclamar",
    ],
)
def test_a_complaint_is_met_with_an_apology_and_a_person(complaint: str) -> None:
    (answer,) = talk(complaint)
    assert answer["state"]["outcome"] == "handed_off"
    assert words(answer).startswith("Sinto muito pelo que aconteceu.")


@pytest.mark.parametrize("wish", ["quero falar com um atendente", "quero elogiar a dra Ana"])
def test_nothing_is_apologised_for_without_a_complaint(wish: str) -> None:
    (answer,) = talk(wish)
    assert answer["state"]["outcome"] == "handed_off"
    assert "Sinto muito" not in words(answer)
