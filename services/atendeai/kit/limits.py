"""The seed's rate limits, for each clinic and the same on every replica, counted in Redis.

Under /api: 100 a minute and 1000 an hour for a signed-in person, or for an address when nobody is signed in. Routes
marked `@limited("auth")`: 5 a minute and 100 an hour by address, and by account where the service names it. Webhooks,
health and internal calls are exempt. An address of IPv6 stands for its network: a household has 2^64 of them.

Sign-in is counted exactly, by the library's moving window. The API, where counting must not cost more than what is
asked for, is counted by `kit.windows`.

While Redis is away the API goes on uncounted; sign-in, where a count is all that stands between an address and every
password, is refused with 503. It is asked again once a second, by one request: the others do not wait for a server that
hangs. Headers: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from uuid import UUID

from fastapi import Request
from redis.exceptions import RedisError

from atendeai.kit.cache import Cache, takes_no_writes
from atendeai.kit.clinic_config import RateLimit
from atendeai.kit.errors import Problem, Unavailable
from atendeai.kit.metrics import RATE_LIMITED, RATE_UNCOUNTED
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.windows import Full, Window, Windows

if TYPE_CHECKING:
    from atendeai.kit.exactly import Exactly

Limit = Literal["api", "auth", "none"]
_MARK = "__atendeai_limit__"
_AWAY_SECONDS = 1.0
_AMPLE, _AMPLE_SECONDS = 20, 5.0
_AMPLE_KEPT = 4096
_MINUTE, _HOUR = 60, 3600
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def limited(limit: Limit) -> Callable[[_Endpoint], _Endpoint]:
    """Mark an endpoint: `auth` for sign-in routes, `none` for what must never be refused."""

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _MARK, limit)
        return endpoint

    return mark


def limit_mark(endpoint: object) -> Limit | None:
    """Return how an endpoint was marked, if it was."""
    marked: Limit | None = getattr(endpoint, _MARK, None)
    return marked


def limit_of(request: Request) -> Limit:
    """Return the limit that holds for a request that has been routed."""
    marked = limit_mark(request.scope.get("endpoint"))
    if marked is not None:
        return marked
    return "api" if request.scope["path"].startswith("/api/") else "none"


def client_address(request: Request) -> str:
    """Return the client's address as the edge saw it (`X-Real-IP`, which the edge always overwrites)."""
    address = request.headers.get("x-real-ip")
    if address:
        return address.strip()[:64]
    return request.client.host if request.client else "unknown"


def network_of(address: str) -> str:
    """Return the /64 network of an IPv6 address; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Limiter:
    """Counts for all clinics of the process."""

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._service = settings.service
        self._cache = cache
        self._windows = Windows(cache)
        self._away = False
        self._ask_again = 0.0
        self._how = ""
        self._left: OrderedDict[tuple[UUID, str, str], tuple[int, float]] = OrderedDict()
        """What was left of the minute when somebody was last counted, and when that was."""

    @cached_property
    def _exactly(self) -> Exactly:
        from atendeai.kit.exactly import Exactly  # noqa: PLC0415 - most services never need it

        return Exactly(self._cache)

    async def hit(self, tenant: Tenant, limit: Limit, who: str) -> dict[str, str]:
        """Count one request of `who` and return the RateLimit headers.

        Raises a problem with Retry-After (seconds): 429 when a window is full, and 503 for `auth` while Redis is away.
        """
        if self._away and not self._my_turn():
            return self._uncounted(limit)
        rates: RateLimit = getattr(tenant.config.settings.security.rate_limits, limit)
        # The name of an account is somebody's address: only its digest goes into a key.
        digest = hashlib.blake2s(f"{limit}|{who}".encode(), digest_size=12).hexdigest()
        windows = (Window(_MINUTE, rates.minute), Window(_HOUR, rates.hour))
        try:
            if limit == "auth":
                counted = await self._exactly.hit(tenant.id, limit, digest, windows)
            else:
                counted = await self._windows.hit(tenant.id, f"{limit}:{digest}", windows)
        except (Unavailable, RedisError, OSError) as error:
            self._away, self._ask_again, self._how = True, time.monotonic() + _AWAY_SECONDS, _how(error)
            return self._uncounted(limit)
        self._away = False
        self._note(tenant.id, limit, who, 0 if isinstance(counted, Full) else counted.remaining)
        if isinstance(counted, Full):
            raise self._refused(limit, counted.window, counted.wait)
        return {
            "RateLimit-Policy": f'"minute";q={rates.minute};w={_MINUTE}, "hour";q={rates.hour};w={_HOUR}',
            "RateLimit": f'"minute";r={counted.remaining};t={counted.renews}',
        }

    def ample(self, tenant: Tenant, limit: Limit, who: str) -> bool:
        """Whether so much was left a moment ago that another request will pass: its work may begin while it is counted.

        Counted it must be all the same; of what was begun and is then refused, nothing may be answered.
        """
        left, at = self._left.get((tenant.id, limit, who), (0, 0.0))
        return left >= _AMPLE and time.monotonic() - at < _AMPLE_SECONDS

    def _note(self, clinic_id: UUID, limit: Limit, who: str, left: int) -> None:
        name = (clinic_id, limit, who)
        self._left[name] = (left, time.monotonic())
        self._left.move_to_end(name)
        if len(self._left) > _AMPLE_KEPT:
            self._left.popitem(last=False)

    def _my_turn(self) -> bool:
        """Whether this request is the one that asks whether Redis is back; others do not wait for the answer."""
        now = time.monotonic()
        if now < self._ask_again:
            return False
        self._ask_again = now + _AWAY_SECONDS
        return True

    def _uncounted(self, limit: Limit) -> dict[str, str]:
        RATE_UNCOUNTED.labels(self._service, limit).inc()
        if limit != "auth":
            return {}
        raise Problem(
            503,
            "unavailable",
            "Temporarily unavailable",
            f"Sign-in is refused while attempts cannot be counted, because Redis {self._how}; try again shortly.",
            headers={"Retry-After": "2"},
        )

    def _refused(self, limit: Limit, full: Window, wait: int) -> Problem:
        RATE_LIMITED.labels(self._service, limit).inc()
        name = "minute" if full.seconds == _MINUTE else "hour"
        return Problem(
            429,
            "rate-limited",
            "Too many requests",
            f"No more than {full.quota} requests a {name} are allowed here; try again in {wait} seconds.",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"{name}";r=0;t={wait}',
                "RateLimit-Policy": f'"{name}";q={full.quota};w={full.seconds}',
            },
        )


def _how(error: Exception) -> str:
    """Return what Redis does instead of counting, as the words after its name."""
    return error.how if isinstance(error, Unavailable) else takes_no_writes(error) or "does not answer"
