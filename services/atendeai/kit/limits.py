"""The seed's rate limits, exact for each clinic and the same on every replica, counted in Redis.

Under /api: 100 a minute and 1000 an hour for a signed-in person, or for an address when nobody is signed in. Routes
marked `@limited("auth")`: 5 a minute and 100 an hour by address, and by account where the service names it. Webhooks,
health and internal calls are exempt.

While Redis is away the API goes on uncounted; sign-in, where a count is all that stands between an address and every
password, is refused with 503. It is asked again once a second, by one request: the others do not wait for a server that
hangs. Headers: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from uuid import UUID

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from atendeai.kit import clock
from atendeai.kit.cache import Cache, prefix_of
from atendeai.kit.clinic_config import RateLimit
from atendeai.kit.errors import Problem
from atendeai.kit.metrics import RATE_LIMITED, RATE_UNCOUNTED
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant

Limit = Literal["api", "auth", "none"]
_MARK = "__atendeai_limit__"
_AWAY_SECONDS = 1.0
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


class Limiter:
    """Counts for all clinics of the process."""

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._service = settings.service
        self._cache = cache
        self._strategies: dict[UUID, tuple[RateLimiter, RateLimiter]] = {}
        self._away = False
        self._ask_again = 0.0

    def _strategy(self, clinic_id: UUID, limit: Limit) -> RateLimiter:
        """Sign-in is counted exactly (a moving window); the API by a cheaper, close approximation of one."""
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
            self._strategies[clinic_id] = (
                MovingWindowRateLimiter(storage),
                SlidingWindowCounterRateLimiter(storage),
            )
        return self._strategies[clinic_id][0 if limit == "auth" else 1]

    async def hit(self, tenant: Tenant, limit: Limit, who: str) -> dict[str, str]:
        """Count one request of `who` and return the RateLimit headers.

        Raises a problem with Retry-After (seconds): 429 when a window is full, and 503 for `auth` while Redis is away.
        """
        if self._away and not self._my_turn():
            return self._uncounted(limit)
        rates: RateLimit = getattr(tenant.config.settings.security.rate_limits, limit)
        # The name of an account is somebody's address: only its digest goes into a key.
        digest = hashlib.blake2s(f"{limit}|{who}".encode(), digest_size=12).hexdigest()
        items = (RateLimitItemPerMinute(rates.minute), RateLimitItemPerHour(rates.hour))
        strategy = self._strategy(tenant.id, limit)
        try:
            for item in items:
                if not await strategy.hit(item, limit, digest):
                    raise await self._refused(strategy, item, limit, digest)
            window = await strategy.get_window_stats(items[0], limit, digest)
        except (StorageError, RedisError, OSError):
            self._away, self._ask_again = True, time.monotonic() + _AWAY_SECONDS
            return self._uncounted(limit)
        self._away = False
        return {
            "RateLimit-Policy": f'"minute";q={rates.minute};w=60, "hour";q={rates.hour};w=3600',
            "RateLimit": f'"minute";r={window.remaining};t={_until(window.reset_time, items[0])}',
        }

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
            "Sign-in is refused while attempts cannot be counted, because Redis does not answer; try again shortly.",
            headers={"Retry-After": "2"},
        )

    async def _refused(self, strategy: RateLimiter, item: RateLimitItem, limit: Limit, digest: str) -> Problem:
        RATE_LIMITED.labels(self._service, limit).inc()
        self._away = False
        wait = _until((await strategy.get_window_stats(item, limit, digest)).reset_time, item)
        window = "minute" if isinstance(item, RateLimitItemPerMinute) else "hour"
        return Problem(
            429,
            "rate-limited",
            "Too many requests",
            f"No more than {item.amount} requests a {window} are allowed here; try again in {wait} seconds.",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"{window}";r=0;t={wait}',
                "RateLimit-Policy": f'"{window}";q={item.amount};w={item.get_expiry()}',
            },
        )


def _until(reset: float, item: RateLimitItem) -> int:
    """Return the seconds until a window is fresh again: at least one, at most the window."""
    return min(max(1, int(reset - clock.now().timestamp()) + 1), item.get_expiry())
