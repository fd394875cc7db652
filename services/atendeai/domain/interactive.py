"""What a message offers to be tapped, as buttons or as a list, within what the platform takes; pure.

Source: developers.facebook.com, "WhatsApp Business Platform: interactive reply buttons messages" (at most three buttons
with titles of at most 20 characters, and a text of at most 1024) and "interactive list messages" (at most ten rows in
all; a title of at most 24 characters, a description of at most 72, an id of at most 200, a button of at most 20 that
opens the list, and a text of at most 4096). Ids differ within a message, and so do the titles of its buttons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

MOST_BUTTONS = 3
MOST_ROWS = 10
BUTTON_TITLE = 20
ROW_TITLE = 24
DESCRIPTION = 72
MOST_ID = 200
"""Of a row; a button's may have 256."""
BUTTONS_TEXT = 1024
LIST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Choice:
    """One button, or one row of a list. The id comes back when it is tapped."""

    id: str
    title: str
    description: str = ""

    def to_json(self) -> dict[str, str]:
        """As it is stored and handed on; without a description that says nothing."""
        said = {"description": self.description} if self.description else {}
        return {"id": self.id, "title": self.title, **said}


@dataclass(frozen=True, slots=True)
class Options:
    """What a message offers, as the platform takes it."""

    kind: Literal["buttons", "list"]
    choices: tuple[Choice, ...]

    def go_with(self, text: str) -> bool:
        """Whether a message of this text may carry them; one that is longer goes as plain text."""
        return len(text) <= (BUTTONS_TEXT if self.kind == "buttons" else LIST_TEXT)

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"kind": self.kind, "choices": [choice.to_json() for choice in self.choices]}


def fitted(choices: Sequence[Choice]) -> Options | None:
    """The choices as buttons where their titles fit as they are, else as a list; None where it holds them neither.

    A row's title that is too long is cut, and stands whole in its description unless it has one.
    """
    tidy = [Choice(c.id, " ".join(c.title.split()), " ".join(c.description.split())) for c in choices]
    ids = {choice.id for choice in tidy if choice.id and choice.id == choice.id.strip() and len(choice.id) <= MOST_ID}
    if not 1 <= len(tidy) <= MOST_ROWS or len(ids) < len(tidy) or not all(choice.title for choice in tidy):
        return None
    said = {choice.title for choice in tidy}
    plain = all(len(choice.title) <= BUTTON_TITLE and not choice.description for choice in tidy)
    if plain and len(said) == len(tidy) <= MOST_BUTTONS:
        return Options("buttons", tuple(tidy))
    rows = zip(tidy, distinct([choice.title for choice in tidy], ROW_TITLE), strict=True)
    return Options("list", tuple(Choice(c.id, title, described(c, title)) for c, title in rows))


def described(choice: Choice, title: str) -> str:
    """What stands below a row's title as it is shown: the choice's own description, else the title where it is cut."""
    return cut(choice.description or (choice.title if title != choice.title else ""), DESCRIPTION)


def distinct(titles: Sequence[str], most: int) -> list[str]:
    """The titles, each at most so long; where two would be the same, all are numbered."""
    short = [cut(title, most) for title in titles]
    if len(set(short)) == len(short):
        return short
    return [f"{number}. {cut(title, most - 4)}" for number, title in enumerate(titles, 1)]


def cut(text: str, most: int) -> str:
    """The text, at most so long."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
