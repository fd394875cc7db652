"""Several services in one wish: all of them one after the other, or one of them. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from atendeai.conversation.shell import _Stage as Stage
from atendeai.domain.dialogue import each, kin
from atendeai.domain.dialogue.state import State
from atendeai.domain.understanding.normalise import normalise
from tests.domain.test_dialogue_stumbles import CLINIC as SOL
from tests.domain.test_dialogue_stumbles import STANDING

CLINIC: dict[str, Any] = {
    **SOL,
    "services": [*SOL["services"], {"name": "Exame de urina", "minutes": 15, "price_brl": 40}],
    "professionals": [
        {"name": "Dr. Bruno Lima", "services": ["Consulta clínica", "Exame de sangue", "Exame de urina"]},
        {"name": "Dra. Carla Dias", "services": ["Limpeza de pele"]},
    ],
}
WHICH = "Qual você prefere: limpeza de pele ou exame de sangue?"
ONE = ("quero limpeza", "sexta às 10h", "Rita Dias", "sim")
BOOKED = ("quero limpeza e exame de sangue", "limpeza", "sexta às 10h", "Rita Dias", "sim")
NEXT = "Quer marcar também exame de sangue?"


def play(*said: str, **scene: Any) -> tuple[str, dict[str, Any]]:
    """What is answered to the last message, and how things then stand."""
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC, **scene})
    answers = [stage.hear(text) for text in said]
    return "\n".join(answers[-1]["replies"]), answers[-1]["state"]


def booked(*said: str, **scene: Any) -> list[tuple[str, date, str, str | None]]:
    """What is in the diary in the end: service, day, hour, patient."""
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC, **scene})
    for text in said:
        stage.hear(text)
    kept = sorted(stage.world.appointments.values(), key=lambda a: a.start)
    return [(a.service, a.start.date(), f"{a.start:%H:%M}", a.patient_name) for a in kept]


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ("quero marcar limpeza ou exame de sangue amanhã às 10h", WHICH),
        ("tem horário pra limpeza ou exame de sangue amanhã?", WHICH),
        ("não sei se marco limpeza ou exame de sangue", WHICH),
        ("quero limpeza ou exame", "Qual você prefere: limpeza de pele, exame de sangue ou exame de urina?"),
        ("quero marcar um exame", "Qual você prefere: exame de sangue ou exame de urina?"),
    ],
)
def test_of_one_or_the_other_it_is_asked_which(wish: str, asked: str) -> None:
    assert play(wish)[0] == asked
    assert play(wish, "sim")[0] == asked


def test_what_was_said_with_both_goes_for_the_one_that_is_chosen() -> None:
    wish = "quero marcar limpeza ou exame de sangue amanhã às 10h"
    for chosen, service in (
        ("a limpeza", "Limpeza de pele"),
        ("o segundo", "Exame de sangue"),
        ("tanto faz", "Limpeza"),
    ):
        assert play(wish, chosen)[0].startswith(f"Tenho este horário: {service}")
    assert [kept[0] for kept in booked(wish, "exame", "Rita Dias", "sim", "sim")] == ["Exame de sangue"]


def test_a_word_that_several_share_narrows_the_choice() -> None:
    assert play("quero limpeza ou exame", "exame")[0] == "Qual você prefere: exame de sangue ou exame de urina?"
    assert "Exame de urina" in play("quero limpeza ou exame amanhã às 10h", "exame", "o de urina")[0]


def test_whoever_corrects_themselves_names_no_two() -> None:
    assert "Exame de sangue" in play("quero limpeza, ou melhor, exame de sangue amanhã às 10h")[0]


def test_the_second_is_asked_for_once_the_first_is_booked() -> None:
    said, state = play(*BOOKED)
    assert said.startswith("Agendado! Limpeza de pele")
    assert said.endswith(NEXT)
    assert state["outcome"] == "booked"
    assert [(s, f"{day:%d/%m}", at) for s, day, at, _ in booked(*BOOKED, "sim", "segunda às 9h", "sim")] == [
        ("Limpeza de pele", "27/11", "10:00"),
        ("Exame de sangue", "30/11", "09:00"),
    ]


@pytest.mark.parametrize(
    ("answer", "offer"),
    [
        ("hoje não, amanhã às 9h", "amanhã (quarta-feira, 25/11) às 9h"),
        ("pode ser no mesmo dia às 15h", "sexta-feira, 27/11 às 15h"),
        ("sim, logo depois", "1) sexta-feira, 27/11 às 10h30"),
        ("quero sim, segunda às 8h", "segunda-feira, 30/11 às 8h"),
    ],
)
def test_a_time_in_the_answer_is_that_of_the_second(answer: str, offer: str) -> None:
    assert offer in play(*BOOKED, answer)[0]


@pytest.mark.parametrize("no", ["não", "agora não, obrigada", "só a limpeza mesmo", "depois eu vejo", "obrigada!"])
def test_whoever_does_not_want_the_second_is_not_asked_again(no: str) -> None:
    assert "exame" not in play(*BOOKED, no)[0].lower()
    assert [kept[0] for kept in booked(*BOOKED, no, "sim")] == ["Limpeza de pele"]
    assert "exame" not in play(*BOOKED, no, "quero remarcar para as 11h", "sim")[0].lower()


def test_a_question_or_a_change_in_between_does_not_make_it_forgotten() -> None:
    assert play(*BOOKED, "quanto custa?")[0] == f"Exame de sangue: R$ 90,00.\n{NEXT}"
    moved = play(*BOOKED, "muda a limpeza para as 11h", "sim")[0]
    assert moved.startswith("Remarcado! Limpeza de pele")
    assert moved.endswith(NEXT)


def test_the_second_is_for_the_same_patient_and_not_at_the_same_moment() -> None:
    wish = ("quero limpeza e exame de sangue sexta às 10h pro meu filho", "tanto faz", "Pedro Dias", "sim", "sim", "1")
    offered, _ = play(*wish)
    assert "às 10h30" in offered
    assert "Em nome de Pedro Dias" in offered


def test_of_two_people_the_second_is_asked_for_too() -> None:
    wish = "quero consulta clínica pro meu filho e limpeza pra mim sexta"
    offered, _ = play(wish, "consulta", "8h", "Caio Dias", "sim", "sim", "às 15h")
    assert offered.endswith("Qual é o nome completo do paciente, por favor?")


def test_what_is_not_wanted_is_not_booked() -> None:
    assert "Exame de sangue" in play("não quero limpeza, quero exame de sangue amanhã às 9h")[0]


def test_three_are_arranged_one_by_one() -> None:
    said, _ = play("quero limpeza, exame de sangue e exame de urina")
    assert said.endswith("Começamos por qual: limpeza de pele, exame de sangue ou exame de urina?")
    more = ("quero limpeza, exame de sangue e exame de urina", *BOOKED[1:])
    assert play(*more, "não")[0] == "Tudo bem.\nQuer marcar também exame de urina?"
    assert play(*more, "sim", "não quero mais")[0].startswith("Tudo bem, não marquei mais nada.")


def test_what_comes_later_is_stored_with_the_conversation() -> None:
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    for text in BOOKED:
        stage.hear(text)
    assert len(stage.state.later) == 1
    assert State.from_json(json.loads(json.dumps(stage.state.to_json()))) == stage.state


@pytest.mark.parametrize("choice", ["o de sangue", "sangue", "de sangue amanhã cedo, por favor"])
def test_a_word_of_a_service_that_was_asked_for_is_no_emergency(choice: str) -> None:
    assert play("quero marcar um exame", choice)[1]["outcome"] == "nothing_booked"


@pytest.mark.parametrize(
    "danger", ["estou sangrando muito", "perdi muito sangue", "muito sangue", "sangue no nariz e na boca"]
)
def test_danger_is_heard_in_the_same_place(danger: str) -> None:
    assert play("quero marcar um exame", danger)[1]["outcome"] == "emergency"


@pytest.mark.parametrize(
    "said",
    [
        "troca o nome pra Maria Souza",
        "muda o nome pra Maria Souza por favor",
        "o nome tá errado, é Rita Dias Lopes",
        "corrige meu nome por favor, é Rita Diaz",
        "escreveram meu nome errado",
        "meu nome é com z, Diaz",
        "pode colocar no nome do meu marido, João Dias?",
    ],
)
def test_the_name_of_what_is_booked_is_a_persons_to_put_right(said: str) -> None:
    reply, _ = play(*ONE, said)
    assert reply.startswith("Quem corrige o nome é a nossa equipe.")
    assert "horário continua reservado" in reply
    assert booked(*ONE, said) == booked(*ONE)


@pytest.mark.parametrize(
    "said",
    ["muda a consulta em nome da Rita pra quinta", "troca pra sexta que vem", "marca outra no nome da minha filha"],
)
def test_a_name_beside_another_wish_is_not_put_right(said: str) -> None:
    assert "Quem corrige o nome" not in play(*ONE, said)[0]


# ---------------------------------------------------------------- beside a change


@pytest.mark.parametrize(
    "wish",
    [
        "quero uma limpeza e também remarcar minha consulta",
        "preciso remarcar minha consulta e marcar uma limpeza",
        "remarca minha consulta por favor, aproveito e quero fazer limpeza tbm",
        "queria remarcar minha consulta queria marcar uma limpeza tambem",
    ],
)
def test_what_is_wished_for_beside_a_move_comes_after_it(wish: str) -> None:
    moved, _ = play(wish, "sexta às 10h", "sim", existing=[STANDING])
    assert moved.startswith("Remarcado! Consulta clínica")
    assert moved.endswith("Quer marcar também limpeza de pele?")
    kept = booked(wish, "sexta às 10h", "sim", "sim", "segunda às 9h", "sim", existing=[STANDING])
    assert [(service, f"{day:%d/%m}", at) for service, day, at, _ in kept] == [
        ("Consulta clínica", "27/11", "10:00"),
        ("Limpeza de pele", "30/11", "09:00"),
    ]


def test_a_day_said_of_one_of_them_is_that_of_one_alone() -> None:
    wish = "quero uma limpeza segunda às 9h e remarcar minha consulta pra sexta às 10h"
    assert "sexta-feira, 27/11 às 10h" in play(wish, existing=[STANDING])[0]
    assert (
        "Limpeza de pele com Dra. Carla Dias, segunda-feira, 30/11 às 9h"
        in (play(wish, "sim", "sim", existing=[STANDING])[0])
    )


def test_it_comes_after_a_move_that_is_given_up_and_after_a_cancellation() -> None:
    wish = "quero uma limpeza e também remarcar minha consulta"
    assert play(wish, "deixa como está", existing=[STANDING])[0] == (
        "Certo, sua consulta continua marcada.\nQuer marcar limpeza de pele?"
    )
    gone, end = play("cancela minha limpeza e marca uma consulta", "sim", existing=[BOTH[1]])
    assert gone.endswith("Quer marcar consulta clínica?")
    assert (end["outcome"], end["service"]) == ("cancelled", "Limpeza de pele")
    gone, _ = play("cancela minha consulta e marca uma limpeza pra mim", "sim", existing=[STANDING])
    assert gone.startswith("Cancelado: Consulta clínica")
    assert gone.endswith("Quer marcar limpeza de pele?")


def test_a_day_that_was_given_beside_a_cancellation_is_used_without_asking() -> None:
    said = ("cancela minha limpeza e marca consulta pra sexta às 10h", "sim")
    gone, end = play(*said, existing=[BOTH[1]])
    assert gone.startswith("Cancelado: Limpeza de pele")
    assert "Consulta clínica com Dr. Bruno Lima, sexta-feira, 27/11 às 10h" in gone
    assert end["outcome"] == "cancelled"
    assert play(*said, "Rita Dias", "sim", existing=[BOTH[1]])[1]["service"] == "Consulta clínica"


def test_with_nothing_to_move_it_is_begun_at_once() -> None:
    assert play("quero uma limpeza e também remarcar minha consulta")[0] == (
        "Não encontrei nenhuma consulta sua marcada.\nPara qual dia você gostaria?"
    )


@pytest.mark.parametrize(
    "wish",
    [
        "quero remarcar a consulta e queria que fosse sexta às 10h",
        "quero remarcar minha consulta, quero fazer a consulta sexta às 10h",
        "desmarca minha consulta e marca outra pra sexta às 10h",
        "tenho limpeza marcada em outro lugar, preciso remarcar minha consulta pra sexta às 10h",
    ],
)
def test_a_move_alone_leaves_nothing_for_later(wish: str) -> None:
    moved, _ = play(wish, "sim", existing=[STANDING])
    assert moved.startswith("Remarcado!")
    assert "Quer marcar" not in moved


BOTH = [
    STANDING,
    {"service": "Limpeza de pele", "professional": "Dra. Carla Dias", "date": "2026-11-27", "time": "09:00"},
]


def test_two_changes_in_one_message_are_made_one_after_the_other() -> None:
    wish = "quero cancelar a limpeza e remarcar a consulta pra segunda às 9h"
    assert "Você quer cancelar: Limpeza de pele" in play(wish, existing=BOTH)[0]
    gone, _ = play(wish, "sim", existing=BOTH)
    assert gone.startswith("Cancelado: Limpeza de pele")
    assert "para: Consulta clínica com Dr. Bruno Lima, segunda-feira, 30/11 às 9h. Confirma?" in gone
    assert [(service, f"{day:%d/%m}") for service, day, _, _ in booked(wish, "sim", "sim", existing=BOTH)] == [
        ("Consulta clínica", "30/11")
    ]
    turned = "remarca a consulta pra segunda às 9h e cancela a limpeza"
    assert "Você quer cancelar: Limpeza de pele" in play(turned, "sim", existing=BOTH)[0]
    assert "Você quer cancelar: Limpeza de pele" in play(turned, "não, deixa como está", existing=BOTH)[0]


def test_the_other_of_two_is_moved_when_it_is_named() -> None:
    moved = ("quero remarcar as duas", "a limpeza", "segunda 9h", "sim", "agora a consulta, terça dia 1 às 9h")
    assert "para: Consulta clínica com Dr. Bruno Lima, terça-feira, 01/12 às 9h" in play(*moved, existing=BOTH)[0]


def test_a_weekday_of_what_stands_does_not_lie_in_the_week_it_is_moved_to() -> None:
    for wish in (
        "remarcar a consulta de quinta pra semana que vem",
        "desmarcar a de quinta e remarcar pra semana que vem",
    ):
        assert "1) segunda-feira, 30/11 às" in play(wish, existing=BOTH)[0]


# ---------------------------------------------------------------- which comes first, and for whom


@pytest.mark.parametrize(
    "wish",
    [
        "limpeza, mas antes queria uma consulta",
        "quero limpeza mas antes quero uma consulta",
        "quero fazer uma limpeza. Antes disso quero uma consulta",
        "quero marcar consulta e depois limpeza",
    ],
)
def test_the_order_that_was_said_is_kept(wish: str) -> None:
    assert play(wish)[0] == "Para qual dia você gostaria?"
    first, _ = play(wish, "sexta às 10h", "Rita Dias", "sim")
    assert first.startswith("Agendado! Consulta clínica")
    assert first.endswith("Quer marcar também limpeza de pele?")


def test_before_an_hour_is_no_order() -> None:
    assert play("quero limpeza sexta antes das 10h")[0].startswith("Tenho estes horários com a Dra. Carla Dias:")


@pytest.mark.parametrize(
    "wish",
    [
        "2 limpezas, pra mim e pro meu marido, sexta às 10h",
        "queria marcar limpeza pra mim e pro meu marido sexta às 10h",
        "quero marcar duas limpezas sexta às 10h, uma pra mim e outra pro meu marido",
    ],
)
def test_one_service_for_two_people_is_booked_for_each(wish: str) -> None:
    first, _ = play(wish, "Rita Dias", "sim")
    assert first.startswith("Agendado! Limpeza de pele com Dra. Carla Dias, sexta-feira, 27/11 às 10h, em nome de Rita")
    assert first.endswith("Quer marcar também limpeza de pele para seu marido?")
    second, _ = play(wish, "Rita Dias", "sim", "sim", "1")
    assert "às 10h30" in second
    assert second.endswith("Qual é o nome completo do paciente, por favor?")
    assert [(at, name) for _, _, at, name in booked(wish, "Rita Dias", "sim", "sim", "1", "João Dias", "sim")] == [
        ("10:00", "Rita Dias"),
        ("10:30", "João Dias"),
    ]


def test_who_writes_may_come_last_of_several() -> None:
    wish = (
        "consulta pra minha mãe, pro meu pai e pra mim sexta às 8h",
        "Ana Dias",
        "sim",
        "sim",
        "1",
        "Rui Dias",
        "sim",
    )
    asked, _ = play(*wish[:3])
    assert asked.endswith("Quer marcar também consulta clínica para seu pai?")
    asked, _ = play(*wish)
    assert asked.endswith("Quer marcar também consulta clínica para você?")
    assert play(*wish, "não")[0] == "Certo! Se precisar de algo mais, é só escrever."
    kept = booked(*wish, "sim", "1", "Rita Dias", "sim")
    assert [(at, name) for _, _, at, name in kept] == [
        ("08:00", "Ana Dias"),
        ("08:30", "Rui Dias"),
        ("09:00", "Rita Dias"),
    ]


@pytest.mark.parametrize(
    ("wish", "other"),
    [
        ("meu marido e eu precisamos de limpeza sexta às 10h", "você"),
        ("eu e minha irmã queremos fazer limpeza sexta às 10h", "sua irmã"),
        ("quero marcar limpeza pros meus 2 filhos sexta às 10h", "seu outro filho"),
        ("minha esposa e minha filha precisam de limpeza sexta às 10h", "sua filha"),
    ],
)
def test_however_two_people_are_named_both_are_booked(wish: str, other: str) -> None:
    first, _ = play(wish, "Rita Dias", "sim")
    assert first.endswith(f"Quer marcar também limpeza de pele para {other}?")


def test_of_several_services_each_is_for_whom_it_was_wished_for() -> None:
    wish = "quero consulta clínica pra mim, exame de sangue pra minha mãe e limpeza pro meu filho"
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    for text in (wish, "consulta", "quinta às 8h", "Rita Dias", "sim"):
        said = stage.hear(text)["replies"][-1]
    assert said == "Quer marcar também exame de sangue para sua mãe?"
    for text in ("sim", "quinta às 9h", "Ana Dias", "sim"):
        said = stage.hear(text)["replies"][-1]
    assert said == "Quer marcar também limpeza de pele para seu filho?"
    assert stage.state.family == {"mae": ["Ana Dias"]}


def test_the_next_one_on_the_same_day_is_not_at_the_same_hour() -> None:
    shown, _ = play("quero limpeza e exame de sangue quinta", "limpeza", "8h", "Rita Dias", "sim", "sim")
    assert "1) quinta-feira, 26/11 às 8h30" in shown


def test_one_more_of_the_same_is_asked_for_without_a_name_of_anybody() -> None:
    assert play("quero marcar 2 limpezas sexta às 10h", "Rita Dias", "sim")[0].endswith(
        "Quer marcar mais um horário de limpeza de pele?"
    )


def test_a_date_before_a_service_is_no_number_of_them() -> None:
    assert "Quer marcar" not in play("quero dia 2 limpeza às 10h", "Rita Dias", "sim")[0]


def test_whoever_is_the_patient_after_all_is_asked_for_nobody_else() -> None:
    wish = ("limpeza pra mim e pro meu marido sexta às 10h", "é só pra mim mesmo", "Rita Dias", "sim")
    assert "Quer marcar" not in play(*wish)[0]


@pytest.mark.parametrize(
    "whom",
    [
        "pro Lucas e pra Bia",
        "pro lucas e pra bia",
        "pros meus dois filhos, Lucas e Bia,",
        "pros meus filhos lucas e bia",
    ],
)
def test_people_called_by_their_names_are_booked_one_after_the_other(whom: str) -> None:
    wish = (f"limpeza {whom} sexta às 10h", "Lucas Dias", "sim")
    assert play(*wish)[0].endswith("Quer marcar também limpeza de pele para Bia?")
    kept = booked(*wish, "sim", "1", "Bia Dias", "sim")
    assert [(at, name) for _, _, at, name in kept] == [("10:00", "Lucas Dias"), ("10:30", "Bia Dias")]


def test_what_is_for_who_writes_is_in_no_childs_name() -> None:
    wish = ("limpeza pros meus dois filhos, Lucas e Bia, quarta às 10h, e exame de sangue pra mim na quinta às 9h",)
    first = (*wish, "limpeza", "Lucas Dias", "sim")
    assert play(*first)[0].endswith("Quer marcar também limpeza de pele para Bia?")
    second = (*first, "sim", "1", "Bia Dias", "sim")
    assert play(*second)[0].endswith("Quer marcar também exame de sangue para você?")
    offer, _ = play(*second, "sim")
    assert "quinta-feira, 26/11 às 9h" in offer
    assert offer.endswith("Qual é o nome completo do paciente, por favor?")


@pytest.mark.parametrize("whom", ["pro Davi, meu filho,", "pro meu filho, Davi,", "pra mim, Davi Dias,"])
def test_who_is_called_by_a_name_and_a_relation_is_one(whom: str) -> None:
    assert "Quer marcar" not in play(f"quero limpeza {whom} sexta às 10h", "Davi Dias", "sim")[0]


def test_several_services_for_several_people_are_as_many_bookings() -> None:
    wish = "quero limpeza e exame de sangue pra mim e pro meu marido"
    first = (wish, "limpeza", "sexta às 10h", "Rita Dias", "sim", "sim", "sexta às 11h", "Leo Dias", "sim")
    said = (*first, "sim", "sexta às 14h", "sim", "sim", "sexta às 15h", "sim")
    assert [(service, at, name) for service, _, at, name in booked(*said)] == [
        ("Limpeza de pele", "10:00", "Rita Dias"),
        ("Limpeza de pele", "11:00", "Leo Dias"),
        ("Exame de sangue", "14:00", "Rita Dias"),
        ("Exame de sangue", "15:00", "Leo Dias"),
    ]


@pytest.mark.parametrize(
    ("wish", "answers", "kept"),
    [
        (
            "quero limpeza amanhã pra mim e pra minha mãe, ela às 10h e eu às 11h",
            ("Rita Dias", "sim", "sim", "Ana Dias", "sim"),
            [("25/11", "10:00", "Ana Dias"), ("25/11", "11:00", "Rita Dias")],
        ),
        (
            "quero limpeza às 9h pra mim e pra minha mãe, eu na quinta e ela na sexta",
            ("Rita Dias", "sim", "sim", "Ana Dias", "sim"),
            [("26/11", "09:00", "Rita Dias"), ("27/11", "09:00", "Ana Dias")],
        ),
        (
            "limpeza às 9h pra mim na quarta, pro meu filho na quinta e pra minha mãe na sexta",
            ("Rita Dias", "sim", "sim", "Leo Dias", "sim", "sim", "Ana Dias", "sim"),
            [("25/11", "09:00", "Rita Dias"), ("26/11", "09:00", "Leo Dias"), ("27/11", "09:00", "Ana Dias")],
        ),
        (
            "limpeza pro lucas quinta às 10h e pra bia sexta às 9h",
            ("Lucas Dias", "sim", "sim", "Bia Dias", "sim"),
            [("26/11", "10:00", "Lucas Dias"), ("27/11", "09:00", "Bia Dias")],
        ),
        (
            "quero limpeza pra mim e pra minha mãe",
            ("eu na quinta às 10h e ela na sexta às 9h", "Rita Dias", "sim", "sim", "Ana Dias", "sim"),
            [("26/11", "10:00", "Rita Dias"), ("27/11", "09:00", "Ana Dias")],
        ),
        (
            "quero limpeza sexta às 10h pra minha mãe",
            ("Ana Dias", "sim", "e um pra mim logo depois", "1", "Rita Dias", "sim"),
            [("27/11", "10:00", "Ana Dias"), ("27/11", "10:30", "Rita Dias")],
        ),
    ],
)
def test_each_of_several_people_comes_when_it_was_said_of_them(
    wish: str, answers: tuple[str, ...], kept: list[tuple[str, str, str]]
) -> None:
    found = booked(wish, *answers)
    assert [(f"{day:%d/%m}", at, name) for _, day, at, name in found] == kept
    assert {service for service, *_ in found} == {"Limpeza de pele"}


@pytest.mark.parametrize(
    "wish",
    [
        "quero limpeza pra mim e pra minha mãe amanhã às 10 e meia",
        "limpeza pra minha mãe amanhã, que eu trabalho na sexta",
        "limpeza pra minha mãe na quinta, eu posso na sexta",
        "sexta às 10h, uma pra mim e outra pro meu marido",
    ],
)
def test_a_time_that_is_not_said_of_each_is_that_of_all(wish: str) -> None:
    norm = normalise(wish).norm
    assert each.times(norm, kin.together(norm), datetime(2026, 11, 24, 9)) == {}  # noqa: DTZ001 - the clinic's clock


def test_when_each_would_come_is_stored_with_the_conversation() -> None:
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    stage.hear("quero limpeza pra mim e pra minha mãe, eu na quinta às 10h e ela na sexta às 9h")
    assert set(stage.state.each) == {"você", "sua mãe"}
    assert State.from_json(json.loads(json.dumps(stage.state.to_json()))) == stage.state


def test_a_day_that_may_be_two_is_not_that_of_the_other() -> None:
    offer, _ = play("limpeza quarta às 10h e exame de sangue na terça", "limpeza", "Rita Dias", "sim", "sim")
    assert offer == "Para qual dia você gostaria?"


@pytest.mark.parametrize("answer", ["Pedro Souza", "pedro souza", "sim, Pedro Souza"])
def test_a_name_says_yes_to_one_for_somebody_else(answer: str) -> None:
    offer, _ = play("limpeza pra mim e pro meu filho sexta às 10h", "Rita Dias", "sim", answer, "1")
    assert offer.endswith("Em nome de Pedro Souza. Pode ser?")


def test_what_is_longer_than_any_name_is_none() -> None:
    for answer in ("a" * 4096, f"meu nome é {'A' * 4096}"):
        said, _ = play("quero limpeza sexta às 10h", answer)
        assert said.endswith("Qual é o nome completo do paciente, por favor?")
        assert "aaaa" not in said.lower()


# ---------------------------------------------------------------- the choice between services


SPLIT = {"busy": [{"professional": "Dra. Carla Dias", "date": "2026-11-24", "time_from": "08:00", "time_to": "15:00"}]}


@pytest.mark.parametrize(
    "answer", ["a mais cedo", "a que tiver mais cedo", "a primeira que tiver", "a que tiver vaga antes"]
)
def test_the_earliest_of_two_services_is_the_one_that_is_free_first(answer: str) -> None:
    offer, _ = play("quero limpeza ou exame de sangue", answer, **SPLIT)
    assert offer.startswith("Tenho este horário: Exame de sangue com Dr. Bruno Lima, hoje (terça-feira, 24/11) às 9h")


def test_where_both_are_free_at_the_same_time_it_is_asked_again() -> None:
    assert play("quero limpeza ou exame de sangue", "a mais cedo")[0] == WHICH
    assert play("quero limpeza ou exame de sangue", "a primeira")[0] == "Para qual dia você gostaria?"


def test_the_earliest_may_be_wished_for_at_once() -> None:
    offer, _ = play("limpeza ou exame de sangue, o que tiver mais cedo", **SPLIT)
    assert offer.startswith("Tenho este horário: Exame de sangue com Dr. Bruno Lima, hoje (terça-feira, 24/11) às 9h")


def test_the_earliest_of_all_services_is_none() -> None:
    said, _ = play("quero marcar", "a mais cedo")
    assert said.startswith("Desculpe, não entendi.")


def test_the_days_named_beside_two_services_hold_after_the_choice() -> None:
    for wish in ("limpeza ou exame de sangue quinta ou sexta", "queria limpeza ou exame de sangue, quinta ou sexta"):
        for chosen in ("limpeza", "a primeira", "a segunda"):
            shown, _ = play(wish, chosen)
            assert "quinta-feira, 26/11" in shown
            assert "sexta-feira, 27/11" in shown
    assert "sexta-feira, 27/11 às 10h" in play(wish, "limpeza sexta às 10h")[0]
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    stage.hear(wish)
    assert State.from_json(json.loads(json.dumps(stage.state.to_json()))) == stage.state
    assert stage.state.any_of_them


def test_a_state_stored_before_there_were_alternatives_is_read() -> None:
    stage = Stage({"now": "2026-11-24T09:00", "clinic": CLINIC})
    for text in BOOKED:
        stage.hear(text)
    stored = stage.state.to_json()
    new = ("any_of_them", "others", "next_one", "each")
    stored = {key: value for key, value in stored.items() if key not in new}
    stored["later"] = [{key: wish[key] for key in ("service", "professional", "when")} for wish in stored["later"]]
    assert State.from_json(stored) == stage.state


def test_days_said_with_one_of_two_services_leave_the_other_wished_for() -> None:
    wish = "limpeza quinta ou sexta e exame de sangue"
    assert play(wish)[0].endswith("Começamos por qual: limpeza de pele ou exame de sangue?")
    shown, _ = play(wish, "limpeza")
    assert "quinta-feira, 26/11" in shown
    assert "sexta-feira, 27/11" in shown


def test_a_price_asked_beside_a_wish_is_no_wish() -> None:
    said, _ = play("queria marcar uma consulta amanhã às 10h e saber o valor da limpeza")
    assert said.startswith("Limpeza de pele: R$ 150,00.\nTenho este horário: Consulta clínica")
    assert "Começamos por qual" in play("qual o valor da limpeza e do exame de sangue? quero marcar os dois")[0]
    assert "Limpeza de pele" in play("quanto é a limpeza? quero marcar amanhã às 10h")[0]


def test_what_is_free_is_shown_beside_the_price() -> None:
    said, _ = play("queria ve se tem limpeza amanha de tarde e qto ta")
    assert said.startswith("Limpeza de pele: R$ 150,00.\nTenho estes horários com a Dra. Carla Dias:")
    assert "às 14h. Qual é" in play("tem limpeza amanhã à tarde?", "a das 14")[0]


@pytest.mark.parametrize("answer", ["não, consulta", "na verdade consulta", "não, é uma consulta"])
def test_another_kind_of_visit_takes_the_place_of_the_one_at_hand(answer: str) -> None:
    assert play("quero limpeza", answer)[0] == "Para qual dia você gostaria?"
    assert "Consulta clínica" in play("quero limpeza", answer, "amanhã às 10h")[0]
    assert "Consulta clínica" in play("quero limpeza amanhã às 10h", answer)[0]


def test_days_that_are_ruled_out_are_not_offered() -> None:
    shown, _ = play("quero limpeza semana que vem, qualquer dia menos segunda")
    assert "terça-feira, 01/12" in shown
    assert "segunda-feira" not in shown
    left, _ = play("quero limpeza semana que vem", "qualquer dia menos segunda")
    assert "1) terça-feira, 01/12" in left
    assert "segunda-feira" not in left


def test_the_day_of_what_stands_is_known() -> None:
    shown, _ = play("quero marcar limpeza no mesmo dia da minha consulta", existing=[STANDING])
    assert "1) quinta-feira, 26/11 às 8h" in shown
    before, _ = play("quero limpeza no mesmo dia da consulta, depois dela", existing=[STANDING])
    assert "1) quinta-feira, 26/11 às 14h30" in before


def test_of_two_days_named_none_begins_in_the_past() -> None:
    shown, _ = play("quero limpeza terça ou quarta de manhã")
    assert "hoje (terça-feira, 24/11) às 9h30" in shown
    assert "às 9h\n" not in shown


def test_who_wrote_comes_after_a_relative() -> None:
    booked_for_him = ("quero limpeza pro meu pai sexta 10h", "o nome dele é José Dias", "sim")
    assert "às 10h30" in play(*booked_for_him, "e pra mim logo depois, com outro médico?")[0]
    offered, _ = play(*booked_for_him, "e pra mim pode ser no mesmo dia", "às 11h")
    assert offered.startswith("Tenho este horário: Limpeza de pele com Dra. Carla Dias, sexta-feira, 27/11 às 11h")
    assert offered.endswith("Qual é o nome completo do paciente, por favor?")


def test_what_stands_is_moved_though_the_same_was_about_to_be_booked() -> None:
    moved, _ = play("quero consulta amanhã", "então remarca pra sexta no mesmo horário", existing=[STANDING])
    assert moved.startswith("Posso remarcar de quinta-feira, 26/11 às 14h para: Consulta clínica")
    assert "sexta-feira, 27/11 às 14h" in moved


def test_the_other_one_is_not_the_one_just_moved() -> None:
    said = ("tem como remarcar as duas pra semana que vem?", "a primeira", "terça às 14h", "sim", "a outra quarta 9h")
    assert "para: Limpeza de pele com Dra. Carla Dias, quarta-feira, 02/12 às 9h" in play(*said, existing=BOTH)[0]


def test_what_was_to_be_moved_is_what_is_then_booked() -> None:
    offered, _ = play("quero remarcar minha limpeza", "não tenho, mas queria marcar então", "sexta 9h")
    assert offered.startswith("Tenho este horário: Limpeza de pele")


THURSDAY = {**STANDING, "time": "10:00"}
FRIDAY = {"service": "Limpeza de pele", "professional": "Dra. Carla Dias", "date": "2026-11-27", "time": "15:00"}
OFFER = "quero marcar uma limpeza dia 01/12 às 9h"
CANCEL = "cancela a consulta de quinta"
MOVE = "remarca a consulta de quinta pro dia 30/11 às 11h"
CONSULTA, LIMPEZA = "Consulta clínica", "Limpeza de pele"


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (
            (OFFER, "sim e também uma consulta no mesmo dia às 14h com o Dr Bruno", "sim"),
            ["26 10h consulta", "27 15h limpeza", "1 9h limpeza", "1 14h consulta"],
        ),
        (
            (OFFER, "pode ser, e coloca também pro meu marido Davi Reis às 11h30", "sim"),
            ["26 10h consulta", "27 15h limpeza", "1 9h limpeza", "1 11h30 limpeza Davi Reis"],
        ),
        ((OFFER, "sim, e cancela a de quinta", "sim"), ["27 15h limpeza", "1 9h limpeza"]),
        (
            (OFFER, "pode ser, e passa a de quinta pra sexta 9h", "sim"),
            ["27 9h consulta", "27 15h limpeza", "1 9h limpeza"],
        ),
        ((CANCEL, "sim, e marca limpeza quarta 10h", "sim"), ["25 10h limpeza", "27 15h limpeza"]),
        ((CANCEL, "pode cancelar e marcar uma limpeza sexta 9h", "sim"), ["27 9h limpeza", "27 15h limpeza"]),
        ((CANCEL, "sim, e a do dia 27 passa pro dia 30 às 9h", "sim"), ["30 9h limpeza"]),
        (
            (MOVE, "confirmo, e marca também limpeza dia 30/11 às 15h", "sim"),
            ["27 15h limpeza", "30 11h consulta", "30 15h limpeza"],
        ),
        ((MOVE, "sim, e cancela a de sexta", "sim"), ["30 11h consulta"]),
    ],
)
def test_a_yes_holds_and_what_is_asked_for_beside_it_comes_next(said: tuple[str, ...], standing: list[str]) -> None:
    kept = booked(*said, existing=[THURSDAY, FRIDAY])
    words = [
        f"{day.day} {hour[:2].lstrip('0')}h{hour[3:]} {what.split()[0].lower()} {whose or ''}"
        for what, day, hour, whose in kept
    ]
    assert [w.replace("h00", "h").strip() for w in words] == standing


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ((OFFER, "sim, mas às 15h"), "01/12 às 15h. Pode ser?"),
        ((OFFER, "obrigado, e cancela a de quinta"), "26/11 às 10h. Confirma o cancelamento?"),
        ((CANCEL, "pode cancelar e remarcar pra sexta 9h"), "27/11 às 9h. Confirma?"),
        ((CANCEL, "sim, passa a de quinta pra sexta 9h"), "27/11 às 9h. Confirma?"),
        ((MOVE, "sim, e muda a de quinta pra terça 11h"), "01/12 às 11h. Confirma?"),
    ],
)
def test_what_puts_the_answer_right_is_asked_about_again(said: tuple[str, ...], asked: str) -> None:
    assert play(*said, existing=[THURSDAY, FRIDAY])[0].endswith(asked)
    assert [row[0] for row in booked(*said, existing=[THURSDAY, FRIDAY])] == [CONSULTA, LIMPEZA]


def test_what_is_asked_for_beside_a_yes_waits_for_the_name() -> None:
    said = (OFFER, "sim, e marca também uma consulta dia 02/12 às 10h", "Uli Reis", "sim")
    assert [(row[0], row[3]) for row in booked(*said)] == [(LIMPEZA, "Uli Reis"), (CONSULTA, "Uli Reis")]


NAMESAKES: dict[str, Any] = {
    **CLINIC,
    "professionals": [
        {"name": "Dra. Ana Prado", "services": [CONSULTA, "Exame de sangue", "Exame de urina"]},
        {"name": "Dr. Pedro Lima", "services": [CONSULTA, LIMPEZA]},
    ],
}
"""A clinic where two work who are called as two patients are."""


@pytest.mark.parametrize(
    "wish",
    [
        "quero consulta pra minha filha ana souza e pro meu filho pedro souza",
        "queria marcar consulta p minha filha ana souza e meu filho pedro souza",
        "consulta pra minha filha Ana Souza e pro meu filho Pedro Souza",
    ],
)
def test_children_who_are_called_as_somebody_who_works_here_are_both_booked(wish: str) -> None:
    kept = booked(wish, "quinta às 10h", "sim", "sim", "10h30", "sim", clinic=NAMESAKES)
    assert [(hour, whose) for _, _, hour, whose in kept] == [("10:00", "Ana Souza"), ("10:30", "Pedro Souza")]


@pytest.mark.parametrize(
    "wish", ["quero consulta pra ana souza e pro pedro souza", "quero consulta pra minha mae ana e pro meu pai pedro"]
)
def test_who_bears_the_name_of_somebody_who_works_here_is_a_patient(wish: str) -> None:
    kept = booked(wish, "quinta às 10h", "Ana Souza", "sim", "sim", "10h30", "Pedro Souza", "sim", clinic=NAMESAKES)
    assert [whose for _, _, _, whose in kept] == ["Ana Souza", "Pedro Souza"]


@pytest.mark.parametrize(
    "answer",
    [
        "sim, e a de sexta também",
        "sim e a de sexta tb",
        "sim, e a outra também",
        "sim, a limpeza tambem",
        "pode cancelar a limpeza também",
        "confirmo, e a do dia 27",
    ],
)
def test_another_is_cancelled_too_by_its_own_last_word(answer: str) -> None:
    said = (CANCEL, answer)
    words, _ = play(*said, existing=[THURSDAY, FRIDAY])
    assert words.startswith("Cancelado: Consulta clínica")
    assert "Você quer cancelar: Limpeza de pele" in words
    assert [what for what, *_ in booked(*said, existing=[THURSDAY, FRIDAY])] == [LIMPEZA]
    assert booked(*said, "sim", existing=[THURSDAY, FRIDAY]) == []


@pytest.mark.parametrize("answer", ["sim, a de quinta mesmo", "sim, a consulta", "sim, e a de sexta fica"])
def test_a_yes_that_names_the_same_or_leaves_another_cancels_that_alone(answer: str) -> None:
    words, _ = play(CANCEL, answer, existing=[THURSDAY, FRIDAY])
    assert words.startswith("Cancelado: Consulta clínica")
    assert "?" not in words


@pytest.mark.parametrize(
    ("wish", "first"),
    [
        ("limpeza pro Pedro e consulta pra Joana", "limpeza"),
        ("quero marcar limpeza pro pedro e tambem consulta pra joana", "limpeza"),
        ("consulta pra Joana e limpeza pro Pedro", "a limpeza"),
    ],
)
def test_each_person_gets_the_service_that_was_said_of_them(wish: str, first: str) -> None:
    said = (wish, first, "sexta às 10h", "Pedro Silva", "sim")
    assert play(*said)[0].endswith("Quer marcar também consulta clínica para Joana?")
    kept = booked(*said, "sim", "sexta às 11h", "Joana Silva", "sim")
    assert [(what, whose) for what, _, _, whose in kept] == [(LIMPEZA, "Pedro Silva"), (CONSULTA, "Joana Silva")]


@pytest.mark.parametrize(
    "wish",
    [
        "quero meus dados e marcar",
        "qro meus dados e marca",
        "quero uma copia dos meus dados e marcar consulta",
        "me manda os dados que vcs tem de mim e marca uma consulta",
    ],
)
def test_data_are_passed_on_and_the_booking_beside_them_is_begun(wish: str) -> None:
    words, state = play(wish)
    assert "LGPD" in words
    assert words.endswith("Para qual dia você gostaria?")
    assert state["outcome"] == "handed_off"
    assert [what for what, *_ in booked(wish, "sexta às 10h", "Rita Dias", "sim")] == [CONSULTA]


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ("quero consulta dia 02/12 às 10h", ["27/11 10:00", "02/12 10:00"]),
        ("qro uma consulta dia 2/12 10h", ["27/11 10:00", "02/12 10:00"]),
        ("preciso de consulta dia 02/12 as 10h", ["27/11 10:00", "02/12 10:00"]),
        ("na verdade quero consulta dia 02/12 às 10h", ["02/12 10:00"]),
        ("muda a consulta pro dia 02/12 às 10h", ["02/12 10:00"]),
        ("e dia 02/12 às 10h, tem?", ["02/12 10:00"]),
    ],
)
def test_a_consultation_wished_for_after_one_is_another_unless_it_comes_instead(said: str, standing: list[str]) -> None:
    kept = booked("quero consulta", "sexta às 10h", "Rita Dias", "sim", said, "sim")
    assert [f"{day:%d/%m} {hour}" for _, day, hour, _ in kept] == standing


@pytest.mark.parametrize(
    ("said", "known", "unknown"),
    [
        (
            "quanto é a consulta? onde fica? posso levar meu cachorro?",
            ("200,00", "Rua do Porto"),
            "posso levar meu cachorro",
        ),
        ("que horas abre, aceita cachorro e quanto é a consulta?", ("200,00", "8h às 12h"), "aceita cachorro"),
        ("qual o valor da limpeza? onde fica? vcs tem wifi?", ("150,00", "Rua do Porto"), "vcs tem wifi"),
        (
            "onde fica, que horas abre e tem brinquedo pra crianca?",
            ("Rua do Porto", "8h às 12h"),
            "tem brinquedo pra crianca",
        ),
    ],
)
def test_of_several_questions_it_is_said_which_nobody_here_can_answer(
    said: str, known: tuple[str, ...], unknown: str
) -> None:
    words, state = play(said)
    assert all(part in words for part in known)
    assert words.endswith(
        f"Sobre “{unknown}”, não tenho essa informação aqui, mas já pedi à nossa equipe que responda por aqui."
    )
    assert state["outcome"] == "answered"
