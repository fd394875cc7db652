"""Whether the gateway serves a clinic, seen by asking it until it does.

It is asked once for each thing it was told, and once for each set of Services behind it. What was seen is remembered in
this process alone; after a start, each clinic is asked for once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from atendeai_operator.api import names
from atendeai_operator.catalogue import BY_NAME, WEBHOOK_SERVICE
from atendeai_operator.clinic.facts import ClinicFacts, EdgeState
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.outcome import Outcome

FIRST_LOOK, LAST_LOOK = 0.5, 5.0
"""Seconds between two looks at a gateway that does not serve the clinic yet: a gateway that never will costs little."""
PATIENT_AFTER = 10
"""Looks after which the time between them grows."""
ANSWERING = frozenset({BY_NAME["health"].name, WEBHOOK_SERVICE.name})
"""The services that answer, behind the gateway."""


@dataclass
class _Seen:
    digest: str
    proven: bool = False
    looks: int = 0

    @property
    def pause(self) -> float:
        return min(LAST_LOOK, FIRST_LOOK * 1.5 ** max(0, self.looks - PATIENT_AFTER))


class Routes:
    """What was seen of all clinics' routes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seen: dict[Key, _Seen] = {}

    def forget(self, key: Key) -> None:
        """Forget a clinic that does not exist any more."""
        self._seen.pop(key, None)

    async def look(
        self, facts: ClinicFacts, hosts: list[str], edge: EdgeState, up: frozenset[str], outcome: Outcome
    ) -> tuple[bool, str]:
        """Tell whether every pod of the gateway serves all hosts as `edge` was told, and why that is not known.

        An active clinic is asked for once the services run (`up`) that answer behind the gateway: its own pods wake
        it when they are ready, the pool's wake the stack.
        """
        meta = facts.meta
        key = Key("clinic", meta.namespace, meta.name)
        digest = f"{edge.served} {edge.behind}"
        fresh = key not in self._seen
        if fresh or self._seen[key].digest != digest:
            self._seen[key] = _Seen(digest)
        seen = self._seen[key]
        if seen.proven:
            return True, ""
        if not facts.spec.suspended and not up >= ANSWERING:
            return False, "Not asked of the gateway yet: the clinic's services must run first."
        gateway = f"{names.child(facts.stack.name, 'gateway-pods')}.{meta.namespace}.svc"
        seen.looks += 1
        try:
            told = await asyncio.gather(
                *(self._hub.probing.serves(gateway, host, suspended=facts.spec.suspended) for host in hosts)
            )
        except Waiting as wait:
            known = facts.conditions.get("RouteReady")
            if fresh and known is not None and known.status == "True":
                # It held before this process started, and nothing says that it does not any more.
                self._seen.pop(key)
                outcome.looks.append(LAST_LOOK)
                return True, ""
            outcome.wait(Waiting(wait.what, retry_in=max(wait.retry_in, seen.pause)))
            return False, wait.what
        seen.proven = all(told)
        if not seen.proven:
            trouble = "The gateway does not serve this clinic's hosts yet."
            outcome.wait(Waiting(trouble, retry_in=seen.pause))
            return False, trouble
        return True, ""
