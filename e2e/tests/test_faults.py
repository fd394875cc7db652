"""Parts are killed one at a time under a steady load: nothing acknowledged is lost, all recover in two minutes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from local import database, kubectl, world
from local.load import Account, offer
from local.outside import Outside

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(600)]
RATE = 20.0
BEFORE = 5.0
STEADY = int(10 * RATE)
"""Acknowledged offers in a row that count as recovered: ten seconds, so that a fault with a delay is not missed."""
RECOVERY = 120.0
PARTS = {
    "operator": (world.SYSTEM, "app.kubernetes.io/name=atendeai-operator"),
    "gateway": (world.NAMESPACE, "app.kubernetes.io/component=gateway"),
    "service": (f"{world.NAMESPACE}-sol", "app.kubernetes.io/name=whatsapp"),
    "redis": (world.NAMESPACE, "app.kubernetes.io/component=redis"),
    "postgres": (world.NAMESPACE, "app.kubernetes.io/component=postgres"),
}


@pytest.fixture(autouse=True)
def _nobody_behind_the_numbers(fakes: Outside) -> Iterator[None]:
    """Answers to the load are taken and never heard of again: refusals and statuses would be most of the work."""
    fakes.register(world.SOL, window="off", statuses=[])
    yield
    fakes.register(world.SOL)


async def _kill(part: str) -> None:
    namespace, selector = PARTS[part]
    command = ["-n", namespace, "delete", "pod", "-l", selector, "--grace-period=0", "--force", "--wait=false"]
    await asyncio.to_thread(kubectl.kubectl, *command)


async def _until_recovered(account: Account, killed: float) -> None:
    """Looks into the account alone, which costs the cluster nothing: all that is offered until then does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RECOVERY):
            while account.recovered(killed, STEADY) is None:  # noqa: ASYNC110 - the account tells nobody
                await asyncio.sleep(0.2)


def _operator_works_again(killed: float) -> None:
    """No message passes through the operator: that it is back shows in a deleted child that is back."""
    namespace = f"{world.NAMESPACE}-sol"
    uid = kubectl.get("service", "health", namespace=namespace)["metadata"]["uid"]
    kubectl.kubectl("-n", namespace, "delete", "service", "health", "--wait=false")

    def back() -> bool:
        found = kubectl.get("service", "health", namespace=namespace)
        return found is not None and found["metadata"]["uid"] != uid

    kubectl.wait_for("the deleted Service back", back, deadline=max(10.0, killed + RECOVERY - time.monotonic()))


def _stored(wamids: set[str]) -> set[str]:
    quoted = ",".join(f"'{wamid}'" for wamid in wamids)
    suffix = database.clinic_id(world.SOL).replace("-", "")
    rows = database.psql(f"select wamid from atendeai.whatsapp_inbound_{suffix} where wamid in ({quoted})")
    return {row[0] for row in rows}


@pytest.mark.parametrize("part", PARTS)
def test_killing_a_part_loses_no_acknowledged_message(
    part: str, fakes: Outside, measured: Callable[[str], None]
) -> None:
    account = Account()
    credentials = kubectl.secret("sol-whatsapp", world.NAMESPACE)
    assert credentials is not None

    async def run() -> float:
        stop = asyncio.Event()
        limit = BEFORE + RECOVERY + 60
        load = asyncio.create_task(
            offer(world.SOL, credentials["app-secret"], account, rate=RATE, until=stop, limit=limit)
        )
        await asyncio.sleep(BEFORE)
        killed = time.monotonic()
        await _kill(part)
        await _until_recovered(account, killed)
        stop.set()
        await load
        return killed

    killed = asyncio.run(run())
    recovered = account.recovered(killed, STEADY)
    assert recovered is not None, f"not recovered {RECOVERY:.0f} s after killing {part}: {account.reasons(killed)}"
    acknowledged = {wamid for _, wamid in account.acknowledged}
    stored = _stored(acknowledged)
    outside = min(account.share(0, killed), account.share(killed + recovered, float("inf")))
    measured(
        f"{part}: offered {len(account.offered)} at {RATE:.0f}/s, acknowledged {len(acknowledged)}, "
        f"stored {len(stored)}, lost {len(acknowledged - stored)}, recovered after {recovered:.1f} s, "
        f"acknowledged outside the fault {outside:.1%}"
    )
    assert not acknowledged - stored
    assert outside >= 0.95
    if part == "operator":
        _operator_works_again(killed)
    # What was acknowledged is also handed on: nothing of it may stay waiting.
    suffix = database.clinic_id(world.SOL).replace("-", "")
    kubectl.wait_for(
        "every stored message handed on",
        lambda: (
            database.psql(f"select count(*) from atendeai.whatsapp_inbound_{suffix} where handed_on_at is null")
            == [["0"]]
        ),
        deadline=180,
        every=1,
    )
