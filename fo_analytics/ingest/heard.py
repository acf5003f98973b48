"""When a shard's ingest heard what: told once a second, and kept beyond its end, for the next one and whoever asks."""

import msgspec
import redis

# Longer than any holidays.
KEEP_SECONDS = 14 * 86_400
# A tick that is taken in so long after its stamp says what the market was: it came late, time went back, or it is
# of a recording.
LATE_MS = 5_000

Times = dict[str, int]


class Heard(msgspec.Struct, kw_only=True):
    """Live ticks, by exchange and by underlying: when the last one was taken in (ms, wall clock).

    `stamps` are the newest ones that ticks of an underlying carried (ms): what is known is as new as that.
    """

    exchanges: Times = {}
    underlyings: Times = {}
    stamps: Times = {}

    def note(self, *, exchange: str, underlying: str, now: int, stamp: int) -> None:
        """Note a tick that was taken in now."""
        self.exchanges[exchange] = self.underlyings[underlying] = now
        self.stamps[underlying] = max(stamp, self.stamps.get(underlying, 0))

    def is_late(self, underlying: str) -> bool:
        """Return whether the last tick of an underlying was late, and with it all before; what never ticked is."""
        return self.underlyings.get(underlying, 0) - self.stamps.get(underlying, -LATE_MS - 1) > LATE_MS

    def remember(self, other: "Heard") -> None:
        """Know, too, what another one heard."""
        for mine, theirs in (
            (self.exchanges, other.exchanges),
            (self.underlyings, other.underlyings),
            (self.stamps, other.stamps),
        ):
            mine.update({name: max(at, mine.get(name, 0)) for name, at in theirs.items()})


def _key(shard: int) -> str:
    return f"ingest:{shard}:heard"


def write_heard(client: redis.Redis, heard: Heard, *, shard: int) -> None:
    """Store what a shard's ingest heard. Raises redis.RedisError."""
    client.set(_key(shard), msgspec.msgpack.encode(heard), ex=KEEP_SECONDS)


def read_heard(client: redis.Redis, *, shard: int) -> Heard:
    """Return what a shard's ingests heard; nothing where there was none for long. Raises redis.RedisError."""
    raw = client.get(_key(shard))
    return msgspec.msgpack.decode(raw, type=Heard) if isinstance(raw, bytes) else Heard()
