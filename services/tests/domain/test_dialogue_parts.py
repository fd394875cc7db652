"""The pieces of the dialogue: names, choices, wording, and what is stored between messages."""
# ruff: noqa: DTZ001 - wall-clock times

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

import pytest

from atendeai.domain.dialogue import wording
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.naming import name_answer, name_in, profile_name
from atendeai.domain.dialogue.ports import (
    Appointment,
    Appointments,
    Done,
    Found,
    Held,
    Hold,
    Nothing,
    Refused,
    Search,
    Slot,
    answer_from_json,
    answer_to_json,
    request_to_json,
)
from atendeai.domain.dialogue.state import Asks, Outcome, Purpose, Stage, State
from atendeai.domain.profile_values import address_text
from atendeai.domain.understanding.normalise import normalise
from atendeai.domain.understanding.when import Moment

START = datetime(2026, 11, 25, 14)
SLOT = Slot(START, "ana", "consulta")
STANDING = Appointment("a1", START, "ana", "consulta", "Maria")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Maria Souza", "Maria Souza"),
        ("maria da silva", "Maria da Silva"),
        ("meu nome é João Pedro e quero marcar", "João Pedro"),
        ("é Ana", "Ana"),
        ("sim, Carla Dias", "Carla Dias"),
        ("Joana D'Arc", "Joana D'Arc"),
        ("12345", None),
        ("\u115f\u1160 \uffa0", None),  # letters to Unicode, which show nothing
        ("quero saber quanto custa isso tudo aí por favor", None),
    ],
)
def test_names_in_answers(text: str, name: str | None) -> None:
    assert name_answer(text) == name


def test_names_given_unasked() -> None:
    assert name_in("quero marcar, me chamo Rui Sá") == "Rui Sá"
    assert name_in("quero marcar amanhã") is None


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Maria Souza 🌸", "Maria Souza"),
        ("JOÃO", "João"),
        ("🌸🌸", None),
        ("~", None),
        (None, None),
        ("Eu", None),
        ("\u3164\u3164\u3164", None),
    ],
)
def test_names_of_profiles(raw: str | None, name: str | None) -> None:
    assert profile_name(raw) == name


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("1", 0),
        ("2)", 1),
        ("o primeiro", 0),
        ("a segunda opção", 1),
        ("o último", 2),
        ("opção 3", 2),
        ("4", None),
        ("sim", None),
    ],
)
def test_choices(text: str, index: int | None) -> None:
    assert chosen_index(normalise(text).norm, 3) == index


def test_wording() -> None:
    today = date(2026, 11, 24)
    assert wording.moment(START, today) == "amanhã (quarta-feira, 25/11) às 14h"
    assert wording.moment(datetime(2027, 1, 4, 8, 30), today) == "segunda-feira, 04/01/2027 às 8h30"
    assert wording.price("1250.5") == "R$ 1.250,50"
    week = {day: ((time(8), time(12)), (time(13), time(18))) for day in range(5)} | {5: ((time(8), time(12)),)}
    assert wording.week(week) == "segunda a sexta, das 8h às 12h e das 13h às 18h; sábado, das 8h às 12h"
    assert wording.every_week(week) == (
        "de segunda a sexta, das 8h às 12h e das 13h às 18h; aos sábados, das 8h às 12h"
    )
    assert wording.every_week({4: ((time(8), time(12)),), 5: ((time(8), time(12)),)}) == (
        "às sextas e aos sábados, das 8h às 12h"
    )
    assert wording.listed(["a", "b", "c"], "ou") == "a, b ou c"
    assert wording.wish(Moment(date=today, time_from=time(12), time_to=time(18)), today) == (
        "hoje (terça-feira, 24/11) entre 12h e 18h"
    )


def test_the_state_survives_its_storage() -> None:
    state = State(
        stage=Stage.OFFERED,
        purpose=Purpose.RESCHEDULE,
        asks=Asks.CONFIRMATION,
        when=Moment(date=START.date(), time=time(14)),
        candidates=[Moment(date=START.date())],
        slots=[SLOT],
        target=STANDING,
        targets=[STANDING],
        done=Outcome.BOOKED,
        last=replace(STANDING, reminded_at=START),
        done_at=START,
        heard_at=START,
    )
    assert State.from_json(state.to_json()) == state
    assert State.from_json({}) == State()
    assert State.from_json({"unknown": 1, "name": "Ana"}).name == "Ana"


def test_after_a_rest_only_the_lasting_is_left() -> None:
    state = State(name="Ana", opted_out=True, handed_off=True, stage=Stage.OFFERED, slots=[SLOT], done=Outcome.BOOKED)
    assert state.rested() == State(name="Ana", opted_out=True, handed_off=True)


@pytest.mark.parametrize(
    "answer",
    [
        Found((SLOT,)),
        Found((), Nothing.CALENDAR_UNAVAILABLE),
        Held("h1"),
        Done(),
        Refused("slot-taken"),
        Appointments((STANDING, replace(STANDING, reminded_at=START))),
    ],
)
def test_answers_survive_the_journal(answer: Found | Held | Done | Refused | Appointments) -> None:
    assert answer_from_json(answer_to_json(answer)) == answer


def test_requests_are_told_apart_in_the_journal() -> None:
    search = Search("consulta", START.date(), START.date(), time(14), time(14))
    assert request_to_json(search) != request_to_json(Search("consulta", START.date(), START.date()))
    assert request_to_json(Hold(SLOT, "Ana")) != request_to_json(Hold(SLOT, None))


def test_a_profile_is_read() -> None:
    clinic = clinic_from_profile(
        "Sol",
        {
            "businessHours": {"mon": [{"opens": "08:00", "closes": "12:00"}]},
            "services": [{"code": "c", "name": "Consulta médica", "duration": "30m"}, {"code": "d", "name": "Derma"}],
            "professionals": [{"code": "ana", "name": "Dra. Ana"}],
            "address": {"street": "Rua A", "number": "1", "city": "Recife"},
        },
    )
    assert clinic.address == "Rua A, 1, Recife"
    assert clinic.professionals[0].services == {"c", "d"}
    default = clinic.default_service()
    assert default is not None
    assert default.code == "c"
    with pytest.raises(ValueError, match="businessHours"):
        clinic_from_profile("Sol", {"businessHours": {"monday": []}})
    assert address_text({"text": "Rua B"}) == "Rua B"
    assert address_text(None) is None
