"""The pool's clinics by verify token and by business account.

For the stack's own hosts, where no host says whose question or news it is. They are gathered at most twice a minute,
whoever asks, and tokens are kept as hashes: a stranger who asks a thousand times costs no more than one who asks once.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from uuid import UUID

from sqlalchemy import text

from atendeai.kit.db import UnknownClinicError
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant

_CLINICS = text("SELECT atendeai.shared_clinics()")
_FRESH_SECONDS = 30.0


class Directory:
    """One per process of the pool. It knows the Shared clinics that are awake."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._tokens: set[bytes] = set()
        self._businesses: dict[str, list[UUID]] = {}
        self._gathered = -_FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def knows(self, token: str) -> bool:
        """Whether a clinic has this verify token. Raises `Unavailable`."""
        await self._fresh()
        return hashlib.sha256(token.encode("utf-8", "replace")).digest() in self._tokens

    async def of_business(self, account: str) -> list[Tenant]:
        """Return the clinics whose numbers belong to a WhatsApp Business Account. Raises `Unavailable`."""
        await self._fresh()
        found = []
        for clinic in self._businesses.get(account, ()):
            try:
                found.append(await self._kit.tenants.get(clinic))
            except UnknownClinicError:
                continue
        return found

    async def _fresh(self) -> None:
        async with self._lock:
            if time.monotonic() - self._gathered > _FRESH_SECONDS:
                await self._gather()
                self._gathered = time.monotonic()

    async def _gather(self) -> None:
        async with self._kit.database.system() as connection:
            clinics = list((await connection.execute(_CLINICS)).scalars())
        tokens: set[bytes] = set()
        businesses: dict[str, list[UUID]] = defaultdict(list)
        for clinic in clinics:
            try:
                config = (await self._kit.tenants.get(clinic)).config
            except UnknownClinicError:
                continue
            if config.credentials.whatsapp.verify_token:
                tokens.add(hashlib.sha256(config.credentials.whatsapp.verify_token.encode()).digest())
            if config.settings.whatsapp.business_account_id:
                businesses[config.settings.whatsapp.business_account_id].append(clinic)
        self._tokens, self._businesses = tokens, dict(businesses)
