"""Failed sign-ins make the next ones wait, longer each time, whether the account exists or not.

Strangers share one count per account, and so can make each other wait, but never whoever the account belongs to: an
address from which the account was signed in lately has a count of its own (OWASP calls the idea device cookies). The
longest wait is a quarter of an hour, and what is refused while waiting is not counted: nobody is locked out for ever.

An attempt is counted before the password is looked at and forgotten when it was right: of many at once no more than
the free ones are let through. What an outage ended before it was judged was no failure and is taken back. Kept in Redis
alone; without it nobody signs in (503).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from atendeai.kit import clock
from atendeai.kit.cache import TenantRedis
from atendeai.kit.errors import Problem
from atendeai.kit.limits import network_of

FREE = 4
"""Failures in a row that cost no time."""

FIRST_SECONDS = 30
LONGEST_SECONDS = 900
MEMORY_SECONDS = 24 * 3600
"""How long a count lives after its last failure."""

FAMILIAR_SECONDS = 30 * 24 * 3600
FAMILIAR_ADDRESSES = 20

_BUCKET = """
local fails, lock = KEYS[2], KEYS[3]
local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
local familiar = seen and tonumber(seen) > tonumber(ARGV[2])
if familiar then fails, lock = KEYS[4], KEYS[5] end
"""
_ATTEMPT = f"""{_BUCKET}
local wait = redis.call('PTTL', lock)
if wait > 0 then return wait end
local failures = redis.call('INCR', fails)
redis.call('PEXPIRE', fails, {MEMORY_SECONDS * 1000})
local over = failures - {FREE + 1}
if over >= 0 then
  local delay = math.min({FIRST_SECONDS} * 2 ^ math.min(over, 20), {LONGEST_SECONDS})
  redis.call('SET', lock, ARGV[4], 'PX', string.format('%d', delay * 1000))
end
return 0
"""
_PASSED = f"""{_BUCKET}
if redis.call('GET', lock) == ARGV[4] then redis.call('DEL', lock) end
if redis.call('EXISTS', fails) == 1 then redis.call('DECR', fails) end
return 0
"""
_KNOWS = f"{_BUCKET} return familiar and 1 or 0"
_SUCCESS = f"""{_BUCKET}
redis.call('DEL', fails, lock)
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -{FAMILIAR_ADDRESSES + 1})
redis.call('PEXPIRE', KEYS[1], {FAMILIAR_SECONDS * 1000})
return 0
"""
_FORGET = """
for _, place in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('DEL', KEYS[2] .. ':' .. place .. ':fails', KEYS[2] .. ':' .. place .. ':lock')
end
redis.call('DEL', KEYS[2] .. ':fails', KEYS[2] .. ':lock')
return 0
"""


@dataclass(frozen=True, slots=True)
class Lockout:
    """The counts of one clinic."""

    redis: TenantRedis

    async def knows(self, email: str, address: str) -> bool:
        """Whether the account was signed in from this address lately."""
        return bool(await self._run(_KNOWS, email, address))

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[str]:
        """Count what is tried inside and give its mark. Raises a 429 problem while the account must wait.

        Whatever an outage ends (a problem of 500 and above, any other error) is taken back: the password may have been
        right, and nobody was told that it was wrong. A caller who hangs up is not: they may have seen enough.
        """
        mark = await self._counted(email, address)
        try:
            yield mark
        except Problem as problem:
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                await self.passed(email, address, mark)
            raise
        except Exception:
            await self.passed(email, address, mark)
            raise

    async def _counted(self, email: str, address: str) -> str:
        """Count an attempt and return its mark. Raises a 429 problem with Retry-After while the account must wait."""
        mark = secrets.token_hex(8)
        wait = await self._run(_ATTEMPT, email, address, mark)
        if wait > 0:
            seconds = -(-wait // 1000)
            raise Problem(
                429,
                "too-many-attempts",
                "Too many failed attempts",
                f"Too many attempts for this account have failed; try again in {seconds} seconds.",
                headers={"Retry-After": str(seconds)},
            )
        return mark

    async def passed(self, email: str, address: str, mark: str) -> None:
        """Take one attempt back: it was right, but signing in is not complete yet, or it was not judged at all.

        Of the waits it takes back its own alone: another attempt's stands, or a right password would buy guesses of
        the second factor.
        """
        await self._run(_PASSED, email, address, mark)

    async def succeeded(self, email: str, address: str) -> None:
        """Forget the failures of where this came from, and know the address from now on."""
        await self._run(_SUCCESS, email, address)

    async def forget(self, email: str) -> None:
        """Forget what strangers did to an account, and its holder where it is known: its password is another now."""
        account = f"lockout:{_digest(email)}"
        await self.redis.eval(_FORGET, [f"{account}:familiar", account])

    async def _run(self, script: str, email: str, address: str, mark: str = "") -> int:
        account, place, now = _digest(email), _digest(network_of(address)), clock.now().timestamp()
        strangers, own = f"lockout:{account}", f"lockout:{account}:{place}"
        keys = [f"{strangers}:familiar", f"{strangers}:fails", f"{strangers}:lock", f"{own}:fails", f"{own}:lock"]
        return int(await self.redis.eval(script, keys, [place, now - FAMILIAR_SECONDS, now, mark]))


def _digest(value: str) -> str:
    """No address of a person, on any network, goes into a key."""
    return hashlib.blake2s(value.encode(), digest_size=12).hexdigest()
