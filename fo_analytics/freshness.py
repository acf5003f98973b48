"""Which version of the market an answer is made of: what cached answers are keyed by.

Live answers: the position of the underlying's topic, which moves with every publication of any of its chains. Stored
ones: a counter per underlying and day, counted up after every commit that touches its rows. And both: a counter of
whatever may concern any answer: a changed master or session table, an ingest that begins (one that died may not have
counted its last commit).
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """The counters of an underlying's days, and that of everything, as they stood when an answer was begun."""

    underlying: str
    everything: int
    by_day: Mapping[date, int]

    def version(self, first: date, last: date) -> str:
        """Return the version of the rows of some days, both included. Raises KeyError for days not counted."""
        return "-".join(str(count) for count in (self.everything, *(self.by_day[day] for day in _days(first, last))))


def stored_counts(client: redis.Redis, underlying: str, first: date, last: date) -> StoredCounts:
    """Return the counters of some days, both included. Raises redis.RedisError."""
    days = _days(first, last)
    with client.pipeline(transaction=False) as pipe:
        pipe.get(EVERYTHING)
        pipe.hmget(_versions(underlying), [day.isoformat() for day in days])
        everything, counts = pipe.execute()
    by_day = {day: int(count or 0) for day, count in zip(days, counts, strict=True)}
    return StoredCounts(underlying, int(everything or 0), by_day)


def stored_version(client: redis.Redis, underlying: str, first: date, last: date) -> str:
    """Return the version of the rows of some days, both included. Raises redis.RedisError.

    Within `known` Redis is not asked again for what was asked when the answer was begun.
    """
    counts = _known.get()
    if counts is None or counts.underlying != underlying or not counts.by_day.keys() >= {first, last}:
        counts = stored_counts(client, underlying, first, last)
    return counts.version(first, last)


@contextmanager
def known(counts: StoredCounts) -> Iterator[None]:
    """Let an answer be made of what `counts` say."""
    before = _known.set(counts)
    try:
        yield
    finally:
        _known.reset(before)


_known: ContextVar[StoredCounts | None] = ContextVar("known", default=None)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
