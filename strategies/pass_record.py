"""What the passes that mark strategies to market say of themselves, in Redis: for /metrics."""

import redis

from fo_analytics.marks_keys import DUE
from strategies.services.recalculation import Pass

_KEY = "m2m:pass"
COUNTS = ("passes", "candles")


def note_pass(client: redis.Redis, done: Pass, *, seconds: float, now_ms: int) -> None:
    """Note a pass that had something to do. Raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipe:
        pipe.hincrby(_KEY, "passes", 1)
        pipe.hincrby(_KEY, "candles", done.candles)
        pipe.hset(_KEY, mapping={"ts": now_ms, "seconds": seconds, "strategies": done.strategies})
        pipe.execute()


def read_passes(client: redis.Redis) -> dict[str, float]:
    """Return `passes` and `candles` so far, and of the last pass `ts` (ms UTC), `seconds` and `strategies`.

    `due` is how many minutes wait for one. Of passes nothing where there was none. Raises redis.RedisError.
    """
    with client.pipeline(transaction=False) as pipe:
        pipe.hgetall(_KEY)
        pipe.zcard(DUE)
        noted, due = pipe.execute()
    return {name.decode(): float(value) for name, value in noted.items()} | {"due": float(due)}
