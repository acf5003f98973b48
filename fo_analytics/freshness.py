"""Which version of the market an answer is made of: what cached answers are keyed by.

Live answers: the position of the underlying's topic, which moves with every publication of any of its chains. Stored
ones: a counter per underlying and day, counted up after every commit that touches its rows. And both: a counter of
whatever may concern any answer: a changed master or session table, an ingest that begins (one that died may not have
counted its last commit).
"""

import logging
from collections.abc import Iterable, Iterator
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
    """The counters of an underlying's days from `first` on, and that of everything, as they stood at one instant."""

    underlying: str
    first: date
    everything: int
    days: tuple[int, ...]

    def version(self, first: date, last: date) -> str | None:
        """Return the version of the rows of some days, both included; None where not all of them are counted."""
        begin, end = (first - self.first).days, (last - self.first).days + 1
        if begin < 0 or end > len(self.days):
            return None
        return "-".join(map(str, (self.everything, *self.days[begin:end])))


def stored_counts(client: redis.Redis, underlying: str, first: date, last: date) -> StoredCounts:
    """Return the counters of some days, both included. Raises redis.RedisError."""
    days = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
    with client.pipeline(transaction=False) as pipe:
        pipe.get(EVERYTHING)
        pipe.hmget(_versions(underlying), days)
        everything, counts = pipe.execute()
    return StoredCounts(underlying, first, int(everything or 0), tuple(int(count or 0) for count in counts))


def counts_of(client: redis.Redis, underlying: str, first: date, last: date) -> StoredCounts:
    """Return counters that cover some days, both included. Raises redis.RedisError.

    Within `known` Redis is not asked again for what was asked when the answer was begun.
    """
    counts = _known.get()
    if counts is not None and counts.underlying == underlying and counts.version(first, last) is not None:
        return counts
    return stored_counts(client, underlying, first, last)


@contextmanager
def known(counts: StoredCounts) -> Iterator[None]:
    """Let an answer be made of what `counts` say."""
    before = _known.set(counts)
    try:
        yield
    finally:
        _known.reset(before)


_known: ContextVar[StoredCounts | None] = ContextVar("known", default=None)
