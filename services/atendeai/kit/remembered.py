"""Tokens that were verified, remembered until they expire: the signature of the same token is checked once.

What may change meanwhile is looked at each time. Expiry is exact. Keys and everything else of the clinic: an entry
holds for the very configuration that it was verified under, and a change makes a new one. Sessions that were ended are
not known here at all; `identity.authenticate` asks for them after every verification, remembered or not.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Expires(Protocol):
    """What a token proved."""

    @property
    def expires_at(self) -> int:
        """Seconds since the epoch; from then on it proves nothing."""


Proof = TypeVar("Proof", bound=Expires)


class Remembered(Generic[Proof]):
    """The `most` tokens used last. Only what was verified gets in, so nobody can fill it with inventions."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], tuple[object, Proof]] = OrderedDict()

    def get(self, kind: str, token: str, under: object) -> Proof | None:
        """Return what a token proved under this very configuration, unless it has expired."""
        known = self._known.get((kind, token))
        if known is None:
            return None
        if known[0] is not under or known[1].expires_at <= time.time():
            del self._known[(kind, token)]
            return None
        self._known.move_to_end((kind, token))
        return known[1]

    def put(self, kind: str, token: str, under: object, proof: Proof) -> None:
        """Remember what a token proved."""
        self._known[(kind, token)] = (under, proof)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)
