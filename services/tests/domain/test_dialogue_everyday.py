"""How patients really write: two wishes at once, suppositions, changes of mind. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import Clinic, clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Message, Turn
from atendeai.domain.dialogue.state import State
from atendeai.domain.dialogue.wording import opens_again
from tests.domain.test_dialogue_people import SCENE, said, talk

CARDIO = {
    "service": "Consulta com cardiologista",
    "professional": "Dr. João Melo",
    "date": "2026-11-25",
    "time": "10:00",
}
PEDIATRA = {
    "service": "Consulta com pediatra",
    "professional": "Dr. Caio Prado",
    "date": "2026-11-27",
    "time": "14:00",
}
BOTH: dict[str, Any] = {"existing": [CARDIO, PEDIATRA]}


def test_two_services_in_one_wish_are_arranged_one_after_the_other() -> None:
    asked, again, offer = talk("quero marcar cardiologista e eletrocardiograma amanhã às 9h", "sim", "o cardiologista")
    question = "Começamos por qual: consulta com cardiologista ou eletrocardiograma?"
    assert asked["replies"] == [f"Marco um de cada vez. {question}"]
    assert again["asks"] == "service"
    assert "Consulta com cardiologista com Dr. João Melo, amanhã (quarta-feira, 25/11) às 9h" in offer["replies"][0]
    assert "Eletrocardiograma" in said("quero marcar cardiologista e eletrocardiograma amanhã às 9h", "o segundo")[0]


@pytest.mark.parametrize(
    "question",
    ["e se eu precisar desmarcar?", "caso eu não possa ir, como faço?", "se eu não puder ir tem problema?"],
)
def test_what_if_is_a_question_and_undoes_nothing(question: str) -> None:
    answer, booked = talk("pediatra amanhã às 10h", "Bia Reis", question, "sim")[-2:]
    assert answer["asks"] == "confirmation"
    assert answer["replies"][0].startswith("Se precisar mudar ou cancelar depois")
    assert booked["state"]["outcome"] == "booked"


def test_cancelling_all_or_only_one_of_them() -> None:
    assert "e Consulta com pediatra" in said("cancela as duas", **BOTH)[0]
    only = talk("cancela as duas", "não, só a de amanhã", "sim", **BOTH)
    assert only[-1]["state"]["service"] == "Consulta com cardiologista"
    assert "pediatra" not in only[-1]["replies"][0]
    assert "Consulta com pediatra" in said("quero cancelar a das 14h", **BOTH)[0]


def test_what_was_just_cancelled_is_booked_again() -> None:
    again = talk(
        "cancela minha consulta", "sim", "na verdade deixa, pode marcar de novo no mesmo horário?", existing=[CARDIO]
    )
    assert (
        "Consulta com cardiologista com Dr. João Melo, amanhã (quarta-feira, 25/11) às 10h" in again[-1]["replies"][0]
    )


def test_late_for_the_appointment_that_is_confirmed() -> None:
    reminder = {"last_outbound": "reminder", "text": "Lembrete: consulta amanhã às 10h. Confirma?"}
    answer = talk("confirmo, mas vou chegar uns 10 min atrasada tá?", existing=[CARDIO], context=reminder)[0]
    assert answer["state"]["outcome"] == "confirmed"
    assert "Não encontrei" not in " ".join(answer["replies"])


@pytest.mark.parametrize(
    ("messages", "day"),
    [
        (("cardiologista dia 23 de dezembro", "e dia 28?"), "segunda-feira, 28/12"),
        (("cardiologista dia 02/12", "e dia 30?"), "segunda-feira, 30/11"),
        (("cardiologista quarta que vem", "9h", "a segunda"), "quarta-feira, 02/12 às 9h"),
        (("cardiologista dia 23 de dezembro", "dia 28/11"), "sábado, 28/11"),
    ],
)
def test_a_day_lies_where_the_talk_is(messages: tuple[str, ...], day: str) -> None:
    hours = {**SCENE["clinic"]["hours"], "sat": [["08:00", "12:00"]]}
    assert day in said(*messages, clinic={**SCENE["clinic"], "hours": hours})[-1]


def test_the_first_week_is_not_the_first_of_the_list() -> None:
    assert talk("cardiologista mês que vem", "primeira semana")[-1]["asks"] == "time"


def test_an_age_on_the_way_is_no_riddle_and_thanks_end_the_talk() -> None:
    assert said("quero pediatra pro meu filho", "ele tem 4 anos") == ["Para qual dia você gostaria?"]
    assert said("tem dentista?", "ok obrigada") == ["Por nada! Se precisar de algo mais, é só escrever."]
    thanked = talk("quero marcar", "obrigada", "pediatra")
    assert thanked[1]["replies"] == ["Por nada! Se precisar de algo mais, é só escrever."]
    assert thanked[2]["asks"] == "date"


def test_a_person_who_has_taken_over_is_not_spoken_over() -> None:
    first, *later, danger = talk(
        "quero falar com um atendente", "alô?", "tem alguém aí?", "??", "meu pai desmaiou e não acorda"
    )
    assert first["replies"] != []
    assert [answer["replies"] for answer in later] == [[], [], []]
    assert {answer["state"]["outcome"] for answer in later} == {"handed_off"}
    assert "192" in danger["replies"][0]


@pytest.mark.parametrize(
    ("topic", "message", "theirs"),
    [
        ("dor", "estou com dor no joelho", True),
        ("dor", "sinto dores há uma semana", True),
        ("dor", "aqui é a Dora, do gravador", False),
        ("Cirurgias", "quero saber da cirurgia", True),
        ("Reclamação", "tenho duas reclamações a fazer", True),
        ("plano de saúde", "tenho uma dúvida do meu Plano de Saude.", True),
        ("plano de saúde", "qual o plano? minha saúde vai bem", False),
        ("", "bom dia", False),
    ],
)
def test_a_topic_of_the_clinics_people_is_theirs_where_it_is_named(topic: str, message: str, theirs: bool) -> None:
    clinic = Clinic("Sol", handoff_topics=(topic,))
    with pytest.raises(StopIteration) as done:
        next(turn(State(), Message(message), clinic, datetime.fromisoformat("2026-11-24T09:00")))
    assert (Alert.TOPIC in done.value.value.alerts) is theirs
    assert done.value.value.state.handed_off is theirs


# ---------------------------------------------------------------- holidays, and a second question


@pytest.mark.parametrize(
    "question",
    ["vcs abrem no feriado de natal?", "vocês abrem dia 25/12?", "abrem em feriados?", "atendem em feriado?"],
)
def test_of_a_holiday_that_the_clinic_did_not_declare_nothing_is_claimed(question: str) -> None:
    scene = clinic_from_profile("Ipê", {"businessHours": SCENE["clinic"]["hours"]})
    hedged = heard(question, scene)
    assert "o horário é confirmado pela nossa equipe" in hedged.replies[0]
    assert "atendemos" not in hedged.replies[0]
    assert hedged.alerts == (Alert.UNANSWERED,)
    assert not hedged.state.handed_off


@pytest.mark.parametrize(
    ("declared", "answer"),
    [
        ({"holidays": ["2026-12-25"]}, "Na sexta-feira, 25/12, é feriado e não abrimos."),
        (
            {"exceptions": [{"dateFrom": "2026-12-25", "hours": [["09:00", "12:00"]]}]},
            "Na sexta-feira, 25/12, atendemos das 9h às 12h.",
        ),
    ],
)
def test_a_holiday_that_is_declared_is_told(declared: dict[str, Any], answer: str) -> None:
    scene = clinic_from_profile("Ipê", {"businessHours": SCENE["clinic"]["hours"], **declared})
    told = heard("vcs abrem no natal?", scene)
    assert (told.replies, told.alerts) == ((answer,), ())


def test_it_is_not_said_that_somebody_is_there_again_on_a_holiday_that_was_not_declared() -> None:
    eve = datetime(2026, 12, 24, 20)  # noqa: DTZ001 - the clinic's wall clock
    week = {"businessHours": SCENE["clinic"]["hours"]}
    opens = {"exceptions": [{"dateFrom": "2026-12-25", "hours": [["09:00", "12:00"]]}]}
    assert opens_again(clinic_from_profile("Ipê", week), eve) == "na segunda-feira, 28/12 às 8h"
    assert opens_again(clinic_from_profile("Ipê", week | opens), eve) == "amanhã (sexta-feira, 25/12) às 9h"


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        (
            "abre sábado?\ne no feriado de natal?",
            ("No sábado, 28/11, não abrimos.", "Na sexta-feira, 25/12, é feriado"),
        ),
        ("abrem dia 26 e 27 de novembro?", ("Na quinta-feira, 26/11,", "Na sexta-feira, 27/11,")),
        ("abrem sábado e domingo?", ("No sábado, 28/11, não abrimos.", "No domingo, 29/11, não abrimos.")),
        ("aceita unimed e amil, e abre sábado?", ("Sim, atendemos Unimed e Amil.", "No sábado, 28/11, não abrimos.")),
        ("sou da unimed, atende?", ("Sim, atendemos Unimed.",)),
        ("vai ter atendimento entre natal e ano novo?", ("Nosso horário de atendimento",)),
        ("aceita unimed, bradesco e cassi?", ("Atendemos Unimed, mas não Bradesco nem CASSI.",)),
        ("onde fica e vocês fazem botox?", ("Estamos em: Rua das Flores, 10.", "Não temos botox por aqui.")),
        ("qual o endereço? tem horário amanhã?", ("Estamos em: Rua das Flores, 10.", "Para qual atendimento?")),
        (
            "que dia é minha consulta e onde fica?",
            ("Estamos em: Rua das Flores, 10.", "Não encontrei nenhuma consulta sua marcada. Quer marcar uma?"),
        ),
    ],
)
def test_every_question_of_a_message_is_answered(asked: str, answers: tuple[str, ...]) -> None:
    clinic = {**SCENE["clinic"], "insurance": ["Unimed", "Amil"], "address": "Rua das Flores, 10"}
    replies = said(asked, clinic=clinic)
    assert len(replies) == len(answers)
    assert all(reply.startswith(answer) for reply, answer in zip(replies, answers, strict=True)), replies


def test_a_second_question_is_answered_too() -> None:
    closed, holidays = said("abrem domingo? e no feriado?")
    assert closed == "No domingo, 29/11, não abrimos."
    assert holidays.startswith("Nos feriados,")
    service = {"code": "us", "name": "Ultrassom", "priceBRL": "90", "preparation": "Jejum de 6 horas."}
    scene = clinic_from_profile("Ipê", {"services": [service], "businessHours": SCENE["clinic"]["hours"]})
    both = heard("quanto é o ultrassom? preciso levar algo?", scene)
    assert both.replies == ("Ultrassom: R$ 90,00.", "Orientações para Ultrassom: Jejum de 6 horas.")
    passed_on, offer = said("quero pediatra amanhã às 10h, e preciso de jejum?")
    assert passed_on.startswith("Não tenho essa informação aqui")
    assert "amanhã (quarta-feira, 25/11) às 10h" in offer


def heard(text: str, scene: Clinic) -> Turn:
    """The one turn of a message that asks nothing of the diary."""
    steps = turn(State(), Message(text), scene, datetime(2026, 11, 24, 9))  # noqa: DTZ001 - the clinic's wall clock
    with pytest.raises(StopIteration) as stop:
        next(steps)
    result: Turn = stop.value.value
    return result
