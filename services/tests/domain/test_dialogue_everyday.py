"""How patients really write: two wishes at once, suppositions, changes of mind. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Alert, Message
from atendeai.domain.dialogue.state import State
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
