"""What a question offers to be tapped, and what a tap does. It is Tuesday, 24/11/2026, nine o'clock."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atendeai.conversation.shell import converse
from atendeai.domain.dialogue import texts
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Message
from atendeai.domain.dialogue.state import State
from atendeai.domain.interactive import Choice, fitted

SCENE: dict[str, Any] = {
    "now": "2026-11-24T09:00",
    "clinic": {
        "name": "Clínica Sol",
        "services": [
            {"name": "Consulta", "minutes": 30},
            {"name": "Dor no peito", "minutes": 30},
            {"name": "Limpeza de pele profunda com extração", "minutes": 60},
        ],
        "professionals": [
            {"name": "Dra. Ana Lima", "services": ["Consulta", "Dor no peito"]},
            {"name": "Dra. Ana Prado", "services": ["Consulta"]},
            {"name": "Dr. Bruno Reis", "services": ["Limpeza de pele profunda com extração"]},
        ],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
}
THURSDAY = {"service": "Consulta", "professional": "Dra. Ana Lima", "date": "2026-11-26", "time": "10:00"}
FRIDAY = {"service": "Dor no peito", "professional": "Dra. Ana Lima", "date": "2026-11-27", "time": "09:00"}
UNUSUAL: dict[str, Any] = {
    "clinic": {**SCENE["clinic"], "professionals": [], "services": [{"name": "Dor no peito"}, {"name": "Peeling"}]}
}
REMINDER = {"last_outbound": "reminder", "text": "Lembrete: você tem consulta amanhã. Confirma?"}
OFFER = ("quero consulta com a Dra. Ana Lima quinta às 15h", "Maria Souza")
TIMES = ("quero consulta com a Dra. Ana Lima quinta", "Maria Souza")


def talk(*said: str | int, taps: str = "", **scene: Any) -> list[dict[str, Any]]:
    """Hold a dialogue. A number taps that option of the last answer, from 1; ``taps``: an id tapped at the end."""
    answers: list[dict[str, Any]] = []
    lines = [{**SCENE, **scene}]
    for one in said:
        if isinstance(one, int):
            option = answers[-1]["options"][one - 1]
            lines.append({"text": option["title"], "pressed": option["id"]})
        else:
            lines.append({"text": one})
        answers = list(converse(io.StringIO("\n".join(map(json.dumps, lines)))))
    if taps:
        lines.append({"text": "Pode ser", "pressed": taps})
    return list(converse(io.StringIO("\n".join(map(json.dumps, lines)))))


def words(answer: dict[str, Any]) -> str:
    return "\n".join(answer["replies"])


def titles(answer: dict[str, Any]) -> list[str]:
    return [option["title"] for option in answer["options"]]


@pytest.mark.parametrize(
    ("said", "scene", "offered"),
    [
        (("quero consulta", "amanhã às 14h"), {}, []),  # the name is asked: nobody taps a name
        (OFFER, {}, ["Pode ser", "Outro horário"]),
        (TIMES, {}, [*(f"qui, 26/11 às {at}" for at in ("8h", "11h", "14h30", "17h30")), "Outro horário"]),
        (
            ("quero consulta com a Dra. Ana Lima dia 26 ou 27 às 10h",),
            {},
            ["qui, 26/11 às 10h", "sex, 27/11 às 10h", "Outro horário"],
        ),
        (("quero consulta com a Dra. Ana",), {}, ["Dra. Ana Lima", "Dra. Ana Prado"]),
        (("quero marcar um horário",), UNUSUAL, ["Dor no peito", "Peeling"]),
        (("quero consulta na próxima quarta às 9h",), {}, ["qua, 25/11 às 9h", "qua, 02/12 às 9h"]),
        (("preciso cancelar",), {"existing": [THURSDAY, FRIDAY]}, ["qui, 26/11 às 10h", "sex, 27/11 às 9h"]),
        (("preciso cancelar",), {"existing": [THURSDAY]}, ["Sim, cancelar", "Não cancelar", "Remarcar"]),
        (
            ("preciso remarcar para sexta às 15h",),
            {"existing": [THURSDAY]},
            ["Confirmo", "Outro horário", "Manter como está"],
        ),
        (("não",), {"existing": [THURSDAY], "context": REMINDER}, ["Remarcar", "Cancelar"]),
        (("quando é a minha consulta?",), {}, ["Sim", "Agora não"]),
        (("bom dia",), {}, []),
        ((*OFFER, "onde fica?"), {}, ["Pode ser", "Outro horário"]),  # put again
        ((*OFFER, "um momento"), {}, []),
        ((*OFFER, "quero falar com uma pessoa"), {}, []),
    ],
)
def test_what_a_question_offers(said: tuple[str, ...], scene: dict[str, Any], offered: list[str]) -> None:
    assert titles(talk(*said, **scene)[-1]) == offered


def test_a_row_says_what_its_title_does_not() -> None:
    appointments = talk("preciso cancelar", existing=[THURSDAY, FRIDAY])[-1]["options"]
    assert [one["description"] for one in appointments] == [
        "Consulta com Dra. Ana Lima",
        "Dor no peito com Dra. Ana Lima",
    ]
    services = talk("quero limpeza ou consulta")[-1]["options"]
    assert {one["title"]: one.get("description") for one in services} == {
        "Limpeza de pele profund…": "Limpeza de pele profunda com extração",
        "Consulta": None,
    }


@pytest.mark.parametrize(
    ("said", "scene", "answer", "outcome"),
    [
        ((*OFFER, 1), {}, "Agendado! Consulta com Dra. Ana Lima, quinta-feira, 26/11 às 15h", "booked"),
        ((*OFFER, 2), {}, "Qual outro dia ou horário fica melhor", "nothing_booked"),
        ((*TIMES, 3, 1), {}, "Agendado! Consulta com Dra. Ana Lima, quinta-feira, 26/11 às 14h30", "booked"),
        ((*TIMES, 5), {}, "Qual outro dia ou horário fica melhor", "nothing_booked"),
        (("quero consulta com a Dra. Ana", 2, "sexta às 9h"), {}, "Dra. Ana Prado, sexta-feira, 27/11 às 9h", None),
        (("quero limpeza ou consulta", 1, "sexta às 9h"), {}, "Dr. Bruno Reis, sexta-feira, 27/11 às 9h", None),
        (("quero consulta na próxima quarta às 9h", 2), {}, "quarta-feira, 02/12 às 9h", None),
        (("preciso cancelar", 2, 1), {"existing": [THURSDAY, FRIDAY]}, "Cancelado: Dor no peito com", "cancelled"),
        (("preciso cancelar", 2), {"existing": [THURSDAY]}, "continua marcada", "nothing_booked"),
        (("preciso cancelar", 3, "sexta 15h", 1), {"existing": [THURSDAY]}, "Remarcado!", "rescheduled"),
        (("não", 1, "sexta 15h", 3), {"existing": [THURSDAY], "context": REMINDER}, "continua marcada", None),
        (("não", 2, 1), {"existing": [THURSDAY], "context": REMINDER}, "Cancelado: Consulta", "cancelled"),
        (("quando é a minha consulta?", 1), {}, "Para qual dia", None),
        (("quando é a minha consulta?", 2), {}, "Se precisar de algo mais", None),
    ],
)
def test_a_tap_does_exactly_what_it_says(
    said: tuple[str | int, ...], scene: dict[str, Any], answer: str, outcome: str | None
) -> None:
    last = talk(*said, **scene)[-1]
    assert answer in words(last)
    assert outcome in {None, last["state"]["outcome"]}


def test_a_services_name_that_is_tapped_is_no_emergency() -> None:
    assert words(talk("quero marcar um horário", 1, **UNUSUAL)[-1]) == texts.ASK_DAY


def test_a_full_day_can_be_waited_for_by_a_tap() -> None:
    busy = [{"date": "2026-11-26", "time_from": "08:00", "time_to": "18:00"}]
    first, named = talk(*TIMES, busy=busy)[:2]
    assert texts.WAITLIST_HINT in words(first)
    assert "Lista de espera" in titles(first)
    assert "Lista de espera" not in titles(named), "it is offered where it is spoken of"
    joined = talk(*TIMES, busy=busy, taps=first["options"][titles(first).index("Lista de espera")]["id"])[-1]
    assert "você está na lista de espera para quinta-feira, 26/11" in words(joined)


def test_a_second_tap_on_what_was_just_accepted_is_told_nothing() -> None:
    accept = talk(*OFFER)[-1]["options"][0]["id"]
    booked, after = talk(*OFFER, 1, taps=accept)[-2:]
    assert "Agendado!" in booked["replies"][0]
    assert (after["replies"], after["state"]) == ([], booked["state"])


@pytest.mark.parametrize("later", [("na verdade prefiro sexta às 9h",), ("deixa pra lá",)])
def test_an_old_tap_books_nothing(later: tuple[str, ...]) -> None:
    old = talk(*OFFER)[-1]["options"][0]["id"]
    before, after = talk(*OFFER, *later, taps=old)[-2:]
    assert after["replies"][0].startswith(texts.TAP_OVER)
    assert after["state"] == before["state"]
    assert after["options"] == before["options"], "the open question is put again, with its own answers"


def test_an_old_no_to_an_invitation_leaves_another_open() -> None:
    old = talk("quando é a minha consulta?")[-1]["options"][1]["id"]
    over = talk("quando é a minha consulta?", "vocês fazem limpeza?", taps=old)
    assert words(over[-1]) == texts.TAP_OVER
    assert over[-1]["options"] == [], "a question that is not put has no answers"


@pytest.mark.parametrize(
    "forged",
    [
        "pick:appointment:99",
        "pick:accept:000000000000",
        "pick:slot:2026-11-26T15:00|Dr. Bruno Reis|Consulta",
        "pick:slot:2026-11-23T15:00|Dra. Ana Lima|Consulta",
        "pick:slot:9999-12-31T23:30|Dra. Ana Lima|Consulta",
        "pick:slot:2150-01-05T10:00|Dra. Ana Lima|Consulta",
        "pick:slot:0001-01-01T00:00|Dra. Ana Lima|Consulta",
        "pick:slot:x|y",
        "pick:service:Consulta",
        "pick:what-another-version-offered:1",
    ],
)
def test_an_id_picks_nothing_but_what_was_offered(forged: str) -> None:
    scene = {"existing": [THURSDAY, FRIDAY]}
    for said in ((*TIMES,), ("preciso cancelar",), ("bom dia",)):
        *_, before, after = talk(*said, taps=forged, **scene)
        assert after["replies"][0].startswith(texts.TAP_OVER)
        assert (after["asks"], after["options"]) == (before["asks"], before["options"])


def test_another_row_of_an_earlier_list_is_a_wish_for_that_time() -> None:
    rows = talk(*TIMES)[-1]["options"]
    offer = talk(*TIMES, 1, taps=rows[2]["id"])[-1]
    assert "quinta-feira, 26/11 às 14h30. Em nome de Maria Souza. Pode ser?" in words(offer)
    assert offer["state"]["outcome"] == "nothing_booked"
    busy = [{"date": "2026-11-26", "time_from": "14:30", "time_to": "15:00"}]
    assert "Não tenho horário livre" in words(talk(*TIMES, taps=rows[2]["id"], busy=busy)[-1])


def test_who_wanted_a_moment_may_tap_what_they_were_asked_before() -> None:
    accept = talk(*OFFER)[-1]["options"][0]["id"]
    assert talk(*OFFER, "um momento", taps=accept)[-1]["state"]["outcome"] == "booked"


def test_while_a_person_has_the_conversation_a_tap_is_silent() -> None:
    old = talk(*OFFER)[-1]["options"][0]["id"]
    assert talk(*OFFER, "quero falar com uma pessoa", taps=old)[-1]["replies"] == []


def test_a_tap_needs_nothing_from_anywhere_to_be_over() -> None:
    now = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
    with pytest.raises(StopIteration) as stop:
        next(turn(State(misses=2), Message("Dor no peito", pressed="pick:service:x"), Clinic("Sol"), now))
    assert (stop.value.value.state.misses, stop.value.value.alerts) == (2, ())


SHORT = st.text(min_size=1, max_size=30)


@given(st.lists(st.tuples(SHORT, SHORT, st.text(max_size=100)), max_size=12))
def test_what_is_offered_always_fits(choices: list[tuple[str, str, str]]) -> None:
    options = fitted([Choice(*one) for one in choices])
    if options is None:
        assert (
            not choices
            or len(choices) > 10
            or len({one[0] for one in choices}) < len(choices)
            or any(not title.split() or one != one.strip() for one, title, _ in choices)
        )
        return
    most, title = (3, 20) if options.kind == "buttons" else (10, 24)
    assert 1 <= len(options.choices) <= most
    assert all(1 <= len(one.title) <= title and len(one.description) <= 72 for one in options.choices)
    for names in ([one.id for one in options.choices], [one.title for one in options.choices]):
        assert len(set(names)) == len(names)
    assert options.kind == "list" or not any(one.description for one in options.choices)
    text = "x" * (1024 if options.kind == "buttons" else 4096)
    assert (options.go_with(text), options.go_with(text + "x")) == (True, False)
