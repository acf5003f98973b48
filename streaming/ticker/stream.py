"""The stream that hands ticks over: one per shard, read by one consumer group.

A batch is acknowledged after its effects are kept, and then deleted. The stream is a hand-over and not an
archive, and this way its length *is* the backlog on any Redis from 5 on (XINFO's lag needs 7).
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast
from zlib import crc32

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streaming.ticker import codec

FIELD = b"b"
REPAIR = b"r"
GROUP = "ingest"
_NEW = b">"
_FIRST = b"0"
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


@dataclass(frozen=True, slots=True)
class TickEntry:
    """A batch as received; `streaming.ticker.codec.decode` makes columns of `payload`.

    `repairs`: it fills a hole of the past and says nothing of what is live.
    """

    id: bytes
    payload: bytes
    repairs: bool = False


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


class TickReader:
    """Reads a shard's stream as one member of the consumer group.

    Give it a client of its own: it switches the client's silent retries off, because a repeated XREADGROUP
    would skip the batches whose first answer was lost. `consumer` must be the same after a restart: that is
    how batches that were read but not acknowledged come back, before any new one. They may come twice, so
    what they cause must be idempotent.
    """

    def __init__(self, client: redis.Redis, *, shard: int = 0, consumer: str = "ingest") -> None:
        client.set_retry(Retry(NoBackoff(), 0))
        self._client = client
        self._key = stream_key(shard)
        self._consumer = consumer
        self._cursor = _FIRST
        self.lost = 0

    @property
    def catching_up(self) -> bool:
        """Return whether batches of before the last rewind may still come."""
        return self._cursor != _NEW

    def rewind(self) -> None:
        """Begin again with what is not acknowledged: after an error, nobody knows what became of it."""
        self._cursor = _FIRST

    def take_over(self) -> None:
        """Make the pending batches of every other member ours; call it where no other member is alive.

        Raises redis.RedisError.
        """
        self.ensure_group()
        cursor: Any = b"0-0"
        while True:
            cursor = self._client.xautoclaim(self._key, GROUP, self._consumer, 0, cursor, count=100)[0]
            if cursor == b"0-0":
                break
        self.rewind()

    def ensure_group(self) -> None:
        """Create the group at the stream's beginning; nothing happens where it exists."""
        try:
            self._client.xgroup_create(self._key, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, *, count: int = 64, block_ms: int = 1_000) -> list[TickEntry]:
        """Return the next batches, at most `count`; empty where none came within `block_ms`.

        Makes the group where it is missing, also after a Redis that lost its data. Raises redis.RedisError; a
        later call goes on from what is not acknowledged.
        """
        try:
            entries = self._read_pending(count) if self._cursor != _NEW else []
            return entries or self._read_after(_NEW, count, block_ms)
        except redis.ResponseError as error:
            _raise_unless_no_group(error)
            self.ensure_group()
            return []
        except (redis.ConnectionError, redis.TimeoutError):
            self._cursor = _FIRST
            raise

    def ack(self, entries: Iterable[TickEntry]) -> None:
        """Acknowledge and delete batches. Raises redis.RedisError; those not acknowledged are read again."""
        self._ack([entry.id for entry in entries])

    def pending(self) -> int:
        """Return how many batches were read and not acknowledged."""
        return self._counts()[1]

    def lag(self) -> int:
        """Return how many batches nobody has read yet."""
        length, pending = self._counts()
        return max(0, length - pending)

    def _read_pending(self, count: int) -> list[TickEntry]:
        """Return the next of our own unacknowledged batches; let go of those trimmed away meanwhile."""
        while entries := self._read_after(self._cursor, count, None):
            self._cursor = entries[-1].id
            gone = [entry.id for entry in entries if not entry.payload]
            if gone:
                self.lost += len(gone)
                self._ack(gone)
            if kept := [entry for entry in entries if entry.payload]:
                return kept
        self._cursor = _NEW
        return []

    def _read_after(self, cursor: bytes, count: int, block_ms: int | None) -> list[TickEntry]:
        """An entry without our field has an empty payload, which the codec refuses."""
        streams: dict[Any, Any] = {self._key: cursor}
        reply = self._client.xreadgroup(GROUP, self._consumer, streams, count=count, block=block_ms)
        found = cast("list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes] | None]]]]", reply)
        return [_entry(id_, fields or {}) for _, batch in found for id_, fields in batch]

    def _ack(self, ids: list[bytes]) -> None:
        if not ids:
            return
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.xack(self._key, GROUP, *ids)
                pipe.xdel(self._key, *ids)
                pipe.execute()
        except (redis.ConnectionError, redis.TimeoutError):
            self._cursor = _FIRST
            raise

    def _counts(self) -> tuple[int, int]:
        """Return the stream's length and the group's pending count of one instant."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xlen(self._key)
            pipe.xpending(self._key, GROUP)
            length, summary = pipe.execute(raise_on_error=False)
        if isinstance(summary, redis.ResponseError):
            _raise_unless_no_group(summary)
            return int(length), 0
        return int(length), int(summary["pending"])


def _entry(id_: bytes, fields: dict[bytes, bytes]) -> TickEntry:
    return TickEntry(id_, fields.get(FIELD, b""), repairs=REPAIR in fields)


def _raise_unless_no_group(error: redis.ResponseError) -> None:
    """Let pass that the group is missing: the reader was never started, or Redis lost its data."""
    if not str(error).startswith("NOGROUP"):
        raise error
