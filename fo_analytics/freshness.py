"""Which version of the market an answer is made of: what cached answers are keyed by.

Live answers: the position of the underlying's topic, which moves with every publication of any of its chains. Stored
ones: a counter per underlying and day, counted up after every commit that touches its rows, and one that is counted up
whenever an ingest begins, as one that died may not have counted its last commit.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import redis

from fo_analytics.topics import underlying_topic
from streaming.state import position_key

BEGINNINGS = "stored:beginnings"


def _versions(underlying: str) -> str:
    return f"stored:{underlying}"


def note_beginning(client: redis.Redis) -> None:
    """Say that an ingest begins: whatever is known of stored days may be outdated. Raises redis.RedisError."""
    client.incr(BEGINNINGS)


def note_stored(client: redis.Redis, touched: Iterable[tuple[str, date]]) -> None:
    """Say that rows of underlyings and days were committed. Raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipe:
        for underlying, day in touched:
            pipe.hincrby(_versions(underlying), day.isoformat(), 1)
        pipe.execute()


def live_version(client: redis.Redis, underlying: str) -> str | None:
    """Return the version of what is live, None where nothing is. Raises redis.RedisError."""
    position = client.get(position_key(underlying_topic(underlying)))
    return position.decode() if isinstance(position, bytes) else None


def stored_version(client: redis.Redis, underlying: str, first: date, last: date) -> str:
    """Return the version of the rows of some days, both included. Raises redis.RedisError."""
    days = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
    with client.pipeline(transaction=False) as pipe:
        pipe.get(BEGINNINGS)
        pipe.hmget(_versions(underlying), days)
        beginning, counts = pipe.execute()
    return "-".join(str(int(count or 0)) for count in (beginning, *counts))
