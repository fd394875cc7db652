"""What `kubectl describe` tells of a resource that waits for its user."""

from __future__ import annotations

from atendeai_operator.kube.kinds import CLINIC
from tests.pipeline.samples import clinic, running_stack, whatsapp_secret
from tests.pipeline.world import World


async def test_a_reason_is_told_by_one_event(world: World) -> None:
    await running_stack(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    told = [message for name, reason, message in await world.events() if (name, reason) == ("sol", "SecretMissing")]
    assert len(told) == 1, told
    assert "sol-whatsapp" in told[0]
    assert "access-token, app-secret, verify-token" in told[0]


async def test_what_is_over_is_told_by_what_holds_now(world: World) -> None:
    await running_stack(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    await whatsapp_secret(world)
    await world.settle()
    for field in ("paused", "suspended"):
        for value in (True, False):
            await world.change(CLINIC, "sol", {"spec": {field: value}})
            await world.settle()
    told = [(reason, message) for name, reason, message in await world.events() if name == "sol"]
    assert ("SpecValid", "It goes on by itself again.") in told
    assert ("Active", "The operator takes care of it again.") in told
    assert ("Active", "Awake again: its services take its messages.") in told
    assert not [message for _, message in told if " is False" in message]
