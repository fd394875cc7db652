"""Whatever write fails, and wherever the operator dies, the end is the same."""

from __future__ import annotations

import pytest

from atendeai_operator.kube.kinds import CLINIC, STACK
from atendeai_operator.pipeline.errors import KubeError
from tests.pipeline.samples import STACK_SPEC, clinic, whatsapp_secret
from tests.pipeline.world import Crash, World, fail_at, refused


async def _until_quiet(world: World) -> None:
    """Settle, starting the operator anew whenever it has died."""
    for _ in range(8):
        try:
            await world.settle()
        except (Crash, KubeError):
            world.start()
            continue
        return
    raise AssertionError("never quiet")


async def _everything(world: World) -> set[tuple[str, str, str]]:
    await whatsapp_secret(world)
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    await world.put("Clinic", "sol", clinic())
    await _until_quiet(world)
    for kind, name in ((STACK, "dev"), (CLINIC, "sol")):
        assert (await world.conditions(kind, name))["Ready"]["status"] == "True"
    return {(kind, namespace.replace(world.namespace, "ns"), name) for kind, namespace, name in await world.children()}


STEP = 9
"""Every so many writes one is struck; together the phases strike them all."""


@pytest.mark.parametrize("way", ["before", "after", "refused"])
async def test_a_fault_at_many_writes(world: World, way: str) -> None:
    hits = 0

    def strike(number: int, _method: str, path: str) -> None:
        nonlocal hits
        if number % STEP == {"before": 1, "after": 4, "refused": 7}[way] and not path.endswith("/events"):
            hits += 1
            raise Crash if way != "refused" else refused()

    if way == "after":
        world.meter.after_write = strike
    else:
        world.meter.before_write = strike
    await whatsapp_secret(world)
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    await world.put("Clinic", "sol", clinic())
    for _ in range(60):
        try:
            await world.settle()
            break
        except (Crash, KubeError, AssertionError):
            world.start()
    world.meter.before_write = world.meter.after_write = None
    await world.settle()
    assert hits > 3
    for kind, name in ((STACK, "dev"), (CLINIC, "sol")):
        assert (await world.conditions(kind, name))["Ready"]["status"] == "True"
    assert {name for kind, _, name in await world.children() if kind == "Deployment"} >= {
        "whatsapp",
        "dev-gateway",
        "dev-haproxy",
    }
    live = await world.user.get(CLINIC, world.namespace, "sol")
    assert live
    assert {str(one) for one in world.kept().partitions} == {live["status"]["clinicId"]}, "one clinic, one id"


async def test_one_refused_write_stops_no_other(world: World) -> None:
    await whatsapp_secret(world)
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    world.meter.before_write = lambda _number, _method, path: (
        (_ for _ in ()).throw(refused()) if path.endswith("/services/dev-redis") else None
    )
    await world.reconcile(STACK, "dev")
    conditions = await world.conditions(STACK, "dev")
    assert "dev-redis" in conditions["Ready"]["message"]
    assert ("Service", world.namespace, "dev-postgres") in await world.children()


async def test_a_pass_that_fails_removes_nothing(world: World) -> None:
    before = await _everything(world)
    await world.change(STACK, "dev", {"spec": {"sharedPool": {"enabled": False}, "gateway": {"replicas": 2}}})
    world.meter.writes.clear()
    world.meter.before_write = lambda _number, method, path: (
        (_ for _ in ()).throw(refused()) if method == "PATCH" and path.endswith("/deployments/dev-gateway") else None
    )
    await world.reconcile(STACK, "dev")
    assert not [path for method, path in world.meter.writes if method == "DELETE"]
    after = {(kind, space.replace(world.namespace, "ns"), name) for kind, space, name in await world.children()}
    assert {entry for entry in before if entry[0] == "Deployment"} <= after
    world.meter.before_write = fail_at(-1, refused())
    await _until_quiet(world)
    assert ("Deployment", world.namespace, "dev-auth") not in await world.children()
