"""What answers the operator in the tests of the pipeline: the gateway, and the clinics' services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.ports import Door, Report, Verdict


@dataclass
class FakeProbing:
    """The gateway and the clinics' services, as far as the operator asks them: all is well unless a test says not."""

    unserved: set[str] = field(default_factory=set)
    """Hosts that the gateway does not serve yet."""
    up: bool = True
    """Whether the gateway can be reached."""
    reports: dict[str, Report] = field(default_factory=dict)
    """What the services say, by service."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """What was asked, and of whom: a host of the gateway, a URL of a service."""
    hold: asyncio.Event | None = None
    """Services do not answer before this."""

    async def serves(self, gateway: str, host: str, *, suspended: bool) -> bool:
        self.asked.append(("suspended route" if suspended else "route", host))
        if not self.up:
            raise Waiting(f"{gateway} cannot be reached.", retry_in=1)
        return host not in self.unserved

    async def channel(self, door: Door) -> Report:
        return await self._report("whatsapp", door)

    async def calendar(self, door: Door) -> Report:
        return await self._report("calendar", door)

    async def _report(self, service: str, door: Door) -> Report:
        self.asked.append((service, door.url))
        if self.hold:
            await self.hold.wait()
        return self.reports.get(service, Report(Verdict.WORKING))

    async def close(self) -> None:
        pass
