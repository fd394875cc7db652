"""Whole dialogues, through the same engine as the service, over a clinic in memory. It is Tuesday, 24/11/2026."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.naming import name_answer
from atendeai.domain.dialogue.ports import Found, Refused, Search, Slot
from atendeai.domain.dialogue.session import Message, Patient
from atendeai.domain.dialogue.state import State
from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Clínica Sol",
        "services": [
            {"name": "Consulta", "minutes": 30, "price_brl": "250.00"},
            {"name": "Limpeza de pele", "minutes": 60, "price_brl": 180},
            {"name": "Retorno", "minutes": 30},
        ],
        "professionals": [
            {"name": "Dra. Ana Lima", "services": ["Consulta", "Retorno"]},
            {"name": "Dr. Bruno Reis", "services": ["Consulta", "Limpeza de pele"]},
        ],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "insurance": ["Unimed", "Amil"],
        "address": "Rua das Flores, 10",
    },
}
THURSDAY_AT_TEN = {"service": "Consulta", "professional": "Dra. Ana Lima", "date": "2026-11-26", "time": "10:00"}
FRIDAY_AT_NINE = {"service": "Retorno", "professional": "Dra. Ana Lima", "date": "2026-11-27", "time": "09:00"}
REMINDER = {"last_outbound": "reminder", "text": "Lembrete: você tem consulta amanhã. Confirma?"}


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


def state(answer: dict[str, Any]) -> tuple[Any, ...]:
    s = answer["state"]
    return s["outcome"], s["service"], s["professional"], s["date"], s["time"]


def outcome(*messages: str, **scene: Any) -> str:
    return str(talk(*messages, **scene)[-1]["state"]["outcome"])


def words(answer: dict[str, Any]) -> str:
    return "\n".join(answer["replies"])


def test_booking_step_by_step() -> None:
    offer, named, booked, thanks = talk(
        "Olá, quero marcar uma consulta amanhã às 14h", "Maria Souza", "pode ser", "obrigada!"
    )
    assert "amanhã (quarta-feira, 25/11) às 14h" in words(offer)
    assert "Dra. Ana Lima" in words(offer)
    assert (offer["asks"], offer["state"]["outcome"]) == ("name", "nothing_booked")
    assert (named["asks"], "Maria Souza" in words(named)) == ("confirmation", True)
    assert state(booked) == ("booked", "Consulta", "Dra. Ana Lima", "2026-11-25", "14:00")
    assert booked["asks"] is None
    assert state(thanks) == state(booked)


@pytest.mark.parametrize(
    "messages",
    [
        ("quero marcar consulta", "quinta às 10h", "me chamo Ana Paula", "sim"),
        ("meu nome é Ana Paula, quero consulta quinta às 10h", "pode marcar"),
        ("quero marcar consulta quinta", "10h", "Ana Paula", "isso"),
        ("tem horário quinta às 10h?", "sim", "Ana Paula"),
        ("qro uma consuta qui 10h pfv", "ana paula", "blz"),
        ("quero consulta quinta às 10h", "Ana Paula", "quanto custa?", "ok, pode ser"),
        ("quero consulta quinta às 9h", "melhor às 10h", "Ana Paula", "sim"),
        ("quero consulta amanhã às 10h", "não", "quinta às 10h", "Ana Paula", "pode ser sim"),
        ("consulta quarta ou quinta às 10h", "quinta", "Ana Paula", "sim"),
    ],
)
def test_many_ways_to_the_same_appointment(messages: tuple[str, ...]) -> None:
    assert state(talk(*messages)[-1]) == ("booked", "Consulta", "Dra. Ana Lima", "2026-11-26", "10:00")


def test_nothing_is_booked_before_the_last_word() -> None:
    for answer in talk("quero consulta amanhã às 14h", "Maria", "onde fica?", "deixa pra lá, cancela"):
        assert answer["state"]["outcome"] == "nothing_booked"


def test_a_taken_time_gives_the_nearest() -> None:
    busy = [{"professional": "Dra. Ana Lima", "date": "2026-11-25", "time_from": "14:00", "time_to": "15:00"}]
    wish = "quero marcar com a dra ana amanhã às 14h, meu nome é Carla Dias"
    near, booked = talk(wish, "pode ser", busy=busy)
    assert "Não tenho horário livre" in words(near)
    assert "às 13h30 (também tenho às 13h ou às 15h)" in words(near)
    assert near["asks"] == "confirmation"
    assert state(booked) == ("booked", "Consulta", "Dra. Ana Lima", "2026-11-25", "13:30")
    *_, other = talk(wish, "15h", "ok", busy=busy)
    assert state(other) == ("booked", "Consulta", "Dra. Ana Lima", "2026-11-25", "15:00")


def test_a_slot_that_is_never_really_free_ends_with_a_person() -> None:
    clinic = clinic_from_profile(
        "Sol",
        {
            "services": [{"code": "c", "name": "Consulta"}],
            "professionals": [{"code": "ana", "name": "Dra. Ana"}],
            "businessHours": {"wed": [["08:00", "18:00"]]},
        },
    )
    now = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
    steps = turn(State(), Message("quero marcar consulta amanhã às 14h"), clinic, now, Patient("Ana"))
    asked = 0
    request = next(steps)
    try:
        while True:
            asked += 1
            slots = tuple(Slot(datetime(2026, 11, 25, hour), "ana", "c") for hour in range(8, 18))  # noqa: DTZ001 - wall-clock time
            request = steps.send(Found(slots) if isinstance(request, Search) else Refused("slot-taken"))
    except StopIteration as stop:
        result = stop.value
    assert asked < 20
    assert result.state.handed_off
    assert result.alerts == (Alert.TROUBLE,)


def test_somebody_else_is_offered_when_nobody_was_named() -> None:
    busy = [{"professional": "Dra. Ana Lima", "date": "2026-11-25", "time_from": "14:00", "time_to": "15:00"}]
    assert "Dr. Bruno Reis" in words(talk("quero marcar consulta amanhã às 14h", busy=busy)[0])


def test_a_closed_day_is_said_and_the_next_offered() -> None:
    closed = talk("tem horário sábado de manhã?")[0]
    assert "não abrimos" in words(closed)
    assert "segunda-feira, 30/11 às 8h" in words(closed)


def test_an_ambiguous_day_is_asked_back() -> None:
    asked, offer, *_, booked = talk("limpeza de pele terça às 10h", "semana que vem", "Rui Sá", "sim")
    assert asked["asks"] == "date"
    assert "hoje" in words(asked)
    assert "01/12" in words(offer)
    assert state(booked) == ("booked", "Limpeza de pele", "Dr. Bruno Reis", "2026-12-01", "10:00")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("tudo bem", "booked"), ("ok, obrigada", "booked"), ("obrigada", "nothing_booked"), ("oi", "nothing_booked")],
)
def test_courtesies_after_an_offer(answer: str, expected: str) -> None:
    assert outcome("quero consulta amanhã às 9h, meu nome é Rui Sá", answer) == expected


def test_an_impossible_day_is_asked_again() -> None:
    refused, listed = talk("quero marcar dia 31 de novembro", "dia 30")
    assert (refused["asks"], listed["asks"]) == ("date", "time")


def test_a_service_nobody_offers() -> None:
    asked, listed = talk("quero marcar neurologista amanhã", "consulta então")
    assert asked["asks"] == "service"
    assert "Limpeza de pele" in words(asked)
    assert "25/11" in words(listed)


def test_the_service_is_asked_when_it_is_open() -> None:
    clinic = {
        **SCENE["clinic"],
        "services": [{"name": "Dermatologia", "minutes": 30}, {"name": "Cardiologia", "minutes": 30}],
        "professionals": [{"name": "Dra. Ana Lima", "services": ["Dermatologia", "Cardiologia"]}],
    }
    asked, *_, booked = talk("quero marcar amanhã às 9h", "cardiologista", "Lia Prado", "sim", clinic=clinic)
    assert asked["asks"] == "service"
    assert state(booked) == ("booked", "Cardiologia", "Dra. Ana Lima", "2026-11-25", "09:00")


def test_for_somebody_else_the_name_is_asked() -> None:
    answers = talk("meu nome é Ana Luz", "marcar consulta pro meu filho amanhã 9h", "Pedro Luz", "ok")
    assert answers[1]["asks"] == "name"
    assert "Pedro Luz" in words(answers[-1])


def test_a_known_patient_is_not_asked_for_the_name() -> None:
    offer, booked = talk("quero marcar consulta amanhã às 9h", "sim", existing=[FRIDAY_AT_NINE])
    assert offer["asks"] == "confirmation"
    assert booked["state"]["outcome"] == "booked"


def test_moving() -> None:
    offer, moved = talk(
        "preciso remarcar minha consulta de quinta para sexta às 15h", "sim", existing=[THURSDAY_AT_TEN]
    )
    assert offer["asks"] == "confirmation"
    assert state(moved) == ("rescheduled", "Consulta", "Dra. Ana Lima", "2026-11-27", "15:00")


def test_moving_frees_the_old_time() -> None:
    answers = talk(
        "remarcar minha consulta para sexta às 15h",
        "sim",
        "quero marcar um retorno quinta às 10h com a dra ana",
        "sim",
        existing=[THURSDAY_AT_TEN],
    )
    assert state(answers[-1]) == ("booked", "Retorno", "Dra. Ana Lima", "2026-11-26", "10:00")


def test_moving_one_of_several() -> None:
    asked, *_, moved = talk(
        "quero remarcar minha consulta",
        "a de sexta",
        "segunda às 8h",
        "sim",
        existing=[THURSDAY_AT_TEN, FRIDAY_AT_NINE],
    )
    assert "26/11" in words(asked)
    assert "27/11" in words(asked)
    assert state(moved) == ("rescheduled", "Retorno", "Dra. Ana Lima", "2026-11-30", "08:00")


def test_cancelling() -> None:
    asked, gone, listed = talk(
        "quero cancelar minha consulta", "sim", "tenho consulta marcada?", existing=[THURSDAY_AT_TEN]
    )
    assert asked["asks"] == "confirmation"
    assert state(gone) == ("cancelled", "Consulta", "Dra. Ana Lima", "2026-11-26", "10:00")
    assert "Não encontrei" in words(listed)


def test_a_cancellation_taken_back() -> None:
    kept, listed = talk("quero cancelar", "não", "que dia é minha consulta?", existing=[THURSDAY_AT_TEN])[1:]
    assert "continua marcada" in words(kept)
    assert "26/11" in words(listed)


def test_cancelling_what_is_not_there() -> None:
    (answer,) = talk("quero cancelar minha consulta")
    assert "Não encontrei" in words(answer)


@pytest.mark.parametrize("yes", ["sim", "confirmo", "ok, estarei lá", "👍"])
def test_a_reminder_confirmed(yes: str) -> None:
    (answer,) = talk(yes, existing=[THURSDAY_AT_TEN], context=REMINDER)
    assert state(answer) == ("confirmed", "Consulta", "Dra. Ana Lima", "2026-11-26", "10:00")


def test_a_reminder_declined_and_moved() -> None:
    answers = talk("não posso", "remarcar", "sexta 10h", "pode ser", existing=[THURSDAY_AT_TEN], context=REMINDER)
    assert state(answers[-1]) == ("rescheduled", "Consulta", "Dra. Ana Lima", "2026-11-27", "10:00")


def test_confirming_unasked() -> None:
    assert outcome("quero confirmar minha presença na consulta", existing=[THURSDAY_AT_TEN]) == "confirmed"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("que horas vocês abrem?", "segunda a sexta, das 8h às 18h"),
        ("vocês abrem sábado?", "não abrimos"),
        ("onde fica?", "Rua das Flores, 10"),
        ("aceita unimed?", "Sim, atendemos Unimed"),
        ("aceita bradesco?", "Não atendemos Bradesco"),
        ("quanto custa a limpeza de pele?", "R$ 180,00"),
        ("quais os valores?", "R$ 250,00"),
        ("vocês fazem botox?", "Não temos botox"),
        ("oi", "Clínica Sol"),
        ("obrigado", "Por nada"),
    ],
)
def test_questions(question: str, said: str) -> None:
    (answer,) = talk(question)
    assert said in words(answer)
    assert answer["state"]["outcome"] == "answered"


def test_a_question_on_the_way_puts_the_open_question_again() -> None:
    _, asked = talk("quero consulta amanhã às 14h, meu nome é Rui Sá", "onde fica mesmo?")
    assert "Rua das Flores" in asked["replies"][0]
    assert "Pode ser?" in asked["replies"][1]
    assert asked["asks"] == "confirmation"


CAMPAIGN = {"last_outbound": "campaign", "text": "Semana da limpeza de pele! Quer marcar?"}


def test_what_was_asked_about_is_what_is_then_booked() -> None:
    *_, booked = talk("quanto custa a limpeza de pele?", "quero marcar", "sexta às 10h", "Rui Sá", "sim")
    assert state(booked) == ("booked", "Limpeza de pele", "Dr. Bruno Reis", "2026-11-27", "10:00")


def test_an_invitation_accepted() -> None:
    assert talk("vocês fazem limpeza de pele?", "quero")[-1]["asks"] == "date"
    *_, booked = talk("quero sim", "sexta às 10h", "Rui Sá", "sim", context=CAMPAIGN)
    assert state(booked) == ("booked", "Limpeza de pele", "Dr. Bruno Reis", "2026-11-27", "10:00")


def test_the_professional_the_patient_named_stays_when_the_day_changes() -> None:
    *_, booked = talk("consulta com o dr bruno amanhã 10h", "Lia Melo", "melhor quinta", "ok")
    assert state(booked) == ("booked", "Consulta", "Dr. Bruno Reis", "2026-11-26", "10:00")


def test_a_patient_may_bear_the_name_of_somebody_who_works_there() -> None:
    (offer,) = talk("quero consulta quinta 10h, meu nome é Caio Reis")
    assert "Dra. Ana Lima" in words(offer)


def test_another_day_instead_of_a_cancellation() -> None:
    *_, moved = talk("não vou conseguir ir quinta", "sexta às 9h", "sim", existing=[THURSDAY_AT_TEN])
    assert state(moved) == ("rescheduled", "Consulta", "Dra. Ana Lima", "2026-11-27", "09:00")


def test_all_of_them_cancelled() -> None:
    both = [THURSDAY_AT_TEN, FRIDAY_AT_NINE]
    *_, gone, listed = talk("quero cancelar", "as duas", "sim", "tenho consulta marcada?", existing=both)
    assert gone["state"]["outcome"] == "cancelled"
    assert "Não encontrei" in words(listed)


def test_a_reminder_refused_and_then_confirmed_after_all() -> None:
    answers = talk("acho que não", "esquece, vou sim, pode confirmar", existing=[THURSDAY_AT_TEN], context=REMINDER)
    assert answers[-1]["state"]["outcome"] == "confirmed"


def test_a_reminder_confirmed_with_a_question() -> None:
    (answer,) = talk("vou sim, qual o endereço?", existing=[THURSDAY_AT_TEN], context=REMINDER)
    assert answer["state"]["outcome"] == "confirmed"
    assert "Rua das Flores" in words(answer)


def test_a_booking_given_up_stays_given_up() -> None:
    assert outcome("tem horário amanhã?", "deixa pra lá, não quero mais", "obrigada") == "nothing_booked"


@pytest.mark.parametrize("text", ["não consigo respirar", "quero me matar", "meu pai está infartando"])
def test_emergencies_stop_everything(text: str) -> None:
    _, answer, silence = talk("quero marcar amanhã às 10h", text, "oi?")
    assert "192" in words(answer)
    assert answer["state"]["outcome"] == "emergency"
    assert silence["replies"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quero falar com uma atendente", "handed_off"),
        ("preciso do resultado do meu exame", "handed_off"),
        ("quero que apaguem meus dados", "handed_off"),
        ("parem de mandar mensagem", "opted_out"),
        ("vou me atrasar 10 minutos", "answered"),
    ],
)
def test_what_is_passed_on(text: str, expected: str) -> None:
    assert outcome(text) == expected


def test_after_three_messages_not_understood_a_person_takes_over() -> None:
    assert outcome("bla bla xyz", "qwerty") == "nothing_booked"
    assert outcome("bla bla xyz", "qwerty", "asdf") == "handed_off"


def test_two_patients_cannot_get_the_same_time() -> None:
    busy = [{"date": "2026-11-25", "time_from": "08:00", "time_to": "18:00"}]
    answer = talk("quero marcar consulta amanhã às 14h", busy=busy)[0]
    assert "Não tenho horário livre" in words(answer)
    assert "26/11" in words(answer)


def test_an_opt_out_holds_while_a_person_has_the_conversation() -> None:
    _, gone, after = talk("quero falar com uma pessoa", "SAIR", "oi")
    assert "não vamos mais enviar lembretes" in words(gone)
    assert after["replies"] == []


@pytest.mark.parametrize("chatter", ["kd meu horario", "blz obg", "valeu", "tb", "kd"])
def test_chatter_is_no_name(chatter: str) -> None:
    assert name_answer(chatter) is None
