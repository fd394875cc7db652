"""The waiting list: a question about it is answered, a wish to wait joins it. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.manager import begin, end, turn
from atendeai.domain.dialogue.ports import Done, JoinWaitlist
from atendeai.domain.dialogue.session import Message, Patient
from atendeai.domain.dialogue.state import State, Wish
from atendeai.domain.dialogue.waiting import join
from atendeai.domain.understanding.when import Moment
from tests.domain.test_dialogue import talk, words

FULL: dict[str, Any] = {"busy": [{"date": "2026-11-25", "time_from": "08:00", "time_to": "18:00"}]}
WISH = "quero consulta amanhã"
QUESTIONS = [
    "tem lista de espera?",
    "como funciona a lista de espera?",
    "vcs trabalham com fila de espera?",
    "queria saber como é a lista de espera",
    "se alguém desistir vocês avisam?",
    "quanto tempo demora na lista de espera?",
    "o que é essa lista?",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_about_it_is_answered_and_enrols_nobody(question: str) -> None:
    full, answer = talk(WISH, question, **FULL)
    assert "lista de espera" in words(full)
    assert answer["replies"][0].startswith("Sim, temos lista de espera")
    assert "quero entrar na lista" in answer["replies"][0]
    assert answer["asks"] == "time"  # the times that were offered are offered still
    assert answer["replies"][1].startswith("Tenho estes horários")


@pytest.mark.parametrize("question", QUESTIONS[:5])
def test_before_anything_was_wished_for(question: str) -> None:
    (answer,) = talk(question)
    assert words(answer).startswith("Sim, temos lista de espera")
    assert (answer["asks"], answer["state"]["outcome"]) == (None, "answered")


@pytest.mark.parametrize(
    "wish",
    [
        "quero entrar na lista de espera",
        "lista de espera",
        "pode me colocar na lista?",
        "tem como me colocar na lista de espera?",
        "me avisa se abrir vaga?",
        "coloca meu nome na fila de espera por favor",
        "posso entrar na lista de espera?",
        "quero ficar na espera",
    ],
)
def test_a_wish_to_wait_joins(wish: str) -> None:
    *_, asked, joined = talk(WISH, wish, "Maria Souza", **FULL)
    assert asked["asks"] == "name"
    assert words(joined).startswith("Pronto, você está na lista de espera para amanhã")


@pytest.mark.parametrize("wish", ["quero entrar", "pode me colocar", "sim, me coloca", "coloca meu nome"])
def test_a_short_wish_after_it_was_spoken_of(wish: str) -> None:
    *_, joined = talk(WISH, "tem lista de espera?", wish, "Maria Souza", **FULL)
    assert words(joined).startswith("Pronto, você está na lista de espera")


@pytest.mark.parametrize("refusal", ["não quero ficar na lista de espera", "lista de espera não"])
def test_who_does_not_want_to_wait_is_asked_for_another_day(refusal: str) -> None:
    answer = talk(WISH, refusal, **FULL)[-1]
    assert "lista de espera para" not in words(answer)
    assert answer["asks"] in {"date", "time"}


MONDAY, SUNDAY = date(2026, 11, 30), date(2026, 12, 6)


@pytest.mark.parametrize(
    ("when", "days", "hours", "told"),
    [
        (Moment(date=MONDAY), (MONDAY, MONDAY), (None, None), "para segunda-feira, 30/11."),
        (
            Moment(date=MONDAY, time_from=time(12), time_to=time(18)),
            (MONDAY, MONDAY),
            (time(12), time(18)),
            "para segunda-feira, 30/11 entre 12h e 18h.",
        ),
        (Moment(date=MONDAY, time=time(15)), (MONDAY, MONDAY), (None, None), "para segunda-feira, 30/11."),
        (
            Moment(date_from=MONDAY, date_to=SUNDAY, time_from=time(17)),
            (MONDAY, SUNDAY),
            (time(17), None),
            "para um horário de 30/11 a 06/12 a partir das 17h.",
        ),
        (
            Moment(date_from=MONDAY),
            (MONDAY, date(2026, 12, 14)),
            (None, None),
            "para um horário a partir de segunda-feira, 30/11.",
        ),
        (
            Moment(date_to=MONDAY),
            (date(2026, 11, 24), MONDAY),
            (None, None),
            "para um horário até segunda-feira, 30/11.",
        ),
    ],
)
def test_what_is_waited_for_is_what_was_wished(
    when: Moment, days: tuple[date, date], hours: tuple[time | None, time | None], told: str
) -> None:
    now = datetime.fromisoformat("2026-11-24T09:00")
    session = begin(State(full=Wish("c", when)), Message("quero"), Clinic("Sol"), now, Patient("Maria Souza"))
    steps = join(session)
    request = next(steps)
    assert isinstance(request, JoinWaitlist)
    assert (request.date_from, request.date_to, request.time_from, request.time_to) == (*days, *hours)
    with pytest.raises(StopIteration):
        steps.send(Done())
    (reply,) = end(session).replies
    assert reply == f"Pronto, você está na lista de espera {told} Se um horário vagar, aviso por aqui."


def test_a_clinic_without_one_says_so() -> None:
    clinic = Clinic(name="Clínica Sol", waiting_list=False)
    steps = turn(State(), Message("tem lista de espera?"), clinic, datetime.fromisoformat("2026-11-24T09:00"))
    with pytest.raises(StopIteration) as done:
        next(steps)
    assert done.value.value.replies == ("No momento não trabalhamos com lista de espera.",)
