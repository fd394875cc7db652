"""How the external model of each clinic lately did, as this process saw it: for the health service.

In memory alone: what is told is whether the model answers now, and after a start nobody knows that.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Literal
from uuid import UUID

from atendeai.conversation.schemas import ModelHealth
from atendeai.kit.tenancy import Tenant

__all__ = ["ModelStates", "usable"]

_WINDOW_SECONDS = 900.0
_REMEMBERED = 50
_FAILS_AFTER = 3
"""So many fall-backs in a row, with no answer between, are no accident."""


def usable(tenant: Tenant) -> bool:
    """Whether the clinic has chosen a model and everything that it takes to ask it."""
    ai, key = tenant.config.settings.ai, tenant.config.credentials.ai.api_key
    return bool(ai.provider == "OpenAI" and ai.privacy.acknowledged and ai.base_url and ai.model and key)


class ModelStates:
    """The last turns of each clinic's model: when, and why it did not answer, None where it did."""

    def __init__(self) -> None:
        self._turns: dict[UUID, deque[tuple[float, str | None]]] = {}

    def note(self, clinic_id: UUID, reason: str | None) -> None:
        """Remember a turn."""
        self._turns.setdefault(clinic_id, deque(maxlen=_REMEMBERED)).append((time.monotonic(), reason))

    def of(self, tenant: Tenant) -> ModelHealth:
        """Return how the clinic's model does, by the turns of the last quarter of an hour."""
        since = time.monotonic() - _WINDOW_SECONDS
        reasons = [reason for at, reason in self._turns.get(tenant.id, ()) if at > since]
        failed = [reason for reason in reasons if reason is not None]
        return ModelHealth(
            state=_state(tenant, reasons),
            turns=len(reasons),
            fallbacks=len(failed),
            reason=failed[-1] if failed else None,
        )


def _state(tenant: Tenant, reasons: list[str | None]) -> Literal["embedded", "unconfigured", "unused", "ok", "failing"]:
    if tenant.config.settings.ai.provider != "OpenAI":
        return "embedded"
    if not usable(tenant):
        return "unconfigured"
    if not reasons:
        return "unused"
    last = reasons[-_FAILS_AFTER:]
    return "failing" if len(last) == _FAILS_AFTER and None not in last else "ok"
