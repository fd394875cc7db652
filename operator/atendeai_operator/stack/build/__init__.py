"""A stack's plan turned into the objects that must be. Pure and total: it cannot fail.

One file per part of the stack; a new part is one file and one line here.
"""

from __future__ import annotations

from atendeai_operator.objects.meta import Object
from atendeai_operator.stack.build import (
    gateway,
    haproxy,
    migration,
    monitors,
    network,
    pool,
    postgres,
    prometheus,
    redis,
)
from atendeai_operator.stack.build.nudges import Nudge, nudges
from atendeai_operator.stack.plan import StackPlan

__all__ = ["Nudge", "build", "nudges"]


def build(plan: StackPlan) -> tuple[Object, ...]:
    """Return the stack's objects in the order of their application."""
    parts = (network, postgres, redis, migration, pool, gateway, haproxy, monitors, prometheus)
    return tuple(child for part in parts for child in part.objects(plan))
