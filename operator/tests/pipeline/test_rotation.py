"""The signing key of a clinic is followed by another, at edge and services: published, then signing, then alone."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest

from atendeai_operator.api.names import ANNOTATION_ROTATE
from atendeai_operator.kube.kinds import CLINIC, SECRET, STACK
from atendeai_operator.pipeline.reconcile import utc_now
from atendeai_operator.stack.signing import LATE_SIGNATURES, PUBLISHED_BEFORE_USE
from tests.pipeline.samples import is_ready, is_stalled, running_clinic, running_stack, secret_text
from tests.pipeline.world import Crash, World

pytestmark = pytest.mark.pipeline
LIFE = timedelta(minutes=15)


def at(world: World, moment: datetime) -> None:
    world.hub.now = lambda: moment


async def wish(world: World, value: str) -> None:
    await world.change(CLINIC, "sol", {"metadata": {"annotations": {ANNOTATION_ROTATE: value}}})


def jwt(world: World) -> dict[str, Any]:
    """What the services are told."""
    (row,) = world.kept().configs.values()
    found: dict[str, Any] = row.credentials["jwt"]
    return found


async def edge_text(world: World) -> str:
    """What the gateway is told, all of it."""
    secret = await world.user.get(SECRET, world.namespace, "dev-gateway")
    assert secret
    return "\n".join(base64.b64decode(value).decode(errors="replace") for value in secret["data"].values())


async def agreed(world: World) -> tuple[str, set[str]]:
    """Return the active key and all keys, on which Secret, services and edge agree."""
    await world.settle()
    await is_ready(world)
    secret, told = await world.user.get(SECRET, world.namespace, "sol-clinic"), jwt(world)
    assert told["active"] == secret_text(secret, "jwt-kid")
    assert told["keys"][told["active"]] == secret_text(secret, "jwt-key")
    edge = await edge_text(world)
    assert all(kid in edge for kid in told["keys"])
    return told["active"], set(told["keys"])


async def test_a_key_is_followed_by_another_in_three_steps(world: World) -> None:
    start = utc_now()
    await running_stack(world)
    await running_clinic(world)
    old, keys = await agreed(world)
    assert keys == {old}
    await wish(world, "2026-11-28")
    at(world, start)
    active, keys = await agreed(world)
    assert active == old
    assert len(keys) == 2
    again = await world.reconcile(CLINIC, "sol")
    assert again is not None
    assert again <= PUBLISHED_BEFORE_USE.total_seconds()
    signs = start + PUBLISHED_BEFORE_USE
    at(world, signs)
    active, both = await agreed(world)
    assert active != old
    assert both == keys
    at(world, signs + LIFE + LATE_SIGNATURES)
    assert await agreed(world) == (active, {active})
    assert old not in await edge_text(world)
    writes = len(world.meter.writes)
    await world.settle()
    assert len(world.meter.writes) == writes, "the same wish is followed once"


@pytest.mark.parametrize("way", ["before_write", "after_write"])
async def test_an_operator_that_dies_at_any_write_goes_on_where_it_was(world: World, way: str) -> None:
    start = utc_now()
    await running_stack(world)
    await running_clinic(world)
    old, _ = await agreed(world)
    await wish(world, "1")
    moments = [start, start + PUBLISHED_BEFORE_USE, start + PUBLISHED_BEFORE_USE + LIFE + LATE_SIGNATURES]
    seen = []

    def dying(_number: int, _method: str, path: str) -> None:
        if path.endswith("/sol-clinic"):
            raise Crash

    for moment in moments:
        world.start()
        setattr(world.meter, way, dying)
        at(world, moment)
        with pytest.raises(Crash):
            await world.settle()
        setattr(world.meter, way, None)
        world.start()
        at(world, moment)
        seen.append(await agreed(world))
    assert [len(keys) for _, keys in seen] == [2, 2, 1]
    assert seen[0][0] == old
    assert seen[1][0] == seen[2][0] != old


@pytest.mark.parametrize("removed", [("jwt-kid", "jwt-key"), ("jwt-key",), ("jwt-kid",)])
async def test_who_removes_the_key_ends_the_earlier_ones_too(world: World, removed: tuple[str, ...]) -> None:
    start = utc_now()
    await running_stack(world)
    await running_clinic(world)
    await wish(world, "1")
    at(world, start)
    await agreed(world)
    at(world, start + PUBLISHED_BEFORE_USE)
    _, both = await agreed(world)
    assert len(both) == 2, "the one that was rotated away is accepted still"
    before = await world.user.get(SECRET, world.namespace, "sol-clinic")
    await world.user.patch(SECRET, world.namespace, "sol-clinic", {"data": dict.fromkeys(removed)})
    new, keys = await agreed(world)
    assert keys == {new}
    assert new not in both
    assert jwt(world)["keys"][new] != secret_text(before, "jwt-key")
    edge = await edge_text(world)
    assert not [kid for kid in both if kid in edge]
    at(world, start + 10 * LIFE)
    assert await agreed(world) == (new, {new}), "the wish of before is not followed again"


async def test_other_keys_that_somebody_overwrote_stall_the_clinic_with_the_remedy(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    edit = {"data": {"jwt-others": base64.b64encode(b"{").decode()}}
    await world.user.patch(SECRET, world.namespace, "sol-clinic", edit)
    await world.settle()
    stalled = await is_stalled(world)
    assert stalled["reason"] == "MintedSecretUnusable"
    assert "Secret sol-clinic, key jwt-others" in stalled["message"]
    assert "remove the key" in stalled["message"]
    await world.user.patch(SECRET, world.namespace, "sol-clinic", {"data": {"jwt-others": None}})
    await agreed(world)


async def test_no_step_is_taken_while_the_database_does_not_hold_the_last_one(world: World) -> None:
    start = utc_now()
    await running_stack(world)
    await running_clinic(world)
    old, _ = await agreed(world)
    at(world, start)
    await wish(world, "1")
    world.kept().fail = "write_config"
    for hours in range(3):
        at(world, start + timedelta(hours=hours))
        await world.settle()
    assert set(jwt(world)["keys"]) == {old}
    world.kept().fail = ""
    back = start + timedelta(hours=3)
    at(world, back)
    active, both = await agreed(world)
    assert (active, len(both)) == (old, 2), "published only now, it does not sign yet"
    at(world, back + PUBLISHED_BEFORE_USE - timedelta(seconds=1))
    assert await agreed(world) == (old, both)
    world.kept().fail = "write_config"
    signs = back + PUBLISHED_BEFORE_USE
    for late in (signs, signs + 10 * LIFE):
        at(world, late)
        await world.settle()
        assert jwt(world) == {"active": old, "keys": jwt(world)["keys"]}
        assert old in await edge_text(world), "the services sign with it still"
    world.kept().fail = ""
    new, keys = await agreed(world)
    assert new != old
    assert keys == both
    at(world, signs + 10 * LIFE + LIFE + LATE_SIGNATURES)
    assert await agreed(world) == (new, {new})


async def test_no_step_is_taken_while_the_edge_does_not_hold_the_last_one(world: World) -> None:
    start = utc_now()
    await running_stack(world)
    await running_clinic(world)
    old, _ = await agreed(world)
    at(world, start)
    await world.change(STACK, "dev", {"spec": {"paused": True}})
    await wish(world, "1")
    for hours in range(3):
        at(world, start + timedelta(hours=hours))
        await world.settle()
    assert jwt(world)["active"] == old
    assert set(jwt(world)["keys"]) > {old}
    await world.change(STACK, "dev", {"spec": {"paused": False}})
    active, both = await agreed(world)
    assert (active, len(both)) == (old, 2), "the edge knows it only now"
    at(world, start + timedelta(hours=2) + PUBLISHED_BEFORE_USE)
    active, _ = await agreed(world)
    assert active != old
