"""A clinic's signing keys, and how one follows another without anybody being signed out. Pure.

A new key is published first and signs later: edge and services learn of a key within seconds, and none must meet a
token whose key it does not know yet. An old key is accepted until the last token that it signed has expired. No step is
taken before the edge was given and the database holds what the last one left, and each waiting time counts from then,
however long the one or the other cannot be told. What is beside the active key stands as JSON in the clinic's Secret,
key `jwt-others`, so that any operator can go on from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

KID, KEY, OTHERS = "jwt-kid", "jwt-key", "jwt-others"

PUBLISHED_BEFORE_USE = timedelta(seconds=30)
"""How long a new key is known before it signs: edge and services each learn of it within five seconds."""

LATE_SIGNATURES = timedelta(seconds=60)
"""How much longer than a token lives an old key is accepted: a service may have signed with it until it heard."""

_NOT_YET = datetime(9999, 1, 1, tzinfo=UTC)
"""Written for a moment that is not known yet: an operator of a version that knows no such moments waits, too."""

SERVICE_TOKEN = timedelta(seconds=300)
"""How long the services' tokens among themselves live."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its id, and base64url text of its bytes."""

    kid: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dated:
    """A key with a moment: since when it is published, or until when it is accepted; None until that is known."""

    key: Key
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a clinic."""

    active: Key
    """What signs."""
    coming: Dated | None = None
    """What signs next; given to edge and database by that moment."""
    past: tuple[Dated, ...] = ()
    """What signed before; accepted until those moments."""
    request: str = ""
    """The wish for a rotation that was followed last."""

    def accepted(self) -> dict[str, str]:
        """Return every key that a token may be signed with, by its id."""
        keys = [self.active, *(dated.key for dated in self.past)]
        if self.coming is not None:
            keys.append(self.coming.key)
        return {key.kid: key.text for key in keys}

    def due(self) -> datetime | None:
        """Return when time will change something, None when it will not."""
        moments = [dated.at for dated in self.past if dated.at is not None]
        if self.coming is not None and self.coming.at is not None:
            moments.append(self.coming.at + PUBLISHED_BEFORE_USE)
        return min(moments, default=None)

    def advance(self, request: str, *, now: datetime, token_life: timedelta, fresh: Callable[[], Key]) -> Ring:
        """Return the keys that follow on these, which edge and database must hold: themselves when nothing is due.

        `request` is whatever the wish for a rotation says; another one than was followed last begins a rotation, once
        the one before is through. `token_life` is the longest that a person's token lives. `fresh` makes a key.
        """
        last = now + max(token_life, SERVICE_TOKEN) + LATE_SIGNATURES
        past = tuple(replace(one, at=one.at or last) for one in self.past if one.at is None or one.at > now)
        ring = replace(self, past=past)
        if ring.coming is None:
            wanted = bool(request) and request != ring.request
            return replace(ring, coming=Dated(fresh()), request=request) if wanted else ring
        if ring.coming.at is None:
            return replace(ring, coming=Dated(ring.coming.key, now))
        if ring.coming.at + PUBLISHED_BEFORE_USE <= now:
            return replace(ring, active=ring.coming.key, coming=None, past=(*ring.past, Dated(ring.active)))
        return ring


def read(data: Mapping[str, bytes]) -> Ring:
    """Return the keys in the data of a clinic's Secret. Raises ValueError when what it says of others is unreadable."""
    active = Key(data[KID].decode(), data[KEY].decode())
    raw = data.get(OTHERS)
    if not raw:
        return Ring(active)
    try:
        known = json.loads(raw)
        coming = _dated(known["coming"]) if known.get("coming") else None
        return Ring(active, coming, tuple(_dated(entry) for entry in known["past"]), str(known["request"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not what the operator writes there") from error


def followed(data: Mapping[str, bytes]) -> str:
    """Return the wish for a rotation that was followed last, also where no keys are there; empty when unreadable."""
    try:
        return str(json.loads(data.get(OTHERS) or b"{}").get("request", ""))
    except (ValueError, AttributeError):
        return ""


def written(ring: Ring) -> dict[str, bytes]:
    """Return the keys as data of a clinic's Secret."""
    others = {
        "coming": _json(ring.coming) if ring.coming else None,
        "past": [_json(dated) for dated in ring.past],
        "request": ring.request,
    }
    return {
        KID: ring.active.kid.encode(),
        KEY: ring.active.text.encode(),
        OTHERS: json.dumps(others, sort_keys=True).encode(),
    }


def _json(dated: Dated) -> dict[str, str]:
    return {"kid": dated.key.kid, "key": dated.key.text, "at": (dated.at or _NOT_YET).isoformat()}


def _dated(entry: Mapping[str, Any]) -> Dated:
    at = datetime.fromisoformat(entry["at"])
    if at.tzinfo is None:
        raise ValueError("a moment without an offset")
    base64.urlsafe_b64decode(entry["key"] + "=" * (-len(entry["key"]) % 4))
    return Dated(Key(entry["kid"], entry["key"]), at if at < _NOT_YET else None)
