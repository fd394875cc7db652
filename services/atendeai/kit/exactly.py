"""How often somebody asked, counted exactly: the library's moving window, for sign-in alone.

Imported when somebody first signs in: the library brings more along than all else that a service counts with.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from atendeai.kit import clock
from atendeai.kit.cache import Cache, prefix_of
from atendeai.kit.windows import Full, Passed, Window

_ITEMS: dict[int, type[RateLimitItem]] = {60: RateLimitItemPerMinute, 3600: RateLimitItemPerHour}
"""By seconds."""


class Exactly:
    """Counts for all clinics of the process."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._strategies: dict[UUID, MovingWindowRateLimiter] = {}

    async def hit(self, clinic_id: UUID, limit: str, digest: str, windows: Sequence[Window]) -> Passed | Full:
        """Count a request in windows of a minute or an hour. Raises RedisError, and OSError while Redis is away."""
        strategy = self._strategy(clinic_id)
        items = [_ITEMS[window.seconds](window.quota) for window in windows]
        for window, item in zip(windows, items, strict=True):
            if not await strategy.hit(item, limit, digest):
                reset = (await strategy.get_window_stats(item, limit, digest)).reset_time
                return Full(window, _until(reset, item))
        stats = await strategy.get_window_stats(items[0], limit, digest)
        return Passed(stats.remaining, _until(stats.reset_time, items[0]))

    def _strategy(self, clinic_id: UUID) -> MovingWindowRateLimiter:
        if clinic_id not in self._strategies:
            if len(self._strategies) > 5000:  # noqa: PLR2004 - clinics come and go
                self._strategies.clear()
            storage = RedisStorage(
                "async+redis://cache:6379",
                implementation="redispy",
                key_prefix=f"{prefix_of(clinic_id)}limit",
                connection_pool=self._cache.pool,  # type: ignore[arg-type]  # the library's own union of three clients' pools
            )
            self._strategies[clinic_id] = MovingWindowRateLimiter(storage)
        return self._strategies[clinic_id]


def _until(reset: float, item: RateLimitItem) -> int:
    """Return the seconds until a window is fresh again: at least one, at most the window."""
    return min(max(1, int(reset - clock.now().timestamp()) + 1), item.get_expiry())
