"""The verify tokens of the pool's clinics, for the stack's own hosts, where no host says whose question it is.

They are gathered at most twice a minute, whoever asks, and kept as hashes: a stranger who asks a thousand times costs
no more than one who asks once.
"""

from __future__ import annotations

import asyncio
import hashlib
import time

from sqlalchemy import text

from atendeai.kit.db import UnknownClinicError
from atendeai.kit.resources import Kit

_CLINICS = text("SELECT atendeai.shared_clinics()")
_FRESH_SECONDS = 30.0


class VerifyTokens:
    """One per process of the pool."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._hashes: set[bytes] = set()
        self._gathered = -_FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def knows(self, token: str) -> bool:
        """Whether a Shared clinic that is awake has this verify token. Raises `Unavailable`."""
        async with self._lock:
            if time.monotonic() - self._gathered > _FRESH_SECONDS:
                self._hashes = await self._gather()
                self._gathered = time.monotonic()
        return hashlib.sha256(token.encode("utf-8", "replace")).digest() in self._hashes

    async def _gather(self) -> set[bytes]:
        async with self._kit.database.system() as connection:
            clinics = list((await connection.execute(_CLINICS)).scalars())
        found = set()
        for clinic in clinics:
            try:
                token = (await self._kit.tenants.get(clinic)).config.credentials.whatsapp.verify_token
            except UnknownClinicError:
                continue
            if token:
                found.add(hashlib.sha256(token.encode()).digest())
        return found
