"""What the rooms of both kinds share while the operator runs: the client, the ports, the recorder, the way to wake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.events import Recorder
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.ports import Probing, TenancyFactory
from atendeai_operator.pipeline.reconcile import utc_now
from atendeai_operator.stack.facts import InfraImages


def _nobody(_key: Key, _after: float = 0.0) -> None:
    """Wake nobody: until the wiring has set the queue."""


@dataclass
class Hub:
    """The surroundings of a reconcile."""

    cluster: Cluster
    tenancy: TenancyFactory
    probing: Probing
    recorder: Recorder
    images: InfraImages
    now: Callable[[], datetime] = utc_now
    wake: Callable[..., None] = field(default=_nobody)
    """`wake(key, after=seconds)`."""
