"""Which version of the market an answer is made of: what cached answers are keyed by.

Live answers: the position of the underlying's topic, which moves with every publication of any of its chains. Stored
ones: a counter per underlying and day, counted up after every commit that touches its rows. And both: a counter of
whatever may concern any answer: a changed master or session table, an ingest that begins (one that died may not have
counted its last commit).
"""

import logging
from collections.abc import Iterable
from datetime import date, timedelta

import redis

from fo_analytics.topics import underlying_topic
from streaming.state import position_key

logger = logging.getLogger(__name__)

EVERYTHING = "stored:everything"


def _versions(underlying: str) -> str:
    return f"stored:{underlying}"


def note_everything(client: redis.Redis) -> None:
    """Say that any answer may be outdated; where Redis is away, nothing is kept there."""
    try:
        client.incr(EVERYTHING)
    except redis.RedisError as error:
        logger.warning("cached answers were not told of a change: %s", error)


def note_stored(client: redis.Redis, touched: Iterable[tuple[str, date]]) -> None:
    """Say that rows of underlyings and days were committed. Raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipe:
        for underlying, day in touched:
            pipe.hincrby(_versions(underlying), day.isoformat(), 1)
        pipe.execute()


def live_version(client: redis.Redis, underlying: str) -> str | None:
    """Return the version of what is live, None where nothing is. Raises redis.RedisError."""
    position, everything = client.mget([position_key(underlying_topic(underlying)), EVERYTHING])
    return f"{position.decode()}-{int(everything or 0)}" if isinstance(position, bytes) else None


def stored_version(client: redis.Redis, underlying: str, first: date, last: date) -> str:
    """Return the version of the rows of some days, both included. Raises redis.RedisError."""
    days = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
    with client.pipeline(transaction=False) as pipe:
        pipe.get(EVERYTHING)
        pipe.hmget(_versions(underlying), days)
        everything, counts = pipe.execute()
    return "-".join(str(int(count or 0)) for count in (everything, *counts))
