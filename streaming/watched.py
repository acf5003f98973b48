"""Which topics somebody watches: for publishers of topics so many that nobody should make them all."""

import redis
import redis.asyncio

WATCHED = "watched"
# A hub says so every other second; one that died is believed for this long.
BELIEVED_MS = 10_000


async def announce(client: redis.asyncio.Redis, topics: set[str], *, now_ms: int) -> None:
    """Say that topics are watched. Raises redis.RedisError."""
    await client.zadd(WATCHED, dict.fromkeys(topics, now_ms))


def watched(client: redis.Redis, *, prefix: str, now_ms: int) -> list[str]:
    """Return the watched topics that begin with a prefix; forget those nobody watches any more.

    Raises redis.RedisError.
    """
    with client.pipeline(transaction=False) as pipe:
        pipe.zremrangebyscore(WATCHED, "-inf", now_ms - BELIEVED_MS)
        pipe.zrange(WATCHED, 0, -1)
        _, names = pipe.execute()
    return [topic for name in names if (topic := name.decode()).startswith(prefix)]
