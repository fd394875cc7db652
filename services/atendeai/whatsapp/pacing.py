"""How fast this number sends, shared by all replicas: our own pace, kept a little under what Meta allows.

Source: developers.facebook.com, "WhatsApp Cloud API: throughput" (80 messages a second for a number; beyond, 130429)
and "pair rate limits" (one per 6 seconds to the same person, bursts of up to 45; beyond, 131056). Both are counted in
Redis with one script (GCRA: a theoretical arrival time for each limit). While Redis is away nobody waits: then the
platform's refusals slow the sender down, as `failures.pause` says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from atendeai.kit.cache import Cache
from atendeai.kit.errors import Unavailable
from atendeai.kit.metrics import begun

PAIR_EVERY = timedelta(seconds=6)
PAIR_BURST = 45
NUMBER_EVERY = timedelta(seconds=1) / 70
NUMBER_BURST = 10
"""Rate and burst together stay within 80 in any second."""
SLOWED = timedelta(seconds=1)
"""How long the whole number rests after the platform said that it sends too fast."""

# A limit's key holds the moment (ms) at which it would be empty again. Both are asked first, then both are taken.
_TAKE = """
local now = tonumber(ARGV[1])
local wait, taken = 0, {}
for i = 1, #KEYS do
  local every, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local due = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now) + every
  taken[i] = due
  wait = math.max(wait, due - burst * every - now)
end
if wait > 0 then return math.ceil(wait) end
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], string.format('%.3f', taken[i]), 'PX', math.ceil(taken[i] - now) + 1000)
end
return 0
"""
_NUMBER = "pace:number"

WAITED = begun(
    Counter(
        "atendeai_whatsapp_paced_total",
        "Times a message waited for this system's own pace, or could not be counted.",
        ("outcome",),
    ),
    "waited",
    "uncounted",
)

log = structlog.get_logger(__name__)


def _ms(span: timedelta) -> float:
    return span.total_seconds() * 1000


class Pacing:
    """Counts for the clinics of one process, together with all other replicas."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def take(self, clinic_id: UUID, contact: UUID, now: datetime) -> timedelta | None:
        """Take a place for one message to a person; None when it may go, else how long to wait (nothing is taken)."""
        arguments = [
            now.timestamp() * 1000,
            *(_ms(NUMBER_EVERY), NUMBER_BURST),
            *(_ms(PAIR_EVERY), PAIR_BURST),
        ]
        try:
            waits = await self._cache.for_tenant(clinic_id).eval(_TAKE, [_NUMBER, f"pace:pair:{contact}"], arguments)
        except Unavailable:
            WAITED.labels("uncounted").inc()
            return None
        if not int(waits):
            return None
        WAITED.labels("waited").inc()
        return timedelta(milliseconds=int(waits))

    async def slow_down(self, clinic_id: UUID, now: datetime) -> None:
        """Let the whole number rest, because the platform said that it sends too fast."""
        until = now.timestamp() * 1000 + _ms(NUMBER_EVERY) * NUMBER_BURST + _ms(SLOWED)
        try:
            await self._cache.for_tenant(clinic_id).set(_NUMBER, f"{until:.3f}", seconds=SLOWED.total_seconds() * 2)
        except Unavailable:
            log.debug("pace_not_counted")
