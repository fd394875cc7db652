"""Exceptions from the hours, and who has the last word between the Clinic resource and staff."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from atendeai.domain.dialogue import wording
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.profile_additions import declared_by, effective_persona, effective_profile
from atendeai.domain.profile_values import MAX_EXCEPTION_DAYS, WEEKDAYS, parse_exceptions
from atendeai.domain.slots import Window, free_slots, open_stretches, schedule_from_profile

TUESDAY, SATURDAY = date(2030, 11, 26), date(2030, 11, 30)
NOW = datetime(2030, 11, 1, tzinfo=UTC)

PROFILE: dict[str, Any] = {
    "businessHours": {"tue": [{"opens": "08:00", "closes": "12:00"}]},
    "services": [{"code": "consulta", "name": "Consulta", "duration": "1h"}],
    "professionals": [
        {"code": "ana", "name": "Ana"},
        {"code": "bia", "name": "Bia", "hours": {"tue": [{"opens": "10:00", "closes": "14:00"}]}},
    ],
}


def starts(exceptions: list[dict[str, Any]], day: date = TUESDAY) -> dict[str, list[str]]:
    """Who can be booked from when on a day, every half hour left out."""
    schedule = schedule_from_profile({**PROFILE, "exceptions": exceptions}, "America/Sao_Paulo")
    found: dict[str, list[str]] = {}
    for slot in free_slots(schedule, schedule.services[0], Window(day, day), now=NOW, busy={}):
        if slot.start.minute == 0:
            found.setdefault(slot.professional_code, []).append(slot.start.strftime("%H"))
    return found


def hours(opens: str, closes: str) -> list[dict[str, str]]:
    return [{"opens": opens, "closes": closes}]


def test_without_exceptions_the_week_holds() -> None:
    assert starts([]) == {"ana": ["08", "09", "10", "11"], "bia": ["10", "11", "12", "13"]}
    assert starts([], SATURDAY) == {}


def test_closing_a_day_closes_it_for_everybody() -> None:
    assert starts([{"dateFrom": "2030-11-25", "dateTo": "2030-11-27"}]) == {}
    own = {"dateFrom": "2030-11-26", "professional": "bia", "hours": hours("08:00", "10:00")}
    assert starts([{"dateFrom": "2030-11-26"}, own]) == {}


def test_shorter_hours_cut_those_who_keep_hours_of_their_own() -> None:
    assert starts([{"dateFrom": "2030-11-26", "hours": hours("09:00", "12:00")}]) == {
        "ana": ["09", "10", "11"],
        "bia": ["10", "11"],
    }


def test_an_extra_day_is_for_those_who_keep_the_clinics_hours() -> None:
    extra = {"dateFrom": "2030-11-30", "hours": hours("08:00", "10:00")}
    assert starts([extra], SATURDAY) == {"ana": ["08", "09"]}
    bia = {"dateFrom": "2030-11-30", "professional": "bia", "hours": hours("09:00", "11:00")}
    assert starts([extra, bia], SATURDAY) == {"ana": ["08", "09"], "bia": ["09"]}


def test_one_professionals_exception_is_nobody_elses() -> None:
    assert starts([{"dateFrom": "2030-11-26", "professional": "ana"}]) == {"bia": ["10", "11", "12", "13"]}


def test_of_two_for_one_day_the_later_holds() -> None:
    first, second = {"dateFrom": "2030-11-26"}, {"dateFrom": "2030-11-26", "hours": hours("08:00", "09:00")}
    assert starts([first, second]) == {"ana": ["08"]}
    assert starts([second, first]) == {}


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        ({}, "dateFrom"),
        ({"dateFrom": "26/11/2030"}, "exceptions[0].dateFrom"),
        ({"dateFrom": "2030-11-26", "dateTo": "2030-11-25"}, "exceptions[0].dateTo"),
        ({"dateFrom": "2030-11-26", "dateTo": "2032-01-01"}, f"{MAX_EXCEPTION_DAYS - 1} days"),
        ({"dateFrom": "2030-11-26", "hours": [*hours("08:00", "12:00"), *hours("11:00", "13:00")]}, "overlap"),
        ({"dateFrom": "2030-11-26", "hours": hours("12:00", "08:00")}, "hours"),
    ],
)
def test_what_cannot_be_read_names_its_field(exception: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"exceptions\[0\]") as caught:
        parse_exceptions([exception])
    assert said in str(caught.value)


def test_the_attendant_speaks_of_the_day_and_not_of_the_week() -> None:
    clinic = clinic_from_profile(
        "Sol",
        {
            **PROFILE,
            "exceptions": [
                {"dateFrom": "2030-11-26"},
                {"dateFrom": "2030-11-30", "hours": hours("08:00", "10:00")},
                {"dateFrom": "2030-12-03", "professional": "ana"},
            ],
        },
    )
    today = date(2030, 11, 25)
    assert wording.hours_of(clinic, TUESDAY, today).endswith("não abrimos.")
    assert wording.hours_of(clinic, SATURDAY, today).endswith("atendemos das 8h às 10h.")
    assert wording.hours_of(clinic, date(2030, 12, 3), today).endswith("atendemos das 8h às 12h.")
    reopens = wording.opens_again(clinic, datetime(2030, 11, 25, 9))  # noqa: DTZ001 - wall-clock time
    assert reopens is not None
    assert "sábado" in reopens


DECLARED: dict[str, Any] = {
    **PROFILE,
    "insurance": [],
    "holidays": ["2030-12-25"],
    "services": [{"code": "consulta", "name": "Consulta", "priceBRL": "250.00"}],
    "exceptions": [{"dateFrom": "2030-11-26"}],
}


def test_additions_fill_what_the_resource_leaves_open() -> None:
    profile = effective_profile(
        DECLARED,
        {
            "insurance": ["Unimed"],
            "address": {"text": "Rua 1"},
            "holidays": ["2030-12-24", "2030-12-25"],
            "services": {"consulta": {"preparation": "Jejum"}, "gone": {"priceBRL": "1.00"}},
            "professionals": {"ana": {"hours": {"mon": hours("08:00", "09:00")}}},
            "exceptions": [{"dateFrom": "2030-11-27"}],
        },
    )
    assert (profile["insurance"], profile["address"]) == (["Unimed"], {"text": "Rua 1"})
    assert profile["holidays"] == ["2030-12-25", "2030-12-24"]
    assert profile["services"] == [
        {"code": "consulta", "name": "Consulta", "priceBRL": "250.00", "preparation": "Jejum"}
    ]
    assert profile["professionals"][0]["hours"] == {"mon": hours("08:00", "09:00")}
    assert [one["dateFrom"] for one in profile["exceptions"]] == ["2030-11-27", "2030-11-26"]


def test_the_resource_has_the_last_word() -> None:
    additions = {
        "businessHours": {"mon": hours("08:00", "09:00")},
        "services": {"consulta": {"priceBRL": "1.00"}},
        "professionals": {"bia": {"hours": {"mon": hours("08:00", "09:00")}}},
        "holidays": ["2030-12-25", "2030-12-24"],
        "persona": {"name": "Teresa", "greeting": "Oi"},
    }
    profile = effective_profile(DECLARED, additions)
    assert profile["businessHours"] == DECLARED["businessHours"]
    assert profile["services"] == DECLARED["services"]
    assert profile["professionals"] == DECLARED["professionals"]
    assert effective_persona({"name": "Sofia", "tone": "Formal"}, additions) == {
        "name": "Sofia",
        "tone": "Formal",
        "greeting": "Oi",
    }
    assert declared_by(DECLARED, {"name": "Sofia"}, additions) == {
        "businessHours": "spec.profile.businessHours",
        "holidays.2030-12-25": "spec.profile.holidays",
        "services.consulta.priceBRL": "spec.profile.services[0].priceBRL",
        "professionals.bia.hours": "spec.profile.professionals[1].hours",
        "persona.name": "spec.ai.persona.name",
    }


@pytest.mark.parametrize("never", [{}, {"mon": []}, {day: [] for day in WEEKDAYS}])
def test_who_works_on_no_weekday_is_offered_on_none_whoever_says_so(never: dict[str, Any]) -> None:
    by_staff = effective_profile(PROFILE, {"professionals": {"ana": {"hours": never}}})
    by_resource = {**PROFILE, "professionals": [{**PROFILE["professionals"][0], "hours": never}]}
    for profile in (by_staff, by_resource):
        schedule = schedule_from_profile(profile, "America/Sao_Paulo")
        assert list(open_stretches(schedule, schedule.professionals[0], TUESDAY)) == []
        assert clinic_from_profile("Sol", profile).professionals[0].hours == {}
    added = {"professionals": {"ana": {"hours": {"mon": hours("08:00", "09:00")}}}}
    assert effective_profile(by_resource, added)["professionals"] == by_resource["professionals"]
    assert declared_by(by_resource, {}, added) == {"professionals.ana.hours": "spec.profile.professionals[0].hours"}
