"""What an ingest process says of itself, once a second, in Redis."""

import msgspec
import redis

KEEP_SECONDS = 3600
FRESH_MS = 5_000


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life; counts are since the process's start, `ts_event` is the newest tick's stamp (ms)."""

    shard: int
    pid: int
    ts: int
    ts_event: int
    ticks: int
    bars: int
    published: int
    dropped: dict[str, int]


def _key(shard: int) -> str:
    return f"ingest:{shard}"


def write_heartbeat(client: redis.Redis, beat: Heartbeat) -> None:
    """Store the heartbeat. Raises redis.RedisError."""
    client.set(_key(beat.shard), msgspec.msgpack.encode(beat), ex=KEEP_SECONDS)


def read_heartbeat(client: redis.Redis, *, shard: int) -> Heartbeat | None:
    """Return a shard's last heartbeat, None where there was none within the hour. Raises redis.RedisError."""
    raw = client.get(_key(shard))
    return msgspec.msgpack.decode(raw, type=Heartbeat) if isinstance(raw, bytes) else None


def end_heartbeat(client: redis.Redis, *, shard: int) -> None:
    """Say that a shard's ingest has ended in order. Raises redis.RedisError."""
    client.delete(_key(shard))
