"""Which version of the market an answer is made of: what tells whether a kept answer still holds.

Live answers: a counter that goes up with every publication of anything of the underlying, the position of its topic, by
which a Redis that lost the counter is told apart, and a counter of the commits that touch its rows, since what is live
is compared with what is stored. Stored ones: such a counter per underlying and day. And both: a counter of whatever may
concern any answer: a changed master or session table, an ingest that begins (one that died may not have counted its
last commit).
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import redis
from redis.client import Pipeline

from fo_analytics.topics import live_counter, underlying_topic
from streaming.state import position_key
from tradingviz.core.cache import forget_all

logger = logging.getLogger(__name__)

EVERYTHING = "stored:everything"


def _versions(underlying: str) -> str:
    return f"stored:{underlying}"


def _commits(underlying: str) -> str:
    return f"stored:{underlying}:commits"


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
            pipe.incr(_commits(underlying))
        pipe.execute()


class _Known:
    """The count of everything that this process's remembered reference data goes with."""

    everything: int | None = None


def _learn(everything: int) -> None:
    """Forget what was remembered under another count: answers of this one are made of what holds now."""
    if _Known.everything != everything:
        forget_all()
    _Known.everything = everything


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """The version of what is live of an underlying; there is none where nothing is."""

    underlying: str

    def ask(self, pipe: Pipeline) -> None:
        """Put what it takes to know it into a pipeline."""
        own = position_key(underlying_topic(self.underlying)), live_counter(self.underlying), _commits(self.underlying)
        pipe.mget([*own, EVERYTHING])

    def told(self, answers: Sequence[Any]) -> str | None:
        """Return it by what the pipeline answered."""
        ((position, *counts),) = answers
        counted = [int(count or 0) for count in counts]
        _learn(counted[-1])
        return "-".join([position.decode(), *map(str, counted)]) if isinstance(position, bytes) else None


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


@dataclass(slots=True)
class StoredVersion:
    """The version of an underlying's rows of some days, both included; `counts` once it was told."""

    underlying: str
    first: date
    last: date
    counts: StoredCounts | None = None

    def ask(self, pipe: Pipeline) -> None:
        """Put what it takes to know it into a pipeline."""
        days = range((self.last - self.first).days + 1)
        pipe.get(EVERYTHING)
        pipe.hmget(_versions(self.underlying), [(self.first + timedelta(days=day)).isoformat() for day in days])

    def told(self, answers: Sequence[Any]) -> str | None:
        """Return it by what the pipeline answered."""
        everything, counts = answers
        counted = tuple(int(count or 0) for count in counts)
        _learn(int(everything or 0))
        self.counts = StoredCounts(self.underlying, self.first, int(everything or 0), counted)
        return self.counts.version(self.first, self.last)


def stored_counts(client: redis.Redis, underlying: str, first: date, last: date) -> StoredCounts:
    """Return the counters of some days, both included. Raises redis.RedisError."""
    version = StoredVersion(underlying, first, last)
    with client.pipeline(transaction=False) as pipe:
        version.ask(pipe)
        version.told(pipe.execute())
    assert version.counts is not None
    return version.counts


def counts_of(client: redis.Redis, underlying: str, first: date, last: date) -> StoredCounts:
    """Return counters that cover some days, both included. Raises redis.RedisError.

    Within `known` Redis is not asked again for what was asked when the answer was begun, nor where it did not answer.
    """
    begun = _begun.get()
    if begun == (None,):
        raise redis.ConnectionError("Redis did not answer when the answer was begun")
    if begun and begun[0] and begun[0].underlying == underlying and begun[0].version(first, last) is not None:
        return begun[0]
    return stored_counts(client, underlying, first, last)


@contextmanager
def known(counts: StoredCounts | None) -> Iterator[None]:
    """Let an answer be made of what `counts` say; None: Redis did not answer."""
    before = _begun.set((counts,))
    try:
        yield
    finally:
        _begun.reset(before)


_begun: ContextVar[tuple[StoredCounts | None] | None] = ContextVar("begun", default=None)
