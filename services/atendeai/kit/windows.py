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

# KEYS: the hash. ARGV: now (s), then for each window its length (s) and its quota. Answers the number of the window
# that is full and the seconds until it is not, or 0, what is left of the first window, and the seconds until it renews.
_SCRIPT = """
local now, most = tonumber(ARGV[1]), (#ARGV - 1) / 2
local fields, values, first = {}, {}, {}
for i = 1, most do
  for _, name in ipairs({'at', 'count', 'before'}) do table.insert(fields, name .. i) end
end
local kept = redis.call('HMGET', KEYS[1], unpack(fields))
for i = 1, most do
  local seconds, quota = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
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
    return {i, math.ceil(wait)}
  end
  if i == 1 then first = {math.floor(quota - used - 1), math.ceil(left)} end
  for _, pair in ipairs({{'at' .. i, period}, {'count' .. i, count + 1}, {'before' .. i, before}}) do
    table.insert(values, pair[1])
    table.insert(values, string.format('%d', pair[2]))
  end
end
redis.call('HSET', KEYS[1], unpack(values))
redis.call('EXPIRE', KEYS[1], 2 * ARGV[2 * most])
return {0, first[1], first[2]}
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
        self._together: Together[_Hit, Passed | Full | RedisError] = Together("windows", self._count, lanes=2, most=128)

    async def hit(self, clinic_id: UUID, name: str, windows: Sequence[Window]) -> Passed | Full:
        """Count a request of `name` (a digest). Raises `Unavailable` while Redis is away, RedisError of its own."""
        hit = _Hit(f"{prefix_of(clinic_id)}limit:{name}", tuple(windows), clock.now().timestamp())
        try:
            counted = await self._together(hit)
        except ApartError:
            [counted] = await self._count([hit])
        if isinstance(counted, RedisError):
            raise counted
        return counted

    async def _count(self, hits: Sequence[_Hit]) -> list[Passed | Full | RedisError]:
        calls: list[tuple[str | float, ...]] = [
            (
                1,
                hit.key,
                repr(hit.now),
                *(number for window in hit.windows for number in (window.seconds, window.quota)),
            )
            for hit in hits
        ]
        with unavailable():
            answers = await self._cache.pipeline([("EVALSHA", _SHA, *call) for call in calls])
            missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if missing:
                again = await self._cache.pipeline([("EVAL", _SCRIPT, *calls[index]) for index in missing])
                for index, answer in zip(missing, again, strict=True):
                    answers[index] = answer
        return [_read(hit, answer) for hit, answer in zip(hits, answers, strict=True)]


def _read(hit: _Hit, answer: object) -> Passed | Full | RedisError:
    if isinstance(answer, RedisError):
        return answer
    assert isinstance(answer, list)  # noqa: S101 - for the type checker: what the script returns
    if answer[0]:
        return Full(hit.windows[answer[0] - 1], max(1, answer[1]))
    return Passed(answer[1], max(1, answer[2]))
