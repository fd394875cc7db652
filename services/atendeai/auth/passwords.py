"""Password hashing off the event loop: argon2id for new ones, bcrypt accepted and renewed at the next login.

What a hash costs is RFC 9106's second recommended option (section 4). Few threads hash, so a burst of logins takes
neither every core nor much memory (64 MiB for each hash under way), and few requests wait for them: whoever comes when
the queue is full is told to come back, which costs nothing; a wait without end costs everybody.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from atendeai.kit.errors import Problem

T = TypeVar("T")
WORKERS = 2
WAITING = 32
"""Hashes that may wait for a thread: some two seconds of work."""

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 128
RETRY_AFTER_SECONDS = 2

WRONG_PASSWORD = "The e-mail or the password is wrong; correct it, or ask an owner or admin of the clinic for a reset."  # noqa: S105 - what is said of one
"""One answer for an unknown address, a wrong password and one that was replaced meanwhile."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an argon2id hash takes: passes over the memory, KiB of it, and lanes (RFC 9106's t, m and p)."""

    passes: int = 3
    memory: int = 65536
    lanes: int = 4

    def nobodys(self) -> str:
        """A hash of this cost that no password fits, in PHC format. Made of chance, not of a password: that is free."""
        salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
        return f"$argon2id$v=19$m={self.memory},t={self.passes},p={self.lanes}${salt}${digest}"


class Passwords:
    """Hashes and verifies passwords in a pool of its own."""

    def __init__(self, workers: int = WORKERS, waiting: int = WAITING, *, cost: Cost | None = None) -> None:
        cost = cost or Cost()
        argon2 = Argon2Hasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)
        self._hasher = PasswordHash((argon2, BcryptHasher()))
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="password")
        self._room = threading.BoundedSemaphore(workers + waiting)
        self._nobody = cost.nobodys()

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password, in PHC format. Raises a 503 problem while too many others wait."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash to store when the old one is of an outdated kind.

        `stored` None means there is no such account: the same work is done, so that the answer takes as long and the
        caller learns nothing about who has an account. Raises a 503 problem while too many others wait.
        """
        if stored is None:
            await self._run(self._verify, password, self._nobody)
            return False, None
        return await self._run(self._verify, password, stored)

    def _verify(self, password: str, stored: str) -> tuple[bool, str | None]:
        # bcrypt reads 72 bytes at most and newer libraries refuse more: such a password cannot have been stored.
        if stored.startswith("$2") and len(password.encode()) > 72:  # noqa: PLR2004 - bcrypt's own limit
            return False, None
        return self._hasher.verify_and_update(password, stored)

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        if not self._room.acquire(blocking=False):
            raise Problem(
                503,
                "busy",
                "Too many sign-ins at once",
                f"Too many people sign in at this moment; try again in {RETRY_AFTER_SECONDS} seconds.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        future = self._pool.submit(function, *arguments)
        # Given back when the work has ended, not when the caller has gone: a client that hangs up frees no thread.
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the threads end; hashes under way are finished."""
        self._pool.shutdown(wait=False)
