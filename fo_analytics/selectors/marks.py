"""Second marks as ingest keeps them for held instruments: see fo_analytics.ingest.marks."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import redis

from fo_analytics.domain.marks import PRICE, Records, prices, unpacked
from fo_analytics.marks_keys import DUE, minute_key

__all__ = ["PRICE", "MinuteMarks", "due_marks", "minute_marks", "settle_due"]

_TAKE = """
local found = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local due = {}
for at = 1, #found, 2 do due[#due + 1] = {tonumber(found[at]), found[at], found[at + 1]} end
table.sort(due, function(a, b) return a[1] < b[1] end)
local answer = {}
for at = 1, math.min(#due, tonumber(ARGV[1])) do
  answer[at] = {due[at][2], due[at][3], redis.call('GET', ARGV[2] .. due[at][2]) or ''}
end
return answer
"""

_SETTLE = """
local settled = 0
for at = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[at]) == ARGV[at + 1] then
    settled = settled + redis.call('ZREM', KEYS[1], ARGV[at])
  end
end
return settled
"""


class MinuteMarks(NamedTuple):
    """What is known of a minute (its open, Unix seconds) as of a `change`; `records` (k,) are of dtype PRICE.

    `slot` is twice an instrument's primary key, plus 1 for its mid; `ts` milliseconds UTC; `price` points (0.00001
    rupees). One for each slot and second of the minute in which something was said, and the newest before the minute.
    """

    minute: int
    change: int
    records: Records


def due_marks(client: redis.Redis, *, limit: int) -> list[MinuteMarks]:
    """Return the earliest minutes whose marks changed since they were settled, `limit` at most; one call.

    A minute whose marks have expired has none. Raises redis.RedisError.
    """
    answer: Any = client.eval(_TAKE, 1, DUE, limit, minute_key(""))
    return [_marks(int(minute), int(change), blob) for minute, change, blob in answer]


def settle_due(client: redis.Redis, done: Iterable[tuple[int, int]]) -> int:
    """Take (minute, change) off what is due, except where marks came since; return how many went; one call.

    Raises redis.RedisError.
    """
    flat = [number for pair in done for number in pair]
    settled: Any = client.eval(_SETTLE, 1, DUE, *flat) if flat else 0
    return int(settled)


def minute_marks(client: redis.Redis, minutes: Iterable[int]) -> list[MinuteMarks]:
    """Return minutes (their opens, Unix seconds) to be computed again, due or not; `change` is 0. One call.

    Of what has expired there are no records. Raises redis.RedisError.
    """
    wanted = list(minutes)
    blobs: Any = client.mget([minute_key(minute) for minute in wanted]) if wanted else []
    return [_marks(minute, 0, blob or b"") for minute, blob in zip(wanted, blobs, strict=True)]


def _marks(minute: int, change: int, blob: bytes) -> MinuteMarks:
    return MinuteMarks(minute, change, prices(unpacked(blob, minute=minute), since=minute))
