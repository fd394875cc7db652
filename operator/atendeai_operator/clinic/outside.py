"""How the world outside treats a clinic, as the clinic's own services find out: asked now and then, and remembered.

A pass waits for an answer only for a moment: what comes later wakes the clinic again. Nothing here keeps a clinic from
being Ready.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from atendeai_operator.api import names
from atendeai_operator.catalogue import BY_NAME
from atendeai_operator.clinic.facts import ClinicFacts, SecretFact
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.pipeline.ports import Door, Report, Verdict

STEADY_SECONDS = 300.0
"""Between two questions about what works."""
SOON_SECONDS = 20.0
"""Until what does not work is asked about again, and once after a change: the services learn of it within seconds."""
PATIENCE_SECONDS = 1.0
"""That a pass waits for an answer."""

log = logging.getLogger(__name__)

Slot = tuple[Key, str]


@dataclass(frozen=True)
class _Known:
    print: str
    """Digest of all that the answer depends on."""
    at: datetime
    report: Report
    first: bool
    """Whether it is the first answer since a change."""

    @property
    def lasts(self) -> float:
        """Seconds for which the answer is good."""
        return STEADY_SECONDS if self.report.verdict is Verdict.WORKING and not self.first else SOON_SECONDS


class Outside:
    """What was last heard, of all clinics."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: dict[Slot, _Known] = {}
        self._asking: dict[Slot, asyncio.Task[None]] = {}
        self._late: set[Slot] = set()
        """Questions that a pass has stopped waiting for."""

    def forget(self, key: Key) -> None:
        """Forget a clinic that does not exist any more."""
        for slot in [slot for slot in {*self._known, *self._asking} if slot[0] == key]:
            self._known.pop(slot, None)
            self._late.discard(slot)
            task = self._asking.pop(slot, None)
            if task is not None:
                task.cancel()

    async def look(self, facts: ClinicFacts, up: frozenset[str], outcome: Outcome) -> Mapping[str, Report]:
        """Return the latest reports by service, asking for those that are due; only services that run (`up`) are asked.

        A suspended clinic is not asked about.
        """
        key, spec = Key("clinic", facts.meta.namespace, facts.meta.name), facts.spec
        if spec.suspended:
            self.forget(key)
            return {}
        wanted = {"whatsapp": self._hub.probing.channel}
        if spec.calendar.provider != "None":
            wanted["calendar"] = self._hub.probing.calendar
        prints = {service: _print(facts, service) for service in wanted}
        asked = [
            self._ask((key, service), prints[service], _door(facts, service), ask)
            for service, ask in wanted.items()
            if service in up and self._due((key, service), prints[service])
        ]
        if asked:
            await asyncio.wait(asked, timeout=PATIENCE_SECONDS)
            self._late.update(slot for slot in self._asking if slot[0] == key)
        return {service: found for service in wanted if (found := self._heard((key, service), prints, up, outcome))}

    def _age(self, known: _Known) -> float:
        return (self._hub.now() - known.at).total_seconds()

    def _due(self, slot: Slot, fingerprint: str) -> bool:
        if slot in self._asking:
            return False
        known = self._known.get(slot)
        return known is None or known.print != fingerprint or self._age(known) >= known.lasts

    def _heard(self, slot: Slot, prints: Mapping[str, str], up: frozenset[str], outcome: Outcome) -> Report | None:
        """Return what is known and still good, or being asked about anew, and see to it that it is looked at again."""
        known = self._known.get(slot)
        if known is None or known.print != prints[slot[1]]:
            return None
        left = known.lasts - self._age(known)
        if left > 0:
            outcome.looks.append(left)
        return known.report if left > 0 or slot[1] in up else None

    def _ask(
        self, slot: Slot, fingerprint: str, door: Door, ask: Callable[[Door], Awaitable[Report]]
    ) -> asyncio.Task[None]:
        async def work() -> None:
            report = await ask(door)
            before = self._known.get(slot)
            first = before is None or before.print != fingerprint
            self._known[slot] = _Known(fingerprint, self._hub.now(), report, first)

        def done(task: asyncio.Task[None]) -> None:
            if self._asking.get(slot) is task:
                del self._asking[slot]
            if not task.cancelled() and task.exception() is not None:
                log.error("question failed", extra={"key": str(slot), "error": repr(task.exception())})
            elif slot in self._late:
                self._hub.wake(slot[0])
            self._late.discard(slot)

        task = asyncio.create_task(work(), name=f"ask {slot[1]} of {slot[0]}")
        self._asking[slot] = task
        task.add_done_callback(done)
        return task


def _door(facts: ClinicFacts, service: str) -> Door:
    """Return where a clinic's service is asked: its own one, or the pool's."""
    row, stack = BY_NAME[service], facts.stack
    if facts.spec.isolation == "Dedicated":
        host = f"{service}.{facts.own_namespace}.svc"
    else:
        host = f"{names.child(stack.name, service)}.{stack.namespace}.svc"
    return Door(f"http://{host}:{row.port}", facts.minted.clinic_id, facts.minted.jwt_kid, facts.minted.jwt_key)


def _print(facts: ClinicFacts, service: str) -> str:
    """Return a digest of what a service's answer depends on."""
    spec = facts.spec
    part, secret = (
        (spec.whatsapp, facts.whatsapp_secret) if service == "whatsapp" else (spec.calendar, facts.calendar_secret)
    )
    known: list[object] = [
        spec.isolation,
        str(facts.minted.clinic_id),
        facts.minted.jwt_kid,
        part.model_dump(mode="json"),
    ]
    if service == "calendar":
        known.append([person.model_dump(mode="json") for person in spec.profile.professionals])
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    digest.update(_content(secret))
    return digest.hexdigest()


def _content(secret: SecretFact | None) -> bytes:
    data = (secret.data if secret else None) or {}
    return b"\0".join(part for key in sorted(data) for part in (key.encode(), hashlib.sha256(data[key]).digest()))
