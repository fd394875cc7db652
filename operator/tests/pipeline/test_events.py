"""What `kubectl describe` tells of a resource that waits for its user."""

from __future__ import annotations

from tests.pipeline.samples import clinic, running_stack
from tests.pipeline.world import World


async def test_a_reason_is_told_by_one_event(world: World) -> None:
    await running_stack(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    told = [message for name, reason, message in await world.events() if (name, reason) == ("sol", "SecretMissing")]
    assert len(told) == 1, told
    assert "sol-whatsapp" in told[0]
    assert "access-token, app-secret, verify-token" in told[0]
