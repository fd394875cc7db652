"""What the health service answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired
from uuid import UUID

# pydantic reads no TypedDict of Python 3.11's own.
from typing_extensions import TypedDict

from atendeai.kit.paging import Page
from atendeai.kit.schemas import Answer

Status = Literal["up", "degraded", "down"]


class PartView(TypedDict):
    """One part: how it is, why it is not up, how long it took to answer, which version it says it is."""

    status: Status
    reason: NotRequired[str]
    latency_ms: NotRequired[float]
    version: NotRequired[str]


class HealthView(TypedDict):
    """Every part of the clinic, and what that makes of the whole."""

    status: Literal["healthy", "degraded", "unhealthy"]
    service: str
    version: str
    checked_at: datetime
    components: dict[str, PartView]


_STATUS = {"type": "string", "enum": ["pass", "warn", "fail"]}
_TEXT = {"type": "string"}
_CHECK: dict[str, Any] = {
    "type": "object",
    "required": ["componentType", "status", "time"],
    "properties": {
        "componentType": {"type": "string", "enum": ["component", "datastore", "system"]},
        "status": _STATUS,
        "time": {"type": "string", "format": "date-time"},
        "output": _TEXT,
        "observedValue": {"type": "number"},
        "observedUnit": {"type": "string", "const": "ms"},
    },
    "additionalProperties": False,
}
HEALTH_JSON: dict[str, Any] = {
    "type": "object",
    "required": ["status", "version", "releaseId", "serviceId", "notes", "checks"],
    "properties": {
        "status": _STATUS,
        "version": _TEXT,
        "releaseId": _TEXT,
        "serviceId": _TEXT,
        "notes": {"type": "array", "items": _TEXT},
        "checks": {"type": "object", "additionalProperties": {"type": "array", "items": _CHECK}},
    },
    "additionalProperties": False,
}
"""The same as draft-inadarei-api-health-check-06 has it, which writes names in a case of its own."""


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
