"""The stream on which order updates come in, from the ticker service and from postbacks alike."""

from dataclasses import dataclass

import msgspec
import redis

from accounts.domain.orders import InvalidUpdate, OrderUpdate, read_update
from streaming.group import FIELD, Entry, GroupReader
from tradingviz.core.errors import NotAvailable

KEY = "orders:updates"
GROUP = "orders"
# So many updates may wait to be stored. What is stored leaves the stream, so beyond it nobody has followed for long.
MOST_WAITING = 10_000
# The sign of life of who follows the stream.
FOLLOWED_KEY, FOLLOWED_KEEP_SECONDS = "orders:follower", 3_600
LONGEST_CODE, LARGEST_KEY = 64, 2**53
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Addressed:
    """An update and whose it is: `account` is a feed code (a text) or the primary key of an account."""

    account: str | int
    update: OrderUpdate


class OrderReader(GroupReader[Entry]):
    """Reads the stream; `read_entry` makes an update of an entry."""

    def __init__(self, client: redis.Redis, *, consumer: str = "follower") -> None:
        super().__init__(client, key=KEY, group=GROUP, consumer=consumer, kind=Entry)


def hand_over(client: redis.Redis, *, account_id: int, update: OrderUpdate) -> None:
    """Put an update of an account of ours on the stream.

    Raises redis.RedisError, and NotAvailable where so many wait already: whoever tells us has to tell it again, where
    an older one would be lost.
    """
    if client.xlen(KEY) >= MOST_WAITING:
        raise NotAvailable("order updates are not being stored: tell it again later")
    known = {"account_id": account_id, **msgspec.to_builtins(update, builtin_types=())}
    client.xadd(KEY, {FIELD: _encode(known)})


def note_followed(client: redis.Redis, *, now_ms: int) -> None:
    """Say that the stream is followed at this moment (ms UTC). Raises redis.RedisError."""
    client.set(FOLLOWED_KEY, now_ms, ex=FOLLOWED_KEEP_SECONDS)


def followed_at(client: redis.Redis) -> int | None:
    """Return when the stream was last followed (ms UTC), None where not within the hour. Raises redis.RedisError."""
    found = client.get(FOLLOWED_KEY)
    return int(found) if isinstance(found, bytes) else None


def read_entry(entry: Entry) -> Addressed:
    """Return what an entry says. Raises InvalidUpdate."""
    try:
        raw = msgspec.msgpack.decode(entry.payload)
    except msgspec.DecodeError as error:
        raise InvalidUpdate("not MessagePack") from error
    if not isinstance(raw, dict):
        raise InvalidUpdate("not a map")
    account = raw.get("account_id", raw.get("account"))
    if isinstance(account, str) and 0 < len(account) <= LONGEST_CODE and account.isprintable():
        return Addressed(account, read_update(raw))
    if type(account) is int and 0 < account <= LARGEST_KEY:
        return Addressed(account, read_update(raw))
    raise InvalidUpdate("it names no account", "account")
