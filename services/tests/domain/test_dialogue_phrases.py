"""Many ways of saying the same thing at the same point of a dialogue; and what must not be taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Consultório Dra. Beatriz",
        "services": [{"name": "Consulta", "minutes": 30, "price_brl": 350}],
        "professionals": [{"name": "Dra. Beatriz Fonseca", "services": ["Consulta"]}],
        "hours": {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "insurance": ["Unimed"],
        "address": "Rua Augusta, 1500",
    },
}
TOMORROW = {"service": "Consulta", "professional": "Dra. Beatriz Fonseca", "date": "2026-11-25", "time": "11:00"}
REMINDER = {"last_outbound": "reminder", "text": "Lembrete da sua consulta amanhã às 11h. Você confirma?"}
FULL = [{"date": "2026-11-25", "time_from": "08:00", "time_to": "18:00"}]


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


def end(*messages: str, **scene: Any) -> tuple[str, str | None, str | None]:
    state = talk(*messages, **scene)[-1]["state"]
    return state["outcome"], state["date"], state["time"]


def words(*messages: str, **scene: Any) -> str:
    return "\n".join(talk(*messages, **scene)[-1]["replies"])


BOOKED = ("booked", "2026-11-26", "15:00")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("maria lima", "Maria Lima"),
        ("meu nome completo é Maria Lima", "Maria Lima"),
        ("coloca no nome de Maria Lima", "Maria Lima"),
        ("Maria Lima 11987654321", "Maria Lima"),
        ("Bom dia, Maria Lima", "Maria Lima"),
        ("Maria Lima 😊", "Maria Lima"),
        ("Pode anotar: Maria Lima", "Maria Lima"),
        ("Maria Lima. Obrigada!", "Maria Lima"),
        ("Maria Lima, 34 anos", "Maria Lima"),
        ("é pra mim mesma, Maria Lima", "Maria Lima"),
        ("Nome completo: Maria Lima\nCPF: 12345678900\nNascimento: 01/02/1980", "Maria Lima"),
        ("Domingos Terra", "Domingos Terra"),
        ("qual o endereço? meu nome é Maria Lima", "Maria Lima"),
    ],
)
def test_a_name_however_it_is_given(name: str, written: str) -> None:
    answers = talk("consulta quinta às 15h", name, "sim")
    assert answers[-1]["state"]["outcome"] == "booked"
    assert f"em nome de {written}" in "\n".join(answers[-1]["replies"])


@pytest.mark.parametrize(
    "text", ["por que precisa do nome?", "depende do preço", "quero ver outro dia", "não sei ainda"]
)
def test_what_is_no_name(text: str) -> None:
    assert talk("consulta quinta às 15h", text)[-1]["state"]["outcome"] == "nothing_booked"
    assert "Em nome de" not in words("consulta quinta às 15h", text)


@pytest.mark.parametrize(
    "yes",
    [
        "por favor",
        "vou querer",
        "agende por favor",
        "tá, pode ser",
        "gostei, pode marcar",
        "✅",
        "então tá, confirma",
        "15h ok",
        "opa, beleza",
    ],
)
def test_a_yes_however_it_is_said(yes: str) -> None:
    assert end("consulta quinta às 15h, meu nome é Maria Lima", yes) == BOOKED


@pytest.mark.parametrize(
    "no", ["talvez", "será que tem sexta?", "peraí", "vou ver e te falo", "é longe", "não confirmo", "?"]
)
def test_what_is_no_yes(no: str) -> None:
    assert end("consulta quinta às 15h, meu nome é Maria Lima", no)[0] == "nothing_booked"


def test_who_wants_a_moment_gets_it_and_may_come_back() -> None:
    said = "consulta quinta às 15h, meu nome é Maria Lima"
    waiting = talk(said, "peraí, vou ver com meu marido")[-1]
    assert waiting["asks"] is None
    assert "sem pressa" in "\n".join(waiting["replies"])
    assert end(said, "peraí, vou ver com meu marido", "pronto, pode confirmar") == BOOKED


@pytest.mark.parametrize("day", ["quinta", "26", "26.11", "26-11", "depois de amanhã", "na quinta, se tiver"])
def test_a_day_however_it_is_written(day: str) -> None:
    assert end("quero marcar consulta", day, "15h", "Maria Lima", "sim") == BOOKED


@pytest.mark.parametrize("pick", ["o mais cedo", "tanto faz", "o primeiro", "1"])
def test_the_first_of_several(pick: str) -> None:
    assert end("consulta quinta", pick, "Maria Lima", "sim")[2] == "09:00"


def test_the_last_of_the_day() -> None:
    assert end("o último horário de quinta", "Maria Lima", "sim")[2] == "17:30"


@pytest.mark.parametrize(
    "text",
    [
        "ok, obrigada pelo lembrete",
        "até amanhã",
        "não vou faltar",
        "pode contar comigo",
        "tudo certo para amanhã",
        "estarei aí às 11h",
    ],
)
def test_a_reminder_confirmed_in_passing(text: str) -> None:
    assert end(text, existing=[TOMORROW], context=REMINDER)[0] == "confirmed"


@pytest.mark.parametrize(
    "text",
    [
        "não consigo amanhã, tem sexta?",
        "pode ser na sexta?",
        "só posso sexta",
        "posso ir outro dia?",
        "tem outro horário?",
    ],
)
def test_a_reminder_answered_with_another_day_moves_it(text: str) -> None:
    assert end(text, "sexta 15h", "sim", existing=[TOMORROW], context=REMINDER) == (
        "rescheduled",
        "2026-11-27",
        "15:00",
    )


@pytest.mark.parametrize(("digit", "outcome"), [("1", "confirmed"), ("2", "nothing_booked")])
def test_a_reminder_with_numbers(digit: str, outcome: str) -> None:
    context = {**REMINDER, "text": "Consulta amanhã às 11h. Responda 1 para confirmar ou 2 para cancelar."}
    assert end(digit, existing=[TOMORROW], context=context)[0] == outcome
    assert end("2", "sim", existing=[TOMORROW], context=context)[0] == "cancelled"


@pytest.mark.parametrize("text", ["não cancela", "não quero cancelar", "deixa como está", "pera não"])
def test_a_cancellation_that_is_not_wanted_after_all(text: str) -> None:
    assert end("quero cancelar minha consulta", text, existing=[TOMORROW])[0] == "nothing_booked"


def test_the_same_day_and_the_same_hour_are_those_of_the_appointment() -> None:
    earlier = ("quero trocar minha consulta pra mais cedo", "no mesmo dia, 10h", "sim")
    assert end(*earlier, existing=[TOMORROW]) == ("rescheduled", "2026-11-25", "10:00")
    moved = end("passa minha consulta pra sexta no mesmo horário", "sim", existing=[TOMORROW])
    assert moved == ("rescheduled", "2026-11-27", "11:00")


def test_a_change_of_mind_right_after_the_booking_moves_it() -> None:
    booked = ("consulta quinta às 15h, meu nome é Maria Lima", "sim")
    assert end(*booked, "e sexta às 15h, tem?", "sim") == ("rescheduled", "2026-11-27", "15:00")
    again = end(*booked, "quero marcar mais uma consulta sexta às 15h", "sim")
    assert again == ("booked", "2026-11-27", "15:00")
    assert "quinta-feira, 26/11 às 15h" in words(*booked, "obrigada, que horas é mesmo?")


def test_several_questions_in_one_message_are_all_answered() -> None:
    said = words("qual o endereço e o horário de vocês?")
    assert "Rua Augusta" in said
    assert "das 9h às 12h" in said
    offered = words("vocês aceitam unimed? se sim quero marcar quinta às 15h")
    assert "Sim, atendemos Unimed." in offered
    assert "26/11 às 15h" in offered


def test_a_plan_is_noted_once_and_a_price_found_dear_is_no_question() -> None:
    assert "Não atendemos Amil" in words("tenho amil, quero consulta quinta às 15h")
    assert words("consulta quinta às 15h", "é particular").startswith("Certo, atendimento particular.")
    assert "R$" not in words("quanto custa?", "muito caro")


def test_for_somebody_else_the_writers_own_name_is_not_taken() -> None:
    assert talk("sou a Vera, queria marcar pra minha mãe quinta às 15h")[-1]["asks"] == "name"
    named = words("sou a Vera, queria marcar pra minha mãe quinta às 15h. o nome dela é Alzira Pinto")
    assert "Em nome de Alzira Pinto" in named
    assert "Em nome de Sofia Reis" in words("marcar pra minha filha Sofia Reis quinta às 15h")


def test_several_messages_read_as_one() -> None:
    assert "Em nome de Maria Lima" in words("oi\nquero marcar\nquinta\n15h\nMaria Lima")
    assert end("quero marcar consulta\nprefiro falar com a secretária")[0] == "handed_off"


def test_the_waiting_list_of_a_full_day() -> None:
    hint, asked, joined = talk("consulta amanhã às 15h", "me coloca na lista de espera", "Maria Lima", busy=FULL)
    assert "lista de espera" in "\n".join(hint["replies"])
    assert asked["asks"] == "name"
    assert "está na lista de espera para amanhã" in "\n".join(joined["replies"])
    assert joined["state"]["outcome"] == "nothing_booked"
    asked_for = words("consulta amanhã, meu nome é Maria Lima", "me avisa se abrir vaga", busy=FULL)
    assert "está na lista de espera" in asked_for


def test_a_person_asked_for_at_night_is_announced_for_the_morning() -> None:
    said = words("quero falar com uma atendente", now="2026-11-27T20:00")
    assert "estamos fechados" in said
    assert "voltamos a atender na segunda-feira, 30/11 às 9h" in said
    assert "estamos fechados" not in words("quero falar com uma atendente")


@pytest.mark.parametrize("text", ["quem fala?", "de onde é?", "número errado"])
def test_who_this_is(text: str) -> None:
    answer = talk(text)[-1]
    assert "não entendi" not in "\n".join(answer["replies"])
    assert answer["state"]["outcome"] in {"answered", "nothing_booked"}


OPEN: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    ((), {}),
    (("quero marcar",), {}),
    (("consulta quinta",), {}),
    (("consulta quinta às 15h",), {}),
    (("consulta quinta às 15h, meu nome é Maria Lima",), {}),
    (("consulta amanhã", "quero entrar na lista de espera"), {"busy": FULL}),
    (("quero remarcar",), {"existing": [TOMORROW]}),
    (("quero cancelar",), {"existing": [TOMORROW]}),
    (("quero cancelar",), {"existing": [TOMORROW, {**TOMORROW, "date": "2026-11-27"}]}),
    (("não",), {"existing": [TOMORROW], "context": REMINDER}),
]
"""Where a conversation may stand, each with a question of ours open but the first."""


@pytest.mark.parametrize("place", range(len(OPEN)))
def test_at_most_one_question_in_an_answer_wherever_it_is_asked(place: int) -> None:
    opening, scene = OPEN[place]
    for said in (
        "oi",
        "bom dia",
        "isso é um robô?",
        "vocês fazem consulta também?",
        "vocês fazem botox?",
        "a dra beatriz atende aí?",
        "o doutor Pedro atende aí?",
        "quais são as minhas consultas?",
        "quero cancelar minha consulta",
        "quero remarcar minha consulta",
        "confirmo minha presença, vocês fazem consulta também?",
        "onde fica?",
        "é particular",
        "tem lista de espera?",
        "sim",
        "não",
        "xpto wrst",
    ):
        reply = words(*opening, said, **scene)
        assert reply.count("?") <= 1, (opening, said, reply)


def test_an_open_question_is_put_again_behind_an_answer_and_no_other_is() -> None:
    answers = talk("quero marcar", "vocês fazem consulta também?", "quais são as minhas consultas?")
    assert [answer["asks"] for answer in answers] == ["date"] * 3
    service, mine = ("\n".join(answer["replies"]) for answer in answers[1:])
    question = "Para qual dia você gostaria?"
    assert service == f"Sim, temos consulta, com a Dra. Beatriz Fonseca. Dura cerca de 30 minutos.\n{question}"
    assert mine == f"Não encontrei nenhuma consulta sua marcada.\n{question}"
    assert words("consulta quinta", "bom dia").startswith("Olá!\nTenho estes horários")


def test_what_the_name_is_for_is_told_and_it_is_asked_again() -> None:
    offered, told = talk("consulta quinta às 15h", "pra que vc quer meu nome?")
    assert "O nome é só para reservar o horário" in "\n".join(told["replies"])
    assert (offered["asks"], told["asks"]) == ("name", "name")


def test_what_nobody_knows_is_said_once() -> None:
    assert words("consulta quinta às 15h", "Rita Dias", "sim, mas precisa de jejum?").count("Não tenho essa") == 1


@pytest.mark.parametrize(
    ("wish", "service"),
    [("quero a médica de pele", "Dermatologia"), ("preciso do médico do coração", "Cardiologia")],
)
def test_a_specialty_by_its_everyday_name(wish: str, service: str) -> None:
    names = ["Consulta", "Cardiologia", "Dermatologia"]
    clinic = {
        **SCENE["clinic"],
        "services": [{"name": name, "minutes": 30} for name in names],
        "professionals": [{"name": "Dra. Beatriz Fonseca", "services": names}],
    }
    assert f"{service} com Dra. Beatriz Fonseca" in words(f"{wish} quinta às 15h", clinic=clinic)


def test_who_has_none_and_wants_one_gets_one() -> None:
    assert talk("quero cancelar minha consulta", "sim")[-1]["asks"] == "date"


BRAGAS = {
    **SCENE["clinic"],
    "professionals": [
        {"name": "Dr. Paulo Braga", "services": ["Consulta"]},
        {"name": "Dra. Ana Braga", "services": ["Consulta"]},
    ],
}


def test_who_is_meant_is_asked_where_two_bear_the_name_and_only_once() -> None:
    asked, offered, *_ = talk("consulta com o braga quinta às 15h", "a ana", clinic=BRAGAS)
    assert asked["asks"] == "professional"
    assert "Dra. Ana Braga" in "\n".join(offered["replies"])
    assert "Dra. Ana Braga" in words("consulta com a dra braga quinta às 15h", clinic=BRAGAS)
    assert talk("consulta com o braga quinta às 15h", "tanto faz", clinic=BRAGAS)[-1]["asks"] == "name"


def test_another_professional_at_the_time_that_was_wished_for() -> None:
    busy = [{"professional": "Dr. Paulo Braga", "date": "2026-11-26", "time_from": "15:00", "time_to": "15:30"}]
    said = ("consulta com o dr. paulo quinta às 15h, meu nome é Maria Lima", "pode ser com outro médico", "sim")
    state = talk(*said, clinic=BRAGAS, busy=busy)[-1]["state"]
    assert (state["outcome"], state["professional"], state["time"]) == ("booked", "Dra. Ana Braga", "15:00")


@pytest.mark.parametrize("text", ["preciso estar em jejum pra consulta?", "onde fica? tem estacionamento?"])
def test_what_the_profile_does_not_know_is_passed_on(text: str) -> None:
    assert "já pedi à nossa equipe" in words(text)
