"""The stream that hands ticks over: one per shard, read by one consumer group."""

import time
from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

import redis

from streaming.group import FIELD, Entry, GroupReader
from streaming.ticker import codec

__all__ = ["FIELD", "GROUP", "NobodyReads", "TickEntry", "TickProducer", "TickReader", "TickStreams", "shard_of"]

REPAIR = b"r"
GROUP = "ingest"
_PAUSE_SECONDS = 0.02


class NobodyReads(TimeoutError):
    """The backlog of a shard is full and has not shrunk for as long as the producer is willing to wait."""


def stream_key(shard: int) -> str:
    """Return the name of a shard's stream."""
    return f"ticks:{shard}"


def shard_of(underlying: str, *, shards: int) -> int:
    """Return the shard that carries an underlying's ticks and those of all its contracts, 0..shards-1.

    Every producer has to use it: an underlying whose ticks are on two streams has two halves of the truth.
    """
    return crc32(underlying.encode()) % shards


class TickEntry(Entry):
    """A batch as received; `streaming.ticker.codec.decode` makes columns of its `payload`."""

    __slots__ = ()

    @property
    def repairs(self) -> bool:
        """Return whether it fills a hole of the past and says nothing of what is live."""
        return REPAIR in self.fields


class TickProducer:
    """Puts batches on a shard's stream; waits for a slow reader instead of letting Redis drop unread ones."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        shard: int = 0,
        keep: int = 10_000,
        max_backlog: int = 1_000,
        patience: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`keep` (MAXLEN ~) and `max_backlog` (when to wait) are in batches, `patience` is in seconds."""
        self._client = client
        self._key = stream_key(shard)
        self._keep = keep
        self._max_backlog = max_backlog
        self._patience = patience
        self._sleep = sleep
        self._room = 0

    def send(self, rows: Iterable[codec.TickRow], *, repairs: bool = False) -> None:
        """Add one batch; blocks while the backlog is full, raises NobodyReads when that does not change.

        `repairs`: it fills a hole of the past and says nothing of what is live.
        """
        if self._room <= 0:
            self._room = self._wait_below(self._max_backlog)
        fields: dict[Any, Any] = {FIELD: codec.encode(rows)} | ({REPAIR: b"1"} if repairs else {})
        self._client.xadd(self._key, fields, maxlen=self._keep, approximate=True)
        self._room -= 1

    def backlog(self) -> int:
        """Return how many batches are not acknowledged yet."""
        return self._client.xlen(self._key)

    def wait_until_taken(self) -> None:
        """Return when everything on the stream is acknowledged; raises NobodyReads where it stands still."""
        self._wait_below(1)

    def _wait_below(self, limit: int) -> int:
        """Wait for a backlog smaller than `limit`; return by how much it is smaller."""
        least, waited = self.backlog(), 0.0
        backlog = least
        while backlog >= limit:
            if waited >= self._patience:
                raise NobodyReads(f"{backlog} batches wait on {self._key} and none was taken for {waited:.0f} s")
            self._sleep(_PAUSE_SECONDS)
            waited += _PAUSE_SECONDS
            backlog = self.backlog()
            if backlog < least:
                least, waited = backlog, 0.0
        return limit - backlog


class TickStreams:
    """The streams of all shards: the ticks of an underlying go to its own."""

    def __init__(self, client: redis.Redis, *, shards: int, **limits: Any) -> None:
        """`limits` are TickProducer's."""
        self._shards = shards
        self._producers = [TickProducer(client, shard=shard, **limits) for shard in range(shards)]

    def send(self, rows: Iterable[tuple[str, codec.TickRow]]) -> None:
        """Add ticks, each with its underlying, as one batch per shard. Raises NobodyReads."""
        batches: dict[int, list[codec.TickRow]] = {}
        for underlying, row in rows:
            batches.setdefault(shard_of(underlying, shards=self._shards), []).append(row)
        for shard, batch in batches.items():
            self._producers[shard].send(batch)

    def wait_until_taken(self) -> None:
        """Return when everything on every stream is acknowledged; raises NobodyReads where one stands still."""
        for producer in self._producers:
            producer.wait_until_taken()


class TickReader(GroupReader[TickEntry]):
    """Reads a shard's stream."""

    def __init__(self, client: redis.Redis, *, shard: int = 0, consumer: str = "ingest") -> None:
        super().__init__(client, key=stream_key(shard), group=GROUP, consumer=consumer, kind=TickEntry)
