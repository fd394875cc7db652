"""The persona's tone, and how a clinic's name is spoken."""

from __future__ import annotations

from datetime import datetime

import pytest

from atendeai.domain.dialogue import texts, wording
from atendeai.domain.dialogue.clinic import Clinic, Persona
from atendeai.domain.dialogue.tone import FORMAL, FRIENDLY, spoken


def test_formal_says_senhor_and_shows_no_emoji() -> None:
    assert spoken("Olá! 😊 Você quer cancelar?", FORMAL) == "Olá. O(a) senhor(a) quer cancelar?"
    assert spoken(texts.JUST_TAKEN, FORMAL) == "Esse horário acabou de ser ocupado."
    assert "!" not in spoken("Agendado! Consulta, amanhã às 14h. Até lá!", FORMAL)
    assert "você" not in spoken(texts.HANDOFF, FORMAL).lower()
    assert spoken("Olá, Maria! Você confirma?", FORMAL) == "Olá, Maria. O(a) senhor(a) confirma?"


def test_friendly_is_friendly_and_no_tone_changes_nothing() -> None:
    greeting = texts.greeting(Clinic("Clínica Sol", persona=Persona(name="Sofia")))
    assert spoken(greeting, FRIENDLY) == "Olá! 😊 Aqui é Sofia, da Clínica Sol. Como posso ajudar?"
    assert spoken(greeting, None) == greeting


@pytest.mark.parametrize(
    ("name", "spoken_of"),
    [
        ("Clínica Sol", "da Clínica Sol"),
        ("Instituto Sol", "do Instituto Sol"),
        ("Dr. Sá Odontologia", "do Dr. Sá Odontologia"),
    ],
)
def test_the_preposition_of_a_clinics_name(name: str, spoken_of: str) -> None:
    assert wording.of_the(name) == spoken_of


def test_when_a_clinic_opens_again() -> None:
    assert wording.opens_again(Clinic("Sol"), datetime(2026, 11, 24, 9)) is None  # noqa: DTZ001 - wall-clock time
