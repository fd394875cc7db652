"""What all fakes are steered by: faults to inject, bounded logs of what happened, and JSON bodies read by hand.

Bodies are read by hand because the providers answer malformed input in their own words, not in a framework's.
"""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

KEPT = 20_000
"""How many entries a log keeps before the oldest fall out."""


class Fault(BaseModel):
    """One thing that shall go wrong, for calls that match, `count` times (0: until cleared)."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field("*", description="which call: see the fake's own list; * is every one")
    subject: str | None = Field(None, description="phone number id, calendar id or model; absent is every one")
    to: str | None = Field(None, description="graph: the recipient")
    code: int | None = Field(None, description="graph: the provider's error code")
    reason: str | None = Field(None, description="google: the provider's reason")
    http_status: int | None = Field(None, ge=200, le=599)
    message: str | None = None
    delay_seconds: float = Field(0, ge=0, le=600)
    count: int = Field(1, ge=0)
    after: bool = Field(False, description="the call is carried out, and only its answer is the fault")
    as_status: bool = Field(False, description="graph: the call succeeds, the fault comes as a `failed` status")

    @property
    def only_slow(self) -> bool:
        """Whether the call is merely delayed, then answered as always."""
        return self.code is None and self.reason is None and self.http_status is None


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Remember a fault."""
        self._waiting.append((fault, fault.count or None))

    def clear(self) -> None:
        """Forget them all."""
        self._waiting.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The faults still to come, with how often each (None: until cleared)."""
        return [{**fault.model_dump(exclude_none=True), "left": left} for fault, left in self._waiting]

    async def take(self, operation: str, subject: str | None = None, to: str | None = None) -> Fault | None:
        """Use up one matching fault, wait out its delay, and return it unless it only slows down."""
        for index, (fault, left) in enumerate(self._waiting):
            if fault.operation not in ("*", operation):
                continue
            if fault.subject not in (None, subject) or fault.to not in (None, to):
                continue
            if left == 1:
                del self._waiting[index]
            elif left is not None:
                self._waiting[index] = (fault, left - 1)
            if fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            return None if fault.only_slow else fault
        return None


class Log:
    """A bounded list of what happened, numbered without gaps so that a reader can ask for what came after."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=kept)
        self.total = 0

    def add(self, **entry: Any) -> dict[str, Any]:
        """Append an entry and return it, with its number and time."""
        self.total += 1
        entry = {"number": self.total, "at": datetime.now(UTC).isoformat(), **entry}
        self._entries.append(entry)
        return entry

    def read(self, *, after: int = 0, limit: int = 1000, **equal: str | None) -> dict[str, Any]:
        """Return the entries after a number whose fields equal what is asked (None: whatever), oldest first."""
        wanted = {key: value for key, value in equal.items() if value is not None}
        found = [
            entry
            for entry in self._entries
            if entry["number"] > after and all(entry.get(key) == value for key, value in wanted.items())
        ]
        return {"total": self.total, "count": len(found), "items": found[:limit]}

    def clear(self) -> None:
        """Drop the entries; the numbering goes on."""
        self._entries.clear()


def fault_routes(faults: Faults) -> APIRouter:
    """Build /_fake/faults, which all fakes have."""
    router = APIRouter(prefix="/_fake/faults")

    @router.post("", status_code=201)
    async def add(fault: Fault) -> list[dict[str, Any]]:
        faults.add(fault)
        return faults.listed()

    @router.get("")
    async def listed() -> list[dict[str, Any]]:
        return faults.listed()

    @router.delete("", status_code=204)
    async def clear() -> None:
        faults.clear()

    return router


async def json_object(request: Request) -> dict[str, Any] | None:
    """Read the body as a JSON object; None when it is not one."""
    try:
        value = json.loads(await request.body())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
