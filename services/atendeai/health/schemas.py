"""What the health service answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from atendeai.kit.paging import Page
from atendeai.kit.schemas import Answer

Status = Literal["up", "degraded", "down"]


class ChangeView(Answer):
    """A part became something else; `was` is null the first time."""

    id: UUID
    at: datetime
    component: str
    was: Status | None
    became: Status
    reason: str | None


class ChangePage(Page):
    """Changes of the clinic's parts."""

    items: list[ChangeView]
