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
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from uuid import UUID

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from atendeai.kit import clock
from atendeai.kit.cache import Cache, prefix_of, takes_no_writes
from atendeai.kit.clinic_config import RateLimit
from atendeai.kit.errors import Problem, Unavailable
from atendeai.kit.metrics import RATE_LIMITED, RATE_UNCOUNTED
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.windows import Full, Window, Windows

Limit = Literal["api", "auth", "none"]
_MARK = "__atendeai_limit__"
_AWAY_SECONDS = 1.0
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
    return "api" if request.url.path.startswith("/api/") else "none"


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
        self._strategies: dict[UUID, MovingWindowRateLimiter] = {}
        self._windows = Windows(cache)
        self._away = False
        self._ask_again = 0.0
        self._how = ""

    def _strategy(self, clinic_id: UUID) -> MovingWindowRateLimiter:
        if clinic_id not in self._strategies:
            if len(self._strategies) > 5000:  # noqa: PLR2004 - clinics come and go
                self._strategies.clear()
            storage = RedisStorage(
                "async+redis://cache:6379",
                wrap_exceptions=True,
                implementation="redispy",
                key_prefix=f"{prefix_of(clinic_id)}limit",
                connection_pool=self._cache.pool,  # type: ignore[arg-type]  # the library's own union of three clients' pools
            )
            self._strategies[clinic_id] = MovingWindowRateLimiter(storage)
        return self._strategies[clinic_id]

    async def hit(self, tenant: Tenant, limit: Limit, who: str) -> dict[str, str]:
        """Count one request of `who` and return the RateLimit headers.

        Raises a problem with Retry-After (seconds): 429 when a window is full, and 503 for `auth` while Redis is away.
        """
        if self._away and not self._my_turn():
            return self._uncounted(limit)
        rates: RateLimit = getattr(tenant.config.settings.security.rate_limits, limit)
        # The name of an account is somebody's address: only its digest goes into a key.
        digest = hashlib.blake2s(f"{limit}|{who}".encode(), digest_size=12).hexdigest()
        count = self._exactly if limit == "auth" else self._nearly
        try:
            headers = await count(tenant.id, limit, digest, rates)
        except (Unavailable, StorageError, RedisError, OSError) as error:
            self._away, self._ask_again, self._how = True, time.monotonic() + _AWAY_SECONDS, _how(error)
            return self._uncounted(limit)
        self._away = False
        return headers

    async def _exactly(self, clinic_id: UUID, limit: Limit, digest: str, rates: RateLimit) -> dict[str, str]:
        strategy = self._strategy(clinic_id)
        minute, hour = RateLimitItemPerMinute(rates.minute), RateLimitItemPerHour(rates.hour)
        for item in (minute, hour):
            if not await strategy.hit(item, limit, digest):
                reset = (await strategy.get_window_stats(item, limit, digest)).reset_time
                raise self._refused(limit, item.amount, item.get_expiry(), _until(reset, item))
        window = await strategy.get_window_stats(minute, limit, digest)
        return _headers(rates, window.remaining, _until(window.reset_time, minute))

    async def _nearly(self, clinic_id: UUID, limit: Limit, digest: str, rates: RateLimit) -> dict[str, str]:
        windows = (Window(_MINUTE, rates.minute), Window(_HOUR, rates.hour))
        counted = await self._windows.hit(clinic_id, f"{limit}:{digest}", windows)
        if isinstance(counted, Full):
            raise self._refused(limit, counted.window.quota, counted.window.seconds, counted.wait)
        return _headers(rates, counted.remaining, counted.renews)

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

    def _refused(self, limit: Limit, quota: int, seconds: int, wait: int) -> Problem:
        RATE_LIMITED.labels(self._service, limit).inc()
        self._away = False
        window = "minute" if seconds == _MINUTE else "hour"
        return Problem(
            429,
            "rate-limited",
            "Too many requests",
            f"No more than {quota} requests a {window} are allowed here; try again in {wait} seconds.",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"{window}";r=0;t={wait}',
                "RateLimit-Policy": f'"{window}";q={quota};w={seconds}',
            },
        )


def _how(error: Exception) -> str:
    """Return what Redis does instead of counting, as the words after its name."""
    said = error.storage_error if isinstance(error, StorageError) else error
    return said.how if isinstance(said, Unavailable) else takes_no_writes(said) or "does not answer"


def _headers(rates: RateLimit, remaining: int, renews: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"minute";q={rates.minute};w={_MINUTE}, "hour";q={rates.hour};w={_HOUR}',
        "RateLimit": f'"minute";r={remaining};t={renews}',
    }


def _until(reset: float, item: RateLimitItem) -> int:
    """Return the seconds until a window is fresh again: at least one, at most the window."""
    return min(max(1, int(reset - clock.now().timestamp()) + 1), item.get_expiry())
