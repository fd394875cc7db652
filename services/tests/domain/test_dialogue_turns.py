"""What is said in relation to what is on the table, and what a conversation must not get stuck on."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

from typing import Any

import pytest

from atendeai.domain.dialogue.naming import name_answer
from atendeai.domain.dialogue.state import State
from tests.domain.talking import hold

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Clínica Mar",
        "services": [
            {"name": "Consulta com cardiologista", "minutes": 30, "price_brl": 400},
            {"name": "Ultrassonografia", "minutes": 30, "price_brl": 220, "preparation": "Jejum de 6 horas."},
        ],
        "professionals": [
            {
                "name": "Dr. Paulo Braga",
                "services": ["Consulta com cardiologista", "Ultrassonografia"],
                "hours": {"tue": [["08:00", "12:00"]], "wed": [["08:00", "17:00"]]},
            },
            {"name": "Dra. Ana Costa", "services": ["Consulta com cardiologista"]},
        ],
        "hours": {day: [["08:00", "18:00"]] for day in WEEKDAYS},
        "insurance": ["Unimed"],
        "address": "Rua do Porto, 45",
    },
}
THURSDAY = {
    "service": "Consulta com cardiologista",
    "professional": "Dra. Ana Costa",
    "date": "2026-11-26",
    "time": "10:00",
}
REMINDER = {"last_outbound": "reminder", "text": "Lembrete: você tem consulta quinta às 10h. Confirma?"}


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


def words(*messages: str, **scene: Any) -> str:
    return "\n".join(talk(*messages, **scene)[-1]["replies"])


def end(*messages: str, **scene: Any) -> tuple[str, str | None, str | None]:
    state = talk(*messages, **scene)[-1]["state"]
    return state["outcome"], state["date"], state["time"]


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("said", "day", "time"),
    [
        (("semana que vem com a dra ana", "quarta às 10h"), "2026-12-02", "10:00"),
        (("amanhã às 14h", "não", "15h"), "2026-11-25", "15:00"),
        (("com a dra ana quinta às 14h", "e se for 16?"), "2026-11-26", "16:00"),
        (("com a dra ana quinta às 14h", "tem mais tarde?", "a primeira"), "2026-11-26", "14:30"),
        (("com a dra ana quinta às 9h", "não, mais cedo", "8h"), "2026-11-26", "08:00"),
        (("o quanto antes", "não", "só à tarde com a dra ana", "15h"), "2026-11-24", "15:00"),
    ],
)
def test_a_time_is_meant_where_the_talk_is(said: tuple[str, ...], day: str, time: str) -> None:
    assert end("quero cardiologista", *said, "Rita Dias", "sim") == ("booked", day, time)


def test_the_earliest_of_several_is_no_wish_for_an_earlier_one() -> None:
    assert end("cardiologista com a dra ana quinta", "qual o mais cedo?", "Rita Dias", "sim")[2] == "08:00"


def test_what_was_declined_survives_being_stored() -> None:
    days = [THURSDAY["date"]]
    assert State.from_json({"declined": days}).to_json()["declined"] == days


# ---------------------------------------------------------------- who


def test_another_professional_at_the_same_time() -> None:
    answers = talk("cardiologista amanhã às 10h", "não, com a Ana", "Wilson Reis", "sim")
    assert answers[-1]["state"]["professional"] == "Dra. Ana Costa"
    assert answers[-1]["state"]["time"] == "10:00"


def test_the_patient_turns_out_to_be_somebody_else() -> None:
    answers = talk("cardiologista amanhã às 10h", "não sou eu o paciente, é meu pai", "Antônio Ferreira", "sim")
    assert answers[1]["asks"] == "name"
    assert "em nome de Antônio Ferreira" in "\n".join(answers[-1]["replies"])


def test_one_more_for_somebody_else_on_the_same_day() -> None:
    booked = ("cardiologista quinta às 10h com a dra ana", "Rita Dias", "sim")
    assert end(*booked, "e pra minha filha?", "10:30", "Sofia Dias", "sim") == ("booked", "2026-11-26", "10:30")


def test_a_name_given_too_early_or_put_right_late() -> None:
    early = words("quero cardiologista com a dra ana", "Rita Dias", "quinta às 10h")
    assert "Em nome de Rita Dias" in early
    right = talk("cardiologista amanhã às 10h", "Rita Dias", "Rita Dias Prado", "sim")[-1]
    assert "em nome de Rita Dias Prado" in "\n".join(right["replies"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Renato Lopes Filho", "Renato Lopes Filho"),
        ("rosana silva neto", "Rosana Silva Neto"),
        ("é retorno mesmo, consultei semana passada", None),
        ("meu filho", None),
    ],
)
def test_what_is_a_name(text: str, name: str | None) -> None:
    assert name_answer(text) == name


# ---------------------------------------------------------------- not getting stuck


@pytest.mark.parametrize("opening", [(), ("quero marcar",), ("quero cardiologista",), ("cardiologista amanhã",)])
def test_who_is_not_understood_three_times_gets_a_person(opening: tuple[str, ...]) -> None:
    *_, second, third = talk(*opening, "xpto wrst", "blorg", "qwxz")
    assert second["state"]["outcome"] != "handed_off"
    assert "não entendi" in second["replies"][0]
    assert third["state"]["outcome"] == "handed_off"


def test_an_understood_message_begins_the_count_anew() -> None:
    assert end("quero cardiologista", "blorg", "qwxz", "amanhã", "blorg")[0] == "nothing_booked"


def test_a_cancellation_is_not_confirmed_by_a_wish_for_another_time() -> None:
    asked = talk("não vou conseguir ir quinta", "pode ser sexta no mesmo horário?", existing=[THURSDAY])
    assert "remarcar" in asked[0]["replies"][0]
    assert asked[-1]["state"]["outcome"] == "nothing_booked"
    moved = ("não vou conseguir ir quinta", "pode ser sexta no mesmo horário?", "sim")
    assert end(*moved, existing=[THURSDAY]) == ("rescheduled", "2026-11-27", "10:00")


@pytest.mark.parametrize("said", ["não, deixa como está", "melhor manter como está", "esquece", "não quero mais mudar"])
def test_a_move_that_is_given_up_leaves_the_appointment(said: str) -> None:
    answers = talk(
        "quero remarcar minha consulta", "sexta às 9h", said, "quais são minhas consultas?", existing=[THURSDAY]
    )
    assert "continua marcada" in answers[-2]["replies"][0]
    assert "26/11 às 10h" in answers[-1]["replies"][0]


def test_a_reminder_answered_with_later() -> None:
    answer = words("dá pra ser mais tarde?", existing=[THURSDAY], context=REMINDER)
    assert "26/11 às 10h30" in answer
    assert "às 10h\n" not in answer


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("precisa de jejum para a ultrassonografia?",), "Jejum de 6 horas"),
        (("quero marcar ultrassonografia", "preciso estar em jejum?"), "Jejum de 6 horas"),
        (
            ("quais dias o Dr. Paulo atende?",),
            "O Dr. Paulo Braga atende às terças, das 8h às 12h; às quartas, das 8h às 17h.",
        ),
        (("quando a cardiologista atende?",), "A Dra. Ana Costa atende de segunda a sexta, das 8h às 18h."),
        (("quanto é a ultrassonografia e quanto tempo demora?",), "dura cerca de 30 minutos"),
        (("aceita cartão?",), "formas de pagamento"),
        (("estão atendendo agora?",), "até as 18h"),
        (("você é um robô?",), "atendimento automático"),
    ],
)
def test_questions(asked: tuple[str, ...], told: str) -> None:
    assert told in words(*asked)


def test_out_of_hours_the_question_whether_anybody_is_there() -> None:
    answer = words("boa noite, ainda estão atendendo?", now="2026-11-24T21:30")
    assert "fechados" in answer
    assert "amanhã (quarta-feira, 25/11) às 8h" in answer
    friday = words("estão atendendo agora?", now="2026-11-27T21:30")
    assert friday == "No momento estamos fechados; voltamos a atender na segunda-feira, 30/11 às 8h."


def test_what_to_know_beforehand_comes_with_the_booking() -> None:
    booked = ("ultrassonografia amanhã às 10h", "Rita Dias", "sim")
    assert words(*booked).endswith("Orientações para Ultrassonografia: Jejum de 6 horas.")


def test_a_doubt_beside_the_last_word_is_passed_on() -> None:
    last = words("cardiologista amanhã às 10h", "Rita Dias", "Sim, pode confirmar. Precisa levar algum documento?")
    assert last.startswith("Agendado!")
    assert "já pedi à nossa equipe" in last


def test_the_professional_is_named_once_where_it_is_the_same_for_all() -> None:
    answer = words("cardiologista com a dra ana quinta")
    assert answer.startswith("Tenho estes horários com a Dra. Ana Costa:\n1) quinta-feira, 26/11 às 8h\n")


def test_a_time_named_instead_of_the_word_on_a_cancellation_moves_the_appointment() -> None:
    said = ("pode cancelar minha consulta", "quero marcar pra semana que vem então", "quarta às 10h", "sim")
    assert end(*said, existing=[THURSDAY]) == ("rescheduled", "2026-12-02", "10:00")


def test_a_weekday_and_a_bare_number_are_the_hour_of_a_day_that_was_offered() -> None:
    said = ("cardiologista com a dra ana semana que vem", "segunda 14", "Rita Dias", "sim")
    assert end(*said) == ("booked", "2026-11-30", "14:00")


def test_a_service_asked_about_in_between_is_the_one_to_book() -> None:
    exams = [
        {"name": "Eletrocardiograma", "minutes": 30},
        {"name": "Ultrassonografia", "minutes": 30, "price_brl": 220},
    ]
    people = [{"name": "Dr. Paulo Braga", "services": [e["name"] for e in exams]}]
    clinic = SCENE["clinic"] | {"services": exams, "professionals": people}
    said = ("quero marcar", "quanto é a ultrassonografia?", "amanhã às 10h", "Rita Dias", "sim")
    answers = talk(*said, clinic=clinic)
    assert [answers[0]["asks"], answers[1]["asks"]] == ["service", "date"]
    assert "R$ 220,00" in answers[1]["replies"][0]
    assert answers[-1]["state"]["service"] == "Ultrassonografia"


def test_the_hour_said_before_the_day_is_repeated_in_the_question() -> None:
    assert words("quero cardiologista às 15h") == "Para qual dia você gostaria, às 15h?"


@pytest.mark.parametrize("said", ["surgiu um imprevisto, não vou conseguir", "oi, não vou poder ir"])
def test_a_reminder_answered_with_an_obstacle(said: str) -> None:
    assert "remarcar" in words(said, existing=[THURSDAY], context=REMINDER)
