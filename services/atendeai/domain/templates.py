"""The message templates with which a clinic may write first, as Meta is asked to approve them. Pure data.

Source: developers.facebook.com, "WhatsApp Business Platform: message templates". Variables are `{{1}}`, `{{2}}`…; a
body may neither begin nor end with one, and parameters hold no line break, no tab and at most four spaces in a row.
None of them names a specialty or a diagnosis: what stands on a locked screen is read by others too (LGPD, art. 11).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PARAMETER = 500
"""Characters of one parameter; a body with all of them filled in stays under the platform's 1024."""

_VARIABLE = re.compile(r"\{\{(\d+)\}\}")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Template:
    """One template in one language. `examples` are what Meta's reviewers see in place of the variables."""

    name: str
    language: str
    category: str
    body: str
    examples: tuple[str, ...]
    buttons: tuple[str, ...] = ()
    """Labels of the quick replies, in order; what a press sends back is given with each message."""

    @property
    def parameters(self) -> int:
        """How many variables the body has."""
        return len(set(_VARIABLE.findall(self.body)))

    def filled(self, parameters: Sequence[str]) -> str:
        """Return the body as the patient reads it. Raises ValueError when the number of parameters does not fit."""
        if len(parameters) != self.parameters:
            raise ValueError(f"{self.name}: {self.parameters} parameters are required, {len(parameters)} were given")
        return _VARIABLE.sub(lambda found: parameters[int(found[1]) - 1], self.body)


def parameter(text: str) -> str:
    """Make a text fit for a parameter: one line, single blanks, not too long."""
    line = _BLANKS.sub(" ", text).strip()
    return line if len(line) <= MOST_PARAMETER else line[: MOST_PARAMETER - 1].rstrip() + "…"


PT_BR = "pt_BR"
UTILITY = "UTILITY"

REMINDER = Template(
    name="atendeai_lembrete",
    language=PT_BR,
    category=UTILITY,
    body="Olá, {{1}}! Passando para lembrar do seu horário: {{2}}, às {{3}}. Você confirma a sua presença?",
    examples=("Maria", "amanhã, quarta-feira (26/11)", "14h"),
    buttons=("Confirmar", "Cancelar"),
)
"""Parameters: the patient's first name, the day in words, the time."""

REMINDER_CONFIRMED = Template(
    name="atendeai_lembrete_confirmado",
    language=PT_BR,
    category=UTILITY,
    body="Olá, {{1}}! Passando para lembrar do seu horário: {{2}}, às {{3}}. Sua presença está confirmada. Até lá!",
    examples=("Maria", "amanhã, quarta-feira (26/11)", "14h"),
)
"""The same for who has confirmed: it asks nothing."""

WAITING_LIST = Template(
    name="atendeai_vaga",
    language=PT_BR,
    category=UTILITY,
    body="Olá, {{1}}! Abriu uma vaga como você pediu: {{2}}, às {{3}}. Quer ficar com este horário?",
    examples=("Maria", "quinta-feira (27/11)", "15h30"),
    buttons=("Quero", "Não, obrigado"),
)
"""Parameters: the patient's first name, the day in words, the time."""

CHANGE = Template(
    name="atendeai_alteracao",
    language=PT_BR,
    category=UTILITY,
    body="Olá, {{1}}! Houve uma alteração na sua agenda: {{2}} Se precisar de algo, é só responder a esta mensagem.",
    examples=("Maria", "o seu horário passou para quinta-feira (27/11), às 15h30."),
)
"""Parameters: the patient's first name, what changed as a sentence with its full stop."""

TEMPLATES: tuple[Template, ...] = (REMINDER, REMINDER_CONFIRMED, WAITING_LIST, CHANGE)
"""All that a clinic needs approved before it can write first."""

BY_NAME = {template.name: template for template in TEMPLATES}
