"""Password hashing off the event loop: argon2id for new ones, bcrypt accepted and renewed at the next login.

Parameters are the library's defaults, which follow RFC 9106's second recommended option; a bounded pool of threads
keeps a burst of logins from taking every core and much memory (64 MiB for each hash under way).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

T = TypeVar("T")
WORKERS = 2
MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 128


class Passwords:
    """Hashes and verifies passwords in a pool of its own."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._hasher = PasswordHash((Argon2Hasher(), BcryptHasher()))
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="password")
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password, in PHC format."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash to store when the old one is of an outdated kind.

        `stored` None means there is no such account: the same work is done, so that the answer takes as long and the
        caller learns nothing about who has an account.
        """
        if stored is None:
            if self._nobody is None:
                self._nobody = await self.hash("nobody has this password")
            await self._run(self._verify, password, self._nobody)
            return False, None
        return await self._run(self._verify, password, stored)

    def _verify(self, password: str, stored: str) -> tuple[bool, str | None]:
        # bcrypt reads 72 bytes at most and newer libraries refuse more: such a password cannot have been stored.
        if stored.startswith("$2") and len(password.encode()) > 72:  # noqa: PLR2004 - bcrypt's own limit
            return False, None
        return self._hasher.verify_and_update(password, stored)

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        """Let the threads end; hashes under way are finished."""
        self._pool.shutdown(wait=False)
