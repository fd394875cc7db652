"""How often somebody asked, in sliding windows kept in Redis: what arrives together is counted in one round trip.

Each window is approximated by two counters, of the running period and of the one before, of which as much counts as
still lies within the window (Cloudflare, "How we built rate limiting capable of scaling to millions of domains"). A
request is counted in all windows or, when one of them is full, in none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.exceptions import NoScriptError, RedisError

from atendeai.kit import clock
from atendeai.kit.cache import Cache, prefix_of, unavailable
from atendeai.kit.together import ApartError, Together

# KEYS: a hash for each hit. ARGV: for each hit now (s) and how many windows it has, then for each of these its length
# (s) and its quota. Answers three numbers a hit: that of the window that is full, the seconds until it is not, and
# nothing; or 0, what is left of the first window, and the seconds until it renews.
_SCRIPT = """
local answers, read = {}, 1
for hit, key in ipairs(KEYS) do
  local now, most, from = tonumber(ARGV[read]), tonumber(ARGV[read + 1]), read + 2
  read = from + 2 * most
  local fields, values, first, full = {}, {}, {}, nil
  for i = 1, most do
    for _, name in ipairs({'at', 'count', 'before'}) do table.insert(fields, name .. i) end
  end
  local kept = redis.call('HMGET', key, unpack(fields))
  for i = 1, most do
    local seconds, quota = tonumber(ARGV[from + 2 * (i - 1)]), tonumber(ARGV[from + 2 * i - 1])
    local period = math.floor(now / seconds)
    local at = tonumber(kept[3 * i - 2]) or -1
    local count, before = tonumber(kept[3 * i - 1]) or 0, tonumber(kept[3 * i]) or 0
    if at > period then period = at end -- another replica's clock is ahead
    if at == period - 1 then count, before = 0, count elseif at < period then count, before = 0, 0 end
    local left = math.min(seconds, (period + 1) * seconds - now)
    local used = count + before * left / seconds
    if used + 1 > quota then
      local wait
      if count < quota then wait = left - seconds * (quota - 1 - count) / before
      else wait = left + seconds - seconds * (quota - 1) / count end
      full = {i, math.ceil(wait), 0}
      break
    end
    if i == 1 then first = {math.floor(quota - used - 1), math.ceil(left)} end
    for _, pair in ipairs({{'at' .. i, period}, {'count' .. i, count + 1}, {'before' .. i, before}}) do
      table.insert(values, pair[1])
      table.insert(values, string.format('%d', pair[2]))
    end
  end
  if not full then
    redis.call('HSET', key, unpack(values))
    redis.call('EXPIRE', key, 2 * ARGV[read - 2])
    full = {0, first[1], first[2]}
  end
  for _, number in ipairs(full) do table.insert(answers, number) end
end
return answers
"""
_SHA = hashlib.sha1(_SCRIPT.encode()).hexdigest()  # noqa: S324 - what Redis names scripts by


@dataclass(frozen=True, slots=True)
class Window:
    """At most `quota` requests in any `seconds`."""

    seconds: int
    quota: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Counted. `remaining` requests are left of the first window, whose running period ends in `renews` seconds."""

    remaining: int
    renews: int


@dataclass(frozen=True, slots=True)
class Full:
    """Not counted: a window is full for so many seconds."""

    window: Window
    wait: int


@dataclass(frozen=True, slots=True)
class _Hit:
    key: str
    windows: tuple[Window, ...]
    now: float


class Windows:
    """Counts for all clinics of the process."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._together: Together[_Hit, Passed | Full] = Together("windows", self._count, lanes=2, most=128)

    async def hit(self, clinic_id: UUID, name: str, windows: Sequence[Window]) -> Passed | Full:
        """Count a request of `name` (a digest). Raises `Unavailable` while Redis is away, RedisError of its own."""
        hit = _Hit(f"{prefix_of(clinic_id)}limit:{name}", tuple(windows), clock.now().timestamp())
        try:
            return await self._together(hit)
        except ApartError:
            [counted] = await self._count([hit])
            return counted

    async def _count(self, hits: Sequence[_Hit]) -> list[Passed | Full]:
        """Count what came together, in one call. Raises RedisError, of whichever hit; those before it are counted."""
        given: list[str | float] = [len(hits), *(hit.key for hit in hits)]
        for hit in hits:
            given += (repr(hit.now), len(hit.windows))
            for window in hit.windows:
                given += (window.seconds, window.quota)
        with unavailable():
            [answer] = await self._cache.pipeline([("EVALSHA", _SHA, *given)])
            if isinstance(answer, NoScriptError):
                [answer] = await self._cache.pipeline([("EVAL", _SCRIPT, *given)])
        if isinstance(answer, RedisError):
            raise answer
        return [_read(hit, *answer[3 * at : 3 * at + 3]) for at, hit in enumerate(hits)]


def _read(hit: _Hit, full: int, number: int, renews: int) -> Passed | Full:
    """What the script said of a hit."""
    return Full(hit.windows[full - 1], max(1, number)) if full else Passed(number, max(1, renews))
