"""How often somebody may ask: counts per fixed window, in Redis for all processes together."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from tradingviz.core.logging import OncePerKind
from tradingviz.core.redis_line import RedisLine

logger = logging.getLogger(__name__)

_PREFIX = "quota:"
# For so long Redis is not asked again after it did not answer: nobody waits for it twice.
PAUSE_S = 1.0

# Windows begin at whole multiples of their length by Redis's clock, which all processes share.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  local now = redis.call('TIME')
  local ms = now[1] * 1000 + math.floor(now[2] / 1000)
  local window = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], window - ms % window)
end
return {count, redis.call('PTTL', KEYS[1])}
"""
_NAME_OF_COUNT = hashlib.sha1(_COUNT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` requests in `seconds`, counted under `bucket`."""

    bucket: str
    limit: int
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one request: how many are left, and seconds until the window ends."""

    limit: int
    remaining: int
    reset_s: int
    allowed: bool


class Quotas:
    """Counts requests. Bound to the event loop of its line.

    Without Redis each process counts for itself: the limit then holds per process, and says so in the log.
    """

    def __init__(self, line: RedisLine, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._line = line
        self._clock = clock
        self._local = LocalCounts()
        self._asked_again_at = 0.0
        self.troubles = OncePerKind(logger)

    async def take(self, rule: Rule, who: str) -> Verdict:
        """Count one request of `who` (`user:7`, `address:192.0.2.1`) and judge it."""
        count, left_ms = await self._count(rule, f"{rule.bucket}:{who}")
        reset = max(1, -(-left_ms // 1000))
        return Verdict(rule.limit, max(0, rule.limit - count), reset, count <= rule.limit)

    async def _count(self, rule: Rule, key: str) -> tuple[int, int]:
        now = self._clock()
        if now >= self._asked_again_at:
            try:
                return await self._count_for_all(_PREFIX + key, rule.seconds * 1000)
            except (redis.RedisError, OSError) as error:
                self._asked_again_at = self._clock() + PAUSE_S
                self.troubles.add("quotas are counted without Redis", error=str(error))
        return self._local.count(key, rule.seconds, now)

    async def _count_for_all(self, key: str, window_ms: int) -> tuple[int, int]:
        try:
            count, left_ms = await self._line.call("EVALSHA", _NAME_OF_COUNT, 1, key, window_ms)
        except redis.ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):  # a Redis that was started anew knows no script
                raise
            count, left_ms = await self._line.call("EVAL", _COUNT, 1, key, window_ms)
        return int(count), int(left_ms)


class LocalCounts:
    """Counts of one process, at most `MOST`: who comes beyond shares one count with all who do."""

    MOST = 50_000
    _OTHERS = "others"

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}
        self._cleared_until = 0.0

    def count(self, key: str, seconds: int, now: float) -> tuple[int, int]:
        """Count one; return the count and the milliseconds until the window ends."""
        ends = (now // seconds + 1) * seconds
        if key not in self._counts and len(self._counts) >= self.MOST:
            self._clear(ends, now)
            if len(self._counts) >= self.MOST:
                key = self._OTHERS
        held_ends, count = self._counts.get(key, (ends, 0))
        count = count + 1 if held_ends == ends else 1
        self._counts[key] = (ends, count)
        return count, int((ends - now) * 1000)

    def _clear(self, ends: float, now: float) -> None:
        """Drop what was counted in ended windows; once a window, since it looks at all of them."""
        if now >= self._cleared_until:
            self._cleared_until = ends
            self._counts = {name: held for name, held in self._counts.items() if held[0] > now}
