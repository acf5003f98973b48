"""A Redis stream that is read by a consumer group: handed over, acknowledged, deleted.

An entry is acknowledged after its effects are kept, and then deleted. The stream is a hand-over and not an archive, and
this way its length *is* the backlog on any Redis from 5 on (XINFO's lag needs 7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

FIELD = b"b"
_NEW = b">"
_FIRST = b"0"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as received: `payload` is its field `b`, empty where it has none; `fields` are all it has."""

    id: bytes
    payload: bytes
    fields: Mapping[bytes, bytes]


E = TypeVar("E", bound=Entry)


class GroupReader(Generic[E]):
    """Reads a stream as one member of a consumer group.

    Give it a client of its own: it switches the client's silent retries off, because a repeated XREADGROUP
    would skip the entries whose first answer was lost. `consumer` must be the same after a restart: that is
    how entries that were read but not acknowledged come back, before any new one. They may come twice, so
    what they cause must be idempotent.
    """

    def __init__(self, client: redis.Redis, *, key: str, group: str, consumer: str, kind: type[E]) -> None:
        """`kind` is what entries are made to."""
        client.set_retry(Retry(NoBackoff(), 0))
        self._client = client
        self._key = key
        self._group = group
        self._kind = kind
        self._consumer = consumer
        self._cursor = _FIRST
        self.lost = 0

    @property
    def catching_up(self) -> bool:
        """Return whether entries of before the last rewind may still come."""
        return self._cursor != _NEW

    def rewind(self) -> None:
        """Begin again with what is not acknowledged: after an error, nobody knows what became of it."""
        self._cursor = _FIRST

    def take_over(self) -> None:
        """Make the pending entries of every other member ours; call it where no other member is alive.

        Raises redis.RedisError.
        """
        self.ensure_group()
        cursor: Any = b"0-0"
        while True:
            cursor = self._client.xautoclaim(self._key, self._group, self._consumer, 0, cursor, count=100)[0]
            if cursor == b"0-0":
                break
        self.rewind()

    def ensure_group(self) -> None:
        """Create the group at the stream's beginning; nothing happens where it exists."""
        try:
            self._client.xgroup_create(self._key, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, *, count: int = 64, block_ms: int = 1_000) -> list[E]:
        """Return the next entries, at most `count`; empty where none came within `block_ms`.

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

    def ack(self, entries: Iterable[E]) -> None:
        """Acknowledge and delete entries. Raises redis.RedisError; those not acknowledged are read again."""
        self._ack([entry.id for entry in entries])

    def pending(self) -> int:
        """Return how many entries were read and not acknowledged."""
        return self._counts()[1]

    def lag(self) -> int:
        """Return how many entries nobody has read yet."""
        length, pending = self._counts()
        return max(0, length - pending)

    def _read_pending(self, count: int) -> list[E]:
        """Return the next of our own unacknowledged entries; let go of those trimmed away meanwhile."""
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

    def _read_after(self, cursor: bytes, count: int, block_ms: int | None) -> list[E]:
        """An entry without our field has an empty payload, which no decoder takes."""
        streams: dict[Any, Any] = {self._key: cursor}
        reply = self._client.xreadgroup(self._group, self._consumer, streams, count=count, block=block_ms)
        found = cast("list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes] | None]]]]", reply)
        return [self._entry(id_, fields or {}) for _, batch in found for id_, fields in batch]

    def _entry(self, id_: bytes, fields: dict[bytes, bytes]) -> E:
        return self._kind(id_, fields.get(FIELD, b""), fields)

    def _ack(self, ids: list[bytes]) -> None:
        if not ids:
            return
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.xack(self._key, self._group, *ids)
                pipe.xdel(self._key, *ids)
                pipe.execute()
        except (redis.ConnectionError, redis.TimeoutError):
            self._cursor = _FIRST
            raise

    def _counts(self) -> tuple[int, int]:
        """Return the stream's length and the group's pending count of one instant."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xlen(self._key)
            pipe.xpending(self._key, self._group)
            length, summary = pipe.execute(raise_on_error=False)
        if isinstance(summary, redis.ResponseError):
            _raise_unless_no_group(summary)
            return int(length), 0
        return int(length), int(summary["pending"])


def _raise_unless_no_group(error: redis.ResponseError) -> None:
    """Let pass that the group is missing: the reader was never started, or Redis lost its data."""
    if not str(error).startswith("NOGROUP"):
        raise error
