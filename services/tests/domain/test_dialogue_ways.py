"""Ways in which patients say things that are not the first to come to mind. It is 24/11/2026, a Tuesday."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.talking import hold

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Clínica Jatobá",
        "services": [
            {"name": "Avaliação odontológica", "minutes": 30},
            {"name": "Tratamento de canal", "minutes": 60},
            {"name": "Raio-X", "minutes": 30, "price_brl": 80},
            {"name": "Vacinação", "minutes": 30},
        ],
        "professionals": [
            {"name": "Dra. Mariana Alves", "services": ["Avaliação odontológica", "Tratamento de canal"]},
            {"name": "Carla Farias", "services": ["Raio-X", "Vacinação"]},
        ],
        "hours": {day: [["08:00", "12:00"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
}
STANDING = [{"service": "Raio-X", "professional": "Carla Farias", "date": "2026-11-26", "time": "15:00"}]


def talk(*messages: str, **scene: Any) -> list[dict[str, Any]]:
    return hold({**SCENE, **scene}, messages)


@pytest.mark.parametrize(
    ("said", "service"),
    [
        ("preciso bater uma chapa do pulmão amanhã às 10h", "Raio-X"),
        ("quero vacinar meu filho amanhã às 10h", "Vacinação"),
        ("a médica do postinho pediu um raio x, pode ser amanhã às 10h", "Raio-X"),
        ("queria fazer canal amanhã às 10h. o dentista do posto que mandou", "Tratamento de canal"),
    ],
)
def test_what_is_wished_for_by_its_everyday_name(said: str, service: str) -> None:
    assert f"Tenho este horário: {service} com" in talk(said)[-1]["replies"][-1]


@pytest.mark.parametrize(
    "said",
    [
        "meu exame de quinta com a Carla, a empresa me mandou pro Rio até sexta",
        "oi, tenho raio x quinta 15h e o pessoal do trabalho marcou reunião em cima",
    ],
)
def test_who_tells_of_an_appointment_wishes_for_no_other(said: str) -> None:
    answered = talk(said, "segunda às 9h", existing=STANDING)[-1]
    assert "remarcar" in answered["replies"][-1]
    assert "segunda-feira, 30/11 às 9h" in answered["replies"][-1]


def test_the_same_hour_while_times_are_chosen() -> None:
    answered = talk("preciso remarcar meu raio x", "na segunda", "mesma hora tá bom", existing=STANDING)[-1]
    assert "segunda-feira, 30/11 às 15h" in answered["replies"][-1]


def test_the_other_of_two() -> None:
    busy = [{"date": "2026-11-27", "time_from": "08:00", "time_to": "10:00"}]
    busy += [
        {"date": "2026-11-27", "time_from": at, "time_to": to} for at, to in (("10:30", "12:00"), ("13:30", "16:00"))
    ]
    busy += [{"date": "2026-11-27", "time_from": "16:30", "time_to": "18:00"}]
    listed, answered = talk("raio x sexta, que horas tem?", "o segundo não, o outro", busy=busy)
    assert [one["title"] for one in listed["options"]][:2] == ["sex, 27/11 às 10h", "sex, 27/11 às 16h"]
    assert "sexta-feira, 27/11 às 10h" in answered["replies"][-1]


def test_dear_or_not_the_day_is_heard() -> None:
    answered = talk("quero raio x", "quanto sai?", "caro viu kkkk mas vou fazer. sexta às 17h")[-1]
    assert "sexta-feira, 27/11 às 17h" in answered["replies"][-1]


def test_a_name_put_right_beside_the_plan_keeps_the_time() -> None:
    wish = ("raio x sexta às 17h", "rodrigo fagundes", "Rodrigo Fagundes Pereira, sem plano")
    answered = talk(*wish)[-1]
    assert answered["replies"][-1].endswith("sexta-feira, 27/11 às 17h. Em nome de Rodrigo Fagundes Pereira. Pode ser?")


@pytest.mark.parametrize("yes", ["demorou", "manda ver", "tá feito", "feche", "tri"])
def test_a_yes_is_a_yes_in_any_region(yes: str) -> None:
    assert talk("raio x sexta às 17h, Rodrigo Fagundes", yes)[-1]["state"]["outcome"] == "booked"
