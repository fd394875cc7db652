"""Groups: what arrives together is one call, and nobody suffers for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from atendeai.kit import said
from atendeai.kit.errors import Unavailable
from atendeai.kit.together import ApartError, Together


class Doer:
    """Doubles numbers, a group at a time; `gate` holds a group back, `fails` makes one fail."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Exception | None = None
        self.context: list[Mapping[str, str]] = []
        self.begun = asyncio.Condition()

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.context.append(said.current())
        async with self.begun:
            self.begun.notify_all()
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        return [item * 2 for item in items]

    async def until(self, groups: int) -> None:
        async with self.begun:
            await asyncio.wait_for(self.begun.wait_for(lambda: len(self.groups) >= groups), 5)


async def test_what_arrives_at_once_is_one_group_and_everyone_gets_their_own() -> None:
    doer = Doer()
    together = Together("test", doer, lanes=1)
    assert await asyncio.gather(*(together(item) for item in range(50))) == [item * 2 for item in range(50)]
    assert doer.groups == [list(range(50))]


async def test_a_lone_item_waits_for_nobody_and_what_comes_meanwhile_is_the_next_group() -> None:
    doer = Doer()
    doer.gate.clear()
    together = Together("test", doer, lanes=1, most=3)
    first = asyncio.create_task(together(1))
    await doer.until(1)
    later = [asyncio.create_task(together(item)) for item in (2, 3, 4, 5)]
    await asyncio.sleep(0)
    assert doer.groups == [[1]]
    doer.gate.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8, 10]
    assert doer.groups == [[1], [2, 3, 4], [5]]


async def test_items_of_one_key_never_run_side_by_side() -> None:
    doer = Doer()
    doer.gate.clear()
    together = Together("test", doer, lanes=4)
    same = [asyncio.create_task(together(1, key="ana")) for _ in range(2)]
    await doer.until(1)
    same.append(asyncio.create_task(together(7, key="ana")))
    free = asyncio.create_task(together(9))
    await doer.until(2)
    assert doer.groups == [[1, 1], [9]]
    doer.gate.set()
    assert await asyncio.gather(*same, free) == [2, 2, 14, 18]


async def test_a_group_that_fails_leaves_each_to_itself() -> None:
    doer = Doer()
    doer.fails = ValueError("one of them")
    together = Together("test", doer, lanes=1)
    results = await asyncio.gather(*(together(item) for item in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ApartError] * 3
    doer.fails = None
    assert await together(4) == 8


async def test_an_outage_is_everybodys_at_once() -> None:
    doer = Doer()
    doer.fails = Unavailable("PostgreSQL")
    together = Together("test", doer, lanes=1)
    results = await asyncio.gather(*(together(item) for item in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3


@pytest.mark.parametrize("begun", [True, False])
async def test_whoever_is_cancelled_leaves_the_others_alone(begun: bool) -> None:
    doer = Doer()
    doer.gate.clear()
    together = Together("test", doer, lanes=1)
    busy = asyncio.create_task(together(0))
    await doer.until(1)
    tasks = [asyncio.create_task(together(item)) for item in (1, 2, 3)]
    await asyncio.sleep(0)
    if not begun:
        tasks[1].cancel()
    first, doer.gate = doer.gate, doer.gate if not begun else asyncio.Event()
    first.set()
    if begun:
        await doer.until(2)
        tasks[1].cancel()
        await asyncio.sleep(0)
        doer.gate.set()
    await busy
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[2] == 6
    assert doer.groups[1] == ([1, 2, 3] if begun else [1, 3])


async def test_a_group_speaks_for_no_single_request() -> None:
    doer = Doer()
    together = Together("test", doer, lanes=1)
    said.begin(request_id="first")
    await together(1)
    assert doer.context == [{}]


async def test_an_outage_ends_the_waiting_too_and_nobody_waits_behind_too_many() -> None:
    doer = Doer()
    doer.gate.clear()
    together = Together("doubles", doer, lanes=1, most=1, queue=2)
    tasks = [asyncio.create_task(together(0))]
    await doer.until(1)
    tasks += [asyncio.create_task(together(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await together(9)
    doer.fails = Unavailable("PostgreSQL")
    doer.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert doer.groups == [[0]], "what waited was not tried one after another"


async def test_the_next_group_begins_before_all_of_the_last_one_have_gone_on() -> None:
    doer, order = Doer(), list[int]()
    doer.gate.clear()
    together = Together("test", doer, lanes=1, most=4, told=1)

    async def ask(item: int) -> None:
        order.append(await together(item))

    async with asyncio.TaskGroup() as asking:
        for item in range(8):
            asking.create_task(ask(item))
        await doer.until(1)
        doer.gate.set()
        await doer.until(2)
        assert len(order) < 4
    assert sorted(order) == [item * 2 for item in range(8)]
    assert doer.groups == [[0, 1, 2, 3], [4, 5, 6, 7]]
