"""What the appointment service writes to patients, in Brazilian Portuguese. Pure.

Nothing here names a service, a specialty or a professional: a reminder is read on a locked screen too (LGPD, art. 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from atendeai.domain.dialogue.tone import spoken
from atendeai.domain.templates import CHANGE, REMINDER, REMINDER_CONFIRMED, WAITING_LIST, Template, parameter

__all__ = ["Message", "clock_in_words", "day_in_words", "first_name", "initials", "moment_in_words"]

_WEEKDAYS = ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo")
_TITLES = frozenset({"dr", "dra", "sr", "sra", "srta", "dona", "seu", "prof", "profa"})
_PARTICLES = frozenset({"da", "das", "de", "di", "do", "dos", "du", "e"})
_NOBODY = "tudo bem"
"""Stands for the name where none is known: "Olá, tudo bem!"."""


def first_name(name: str | None) -> str:
    """Return how to address somebody: the first name, without a title, written as a name is."""
    for word in (name or "").split():
        if word.strip(".").casefold() in _TITLES:
            continue
        return word if any(letter.islower() for letter in word[1:]) and word[0].isupper() else word.capitalize()
    return _NOBODY


def initials(name: str | None) -> str:
    """Return the initials of somebody's names: "M. S." for Maria da Silva."""
    words = [word for word in (name or "").split() if word.casefold().strip(".") not in _PARTICLES | _TITLES]
    return " ".join(f"{word[0].upper()}." for word in words if word[0].isalpha())


def clock_in_words(value: time) -> str:
    """14h, 14h30."""
    return f"{value.hour}h{value.minute:02d}" if value.minute else f"{value.hour}h"


def day_in_words(value: date, today: date) -> str:
    """amanhã, quarta-feira (26/11); with the year when it is another."""
    written = f"{value:%d/%m}" if value.year == today.year else f"{value:%d/%m/%Y}"
    full = f"{_WEEKDAYS[value.weekday()]} ({written})"
    near = {0: "hoje, ", 1: "amanhã, "}.get((value - today).days, "")
    return near + full


def moment_in_words(value: datetime, today: date) -> str:
    """amanhã, quarta-feira (26/11), às 14h."""
    at = "à" if value.hour == 1 else "às"
    return f"{day_in_words(value.date(), today)}, {at} {clock_in_words(value.time())}"


@dataclass(frozen=True, slots=True)
class Message:
    """What a patient is sent: the words within the 24-hour window, and the template in place of them after it.

    `choices` are (id, label) of the buttons, whose ids are the template's payloads as well.
    """

    purpose: str
    text: str
    template: Template
    parameters: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()
    payloads: tuple[str, ...] = ()

    def as_json(self, contact_id: UUID, tone: str | None = None) -> dict[str, Any]:
        """Render as the body of whatsapp's `POST /internal/v1/outbound`, its words in the persona's tone.

        The template stays as Meta approved it.
        """
        body: dict[str, Any] = {
            "contact_id": str(contact_id),
            "kind": "buttons" if self.choices else "text",
            "text": spoken(self.text, tone),
            "purpose": self.purpose,
            "template": {
                "name": self.template.name,
                "language": self.template.language,
                "parameters": [parameter(one) for one in self.parameters],
                "payloads": list(self.payloads),
            },
        }
        if self.choices:
            body["buttons"] = [{"id": one, "title": title} for one, title in self.choices]
        return body

    @classmethod
    def reminder(
        cls, appointment_id: UUID, name: str | None, start: datetime, today: date, *, confirmed: bool
    ) -> Message:
        """Remind of an appointment; somebody who has confirmed is not asked again. `start` is the clinic's time."""
        parameters = (first_name(name), day_in_words(start.date(), today), clock_in_words(start.time()))
        if confirmed:
            text = (
                f"Olá, {first_name(name)}! Passando para lembrar do seu horário: {moment_in_words(start, today)}."
                " Sua presença está confirmada. Até lá!"
            )
            return cls("reminder", text, REMINDER_CONFIRMED, parameters)
        ids = (f"confirm:{appointment_id}", f"cancel:{appointment_id}")
        text = (
            f"Olá, {first_name(name)}! Passando para lembrar do seu horário: {moment_in_words(start, today)}."
            " Você confirma a sua presença?"
        )
        return cls("reminder", text, REMINDER, parameters, tuple(zip(ids, REMINDER.buttons, strict=True)), ids)

    @classmethod
    def offer(cls, appointment_id: UUID, name: str | None, start: datetime, today: date, until: datetime) -> Message:
        """Offer a time that got free; `start` and `until` are the clinic's time."""
        parameters = (first_name(name), day_in_words(start.date(), today), clock_in_words(start.time()))
        ids = (f"accept:{appointment_id}", f"decline:{appointment_id}")
        limit = f"às {clock_in_words(until.time())}" if until.date() == today else moment_in_words(until, today)
        text = (
            f"Olá, {first_name(name)}! Abriu uma vaga como você pediu: {moment_in_words(start, today)}."
            f" Quer ficar com este horário? Ele fica reservado para você até {limit}."
        )
        return cls("waitlist", text, WAITING_LIST, parameters, tuple(zip(ids, WAITING_LIST.buttons, strict=True)), ids)

    @classmethod
    def moved(cls, name: str | None, start: datetime, today: date) -> Message:
        """Tell that the clinic moved an appointment; `start` is the clinic's time."""
        return cls._changed(name, f"o seu horário passou para {moment_in_words(start, today)}.")

    @classmethod
    def cancelled(cls, name: str | None, start: datetime, today: date) -> Message:
        """Tell that the clinic cancelled an appointment; `start` is the clinic's time."""
        return cls._changed(name, f"o seu horário de {moment_in_words(start, today)}, foi cancelado pela clínica.")

    @classmethod
    def _changed(cls, name: str | None, what: str) -> Message:
        parameters = (first_name(name), what)
        return cls("change", CHANGE.filled(parameters), CHANGE, parameters)
