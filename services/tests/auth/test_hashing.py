"""Hashing: in few threads, with few waiting, and no difference between an account and none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from atendeai.auth.passwords import Passwords
from atendeai.kit.errors import Problem

PASSWORD = "uma frase bem comprida"


class Gate:
    """A hasher that waits to be let through, so that a test knows what is under way."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.opened.wait(20)
        with self._lock:
            self.running -= 1
        return f"hash of {password}"


@pytest.fixture
def narrow() -> Iterator[tuple[Passwords, Gate]]:
    passwords, gate = Passwords(workers=2, waiting=3), Gate()
    passwords._hasher = gate  # type: ignore[assignment]
    yield passwords, gate
    gate.opened.set()
    passwords.close()


async def test_a_full_queue_is_refused_at_once_and_takes_again_what_has_room(narrow: tuple[Passwords, Gate]) -> None:
    passwords, gate = narrow
    under_way = [asyncio.create_task(passwords.hash(str(number))) for number in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await passwords.hash("one too many")
    assert (refused.value.status, refused.value.slug) == (503, "busy")
    assert refused.value.headers["Retry-After"] == "2"
    gate.opened.set()
    assert await asyncio.gather(*under_way) == [f"hash of {number}" for number in range(5)]
    assert gate.most == 2, "no more threads than there are workers"
    assert await passwords.hash("again") == "hash of again"


async def test_a_caller_who_hangs_up_frees_no_room_before_the_work_has_ended(narrow: tuple[Passwords, Gate]) -> None:
    passwords, gate = narrow
    under_way = [asyncio.create_task(passwords.hash(str(number))) for number in range(2)]
    await asyncio.to_thread(_until, gate, 2)
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    waiting = [asyncio.create_task(passwords.hash(str(number))) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Problem):
        await passwords.hash("one too many")
    gate.opened.set()
    assert len(await asyncio.gather(*waiting)) == 3


def _until(gate: Gate, running: int) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: [None for _ in iter(lambda: gate.running >= running, True)]).result(20)


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = Passwords()
    try:
        hashing = asyncio.create_task(passwords.hash(PASSWORD))
        turns = 0
        while not hashing.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns > 100
        assert (await hashing).startswith("$argon2id$")
    finally:
        passwords.close()


async def test_bcrypt_is_accepted_and_answered_with_a_hash_of_todays_kind() -> None:
    passwords = Passwords()
    try:
        old = BcryptHasher(rounds=4).hash(PASSWORD)
        fits, renewed = await passwords.verify(PASSWORD, old)
        assert fits
        assert renewed is not None
        assert renewed.startswith("$argon2id$")
        assert await passwords.verify(PASSWORD, renewed) == (True, None)
        assert await passwords.verify("another", old) == (False, None)
        assert await passwords.verify("x" * 100, old) == (False, None), "bcrypt cannot have stored it"
    finally:
        passwords.close()


async def test_for_an_account_that_is_not_there_the_same_work_is_done() -> None:
    passwords = Passwords()
    assert not passwords._pool._threads, "what it is compared with costs the start nothing"
    done: list[str] = []
    real = passwords._verify

    def counted(password: str, stored: str) -> tuple[bool, str | None]:
        done.append(stored)
        return real(password, stored)

    passwords._verify = counted  # type: ignore[method-assign]
    try:
        assert await passwords.verify(PASSWORD, None) == (False, None)
        stored = await passwords.hash(PASSWORD)
        await passwords.verify("another", stored)
    finally:
        passwords.close()
    assert len(done) == 2
    kinds = [one.split("$")[1:4] for one in done]
    # RFC 9106, section 4: the second recommended option, with a salt of 128 and a tag of 256 bits.
    assert kinds == [["argon2id", "v=19", "m=65536,t=3,p=4"]] * 2, "one kind, version and cost for both"
    assert [[len(part) for part in one.split("$")[4:]] for one in done] == [[22, 43]] * 2
