"""What a patient puts right on the way: the weekday, the name, and whom the appointment is for."""
# It is Wednesday, 25/11/2026, 9h.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from atendeai.domain.dialogue.kin import speaks_for_another
from atendeai.domain.understanding.normalise import fold
from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-25T09:00",
    "clinic": {
        "name": "Clínica Mar",
        "services": [{"name": "Consulta com cardiologista", "minutes": 30, "price_brl": 400}],
        "professionals": [{"name": "Dra. Ana Costa", "services": ["Consulta com cardiologista"]}],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
        "address": "Rua do Porto, 45",
    },
}
CARDIO = "Consulta com cardiologista"
NEXT_WEEK = "quero marcar pra semana que vem de manhã"
PROPOSED = ("quero marcar amanhã às 10h", "Joana Pinto")


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


def words(*messages: str, **scene: Any) -> str:
    return "\n".join(talk(*messages, **scene)[-1]["replies"])


def end(*messages: str, **scene: Any) -> tuple[str, str | None, str | None]:
    state = talk(*messages, **scene)[-1]["state"]
    return state["outcome"], state["date"], state["time"]


# ---------------------------------------------------------------- the weekday


@pytest.mark.parametrize(
    ("said", "day", "time"),
    [
        ((NEXT_WEEK, "na quarta entao, umas 9 e meia", "nao, quinta q é melhor"), "2026-12-03", "09:30"),
        (("quinta da semana que vem umas 10 hr", "na verdade sexta"), "2026-12-04", "10:00"),
        (("quinta da semana que vem umas 10 hr", "na verdade sexta", "melhor terça"), "2026-12-01", "10:00"),
        (("quero marcar quinta da semana que vem às 10h", "não", "sexta às 11h"), "2026-12-04", "11:00"),
        (("quero marcar dia 10/12 às 10h", "prefiro sexta"), "2026-12-11", "10:00"),
        (
            ("quero marcar terça ou quinta da semana que vem depois das 16h", "quinta", "a primeira"),
            "2026-12-03",
            "16:00",
        ),
    ],
)
def test_a_weekday_put_right_stays_in_the_week_spoken_of(said: tuple[str, ...], day: str, time: str) -> None:
    assert end(*said, "Rita Dias", "sim") == ("booked", day, time)


@pytest.mark.parametrize(
    ("correction", "day"),
    [
        ("não, essa sexta", "2026-11-27"),
        ("não, nessa sexta", "2026-11-27"),
        ("não, amanhã", "2026-11-26"),
        ("não, sexta dia 27", "2026-11-27"),
        ("não, sexta 27/11", "2026-11-27"),
    ],
)
def test_a_day_said_exactly_leaves_the_week_spoken_of(correction: str, day: str) -> None:
    opening = "quero marcar quinta da semana que vem às 10h"
    assert end(opening, correction, "Rita Dias", "sim") == ("booked", day, "10:00")


@pytest.mark.parametrize(
    ("correction", "day"), [("melhor sexta", "2026-11-27"), ("melhor segunda", "2026-11-30"), ("terça", "2026-12-01")]
)
def test_this_week_has_no_days_behind_us(correction: str, day: str) -> None:
    assert end("quero marcar amanhã às 10h", correction, "Rita Dias", "sim") == ("booked", day, "10:00")


def test_the_week_is_forgotten_once_booked() -> None:
    booked = ("quero marcar quinta da semana que vem às 10h", "Rita Dias", "sim")
    answers = talk(*booked, "quero marcar outra consulta sexta às 11h")
    assert "27/11" in "\n".join(answers[-1]["replies"])
    # The calendar this file counts on.
    assert (datetime.fromisoformat(SCENE["now"]).date(), date(2026, 11, 27).weekday()) == (date(2026, 11, 25), 4)


# ---------------------------------------------------------------- the name


@pytest.mark.parametrize(
    ("correction", "name"),
    [
        ("não, é Joana Ribeiro Pinto", "Joana Ribeiro Pinto"),
        ("o nome ta errado, é Joana Ribeiro Pinto", "Joana Ribeiro Pinto"),
        ("é Joana com dois N, Joanna Ribeiro Prado", "Joanna Ribeiro Prado"),
        ("nao é joana pinto, é joana ribeiro pinto", "Joana Ribeiro Pinto"),
        ("não, meu nome é Joana Lima", "Joana Lima"),
        ("não, é Marta Souza Lima", "Marta Souza Lima"),
        ("marina da silva", "Marina da Silva"),
        ("nao e marina souza lima", "Marina Souza Lima"),
        ("ops, ana souza por favor", "Ana Souza"),  # one of that first name works here
        ("não, é Joana Costa Pinto", "Joana Costa Pinto"),  # a name of somebody who works here, too
    ],
)
def test_the_name_proposed_is_put_right(correction: str, name: str) -> None:
    *_, again, booked = talk(*PROPOSED, correction, "sim")
    assert f"Em nome de {name}. Pode ser?" in "\n".join(again["replies"])
    assert booked["state"]["outcome"] == "booked"
    assert f"em nome de {name}" in "\n".join(booked["replies"])


@pytest.mark.parametrize("answer", ["sim, Joana Pinto", "isso mesmo", "sim, pode confirmar. Obrigada Ana"])
def test_a_yes_puts_no_name_right(answer: str) -> None:
    assert "em nome de Joana Pinto" in words(*PROPOSED, answer)


@pytest.mark.parametrize("answer", ["não", "não, prefiro outro dia", "não, muito cedo", "não posso"])
def test_a_no_without_a_name_declines_the_time(answer: str) -> None:
    assert "Pode ser?" not in words(*PROPOSED, answer)


def test_another_service_is_no_name() -> None:
    assert "Enganei" not in words(*PROPOSED, "desculpa, me enganei, é com o clínico geral")


def test_a_request_about_personal_data_stays_one() -> None:
    answer = talk(*PROPOSED, "quero apagar meus dados, meu nome é Joana Pinto Lima")[-1]
    assert answer["state"]["outcome"] == "handed_off"


# ---------------------------------------------------------------- whom it is for


def test_a_relative_told_of_is_the_patient() -> None:
    thursday = {
        "service": "Consulta com cardiologista",
        "professional": "Dra. Ana Costa",
        "date": "2026-12-17",
        "time": "10:00",
    }
    said = ("minha filha tem 6 anos, tem vaga sabado?", "10h")
    # Who writes is known here and would not be asked a name of their own.
    answers = talk(*said, "Bia Dias", "sim", existing=[thursday])
    assert answers[1]["asks"] == "name"
    assert "em nome de Bia Dias" in "\n".join(answers[-1]["replies"])
    assert talk(f"aqui é a Rita Dias, {said[0]}", said[1])[-1]["asks"] == "name"


@pytest.mark.parametrize(
    ("text", "for_another"),
    [
        ("minha filha tem 6 anos, tem vaga sábado?", True),
        ("meu filho de 3 meses precisa de consulta", True),
        ("minha mãe fez 70 anos, queria um check-up", True),
        ("meu pai quer marcar um retorno", True),
        ("meu filho está com febre", True),
        ("minha mãe me indicou vocês, tem vaga sábado?", False),
        ("meu marido vai me levar sábado", False),
        ("minha filha tem aula de manhã, tem vaga à tarde?", False),
        ("tenho 30 anos", False),
    ],
)
def test_who_is_told_of(text: str, *, for_another: bool) -> None:
    assert speaks_for_another(fold(text)) is for_another


# ---------------------------------------------------------------- another patient, in the words of a yes


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ok, é pra Bia Souza minha filha", "Bia Souza"),
        ("pode marcar para Beto Souza", "Beto Souza"),
        ("confirma pro Beto", "Beto"),
        ("pode marcar pra Ana Souza", "Ana Souza"),
        ("sim, no nome do Pedro Souza", "Pedro Souza"),
        ("Lucas", "Lucas"),
        ("lucas", "Lucas"),
    ],
)
def test_a_yes_for_another_patient_is_asked_about_again(said: str, name: str) -> None:
    assert words(*PROPOSED, said).endswith(f"Em nome de {name}. Pode ser?")
    assert f"em nome de {name}" in words(*PROPOSED, said, "sim")


def test_a_first_name_alone_at_an_offer_is_whom_it_is_for() -> None:
    known = {"existing": [{"service": CARDIO, "professional": "Dra. Ana Costa", "date": "2026-12-10", "time": "10:00"}]}
    offered = ("quero marcar outra consulta amanhã às 10h", "Bia")
    assert words(*offered, **known).endswith("Em nome de Bia. Pode ser?")
    assert "em nome de Bia" in words(*offered, "sim", **known)
    assert "Em nome de" not in words(offered[0], "Ana", **known), "she works here"


@pytest.mark.parametrize("said", ["pode marcar pra Joana", "pode marcar pra Quinta", "pode marcar pra Ana Costa"])
def test_a_yes_that_names_what_is_offered_already_is_one(said: str) -> None:
    assert words(*PROPOSED, said).startswith("Agendado!")


def test_a_name_is_taken_though_none_of_a_known_patient_is_kept() -> None:
    standing = {"service": "Consulta com cardiologista", "professional": "Dra. Ana Costa", "date": "2026-12-01"}
    said = ("quero marcar uma consulta amanhã às 10h", "pode ser, em nome de Pedro Souza")
    assert words(*said, existing=[{**standing, "time": "09:00"}]).endswith("Em nome de Pedro Souza. Pode ser?")


# ---------------------------------------------------------------- put right while the yes was tapped


@pytest.mark.parametrize("said", ["não, às 15h", "não, era 15h", "ops, às 15h", "nao amanha as 15h"])
def test_a_time_put_right_just_after_the_yes_moves_what_was_booked(said: str) -> None:
    """A tap is answered at once, before a text written in the same moment."""
    asked = words(*PROPOSED, "sim", said)
    assert asked.startswith("Posso remarcar de amanhã (quinta-feira, 26/11) às 10h para: ")
    assert "às 15h. Confirma?" in asked
    assert end(*PROPOSED, "sim", said, "sim") == ("rescheduled", "2026-11-26", "15:00")


@pytest.mark.parametrize("said", ["não, às 10h", "não", "não, amanhã às 10h mesmo"])
def test_a_no_that_names_no_other_time_moves_nothing(said: str) -> None:
    assert end(*PROPOSED, "sim", said) == ("booked", "2026-11-26", "10:00")
