"""Questions that name two or more answers: a bare yes picks none of them. It is Tuesday, 24/11/2026, 9h."""

from __future__ import annotations

import pytest

from tests.domain.test_dialogue import THURSDAY_AT_TEN, outcome, talk, words

NEXT_FRIDAY = "quero consulta com a dra Ana sexta que vem às 10h"
REMINDED = {
    "existing": [THURSDAY_AT_TEN],
    "context": {"last_outbound": "reminder", "text": "Lembrete: você tem consulta na quinta. Confirma?"},
}


@pytest.mark.parametrize("yes", ["sim", "pode ser", "ok", "isso mesmo", "👍"])
def test_a_yes_to_two_days_is_asked_which(yes: str) -> None:
    asked, again = talk(NEXT_FRIDAY, yes)
    assert "27/11 às 10h ou sexta-feira, 04/12 às 10h" in words(asked)
    assert words(again) == "Qual dos dois: sexta-feira, 27/11 às 10h ou sexta-feira, 04/12 às 10h?"
    assert again["asks"] == "date"


@pytest.mark.parametrize(
    ("picks", "day"),
    [
        ("a primeira", "2026-11-27"),
        ("1", "2026-11-27"),
        ("essa agora", "2026-11-27"),
        ("sim, essa", "2026-11-27"),
        ("dia 27", "2026-11-27"),
        ("a segunda", "2026-12-04"),
        ("a outra", "2026-12-04"),
        ("04/12", "2026-12-04"),
        ("a da semana que vem", "2026-12-04"),
    ],
)
def test_what_picks_one_is_taken_before_and_after_being_asked_again(picks: str, day: str) -> None:
    for said in ((picks,), ("sim", picks)):
        booked = talk(NEXT_FRIDAY, *said, "Rita Dias", "sim")[-1]["state"]
        assert (booked["outcome"], booked["date"], booked["time"]) == ("booked", day, "10:00")


def test_the_next_one_is_the_later_only_where_the_other_is_today() -> None:
    assert "terça-feira, 01/12" in words(talk("quero consulta terça com a dra Ana", "na próxima")[-1])
    assert outcome(NEXT_FRIDAY, "na próxima", "na próxima", "na próxima") != "booked"


def test_yes_again_and_again_ends_with_a_person() -> None:
    assert outcome(NEXT_FRIDAY, "sim", "sim") == "nothing_booked"
    assert outcome(NEXT_FRIDAY, "sim", "sim", "sim") == "handed_off"


def test_whoever_leaves_the_choice_sees_both_days() -> None:
    shown = words(talk("quero consulta terça com a dra Ana", "tanto faz")[-1])
    assert "hoje (terça-feira, 24/11)" in shown
    assert "terça-feira, 01/12" in shown
    assert "quarta" not in shown


def test_a_day_beside_the_yes_counts() -> None:
    assert "04/12 às 10h" in words(talk(NEXT_FRIDAY, "sim, dia 04/12")[-1])


def test_a_yes_to_moving_or_cancelling_does_neither() -> None:
    again = talk("não", "sim", **REMINDED)[-1]
    assert words(again) == "O que prefere: remarcar para outro dia ou cancelar a consulta?"
    assert outcome("não", "sim", "cancelar", "sim", **REMINDED) == "cancelled"
    assert outcome("não", "sim", "remarcar", "sexta às 9h", "sim", **REMINDED) == "rescheduled"


def test_a_yes_to_two_professionals_is_asked_which() -> None:
    clinic = {
        "name": "Clínica Lua",
        "services": [{"name": "Consulta", "minutes": 30}],
        "professionals": [
            {"name": "Dra. Ana Lima", "services": ["Consulta"]},
            {"name": "Dra. Ana Prado", "services": ["Consulta"]},
        ],
        "hours": {"wed": [["08:00", "18:00"]]},
    }
    wish = "quero marcar com a dra Ana amanhã às 10h"
    asked, again, offer = talk(wish, "sim", "a Prado", clinic=clinic)
    assert (asked["asks"], again["asks"]) == ("professional", "professional")
    assert words(again) == "Com quem fica melhor: Dra. Ana Lima ou Dra. Ana Prado?"
    assert "Dra. Ana Prado" in words(offer)


WISH = "quero consulta com a dra Ana dia 2/12 às 10h, se não tiver, dia 3/12"
WEDNESDAY_FULL = {"professional": "Dra. Ana Lima", "date": "2026-12-02", "time_from": "00:00", "time_to": "23:00"}


def test_what_would_do_instead_is_offered_where_the_wish_is_not_free() -> None:
    assert "quarta-feira, 02/12 às 10h" in words(talk(WISH)[-1])
    taken = words(talk(WISH, busy=[WEDNESDAY_FULL])[-1])
    assert taken.startswith("Não tenho horário livre na quarta-feira, 02/12 às 10h")
    assert "quinta-feira, 03/12 às 10h" in taken
