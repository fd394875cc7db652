"""What patients read."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import pytest

from atendeai.appointment.wording import Message, day_in_words, first_name, initials, moment_in_words
from atendeai.domain.dialogue.tone import FORMAL, FRIENDLY
from atendeai.domain.templates import BY_NAME
from tests.appointment.whatsapp_side import check

TUESDAY = date(2026, 11, 24)
ID, CONTACT = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Maria da Silva", "Maria"),
        ("MARIA DA SILVA", "Maria"),
        ("joão", "João"),
        ("Dr. Paulo Reis", "Paulo"),
        ("Dona Neide", "Neide"),
        ("McCarthy Souza", "McCarthy"),
        ("  ", "tudo bem"),
        (None, "tudo bem"),
    ],
)
def test_the_first_name(name: str | None, first: str) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize(
    ("name", "letters"), [("Maria da Silva", "M. S."), ("Ângela", "Â."), ("Dra. Eva e Dias", "E. D."), (None, "")]
)
def test_initials(name: str | None, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 24), "hoje, terça-feira (24/11)"),
        (date(2026, 11, 25), "amanhã, quarta-feira (25/11)"),
        (date(2026, 11, 28), "sábado (28/11)"),
        (date(2027, 1, 4), "segunda-feira (04/01/2027)"),
    ],
)
def test_days(day: date, words: str) -> None:
    assert day_in_words(day, TUESDAY) == words


def test_moments() -> None:
    assert moment_in_words(datetime(2026, 11, 25, 14), TUESDAY) == "amanhã, quarta-feira (25/11), às 14h"  # noqa: DTZ001
    assert moment_in_words(datetime(2026, 11, 25, 1, 5), TUESDAY) == "amanhã, quarta-feira (25/11), à 1h05"  # noqa: DTZ001


def test_a_reminder_in_and_outside_the_window() -> None:
    body = Message.reminder(ID, "Maria Souza", datetime(2026, 11, 25, 14), TUESDAY, confirmed=False).as_json(CONTACT)  # noqa: DTZ001
    check(body)
    assert body == {
        "contact_id": str(CONTACT),
        "kind": "buttons",
        "purpose": "reminder",
        "text": "Olá, Maria! Passando para lembrar do seu horário: amanhã, quarta-feira (25/11), às 14h."
        " Você confirma a sua presença?",
        "buttons": [{"id": f"confirm:{ID}", "title": "Confirmar"}, {"id": f"cancel:{ID}", "title": "Cancelar"}],
        "template": {
            "name": "atendeai_lembrete",
            "language": "pt_BR",
            "parameters": ["Maria", "amanhã, quarta-feira (25/11)", "14h"],
            "payloads": [f"confirm:{ID}", f"cancel:{ID}"],
        },
    }


def test_who_confirmed_is_not_asked_again() -> None:
    body = Message.reminder(ID, "Maria", datetime(2026, 11, 24, 14), TUESDAY, confirmed=True).as_json(CONTACT)  # noqa: DTZ001
    check(body)
    assert body["kind"] == "text"
    assert body["text"].endswith("hoje, terça-feira (24/11), às 14h. Sua presença está confirmada. Até lá!")
    template = BY_NAME[body["template"]["name"]]
    assert template.filled(body["template"]["parameters"]) == body["text"]
    assert (template.buttons, body["template"]["payloads"]) == ((), [])


def test_the_tone_is_the_personas_and_the_template_as_it_was_approved() -> None:
    start, until = datetime(2026, 11, 26, 15, 30), datetime(2026, 11, 24, 11, 15)  # noqa: DTZ001
    asked = Message.reminder(ID, "Maria", start, TUESDAY, confirmed=False)
    formal = asked.as_json(CONTACT, FORMAL)
    check(formal)
    assert formal["text"].startswith("Olá, Maria. Passando")
    assert formal["text"].endswith("O(a) senhor(a) confirma a sua presença?")
    assert formal["template"] == asked.as_json(CONTACT)["template"]
    offer = Message.offer(ID, "Ana", start, TUESDAY, until).as_json(CONTACT, FORMAL)["text"]
    assert "como o(a) senhor(a) pediu" in offer
    assert "reservado para o(a) senhor(a) até às 11h15" in offer
    sure = Message.reminder(ID, "Maria", start, TUESDAY, confirmed=True)
    assert sure.as_json(CONTACT, FRIENDLY)["text"].endswith("Até lá! 😊")


def test_an_offer_says_until_when() -> None:
    start, until = datetime(2026, 11, 26, 15, 30), datetime(2026, 11, 24, 11, 15)  # noqa: DTZ001
    body = Message.offer(ID, "Ana", start, TUESDAY, until).as_json(CONTACT)
    check(body)
    assert body["text"] == (
        "Olá, Ana! Abriu uma vaga como você pediu: quinta-feira (26/11), às 15h30."
        " Quer ficar com este horário? Ele fica reservado para você até às 11h15."
    )
    assert [one["id"] for one in body["buttons"]] == [f"accept:{ID}", f"decline:{ID}"]
    later = Message.offer(ID, "Ana", start, TUESDAY, datetime(2026, 11, 25, 8)).text  # noqa: DTZ001
    assert later.endswith("até amanhã, quarta-feira (25/11), às 8h.")


def test_what_the_clinic_changed() -> None:
    moved = Message.moved("Ana", datetime(2026, 11, 26, 15, 30), TUESDAY).as_json(CONTACT)  # noqa: DTZ001
    check(moved)
    assert "o seu horário passou para quinta-feira (26/11), às 15h30. Se precisar" in moved["text"]
    gone = Message.cancelled("Ana", datetime(2026, 11, 25, 9), TUESDAY).as_json(CONTACT)  # noqa: DTZ001
    check(gone)
    assert "o seu horário de amanhã, quarta-feira (25/11), às 9h, foi cancelado pela clínica." in gone["text"]
